"""Pictures come raw or compressed, reliably or by best effort, directly or passed on by the camera node."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
from processes import CAMERA, NAMESPACE, Nodes, red_box, wait_for
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage
from std_msgs.msg import Header

from fastreasonseg_ros.msg import Answer, SceneGraph
from fastreasonseg_ros.ros.client import ReasonSegClient
from fastreasonseg_ros.ros.images import intrinsics_to_msg

BEST_EFFORT = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)


@pytest.mark.parametrize("relayed", [False, True], ids=["directly", "passed on by camera_node"])
def test_compressed_pictures_of_a_best_effort_driver_become_a_twin(tmp_path: Path, relayed: bool) -> None:
    space = f"{NAMESPACE}/transport{int(relayed)}"
    names = ("in/color", "in/depth", "in/camera_info")
    nodes = Nodes(tmp_path, space)
    if relayed:
        nodes.start("camera_node", source="topic", color_transport="compressed", depth_transport="compressed")
        nodes.start("twin_node")
    else:
        names = ("color/image_raw/compressed", "depth/image_raw/compressed", "color/camera_info")
        nodes.start("twin_node", color_transport="compressed", depth_transport="compressed")
    rgb, depth_mm = red_box()
    jpeg = cv2.imencode(".jpg", rgb[:, :, ::-1])[1].tobytes()
    png = cv2.imencode(".png", depth_mm)[1].tobytes()
    try:
        with ReasonSegClient(space) as robot:
            twins: list[SceneGraph] = []
            robot.on_twin(twins.append)
            color = robot.node.create_publisher(CompressedImage, names[0], BEST_EFFORT)
            depth = robot.node.create_publisher(CompressedImage, names[1], BEST_EFFORT)
            info = robot.node.create_publisher(CameraInfo, names[2], BEST_EFFORT)

            def good_twin() -> SceneGraph | None:
                header = Header(stamp=robot.node.get_clock().now().to_msg(), frame_id="camera")
                info.publish(intrinsics_to_msg(CAMERA, header))
                depth.publish(CompressedImage(header=header, format="16UC1; png compressed", data=png))
                color.publish(CompressedImage(header=header, format="rgb8; jpeg compressed bgr8", data=jpeg))
                seen = len(twins)
                try:
                    wait_for(lambda: len(twins) > seen, 0.3)
                except AssertionError:
                    return None
                return next((t for t in twins if t.status == Answer.OK and t.instances), None)

            twin = wait_for(good_twin, what=f"a twin; {nodes.dead()}")
    finally:
        nodes.stop()
    (box,) = twin.instances
    assert box.color == "red"
    assert box.center.z == pytest.approx(1.0, abs=0.15)
    assert twin.header.frame_id == "camera"
