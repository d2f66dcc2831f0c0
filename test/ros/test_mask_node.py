"""A mask needs the answer alone; twins that were missed under load cost the overlay only, which needs a viewer."""

from __future__ import annotations

import contextlib
import threading

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
import rclpy
from geometry_msgs.msg import PoseStamped
from processes import NAMESPACE, PATIENCE_S, wait_for
from rclpy.exceptions import InvalidHandle
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from fastreasonseg_ros.errors import Status
from fastreasonseg_ros.msg import Answer as AnswerMsg
from fastreasonseg_ros.msg import SceneGraph
from fastreasonseg_ros.ros.conversions import answer_to_msg, twin_to_msg
from fastreasonseg_ros.ros.images import image_to_msg, time_from_s
from fastreasonseg_ros.ros.nodes.mask_node import MaskNode
from fastreasonseg_ros.ros.qos import latched, reliable
from fastreasonseg_ros.twin.types import Answer, DigitalTwin, Instance, Query

IDS = np.zeros((48, 64), np.uint16)
IDS[10:20, 5:15], IDS[10:20, 30:50] = 1, 2
THINGS = (Instance(1, "mug", center_m=(0.0, 0.1, 0.8)), Instance(2, "plate", center_m=(0.3, 0.1, 0.9)))
HEADER = Header(stamp=time_from_s(5.0), frame_id="camera")
TWIN = DigitalTwin(THINGS, (), 5.0, "camera", (64, 48), None, IDS, 7)


@pytest.fixture
def world():
    rclpy.init(args=["--ros-args", "-r", f"__ns:={NAMESPACE}/mask"])
    node, user = MaskNode(), Node("user")
    executor = MultiThreadedExecutor(num_threads=4)
    executor.add_node(node)
    executor.add_node(user)
    ending = threading.Event()

    def spin() -> None:
        while not ending.is_set():
            with contextlib.suppress(InvalidHandle):  # as the nodes' own loop does when one is deactivated
                executor.spin_once(timeout_sec=0.1)

    thread = threading.Thread(target=spin, daemon=True)
    thread.start()
    node.bring_up()
    yield node, user
    node.destroy_node()
    ending.set()
    thread.join(PATIENCE_S)
    user.destroy_node()
    rclpy.shutdown()


def pixels(image: Image) -> np.ndarray:
    return np.frombuffer(bytes(image.data), np.uint8).reshape(image.height, -1)


def test_an_answer_becomes_a_mask_and_a_target_without_its_twin_and_follows_into_further_ones(world) -> None:
    node, user = world
    masks: list[Image] = []
    targets: list[PoseStamped] = []
    user.create_subscription(Image, "mask", masks.append, reliable())
    user.create_subscription(PoseStamped, "target", targets.append, reliable())
    answers = user.create_publisher(AnswerMsg, "answer", reliable())
    twins = user.create_publisher(SceneGraph, "twin", latched())
    wait_for(lambda: answers.get_subscription_count() and twins.get_subscription_count(), what="mask_node")
    wait_for(lambda: node.count_subscribers("mask") and node.count_subscribers("target"), what="subscriptions")

    answers.publish(answer_to_msg(Answer(Query("the mug"), Status.OK, "1 object: 1", (1,)), TWIN, HEADER))
    wait_for(lambda: masks and targets, what="a mask of an answer whose twin never came")
    assert np.array_equal(pixels(masks[0]) > 0, IDS == 1)
    assert (masks[0].header, targets[0].pose.position.z) == (HEADER, 0.8)

    moved = DigitalTwin(THINGS, (), 6.0, "camera", (64, 48), None, np.roll(IDS, 5, axis=1), 8)
    later = Header(stamp=time_from_s(6.0), frame_id="camera")
    twins.publish(twin_to_msg(moved, later))
    wait_for(lambda: len(masks) > 1, what="a mask of the next twin")
    assert masks[-1].header == later
    assert np.array_equal(pixels(masks[-1]) > 0, np.roll(IDS == 1, 5, axis=1))


def test_pictures_are_subscribed_to_only_while_somebody_looks_at_the_overlay(world) -> None:
    node, user = world
    answers = user.create_publisher(AnswerMsg, "answer", reliable())
    twins = user.create_publisher(SceneGraph, "twin", latched())
    pictures = user.create_publisher(Image, "color/image_raw", reliable())
    wait_for(lambda: answers.get_subscription_count() and twins.get_subscription_count(), what="mask_node")
    assert pictures.get_subscription_count() == 0

    overlays: list[Image] = []
    view = user.create_subscription(Image, "overlay", overlays.append, reliable())
    wait_for(lambda: pictures.get_subscription_count() == 1, what="a subscription to pictures")
    answer = answer_to_msg(Answer(Query("the mug"), Status.OK, "1 object: 1", (1,)), TWIN, HEADER)
    answers.publish(answer)
    wait_for(
        lambda: "without overlay: picture or twin was missed" in node.meter.values(), what="a miss that is counted"
    )
    pictures.publish(image_to_msg(np.zeros((48, 64, 3), np.uint8), "rgb8", HEADER))
    twins.publish(twin_to_msg(TWIN, HEADER))
    answer.standing = True

    def drawn() -> bool:
        answers.publish(answer)  # until its picture and its twin have come: topics have no order among them
        return bool(overlays)

    wait_for(drawn, what="an overlay")
    assert overlays[0].header == HEADER
    assert pixels(overlays[0]).reshape(48, 64, 3)[IDS == 1].any(), "the mug is not painted"

    user.destroy_subscription(view)
    wait_for(lambda: pictures.get_subscription_count() == 0, what="the end of the subscription to pictures")
