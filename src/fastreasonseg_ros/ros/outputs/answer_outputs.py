"""What mask_node publishes of an answer, and the rule which question the topics mask, overlay and target belong to.

Every answer is published with its query id on answer_mask, answer_target and in the namespaces of markers. The topics
mask, overlay, target, place, target_in_frame and answer_text are of the selected question, which is
1. the question that was chosen (service select, parameter query_id);
2. else the question that was asked last, one-off or standing. A one-off question stays selected until another question
   is asked: further answers to standing questions do not displace it. A standing question is new when its first answer
   comes, or one with another text.
A question that was ended by unwatch, or cancelled, is never selected by rule 2.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header, String
from visualization_msgs.msg import MarkerArray

from fastreasonseg_ros.msg import Answer, AnswerMask, AnswerTarget, SceneGraph

from ...errors import ReasonSegError
from ...twin.placement import place_of
from ...twin.types import Instance
from ..conversions import commands_from_msg, mask_from_twin, twin_from_msg
from ..executors import NewestWorker
from ..images import compressed_to_msg, image_to_msg, stamp_ns
from ..lifecycle import ManagedNode
from ..qos import latched, reliable
from ..settings import MaskSettings
from ..transforms import Transforms
from .boxes import OwnAxes
from .overlay import OverlayPublisher, destination_of
from .rviz_markers import AnswerMarkers, as_text, pose_at, pose_of

REMEMBERED = 64  # questions
LONGEST_AGE_MS = 60e3  # an older stamp is a recorded one, and says nothing about delay


@dataclass(frozen=True)
class Asked:
    """A question whose answer came: its text, and whether it stands."""

    text: str
    standing: bool


class TargetSelection:
    """The rule above. chosen: id of the question that the user chose; empty: the question that was asked last."""

    def __init__(self, chosen: str = "") -> None:
        self.chosen = chosen
        self._asked: dict[str, Asked] = {}  # in the order in which they were asked

    def answered(self, query_id: str, text: str, standing: bool) -> None:
        """An answer came."""
        asked = Asked(text, standing)
        if standing and self._asked.get(query_id) == asked:
            return
        self._asked.pop(query_id, None)
        self._asked[query_id] = asked
        for old in [i for i, a in self._asked.items() if not a.standing and i != query_id and not standing]:
            del self._asked[old]  # one-off questions are not returned to
        while len(self._asked) > REMEMBERED:
            del self._asked[next(iter(self._asked))]

    def ended(self, query_id: str) -> bool:
        """A question was ended; whether it was known."""
        return self._asked.pop(query_id, None) is not None

    def clear(self) -> None:
        self._asked.clear()

    @property
    def selected(self) -> str:
        """Id of the selected question; empty where none was answered."""
        return self.chosen or next(reversed(self._asked), "")


def target_of(instances: Sequence[Instance]) -> Instance | None:
    """Of what an answer found, in its order: the first visible object with a known place, else the first with one."""
    placed = [i for i in instances if i.center_m is not None]
    return next((i for i in placed if i.visible), placed[0] if placed else None)


class AnswerOutputs:
    """The publishers of mask_node. What nobody subscribes to is not made. For callbacks of one thread."""

    def __init__(self, node: ManagedNode[MaskSettings], selection: TargetSelection) -> None:
        self._node, self._selection = node, selection
        self._shapes = AnswerMarkers()
        self._transforms: Transforms | None = None
        self._poses: NewestWorker[PoseStamped] | None = None
        self.overlay = OverlayPublisher(node)
        self._axes = OwnAxes(node)
        demand = self._axes.demand  # a pose is oriented as the thing is
        self._mask = node.publisher(Image, "mask", reliable())
        self._compressed_mask = node.publisher(CompressedImage, "mask/compressed", reliable())
        self._answer_mask = node.publisher(AnswerMask, "answer_mask", reliable(64))
        self._markers = node.publisher(MarkerArray, "markers", reliable(64))
        self._target = demand.by(node.publisher(PoseStamped, "target", reliable(), **demand.events))
        self._place = demand.by(node.publisher(PoseStamped, "place", reliable(), **demand.events))
        self._answer_target = demand.by(node.publisher(AnswerTarget, "answer_target", reliable(64), **demand.events))
        self._target_in_frame = demand.by(node.publisher(PoseStamped, "target_in_frame", reliable(), **demand.events))
        self._text = node.publisher(String, "answer_text", latched())

    def start(self, transforms: Transforms | None) -> None:
        """transforms: to the parameter target_frame; None: target_in_frame is not published."""
        self._transforms = transforms
        self.overlay.start()
        self._axes.demand.start()
        if transforms is not None:
            self._poses = NewestWorker(self._publish_in_frame, self.failed, "target")

    def stop(self) -> None:
        self.overlay.stop()
        self._axes.demand.stop()
        if self._poses is not None:
            self._poses.close()
        self._poses = self._transforms = None

    def text(self, answer: Answer) -> None:
        if self._is_selected(answer.query_id):
            self._text.publish(String(data=as_text(answer)))

    def remove(self, query_id: str, header: Header) -> None:
        """Deletes the markers of a question, if it has any."""
        array = self._shapes.update(query_id, [], header)
        if array.markers:
            self._markers.publish(array)

    def places(self, answer: Answer, found: Sequence[Instance], destinations: Sequence[Instance] = ()) -> None:
        """Markers and target, which need no picture. destinations: of the first command."""
        if self._markers.get_subscription_count():
            self._markers.publish(self._shapes.update(answer.query_id, found, answer.header, destinations))
        target, selected = target_of(found), self._is_selected(answer.query_id)
        if target is None:
            return
        self._axes.when_known(lambda: self._publish_target(answer, target, selected))

    def _publish_target(self, answer: Answer, target: Instance, selected: bool) -> None:
        pose = self._axes.turn(pose_of(target, answer.header), target.id)
        if self._answer_target.get_subscription_count():
            msg = AnswerTarget(header=answer.header, query_id=answer.query_id, selected=selected, pose=pose.pose)
            msg.id, msg.label, msg.visible = target.id, target.label, target.visible
            self._answer_target.publish(msg)
        if selected and target.visible:
            self._target.publish(pose)
            if self._poses is not None:
                self._poses.offer(pose)

    def place(self, answer: Answer, twin: SceneGraph) -> None:
        """Where the first thing of the first command would stand, in this twin (twin/placement.py), turned as now."""
        if not answer.commands or not self._is_selected(answer.query_id):
            return
        command = commands_from_msg(answer)[0]
        point_m = place_of(command, twin_from_msg(twin, with_ids=False)) if command.is_complete else None
        if point_m is not None:
            pose, id = pose_at(point_m, answer.header), command.ids[0]
            self._axes.when_known(lambda: self._place.publish(self._axes.turn(pose, id)))

    def pixels(self, answer: Answer, twin: SceneGraph) -> None:
        """Mask and overlay of the answer's ids in this twin."""
        start, selected = time.perf_counter(), self._is_selected(answer.query_id)
        to_mask = selected and self._mask.get_subscription_count() > 0
        to_compressed = selected and self._compressed_mask.get_subscription_count() > 0
        to_all = self._answer_mask.get_subscription_count() > 0
        spent: dict[str, float] = {}
        try:
            if (to_mask or to_compressed or to_all) and (mask := mask_from_twin(twin, answer.ids)) is not None:
                image = image_to_msg(mask, "mono8", twin.header)
                if to_mask:
                    self._mask.publish(image)
                if to_compressed:
                    self._compressed_mask.publish(compressed_to_msg(mask, "mono8", twin.header))
                if to_all:
                    named = {"header": twin.header, "query_id": answer.query_id, "selected": selected}
                    msg = AnswerMask(**named, mask=image)
                    if destination := destination_of(answer):
                        there = mask_from_twin(twin, destination)
                        assert there is not None
                        msg.destination_mask = image_to_msg(there, "mono8", twin.header)
                    self._answer_mask.publish(msg)
                spent["mask"] = (time.perf_counter() - start) * 1e3
            if selected and self.overlay.wanted and self.overlay.publish(answer, twin):
                spent["mask and overlay"] = (time.perf_counter() - start) * 1e3
        except ReasonSegError as error:
            self.failed(error)
        age_ms = (self._node.get_clock().now().nanoseconds - stamp_ns(twin.header)) / 1e6
        if 0 <= age_ms < LONGEST_AGE_MS:
            spent["picture to mask"] = age_ms
        self._node.meter.done(spent)

    def failed(self, error: Exception) -> None:
        """Counts and logs an error of one answer; the node goes on."""
        message = str(error) if isinstance(error, ReasonSegError) else f"{type(error).__name__}: {error}"
        self._node.meter.error(type(error).__name__, message)
        self._node.get_logger().warning(message, throttle_duration_sec=5.0)

    def _is_selected(self, query_id: str) -> bool:
        return query_id == self._selection.selected

    def _publish_in_frame(self, pose: PoseStamped) -> None:
        """In a thread of its own, since it waits for tf."""
        transforms, s = self._transforms, self._node.settings
        if transforms is not None:
            self._target_in_frame.publish(transforms.in_frame(pose, s.target_frame, s.tf_timeout_s))
