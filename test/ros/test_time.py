"""What time does to the twin: stamps are kept, late pictures are dropped, and a clock that is set back begins anew."""

from __future__ import annotations

import contextlib
import threading

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
import rclpy
from processes import NAMESPACE, PATIENCE_S, wait_for
from rclpy.exceptions import InvalidHandle
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from fastreasonseg_ros.msg import Answer, SceneGraph
from fastreasonseg_ros.perception.oracle import OracleConfig, OraclePerceiver
from fastreasonseg_ros.ros.conversions import twin_to_msg
from fastreasonseg_ros.ros.diagnostics import WARN, Health
from fastreasonseg_ros.ros.images import depth_to_msg, image_to_msg, intrinsics_to_msg, time_from_s
from fastreasonseg_ros.ros.nodes.twin_node import TwinNode
from fastreasonseg_ros.ros.qos import latched
from fastreasonseg_ros.ros.rgbd_synchronizer import RgbdMessages
from fastreasonseg_ros.ros.twin_estimator import TwinEstimator
from fastreasonseg_ros.twin.types import CameraIntrinsics, DigitalTwin, Instance

SPACE = f"{NAMESPACE}/time"
CAMERA = CameraIntrinsics(64, 48, 60.0, 60.0, 32.0, 24.0)


def taken(stamp_s: float, size: tuple[int, int] = (64, 48)) -> RgbdMessages:
    """A mug, id 1, on a table 1 m away."""
    header = Header(stamp=time_from_s(stamp_s), frame_id="camera")
    w, h = size
    ids = np.zeros((h, w), np.uint16)
    ids[10:20, 10:20] = 1
    truth = twin_to_msg(DigitalTwin((Instance(1, "mug"),), image_size=size, ids=ids), header)
    camera = CameraIntrinsics(w, h, 60.0, 60.0, w / 2, h / 2)
    color = image_to_msg(np.full((h, w, 3), 100, np.uint8), "rgb8", header)
    depth = depth_to_msg(np.ones((h, w), np.float32), header)
    return RgbdMessages(color, depth, intrinsics_to_msg(camera, header), truth)


@pytest.fixture
def estimator() -> TwinEstimator:
    return TwinEstimator(OraclePerceiver(OracleConfig()))


def first_seen(twin: DigitalTwin | None) -> float | None:
    assert twin is not None
    return twin.instances[0].first_seen_s


def test_a_picture_that_comes_late_is_dropped(estimator: TwinEstimator) -> None:
    estimator.observe(taken(10.0))
    assert estimator.observe(taken(9.9)).twin is None
    later = estimator.observe(taken(10.1))
    assert (first_seen(later.twin), set(later.latency_ms)) == (10.0, {"decoding", "perception"})


def test_stamps_from_long_before_begin_a_new_twin(estimator: TwinEstimator) -> None:
    estimator.observe(taken(10.0))
    again = estimator.observe(taken(3.0))
    assert first_seen(again.twin) == 3.0
    assert "went back by 7.0 s" in again.begun_anew


def test_a_camera_that_changes_its_size_begins_a_new_twin(estimator: TwinEstimator) -> None:
    estimator.observe(taken(10.0))
    twin = estimator.observe(taken(10.1, (32, 24))).twin
    assert twin is not None
    assert (first_seen(twin), twin.image_size, twin.sequence) == (10.1, (32, 24), 2)


