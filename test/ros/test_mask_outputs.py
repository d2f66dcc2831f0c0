"""mask_node: poses turned as things are, and compressed pictures, made only while somebody subscribes to them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
from geometry_msgs.msg import PoseStamped
from in_process import node_and_user
from processes import wait_for
from rclpy.node import Node
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header, String
from visualization_msgs.msg import MarkerArray

from fastreasonseg_ros.errors import Status
from fastreasonseg_ros.io.image_messages import color_of
from fastreasonseg_ros.msg import Answer as AnswerMsg
from fastreasonseg_ros.msg import AnswerTarget, SceneGraph
from fastreasonseg_ros.ros.conversions import answer_to_msg, twin_to_msg
from fastreasonseg_ros.ros.images import image_to_msg, time_from_s
from fastreasonseg_ros.ros.nodes.mask_node import MaskNode
from fastreasonseg_ros.ros.outputs.boxes import BoxMarkers
from fastreasonseg_ros.ros.qos import latched, reliable
from fastreasonseg_ros.twin.oriented_box import OrientedBox
from fastreasonseg_ros.twin.types import Answer, Command, DigitalTwin, Instance, Query

IDS = np.zeros((48, 64), np.uint16)
IDS[10:20, 5:15], IDS[10:20, 30:50] = 1, 2
THINGS = (
    Instance(1, "mug", center_m=(0.0, 0.1, 0.8), size_m=(0.1, 0.1, 0.1)),
    Instance(2, "plate", center_m=(0.3, 0.1, 0.9), size_m=(0.2, 0.02, 0.2)),
)
HEADER = Header(stamp=time_from_s(5.0), frame_id="camera")
TWIN = twin_to_msg(DigitalTwin(THINGS, (), 5.0, "camera", (64, 48), None, IDS, 7), HEADER)
TURN = Rotation.from_euler("xz", (90, 30), degrees=True)  # up is -y; turned by 30 degrees


@pytest.fixture
def world():
    with node_and_user(MaskNode, "mask_outputs", threads=4) as world:
        yield world


def answer(query_id: str, *commands: Command) -> AnswerMsg:
    known = DigitalTwin(THINGS, (), 0.0, "camera", (64, 48))
    return answer_to_msg(Answer(Query("the mug", query_id), Status.OK, "", (1,), commands=commands), known, HEADER)


def turn_of(pose) -> tuple[float, ...]:
    q = pose.orientation
    return q.x, q.y, q.z, q.w


def planner(node: MaskNode, user: Node):
    """Publishers of answers and twins, once mask_node hears them."""
    answers = user.create_publisher(AnswerMsg, "answer", reliable(64))
    twins = user.create_publisher(SceneGraph, "twin", latched())
    wait_for(lambda: answers.get_subscription_count() and twins.get_subscription_count(), what="mask_node")
    twins.publish(TWIN)
    wait_for(lambda: node._twins.at(HEADER) is not None, what="the twin to come")
    return answers


def test_target_and_place_are_turned_as_the_thing_that_is_taken(world) -> None:
    node, user = world
    boxes = user.create_publisher(MarkerArray, "boxes", reliable())  # as twin_node does
    assert boxes.get_subscription_count() == 0
    got: dict[str, list] = {"target": [], "place": [], "answer_target": []}
    for topic, poses in got.items():
        kind = AnswerTarget if topic == "answer_target" else PoseStamped
        user.create_subscription(kind, topic, poses.append, reliable(64))
    answers = planner(node, user)
    wait_for(lambda: all(node.count_subscribers(topic) for topic in got), what="subscriptions")
    wait_for(boxes.get_subscription_count, what="a subscription to boxes, since poses are wanted")
    answers.publish(answer("before any box came"))
    wait_for(lambda: got["target"], what="a target")
    assert turn_of(got["target"][0].pose) == (0, 0, 0, 1)

    turned = OrientedBox((0.0, 0.1, 0.8), (0.1, 0.1, 0.1), TURN.as_matrix())
    boxes.publish(
        BoxMarkers().update({1: turned, 2: OrientedBox((0.3, 0.1, 0.9), (0.2, 0.2, 0.02), np.eye(3))}, HEADER)
    )
    wait_for(lambda: node._outputs._axes._turns, what="the boxes to come")
    answers.publish(answer("put", Command((1,), "on", (2,))))
    wait_for(lambda: got["place"] and len(got["target"]) == len(got["answer_target"]) == 2, what="both poses")
    for pose in (got["target"][1].pose, got["place"][0].pose, got["answer_target"][1].pose):
        assert turn_of(pose) == pytest.approx(tuple(TURN.as_quat(canonical=True)))
    assert got["target"][1].pose.position.z == 0.8


def test_the_first_pose_waits_for_the_first_boxes(world, monkeypatch: pytest.MonkeyPatch) -> None:
    _, user = world
    monkeypatch.setattr("fastreasonseg_ros.ros.outputs.boxes.FIRST_BOXES_S", 30.0)
    boxes = user.create_publisher(MarkerArray, "boxes", reliable())
    answers = planner(*world)
    poses: list[PoseStamped] = []
    texts: list[String] = []
    user.create_subscription(PoseStamped, "target", poses.append, reliable())
    user.create_subscription(String, "answer_text", texts.append, latched())
    wait_for(boxes.get_subscription_count, what="a subscription to boxes")
    answers.publish(answer("at once"))
    wait_for(lambda: texts, what="the answer's text")
    assert not poses
    boxes.publish(BoxMarkers().update({1: OrientedBox((0.0, 0.1, 0.8), (0.1, 0.1, 0.1), TURN.as_matrix())}, HEADER))
    wait_for(lambda: poses, what="the target")
    assert turn_of(poses[0].pose) == pytest.approx(tuple(TURN.as_quat(canonical=True)))


def test_boxes_are_subscribed_to_only_while_poses_are(world) -> None:
    _, user = world
    boxes = user.create_publisher(MarkerArray, "boxes", reliable())
    poses = user.create_subscription(PoseStamped, "target", lambda _: None, reliable())
    wait_for(boxes.get_subscription_count, what="a subscription to boxes")
    user.destroy_subscription(poses)
    wait_for(lambda: boxes.get_subscription_count() == 0, what="its end")


def test_masks_and_overlays_come_compressed_where_somebody_wants_them_so(world) -> None:
    node, user = world
    masks: list[CompressedImage] = []
    overlays: list[CompressedImage] = []
    raw: list[Image] = []
    pictures = user.create_publisher(Image, "color/image_raw", reliable())
    user.create_subscription(CompressedImage, "mask/compressed", masks.append, reliable())
    user.create_subscription(CompressedImage, "overlay/compressed", overlays.append, reliable())
    user.create_subscription(Image, "overlay", raw.append, reliable())
    answers = planner(node, user)
    wait_for(pictures.get_subscription_count, what="a subscription to pictures")
    pictures.publish(image_to_msg(np.full((48, 64, 3), (200, 60, 20), np.uint8), "rgb8", HEADER))

    def drawn() -> bool:
        answers.publish(answer("q"))  # until its picture has come: topics have no order among them
        return bool(masks and overlays and raw)

    wait_for(drawn, what="all pictures")
    assert (masks[0].header, masks[0].format) == (HEADER, "mono8; png compressed ")
    mask = cv2.imdecode(np.frombuffer(bytes(masks[0].data), np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(mask, np.where(IDS == 1, 255, 0))
    assert (overlays[0].header, overlays[0].format) == (HEADER, "rgb8; jpeg compressed bgr8")
    assert np.abs(color_of(overlays[0]).astype(int) - color_of(raw[0]))[IDS == 0].mean() < 8
    assert "mask p50 (ms)" in node.meter.values()
