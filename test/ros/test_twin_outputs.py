"""twin_node beside the twin: boxes, instance mask, detections of vision_msgs, and the cloud of what a mask cuts out.

The detections need vision_msgs, which the wheels on PyPI lack: `source install/setup.bash` of a workspace that has it.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
sys.path.insert(0, str(Path(__file__).parents[1] / "perception"))
from in_process import node_and_user
from processes import wait_for
from rays import CAMERA, TILT, Ball, Box, picture
from rclpy.node import Node
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header
from visualization_msgs.msg import Marker, MarkerArray

from fastreasonseg_ros.msg import SceneGraph
from fastreasonseg_ros.ros.conversions import truth_to_msg
from fastreasonseg_ros.ros.images import image_to_msg, intrinsics_to_msg, time_from_s
from fastreasonseg_ros.ros.nodes.twin_node import TwinNode
from fastreasonseg_ros.ros.outputs import detections
from fastreasonseg_ros.ros.qos import latched, reliable
from fastreasonseg_ros.twin.types import Frame, GroundTruth

TURN_DEG = 30.0
BRICK = Box((-0.1, 0.0), (0.2, 0.1, 0.06), (200, 30, 30), turn_deg=TURN_DEG)
BALL = Ball((0.15, 0.0), 0.05, (30, 60, 200))
WITHOUT = "vision_msgs cannot be imported (it is not among the wheels on PyPI)"


class Camera:
    """Publishes a picture with its ground truth, and keeps what twin_node makes of it."""

    def __init__(self, user: Node) -> None:
        self.user, self.stamp_s = user, 5.0
        kinds = {"color/image_raw": Image, "depth/image_raw": Image, "color/camera_info": CameraInfo}
        self.publishers = {t: user.create_publisher(k, t, reliable()) for t, k in kinds.items()}
        self.truth = user.create_publisher(SceneGraph, "truth", reliable())
        self.twins = self.keep(SceneGraph, "twin", latched())
        for topic, publisher in (*self.publishers.items(), ("truth", self.truth)):
            wait_for(publisher.get_subscription_count, what=f"twin_node at {topic}")

    def keep(self, kind: Any, topic: str, qos: Any = None) -> list[Any]:
        got: list[Any] = []
        self.user.create_subscription(kind, topic, got.append, qos or reliable())
        return got

    def show(self, frame: Frame) -> SceneGraph:
        """The twin of it."""
        self.stamp_s += 0.1
        header = Header(stamp=time_from_s(self.stamp_s), frame_id="camera")
        depth = np.nan_to_num(frame.depth_m * 1000).round().astype(np.uint16)
        self.publishers["color/camera_info"].publish(intrinsics_to_msg(CAMERA, header))
        self.truth.publish(truth_to_msg(frame, 1, header))
        self.publishers["depth/image_raw"].publish(image_to_msg(depth, "16UC1", header))
        self.publishers["color/image_raw"].publish(image_to_msg(frame.color, "rgb8", header))
        return wait_for(lambda: next((t for t in self.twins if t.header == header), None), what="a twin")


def table(*things: Box | Ball, labels: dict[int, str]) -> Frame:
    frame = picture(*things)
    return Frame(frame.color, frame.depth_m, CAMERA, truth=GroundTruth(frame.truth.ids, labels))


SCENE = table(BRICK, BALL, labels={1: "brick", 2: "ball"})
IDS, DEPTH_M = SCENE.truth.ids, SCENE.depth_m


@pytest.fixture
def world():
    with node_and_user(TwinNode, "outputs", "-p", "perceiver:=oracle", "-p", "depth_timeout_s:=60.0") as world:
        yield world


def yaw_deg(orientation: Any) -> float:
    """Of a box on the table, against the picture's right."""
    q = orientation
    x, y, z = Rotation.from_quat((q.x, q.y, q.z, q.w)).apply((1.0, 0.0, 0.0))
    return math.degrees(math.atan2(z * math.cos(TILT) - y * math.sin(TILT), x))


