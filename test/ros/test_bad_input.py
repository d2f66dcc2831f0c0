"""Whatever a camera, a bag or a model file does: the question gets a code and a message, and the nodes stay up."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
import rclpy
from lifecycle_msgs.srv import GetState
from processes import NAMESPACE, PATIENCE_S, Nodes, wait_for
from sensor_msgs.msg import CameraInfo, Image

from fastreasonseg_ros.errors import Status
from fastreasonseg_ros.msg import Answer, SceneGraph
from fastreasonseg_ros.ros.client import ReasonSegClient
from fastreasonseg_ros.ros.images import depth_to_msg, image_to_msg, intrinsics_to_msg
from fastreasonseg_ros.ros.nodes.reasoning_node import ReasoningNode
from fastreasonseg_ros.serving.reasoner import Reasoner
from fastreasonseg_ros.twin.types import CameraIntrinsics

SPACE = f"{NAMESPACE}/bad"
COLOR = np.full((120, 160, 3), 120, np.uint8)
DEPTH = np.repeat(np.linspace(0.9, 0.7, 120, dtype=np.float32)[:, None], 160, axis=1)


class Camera:
    """Publishes what a test wants, again and again, until the twin node has said something about it."""

    def __init__(self, robot: ReasonSegClient) -> None:
        self.node = robot.node
        self.twins: list[SceneGraph] = []
        robot.on_twin(self.twins.append)
        self.color = self.node.create_publisher(Image, "color/image_raw", 10)
        self.depth = self.node.create_publisher(Image, "depth/image_raw", 10)
        self.info = self.node.create_publisher(CameraInfo, "color/camera_info", 10)
        wait_for(lambda: self.color.get_subscription_count() and self.depth.get_subscription_count(), what="twin_node")

    def show(self, color: np.ndarray = COLOR, depth: np.ndarray | None = DEPTH, encoding: str = "rgb8") -> SceneGraph:
        """What the twin node says of these pictures."""
        seen = len(self.twins)
        stamps = set()

        def publish() -> SceneGraph | None:
            header = Image().header
            header.stamp = self.node.get_clock().now().to_msg()
            header.frame_id = "camera"
            stamps.add((header.stamp.sec, header.stamp.nanosec))
            h, w = color.shape[:2]
            self.info.publish(intrinsics_to_msg(CameraIntrinsics(w, h, 150.0, 150.0, w / 2, h / 2), header))
            if depth is not None:
                self.depth.publish(depth_to_msg(depth, header))
            self.color.publish(image_to_msg(color, encoding, header))
            wait_until = time.monotonic() + 0.5  # longer than depth is waited for
            while time.monotonic() < wait_until:
                pass_on = [t for t in self.twins[seen:] if (t.header.stamp.sec, t.header.stamp.nanosec) in stamps]
                if pass_on:
                    return pass_on[-1]
                time.sleep(0.005)
            return None

        return wait_for(publish, what="a twin of these pictures")


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory):
    nodes = Nodes(tmp_path_factory.mktemp("bad"), SPACE)
    nodes.start("twin_node", perceiver="tabletop", depth_timeout_s=0.3)
    nodes.start("reasoning_node")
    yield nodes
    dead = nodes.dead()
    nodes.stop()
    assert dead == {}


@pytest.fixture(scope="module")
def robot(nodes: Nodes):
    wait_for(lambda: "is ready" in nodes.log("reasoning_node"), what="the language model")
    with ReasonSegClient(SPACE) as client:
        yield client


@pytest.fixture(scope="module")
def camera(robot: ReasonSegClient) -> Camera:
    return Camera(robot)


def test_a_question_before_the_first_picture_is_told_what_is_missing(robot: ReasonSegClient) -> None:
    answer = robot.ask("the mug", timeout_s=1.0)
    assert answer.status == Answer.NOT_READY
    assert "camera" in answer.message


BAD: dict[str, tuple[Callable[[Camera], SceneGraph], str]] = {
    "no depth": (lambda c: c.show(depth=None), "depth"),
    "depth without a single number": (lambda c: c.show(depth=np.full_like(DEPTH, np.nan)), "depth"),
    "depth that is the same everywhere": (lambda c: c.show(depth=np.full_like(DEPTH, 0.8)), "0.800 m everywhere"),
    "depth in the wrong unit": (lambda c: c.show(depth=DEPTH / 100), "publish them as 32FC1"),
    "a lens full of glare": (lambda c: c.show(np.full_like(COLOR, 255)), "glare"),
    "depth of another shape": (lambda c: c.show(depth=DEPTH[::2]), "160x60 but colour is 160x120"),
    "an unknown encoding": (lambda c: c.show(COLOR[:, :, :2], encoding="yuv411"), "'yuv411'; known are rgb8"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_pictures_give_a_code_and_say_what_is_wrong(camera: Camera, robot: ReasonSegClient, case: str) -> None:
    show, expected = BAD[case]

    def told() -> bool:  # on a slow machine a picture may be given up (no depth yet) before its depth comes
        show(camera)
        answer = robot.ask("the mug", timeout_s=PATIENCE_S)
        twin = camera.twins[-1]
        assert twin.status == Answer.BAD_INPUT
        return expected in twin.message and (answer.status, answer.message) == (twin.status, twin.message)

    wait_for(told, what="an answer with the reason")


def test_after_bad_pictures_a_good_one_gives_a_twin(camera: Camera) -> None:
    twin = camera.show()
    assert (twin.status, twin.message) == (Answer.OK, "")


def test_depth_of_half_the_size_of_the_colour_picture_is_scaled(camera: Camera) -> None:
    twin = camera.show(depth=DEPTH[::2, ::2])
    assert (twin.status, twin.message) == (Answer.OK, "")


def test_a_broken_model_fails_configure_and_every_question_is_told_why(tmp_path: Path) -> None:
    nodes = Nodes(tmp_path, f"{SPACE}/broken")
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF but not really")
    nodes.start("reasoning_node", language_model_overrides=f"['base={broken}']")
    try:
        with ReasonSegClient(nodes.namespace) as robot:
            answer = robot.ask("the mug", timeout_s=PATIENCE_S)
            assert (answer.status, "broken.gguf" in answer.message) == (Answer.MODEL_FAILED, True)
            state = robot.node.create_client(GetState, "reasoning_node/get_state")
            assert state.wait_for_service(PATIENCE_S)
            reply = wait_for(state.call_async(GetState.Request()).result, what="its state")
            assert reply.current_state.label in ("unconfigured", "configuring")  # it tries again now and then
        assert nodes.dead() == {}
    finally:
        nodes.stop()


def test_who_waited_while_a_broken_model_loaded_is_told_why_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF but not really")
    told: list[tuple[Status, str] | None] = []
    without = Reasoner.without

    def remember(self: Reasoner, reason: tuple[Status, str] | None) -> None:
        told.append(reason)
        without(self, reason)

    monkeypatch.setattr(Reasoner, "without", remember)
    rclpy.init(args=["--ros-args", "-r", f"__ns:={SPACE}/told", "-p", f"language_model_overrides:=['base={broken}']"])
    node = ReasoningNode()
    try:
        assert told == [None]  # it brings itself up: questions wait
        node.trigger_configure()
        loading, (status, reason) = told[1:]  # type: ignore[misc]
        assert (loading, status, "broken.gguf" in reason) == (None, Status.MODEL_FAILED, True)
    finally:
        node.destroy_node()
        rclpy.shutdown()


@pytest.mark.parametrize("content", [None, b"not a bag"])
def test_a_bag_that_is_missing_or_corrupt_is_told_to_the_asker(
    nodes: Nodes, camera: Camera, robot: ReasonSegClient, tmp_path: Path, content: bytes | None
) -> None:
    bag = tmp_path / "table.mcap"
    if content is not None:
        bag.write_bytes(content)
    nodes.start("camera_node", source="bag", path=bag)
    try:
        wait_for(lambda: camera.twins and str(bag) in camera.twins[-1].message, what="a twin that names the bag")

        def told() -> bool:
            answer = robot.ask("the mug", timeout_s=PATIENCE_S)
            return answer.status == Answer.BAD_INPUT and str(bag) in answer.message

        wait_for(told, what="an answer that names the bag")
        assert nodes.dead() == {}
    finally:
        process = nodes.running.pop("camera_node")
        process.terminate()
        process.wait(PATIENCE_S)


def test_a_wrong_parameter_ends_the_node_with_a_message(tmp_path: Path) -> None:
    nodes = Nodes(tmp_path, f"{SPACE}/wrong")
    nodes.start("twin_node", perceiver="crystal_ball")
    assert nodes.running["twin_node"].wait(PATIENCE_S) == 2
    assert "crystal_ball" in nodes.log("twin_node")
