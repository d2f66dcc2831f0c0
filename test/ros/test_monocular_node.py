"""twin_node with a colour camera alone: a twin for every picture, and neither depth nor camera_info is missed."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
from in_process import node_and_user
from processes import PATIENCE_S, wait_for
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from fastreasonseg_ros.io.sources import frames_of
from fastreasonseg_ros.msg import Answer, SceneGraph
from fastreasonseg_ros.ros.images import image_to_msg
from fastreasonseg_ros.ros.nodes.twin_node import TwinNode
from fastreasonseg_ros.ros.qos import reliable

ROOT = Path(__file__).parents[2]


def test_pictures_without_depth_become_twins_with_boxes_and_no_metres() -> None:
    arguments = ["--ros-args", "-p", "perceiver:=monocular", "-p", "depth_timeout_s:=0.2"]
    with node_and_user(TwinNode, "monocular", *arguments[1:]) as (node, user):
        twins: list[SceneGraph] = []
        user.create_subscription(SceneGraph, "twin", twins.append, reliable())
        publisher = user.create_publisher(Image, "color/image_raw", reliable())
        color = next(iter(frames_of(ROOT / "demo/table"))).color
        message = image_to_msg(color, "rgb8", Header(frame_id="webcam"))
        ending = threading.Event()

        def publish() -> None:
            while not ending.wait(0.3):
                message.header.stamp = user.get_clock().now().to_msg()
                publisher.publish(message)

        thread = threading.Thread(target=publish, daemon=True)
        thread.start()
        try:
            wait_for(lambda: len(twins) >= 3, what="three twins")
            wait_for(lambda: dict(node.health())["inputs"].message == "in step", what="pictures in step")
            inputs = dict(node.health())["inputs"]
        finally:
            ending.set()
            thread.join(PATIENCE_S)
    assert {t.status for t in twins} == {Answer.OK}
    assert "no depth" in twins[-1].message
    assert "depth" not in " ".join(inputs.values)
    things = twins[-1].instances
    assert ("yellow", "box") in {(i.color, i.label) for i in things}
    assert all(i.box.width > 0 and np.isnan(i.center.x) and np.isnan(i.depth_mean) for i in things)
