"""Pictures meet by their stamps; long work takes the newest and lets the rest go."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
from processes import PATIENCE_S
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from fastreasonseg_ros.ros.executors import NewestWorker
from fastreasonseg_ros.ros.images import time_from_s
from fastreasonseg_ros.ros.rgbd_synchronizer import ApproximateTimeSynchronizer


class Input:
    """As much of a subscriber as a synchroniser uses."""

    def registerCallback(self, callback, *args) -> None:
        self.send = lambda stamp: callback(Image(header=Header(stamp=time_from_s(stamp))), *args)


@pytest.fixture
def pair():
    inputs = Input(), Input()
    met = []
    sync = ApproximateTimeSynchronizer(list(inputs), 3, 0.02)
    sync.registerCallback(lambda a, b: met.append((stamp(a), stamp(b))))
    return SimpleNamespace(color=inputs[0], depth=inputs[1], met=met)


def stamp(msg: Image) -> float:
    return round(msg.header.stamp.sec + msg.header.stamp.nanosec * 1e-9, 3)


def test_pictures_within_the_slop_meet_in_either_order(pair) -> None:
    pair.color.send(1.0)
    pair.depth.send(1.01)
    pair.depth.send(2.0)
    pair.color.send(1.99)
    assert pair.met == [(1.0, 1.01), (1.99, 2.0)]


def test_pictures_beyond_the_slop_do_not_meet(pair) -> None:
    pair.color.send(1.0)
    pair.depth.send(1.03)
    assert pair.met == []


def test_a_picture_that_found_no_partner_does_not_block_later_ones(pair) -> None:
    pair.color.send(1.0)
    pair.color.send(1.1)
    pair.depth.send(1.1)
    assert pair.met == [(1.1, 1.1)]


def test_a_full_queue_forgets_its_oldest(pair) -> None:
    for s in (1.0, 2.0, 3.0, 4.0):
        pair.color.send(s)
    pair.depth.send(1.0)
    assert pair.met == []
    pair.depth.send(2.0)
    assert pair.met == [(2.0, 2.0)]


def test_a_worker_does_the_first_and_the_newest_and_counts_what_it_dropped() -> None:
    begun, go, done, last = threading.Event(), threading.Event(), [], threading.Event()

    def work(item: int) -> None:
        begun.set()
        go.wait(PATIENCE_S)
        done.append(item)
        if item == 5:
            last.set()

    worker = NewestWorker(work, failed=pytest.fail)
    worker.offer(1)
    assert begun.wait(PATIENCE_S)
    for item in (2, 3, 4, 5):
        worker.offer(item)
    go.set()
    assert last.wait(PATIENCE_S)
    worker.close()
    assert done == [1, 5]
    assert worker.dropped == 3


def test_a_worker_goes_on_after_an_error() -> None:
    failures, done = [], threading.Event()

    def work(item: int) -> None:
        if item == 0:
            raise ValueError("bad frame")
        done.set()

    failed = threading.Event()
    worker = NewestWorker(work, lambda e: (failures.append(e), failed.set()))
    worker.offer(0)
    assert failed.wait(PATIENCE_S)
    worker.offer(1)
    assert done.wait(PATIENCE_S)
    worker.close()
    assert [str(f) for f in failures] == ["bad frame"]
