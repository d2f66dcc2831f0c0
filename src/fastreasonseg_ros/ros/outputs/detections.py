"""The twin as vision_msgs has it: detections, detections_3d, label_info. The only module that imports vision_msgs.

vision_msgs comes with a ROS 2 distribution (ros-DISTRO-vision-msgs); it is not among the wheels on PyPI. A detection's
`id` is the instance's id as text, which tracking keeps. A hypothesis' class_id is the label: a vocabulary that is open
has no numbers for its classes. label_info maps the pixel values of instance_mask to labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from std_msgs.msg import Header

from ...twin.oriented_box import OrientedBox
from ...twin.types import DigitalTwin, Instance
from ..lifecycle import ManagedNode
from ..qos import latched, reliable
from .boxes import pose_of_box

try:
    from vision_msgs import msg as vision
except ImportError:  # not among the wheels
    vision: Any = None

MISSING = (
    "detections, detections_3d and label_info are left out: vision_msgs cannot be imported "
    "(install ros-DISTRO-vision-msgs; it is not among the wheels on PyPI)"
)


class DetectionPublishers:
    """Makes what somebody subscribes to; label_info, latched, whenever it changes."""

    def __init__(self, node: ManagedNode[Any]) -> None:
        self._in_2d = node.publisher(vision.Detection2DArray, "detections", reliable())
        self._in_3d = node.publisher(vision.Detection3DArray, "detections_3d", reliable())
        self._label_info = node.publisher(vision.LabelInfo, "label_info", latched())
        self._labels: dict[int, str] | None = None

    @property
    def wants_boxes(self) -> bool:
        """Whether somebody subscribes to detections_3d."""
        return self._in_3d.get_subscription_count() > 0

    def label_info(self, twin: DigitalTwin, header: Header, threshold: float) -> None:
        """To be called before the mask of the same stamp is published. threshold: see `label_info_of`."""
        labels = {i.id: i.label for i in twin.instances}
        if labels != self._labels:
            self._labels = labels
            self._label_info.publish(label_info_of(labels, header, threshold))

    def publish(self, twin: DigitalTwin, boxes: Mapping[int, OrientedBox], header: Header) -> None:
        """boxes: of visible instances by id; needed only with `wants_boxes`."""
        if self._in_2d.get_subscription_count():
            self._in_2d.publish(detections_of(twin, header))
        if self.wants_boxes:
            self._in_3d.publish(detections_3d_of(twin, boxes, header))


def make_detections(node: ManagedNode[Any]) -> DetectionPublishers | None:
    """None, with one line in the log, where vision_msgs cannot be imported."""
    if vision is None:
        node.get_logger().info(MISSING)
        return None
    return DetectionPublishers(node)


def detections_of(twin: DigitalTwin, header: Header) -> Any:
    """Detection2DArray of what is in view; boxes in pixels, not turned. The poses of hypotheses are left empty."""
    found = []
    for i in twin.instances:
        if i.visible and i.box_xyxy is not None:
            x0, y0, x1, y1 = (float(v) for v in i.box_xyxy)
            box = vision.BoundingBox2D(size_x=x1 - x0, size_y=y1 - y0)
            box.center.position.x, box.center.position.y = (x0 + x1) / 2, (y0 + y1) / 2
            found.append(vision.Detection2D(header=header, results=[_hypothesis(i)], bbox=box, id=str(i.id)))
    return vision.Detection2DArray(header=header, detections=found)


def detections_3d_of(twin: DigitalTwin, boxes: Mapping[int, OrientedBox], header: Header) -> Any:
    """Detection3DArray of the instances that have a box; metres, in the header's frame."""
    found = []
    for i in twin.instances:
        if i.id in boxes:
            box = vision.BoundingBox3D(center=pose_of_box(boxes[i.id]))
            box.size.x, box.size.y, box.size.z = boxes[i.id].size_m
            result = _hypothesis(i)
            result.pose.pose = box.center
            found.append(vision.Detection3D(header=header, results=[result], bbox=box, id=str(i.id)))
    return vision.Detection3DArray(header=header, detections=found)


def label_info_of(labels: Mapping[int, str], header: Header, threshold: float) -> Any:
    """LabelInfo of an instance_mask: its pixel values, and what they are called. 0 is the background.

    threshold: the score from which on perception reports a thing; 0: it holds nothing back.
    """
    named = {0: "background", **labels}
    classes = [vision.VisionClass(class_id=id, class_name=name) for id, name in sorted(named.items())]
    return vision.LabelInfo(header=header, class_map=classes, threshold=threshold)


def _hypothesis(instance: Instance) -> Any:
    result = vision.ObjectHypothesisWithPose()
    result.hypothesis.class_id, result.hypothesis.score = instance.label, float(instance.score)
    return result