class World:
    """A twin node in simulated time, and beside it a camera and a clock."""

    def __init__(self, sim_time: bool = True) -> None:
        rclpy.init(args=["--ros-args", "-r", f"__ns:={SPACE}", "-p", f"use_sim_time:={str(sim_time).lower()}", "-p",
                         "perceiver:=oracle"])  # fmt: skip
        self.twin_node, self.user = TwinNode(), Node("user")
        self.executor = MultiThreadedExecutor(num_threads=4)
        self.executor.add_node(self.twin_node)
        self.executor.add_node(self.user)
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._spin, daemon=True)
        self.thread.start()
        self.twins: list[SceneGraph] = []
        self.user.create_subscription(SceneGraph, "twin", self.twins.append, latched())
        self.clock = self.user.create_publisher(Clock, "/clock", 10)
        kinds = {"color/image_raw": Image, "depth/image_raw": Image, "color/camera_info": CameraInfo}
        kinds["truth"] = SceneGraph
        self.out = {name: self.user.create_publisher(kind, name, 10) for name, kind in kinds.items()}
        self.twin_node.bring_up()
        out = (*self.out.values(), *((self.clock,) if sim_time else ()))
        wait_for(lambda: all(p.get_subscription_count() for p in out), what="subscriptions")

    def show(self, time_s: float) -> SceneGraph:
        """The twin of a picture at that time, which the clock shows too."""
        self.set_clock(time_s)
        return self.send(time_s)

    def send(self, time_s: float, depth_m: float = 1.0, with_info: bool = True) -> SceneGraph:
        """The twin of a picture with that stamp."""
        seen = len(self.twins)
        t = taken(time_s)
        depth = depth_to_msg(np.full((48, 64), depth_m, np.float32), t.color.header)
        messages = {"color/image_raw": t.color, "depth/image_raw": depth, "truth": t.truth}
        for name, msg in (messages | ({"color/camera_info": t.info} if with_info else {})).items():
            self.out[name].publish(msg)
        wait_for(lambda: len(self.twins) > seen, what=f"a twin of {time_s} s")
        assert self.twins[-1].status == Answer.OK, self.twins[-1].message
        return self.twins[-1]

    def set_clock(self, time_s: float) -> None:
        self.clock.publish(Clock(clock=time_from_s(time_s)))
        now = self.twin_node.get_clock().now
        wait_for(lambda: now().to_msg() == time_from_s(time_s), what=f"{time_s} s on the node's clock")

    def _spin(self) -> None:
        while not self.ending.is_set():
            with contextlib.suppress(InvalidHandle):  # as the nodes' own loop does when one is deactivated
                self.executor.spin_once(timeout_sec=0.1)

    def close(self) -> None:
        self.twin_node.destroy_node()
        self.ending.set()
        self.thread.join(PATIENCE_S)
        self.user.destroy_node()
        rclpy.shutdown()


def test_a_clock_that_is_set_back_begins_a_new_twin_and_says_so() -> None:
    world = World()
    try:
        first = world.show(100.0)
        assert (first.header.stamp, first.header.frame_id) == (time_from_s(100.0), "camera")
        assert world.show(100.5).instances[0].first_seen == time_from_s(100.0)
        world.set_clock(20.0)
        wait_for(lambda: world.twin_node.meter.values().get("twin begun anew"), what="the jump to be noticed")
        again = world.show(20.0)
        assert again.instances[0].first_seen == time_from_s(20.0)
        assert again.sequence > first.sequence
        assert world.twin_node.meter.values()["twin begun anew"] == "1"
        assert world.show(20.5).instances[0].first_seen == time_from_s(20.0)
    finally:
        world.close()


def test_a_recording_that_begins_again_keeps_the_camera_model_that_came_once() -> None:
    """Without a clock: stamps go back, camera_info was latched and does not come again."""
    world = World(sim_time=False)
    try:
        world.send(100.0)
        assert world.send(100.5, with_info=False).instances[0].first_seen == time_from_s(100.0)
        again = world.send(20.0, with_info=False)
        assert again.instances[0].first_seen == time_from_s(20.0)
        assert again.instances[0].center.z == pytest.approx(1.0, abs=0.01)  # the camera model is there
        assert world.send(20.5, with_info=False).instances[0].first_seen == time_from_s(20.0)
        assert world.twin_node.meter.values()["twin begun anew"] == "1"
    finally:
        world.close()


def test_implausible_depth_is_a_warning_on_diagnostics_and_in_the_twin_and_goes_again() -> None:
    world = World(sim_time=False)

    def inputs() -> Health:
        return dict(world.twin_node.health())["inputs"]

    try:
        assert world.send(1.0, depth_m=0.1).message.startswith("depth is implausible")
        assert (inputs().level, "nearer than 0.2 m" in inputs().message) == (WARN, True)
        time_s = [2.0]

        def clean() -> bool:
            time_s[0] += 0.1
            return world.send(time_s[0]).message == ""

        wait_for(clean, what="a twin without the warning")
        assert inputs().message == "in step"
    finally:
        world.close()
