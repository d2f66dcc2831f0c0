"""What twin_node publishes beside twin: the same scene in standard messages, and the cloud of an answer."""

from __future__ import annotations

from typing import Any

from sensor_msgs.msg import Image
from visualization_msgs.msg import MarkerArray

from fastreasonseg_ros.msg import SceneGraph

from ...twin.oriented_box import boxes_of
from ...twin.types import DigitalTwin, Frame
from ..lifecycle import ManagedNode
from ..qos import reliable
from .boxes import BoxMarkers
from .cloud import CloudPublisher
from .detections import make_detections


class TwinOutputs:
    """boxes, instance_mask, cloud; with vision_msgs detections, detections_3d and label_info. What nobody subscribes to
    is not made, but for label_info, which is latched.
    """

    def __init__(self, node: ManagedNode[Any]) -> None:
        self._markers = BoxMarkers()
        self._boxes = node.publisher(MarkerArray, "boxes", reliable())
        self._mask = node.publisher(Image, "instance_mask", reliable())
        self._detections = make_detections(node)
        self.cloud = CloudPublisher(node)

    def publish(self, twin: DigitalTwin, frame: Frame, msg: SceneGraph, threshold: float) -> None:
        """In the perception worker's thread, after the twin. frame: that the twin was made from; msg: the twin's."""
        detections, header = self._detections, msg.header
        self.cloud.keep(frame, header)
        if detections is not None:
            detections.label_info(twin, header, threshold)
        if self._mask.get_subscription_count() and len(msg.instance_ids.data):
            self._mask.publish(msg.instance_ids)
        to_markers = self._boxes.get_subscription_count() > 0
        boxes = boxes_of(twin, frame) if to_markers or (detections is not None and detections.wants_boxes) else {}
        if to_markers:
            self._boxes.publish(self._markers.update(boxes, header))
        if detections is not None:
            detections.publish(twin, boxes, header)
