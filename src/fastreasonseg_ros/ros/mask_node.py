"""mask_node: what an answer means in the picture and in the room: mask, overlay, markers, target pose."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from geometry_msgs.msg import PoseStamped
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from fastreasonseg_ros.msg import Answer, SceneGraph

from ..errors import ReasonSegError
from ..evaluation.overlay import PALETTE, draw_masks
from ..twin.types import DigitalTwin, Instance
from .conversions import mask_to_msg, twin_from_msg
from .images import color_from_msg, image_to_msg
from .node import LATCHED, RELIABLE, declare, run, setting
from .sync import PictureInput

KEPT = 60  # pictures and twins that wait for an answer about them


@dataclass(frozen=True)
class MaskSettings:
    query_id: str = setting("", "show the answers to this question only; empty: the newest answer of any")
    color_transport: str = setting("raw", "raw (color/image_raw) or compressed (color/image_raw/compressed)")


class MaskNode(Node):
    """Subscribes to twin, answer and color/image_raw; publishes mask, overlay, markers and target.

    An answer is drawn into the picture that it speaks of. Objects keep their ids, so an answer that stands alone is
    drawn into every further twin too; a standing question brings a new answer for each.
    """

    def __init__(self) -> None:
        super().__init__("mask_node")
        s = self.settings = declare(self, MaskSettings)
        self._answer: Answer | None = None
        self._twins: OrderedDict[int, tuple[Header, DigitalTwin]] = OrderedDict()
        self._pictures: OrderedDict[int, Image | CompressedImage] = OrderedDict()
        self._mask = self.create_publisher(Image, "mask", RELIABLE)
        self._overlay = self.create_publisher(Image, "overlay", RELIABLE)
        self._markers = self.create_publisher(MarkerArray, "markers", RELIABLE)
        self._target = self.create_publisher(PoseStamped, "target", RELIABLE)
        raw = s.color_transport == "raw"
        one = MutuallyExclusiveCallbackGroup()
        topic = "color/image_raw" if raw else "color/image_raw/compressed"
        PictureInput(self, Image if raw else CompressedImage, topic, one).registerCallback(self._picture_came)
        self.create_subscription(SceneGraph, "twin", self._twin_came, LATCHED, callback_group=one)
        self.create_subscription(Answer, "answer", self._answer_came, RELIABLE, callback_group=one)

    def _picture_came(self, msg: Image | CompressedImage) -> None:
        _keep(self._pictures, _stamp(msg.header), msg)

    def _twin_came(self, msg: SceneGraph) -> None:
        if msg.status != Answer.OK:
            return
        _keep(self._twins, msg.sequence, (msg.header, twin_from_msg(msg)))
        if self._answer is not None and not self._answer.standing:
            self._show(self._answer, msg.sequence)

    def _answer_came(self, msg: Answer) -> None:
        if self.settings.query_id in ("", msg.query_id) and msg.status in (Answer.OK, Answer.NO_MATCH, Answer.STALE):
            self._answer = msg
            self._show(msg, msg.twin_sequence)

    def _show(self, answer: Answer, sequence: int) -> None:
        if sequence not in self._twins:
            return
        header, twin = self._twins[sequence]
        by_id = {i.id: i for i in twin.instances}
        found = [by_id[i] for i in answer.ids if i in by_id]
        self._mask.publish(mask_to_msg(twin, tuple(answer.ids), header))
        self._markers.publish(markers(found, header))
        if found and found[0].center_m is not None:
            self._target.publish(_pose(found[0], header))
        picture = self._pictures.get(_stamp(header))
        if picture is not None and twin.ids is not None and self._overlay.get_subscription_count():
            try:
                drawn = draw_masks(
                    color_from_msg(picture), twin.ids, list(answer.ids), {i.id: i.label for i in twin.instances}
                )
            except ReasonSegError as error:
                self.get_logger().warning(str(error), throttle_duration_sec=5.0)
                return
            self._overlay.publish(image_to_msg(drawn, "rgb8", header))


def markers(instances: Sequence[Instance], header: Header) -> MarkerArray:
    """A box and a text for each instance with a known place; what was shown before is taken away."""
    array = MarkerArray(markers=[Marker(header=header, action=Marker.DELETEALL)])
    for n, instance in enumerate(i for i in instances if i.center_m is not None):
        r, g, b = (c / 255 for c in PALETTE[n % len(PALETTE)])
        box = Marker(header=header, ns="box", id=instance.id, type=Marker.CUBE, action=Marker.ADD)
        box.pose = _pose(instance, header).pose
        box.scale.x, box.scale.y, box.scale.z = (max(0.005, float(v)) for v in instance.size_m or (0.05, 0.05, 0.05))
        box.color = ColorRGBA(r=r, g=g, b=b, a=0.45)
        text = Marker(header=header, ns="text", id=instance.id, type=Marker.TEXT_VIEW_FACING, action=Marker.ADD)
        text.pose = _pose(instance, header).pose
        text.pose.position.y -= box.scale.y / 2 + 0.03  # y points down in the optical frame
        text.scale.z = 0.03
        text.color = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0)
        text.text = f"{instance.id} {instance.label}"
        array.markers += [box, text]
    return array


def _pose(instance: Instance, header: Header) -> PoseStamped:
    pose = PoseStamped(header=header)
    pose.pose.position.x, pose.pose.position.y, pose.pose.position.z = (float(v) for v in instance.center_m or ())
    pose.pose.orientation.w = 1.0
    return pose


def _stamp(header: Header) -> int:
    return header.stamp.sec * 10**9 + header.stamp.nanosec


def _keep(kept: OrderedDict, key: int, value: object) -> None:
    kept[key] = value
    while len(kept) > KEPT:
        kept.popitem(last=False)


def main(argv: Sequence[str] | None = None) -> int:
    return run([MaskNode], argv)


if __name__ == "__main__":
    raise SystemExit(main())
