"""From pictures that belong together to the message `twin`, or to one that says why there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from std_msgs.msg import Header

from ..errors import ReasonSegError, Status
from ..twin.pose import Pose
from .conversions import refusal_to_msg, twin_to_msg
from .frames import FrameLookupError, Frames
from .inputs import Taken
from .moments import stamp_ns
from .node import ManagedNode
from .observer import Observer
from .settings import TwinSettings

LONGEST_AGE_NS = 60 * 10**9  # an older stamp is a recorded one, and says nothing about delay


class Seeing:
    """Publishes twins of an observer, in the thread that calls it. lacking: what the inputs lack, or nothing."""

    def __init__(
        self,
        node: ManagedNode[TwinSettings],
        publisher: Any,
        observer: Observer,
        frames: Frames | None,
        lacking: Callable[[], str],
    ) -> None:
        self._node, self._publisher, self._lacking = node, publisher, lacking
        self.observer, self.frames = observer, frames

    def see(self, taken: Taken) -> None:
        """One set of pictures. What cannot be used is refused; an error that was not foreseen is raised as well."""
        header = taken.color.header
        try:
            twin, latency_ms = self.observer.observe(taken, self._pose(header))
        except ReasonSegError as error:
            lacking = "" if taken.depth is not None else self._lacking()
            self.refuse(header, error.status, f"{error}; {lacking}" if lacking else str(error))
            return
        except Exception:
            self.refuse(header, Status.MODEL_FAILED, "perception failed unexpectedly; see the twin node's log")
            raise
        if twin is None:  # older than the newest one
            self._node.meter.count("pictures out of order")
            return
        age_ns = self._node.get_clock().now().nanoseconds - stamp_ns(header)
        if 0 <= age_ns < LONGEST_AGE_NS:
            latency_ms["picture to twin"] = age_ns / 1e6
        self._node.meter.done(latency_ms)
        msg = twin_to_msg(twin, header, latency_ms)
        msg.open_vocabulary = self.observer.takes_words
        self._publisher.publish(msg)

    def refuse(self, header: Header, status: Status, message: str) -> None:
        """A twin that says why there is none; a question asked now gets this status and message."""
        self._node.get_logger().warning(message, throttle_duration_sec=5.0)
        self._node.meter.error(status.name.lower(), message)
        sequence = self.observer.next_sequence()
        self._publisher.publish(refusal_to_msg(self.observer.newest, header, sequence, status, message))

    def _pose(self, header: Header) -> Pose | None:
        """The camera's in world_frame when the picture was taken; None where tf does not say, with a warning."""
        s = self._node.settings
        if self.frames is None:
            return None
        try:
            return self.frames.transform(header, s.world_frame, s.tf_timeout_s).camera_pose()
        except FrameLookupError as error:
            self._node.meter.count("pictures without the camera's pose")
            self._node.get_logger().warning(str(error), throttle_duration_sec=5.0)
            return None