def test_boxes_of_all_things_lie_along_their_own_sides_and_go_with_them(world) -> None:
    camera = Camera(world[1])
    boxes = camera.keep(MarkerArray, "boxes")
    wait_for(lambda: world[0].count_subscribers("boxes"), what="the subscription")
    twin = camera.show(SCENE)
    brick, ball = wait_for(lambda: boxes, what="boxes")[0].markers
    assert (brick.id, ball.id, brick.header, brick.type) == (1, 2, twin.header, Marker.CUBE)
    assert yaw_deg(brick.pose.orientation) == pytest.approx(TURN_DEG, abs=3)
    assert (brick.scale.x, brick.scale.y, brick.scale.z) == pytest.approx((0.2, 0.1, 0.06), abs=0.015)
    things = [thing.center for thing in twin.instances]
    for marker, at in zip((brick, ball), things, strict=True):
        assert marker.pose.position.x == pytest.approx(at.x, abs=0.03)
    camera.show(table(BRICK, labels={1: "brick"}))
    wait_for(lambda: len(boxes) == 2, what="boxes without the ball")
    assert {(m.id, m.action) for m in boxes[1].markers} == {(2, Marker.DELETE), (1, Marker.ADD)}


def test_the_instance_mask_is_the_id_image_of_the_twin(world) -> None:
    camera = Camera(world[1])
    masks = camera.keep(Image, "instance_mask")
    wait_for(lambda: world[0].count_subscribers("instance_mask"), what="the subscription")
    twin = camera.show(SCENE)
    mask = wait_for(lambda: masks, what="a mask")[0]
    assert (mask.header, mask.encoding) == (twin.header, "mono16")
    assert np.array_equal(np.frombuffer(bytes(mask.data), np.uint16).reshape(240, 320), IDS)


def test_the_cloud_has_the_points_of_the_mask_in_their_colour(world) -> None:
    node, user = world
    camera = Camera(user)
    masks = user.create_publisher(Image, "mask", reliable())  # as mask_node does
    assert masks.get_subscription_count() == 0
    clouds = camera.keep(PointCloud2, "cloud")
    wait_for(masks.get_subscription_count, what="a subscription to masks")
    header = camera.show(SCENE).header
    wanted = IDS == 1
    wait_for(lambda: node._outputs.cloud._frames.at(header) is not None, what="the frame")
    masks.publish(image_to_msg(wanted.astype(np.uint8) * 255, "mono8", header))
    cloud = wait_for(lambda: clouds, what="a cloud")[0]
    assert (cloud.header, cloud.width, cloud.point_step) == (header, wanted.sum(), 16)
    assert [(f.name, f.offset) for f in cloud.fields] == [("x", 0), ("y", 4), ("z", 8), ("rgb", 12)]
    points = np.frombuffer(bytes(cloud.data), np.float32).reshape(-1, 4)
    assert points[:, 2] == pytest.approx(DEPTH_M[wanted], abs=1e-3)
    u = points[:, 0] / points[:, 2] * CAMERA.fx + CAMERA.cx
    assert u == pytest.approx(np.nonzero(wanted)[1], abs=0.01)
    assert set(points[:, 3].view(np.uint32)) == {200 << 16 | 30 << 8 | 30}
    masks.publish(image_to_msg(np.zeros((4, 4), np.uint8), "mono8", header))
    wait_for(lambda: "the mask is (4, 4)" in node.meter.recent_error(), what="an error that is counted")
    masks.publish(image_to_msg(np.zeros((4, 4), np.uint8), "mono8", Header(frame_id="camera")))
    wait_for(lambda: "without cloud: picture was missed" in node.meter.values(), what="a miss that is counted")


