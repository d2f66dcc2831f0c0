"""Whatever a driver sends becomes a frame or an error with a message, and the twin node goes on. `make soak` sends
thousands to nodes in processes of their own."""

from __future__ import annotations

import contextlib
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
import rclpy
from processes import NAMESPACE, PATIENCE_S, wait_for
from rclpy.exceptions import InvalidHandle
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node
from std_msgs.msg import Header

sys.path.insert(0, str(Path(__file__).parents[2]))
from fastreasonseg_ros.errors import FrameError
from fastreasonseg_ros.perception import make_perceiver
from fastreasonseg_ros.ros.conversions import frame_from_msgs
from fastreasonseg_ros.ros.images import color_from_msg, depth_from_msg, time_to_s
from fastreasonseg_ros.ros.nodes.twin_node import TwinNode
from fastreasonseg_ros.ros.rgbd_synchronizer import RgbdMessages
from fastreasonseg_ros.ros.twin_estimator import TwinEstimator
from scripts.soak.fuzz import Driver, compressed, good_shot, run_fuzz, shots

SPACE = f"{NAMESPACE}/fuzz"


def test_any_pictures_become_a_frame_or_an_error_that_says_why() -> None:
    outcomes = set()

    def shoot(draw: Any) -> None:
        shot = draw(shots())
        try:
            frame = frame_from_msgs(RgbdMessages(shot.color, shot.depth, shot.info))
        except FrameError as error:
            outcomes.add("error" if len(str(error)) > 20 else "an error without a message")
        else:
            assert frame.color.shape == (shot.color.height, shot.color.width, 3)
            outcomes.add("frame")

    run_fuzz(shoot, 60)
    assert outcomes == {"error", "frame"}


def test_any_compressed_pictures_become_an_array_or_an_error_that_says_why() -> None:
    def shoot(draw: Any) -> None:
        msg = draw(compressed())
        for read in (color_from_msg, depth_from_msg):
            with contextlib.suppress(FrameError):
                read(msg)

    run_fuzz(shoot, 60)


def test_any_pictures_leave_the_estimator_able_to_make_the_next_twin() -> None:
    estimator = TwinEstimator(make_perceiver("tabletop"))

    def shoot(draw: Any) -> None:
        shot = draw(shots(Header().stamp))
        with contextlib.suppress(FrameError):
            estimator.observe(RgbdMessages(shot.color, shot.depth, shot.info))

    run_fuzz(shoot, 25)
    header = Header(frame_id="camera")
    header.stamp.sec = 100
    good = good_shot(header)
    twin = estimator.observe(RgbdMessages(good.color, good.depth, good.info)).twin
    assert twin is not None
    assert twin.stamp_s == time_to_s(header.stamp)


@pytest.fixture(scope="module")
def twin_node():
    """The node, and beside it a user's, in one process."""
    rclpy.init(args=["--ros-args", "-r", f"__ns:={SPACE}", "-p", "depth_timeout_s:=0.2"])
    node, user = TwinNode(), Node("user")
    executor = MultiThreadedExecutor(num_threads=4)
    executor.add_node(node)
    executor.add_node(user)
    ending, escaped = threading.Event(), []

    def spin() -> None:
        while not ending.is_set():
            try:
                executor.spin_once(timeout_sec=0.1)
            except InvalidHandle:
                continue
            except Exception as error:
                escaped.append(error)

    thread = threading.Thread(target=spin, daemon=True)
    thread.start()
    node.bring_up()
    yield node, user, escaped
    node.destroy_node()
    ending.set()
    thread.join(PATIENCE_S)
    user.destroy_node()
    rclpy.shutdown()


def test_100_broken_messages_leave_the_node_up_and_its_errors_counted(twin_node) -> None:
    node, user, escaped = twin_node
    driver = Driver(user)
    wait_for(lambda: driver.ready, what="the twin node's subscriptions")
    assert driver.recovers()

    def shoot(draw: Any) -> None:
        shot = draw(shots(driver.now))
        if driver.sent < 100:
            driver.send(shot)

    while driver.sent < 100:
        run_fuzz(shoot, 50)
    assert driver.recovers()
    assert escaped == []
    assert node.phase == "active"
    values = node.meter.values()
    assert int(values["errors: bad_input"]) > 10
    assert int(values["errors"]) == int(values["errors: bad_input"]), values
