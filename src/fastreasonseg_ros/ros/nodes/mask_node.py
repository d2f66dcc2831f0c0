"""mask_node: what an answer means in the picture and in the room: mask, overlay, markers, target pose, text."""

from __future__ import annotations

import time
from collections.abc import Sequence

from geometry_msgs.msg import PoseStamped
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from sensor_msgs.msg import Image
from std_msgs.msg import Header, String
from visualization_msgs.msg import MarkerArray

from fastreasonseg_ros.msg import Answer, SceneGraph

from ..errors import ReasonSegError
from ..twin.types import Instance
from .conversions import instance_from_msg, mask_to_msg, twin_from_msg
from .diagnostics import OK, WARN, Health
from .frames import Frames
from .moments import stamp_ns
from .node import ManagedNode
from .overlays import Overlays
from .qos import latched, reliable
from .settings import MaskSettings
from .show import as_text, markers, pose_of
from .spinning import run
from .worker import NewestWorker


class MaskNode(ManagedNode[MaskSettings]):
    """Subscribes to twin, answer and color/image_raw; publishes mask, overlay, markers, target, answer_text.

    An answer is drawn into the picture that it speaks of. Objects keep their ids, so an answer that stands alone is
    drawn into every further twin too; a standing question brings a new answer for each.
    """

    def __init__(self) -> None:
        super().__init__("mask_node", MaskSettings)
        self._answer: Answer | None = None
        self._group = MutuallyExclusiveCallbackGroup()
        self._frames: Frames | None = None
        self._targets: NewestWorker[PoseStamped] | None = None
        self._mask = self.publisher(Image, "mask", reliable())
        self._overlays = Overlays(self, self._group)
        self._markers = self.publisher(MarkerArray, "markers", reliable())
        self._target = self.publisher(PoseStamped, "target", reliable())
        self._target_in_frame = self.publisher(PoseStamped, "target_in_frame", reliable())
        self._text = self.publisher(String, "answer_text", latched())

    def setup(self) -> None:
        self._frames = Frames(self) if self.settings.target_frame else None

    def start(self) -> None:
        self._overlays.start()
        if self._frames is not None:
            self._targets = NewestWorker(self._move_target, self._failed, "target")
        self.listen(SceneGraph, "twin", self._twin_came, latched(), self._group)
        self.listen(Answer, "answer", self._answer_came, reliable(), self._group)

    def stop(self) -> None:
        self._overlays.stop()
        if self._targets is not None:
            self._targets.close()
        self._targets = self._answer = None

    def free(self) -> None:
        if self._frames is not None:
            self._frames.close()
        self._frames = None

    def clock_jumped(self, reason: str) -> None:
        self.get_logger().warning(f"{reason}: pictures and transforms from before are forgotten")
        self._overlays.forget()
        if self._frames is not None:
            self._frames.clear()

    def _twin_came(self, msg: SceneGraph) -> None:
        if msg.status != Answer.OK:
            return
        self._overlays.twin_came(msg)
        answer = self._answer
        if answer is not None and not answer.standing:
            twin = twin_from_msg(msg)
            by_id = {i.id: i for i in twin.instances}
            found = [by_id[i] for i in answer.ids if i in by_id]
            mask = mask_to_msg(twin, tuple(answer.ids), msg.header) if twin.ids is not None else Image()
            self._show(answer, msg.header, mask, found)

    def _answer_came(self, msg: Answer) -> None:
        if self.settings.query_id not in ("", msg.query_id):
            return
        self._text.publish(String(data=as_text(msg)))
        if msg.status in (Answer.OK, Answer.NO_MATCH, Answer.STALE):
            self._answer = msg
            # It brings mask and objects of its own: a twin that was missed, under load, costs the overlay only.
            self._show(msg, msg.header, msg.mask, [instance_from_msg(i) for i in msg.instances])

    def _show(self, answer: Answer, header: Header, mask: Image, found: list[Instance]) -> None:
        start = time.perf_counter()
        if mask.data:  # else the perceiver gives none
            self._mask.publish(mask)
        self._markers.publish(markers(found, header))
        if found and found[0].center_m is not None:
            pose = pose_of(found[0], header)
            self._target.publish(pose)
            if self._targets is not None:
                self._targets.offer(pose)
        spent = {"mask": (time.perf_counter() - start) * 1e3}
        age_ms = (self.get_clock().now().nanoseconds - stamp_ns(header)) / 1e6
        if 0 <= age_ms < 60e3:  # a recorded stamp says nothing about delay
            spent["picture to mask"] = age_ms
        try:
            if self._overlays.draw(answer, header):
                spent["mask and overlay"] = (time.perf_counter() - start) * 1e3
        except ReasonSegError as error:
            self._failed(error)
        self.meter.done(spent)

    def _move_target(self, pose: PoseStamped) -> None:
        """In a thread of its own: tf may let it wait."""
        frames, s = self._frames, self.settings
        if frames is not None:
            self._target_in_frame.publish(frames.in_frame(pose, s.target_frame, s.tf_timeout_s))

    def _failed(self, error: Exception) -> None:
        message = str(error) if isinstance(error, ReasonSegError) else f"{type(error).__name__}: {error}"
        self.meter.error(type(error).__name__, message)
        self.get_logger().warning(message, throttle_duration_sec=5.0)

    def health(self) -> list[tuple[str, Health]]:
        error = self.meter.recent_error()
        return [("masks", Health(WARN if error else OK, error or "publishing answers", self.meter.values()))]


def main(argv: Sequence[str] | None = None) -> int:
    return run([MaskNode], argv)


if __name__ == "__main__":
    raise SystemExit(main())