def test_detections_are_what_vision_msgs_describes(world) -> None:
    vision = pytest.importorskip("vision_msgs.msg", reason=WITHOUT)
    camera = Camera(world[1])
    in_2d, in_3d = (
        camera.keep(vision.Detection2DArray, "detections"),
        camera.keep(vision.Detection3DArray, "detections_3d"),
    )
    masks = camera.keep(Image, "instance_mask")
    wait_for(lambda: all(world[0].count_subscribers(t) for t in ("detections", "detections_3d")), what="subscriptions")
    twin = camera.show(SCENE)
    wait_for(lambda: in_2d and in_3d and masks, what="detections")
    assert in_2d[0].header == in_3d[0].header == twin.header
    for found in (in_2d[0].detections, in_3d[0].detections):
        assert [d.id for d in found] == ["1", "2"]  # as tracking keeps it
        assert [d.results[0].hypothesis.class_id for d in found] == ["brick", "ball"]
        assert all(0 <= d.results[0].hypothesis.score <= 1 and d.header == twin.header for d in found)
    v, u = np.nonzero(IDS == 1)
    flat, solid = in_2d[0].detections[0].bbox, in_3d[0].detections[0].bbox
    assert (flat.size_x, flat.size_y) == (np.ptp(u) + 1, np.ptp(v) + 1)
    assert (flat.center.position.x, flat.center.position.y) == (
        (u.min() + u.max() + 1) / 2,
        (v.min() + v.max() + 1) / 2,
    )
    assert flat.center.theta == 0
    assert yaw_deg(solid.center.orientation) == pytest.approx(TURN_DEG, abs=3)
    assert (solid.size.x, solid.size.y, solid.size.z) == pytest.approx((0.2, 0.1, 0.06), abs=0.015)
    assert in_3d[0].detections[0].results[0].pose.pose == solid.center


def test_label_info_is_latched_and_in_step_with_the_mask(world) -> None:
    vision = pytest.importorskip("vision_msgs.msg", reason=WITHOUT)
    camera = Camera(world[1])
    first = camera.show(SCENE)
    camera.show(SCENE)
    late = camera.keep(vision.LabelInfo, "label_info", latched())
    info = wait_for(lambda: late, what="the latched one")[0]
    assert {c.class_id: c.class_name for c in info.class_map} == {0: "background", 1: "brick", 2: "ball"}
    assert (info.threshold, info.header) == (0.0, first.header)  # from this picture on
    ids = np.where(IDS == 2, 7, IDS).astype(np.uint16)
    labels = {1: "brick", 7: "globe"}
    changed = camera.show(Frame(SCENE.color, DEPTH_M, CAMERA, truth=GroundTruth(ids, labels)))
    info = wait_for(lambda: len(late) > 1 and late[-1], what="labels of the new mask")
    assert info.header == changed.header
    assert labels.items() <= {c.class_id: c.class_name for c in info.class_map}.items()
    assert len(late) == 2  # nothing between, since nothing changed


def test_without_vision_msgs_its_topics_are_left_out_and_one_line_says_so(world, monkeypatch) -> None:
    node, user = world
    # By topic: which node a publisher belongs to, DDS may tell late, and after many nodes in one process never.
    for topic in ("boxes", "instance_mask", "cloud", "twin"):
        wait_for(lambda topic=topic: user.count_publishers(topic), what=topic)
    optional = {user.count_publishers(topic) for topic in ("detections", "detections_3d", "label_info")}
    assert optional == ({0} if detections.vision is None else {1})
    lines: list[str] = []
    monkeypatch.setattr(detections, "vision", None)
    monkeypatch.setattr(node, "get_logger", lambda: type("Logger", (), {"info": lambda _, line: lines.append(line)})())
    assert detections.make_detections(node) is None
    assert lines == [detections.MISSING]


def test_nothing_is_made_while_nobody_listens(world, monkeypatch) -> None:
    from fastreasonseg_ros.ros.outputs import twin_outputs

    node, user = world
    asked: list[int] = []
    whole = twin_outputs.boxes_of
    monkeypatch.setattr(twin_outputs, "boxes_of", lambda twin, frame: asked.append(1) or whole(twin, frame))
    camera = Camera(user)
    camera.show(SCENE)
    camera.show(SCENE)
    assert asked == []
    assert node._outputs.cloud._frames.newest is None
    boxes = camera.keep(MarkerArray, "boxes")
    wait_for(lambda: node.count_subscribers("boxes"), what="the subscription")
    camera.show(SCENE)
    wait_for(lambda: boxes, what="boxes")
    assert asked == [1]
