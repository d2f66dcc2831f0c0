"""From one estimate to the message `twin`, or to one that says why there is none."""

from __future__ import annotations

from typing import Any

from std_msgs.msg import Header

from ..errors import ReasonSegError, Status
from ..twin.pose import Pose
from .conversions import refusal_to_msg, twin_to_msg
from .images import stamp_ns
from .lifecycle import ManagedNode
from .outputs.twin_outputs import TwinOutputs
from .rgbd_synchronizer import RgbdMessages
from .settings import TwinSettings
from .transforms import FrameLookupError, TransformLookup
from .twin_estimator import Estimate, TwinEstimator
from .up_direction import UpDirection

LONGEST_AGE_NS = 60 * 10**9  # an older stamp is a recorded one, and says nothing about delay


class TwinPublisher:
    """Estimates and publishes twins in the thread that calls it: the perception worker's.

    transforms: for the camera's pose in the parameter world_frame. outputs: the same twin in standard messages.
    """

    def __init__(
        self,
        node: ManagedNode[TwinSettings],
        publisher: Any,
        estimator: TwinEstimator,
        transforms: TransformLookup,
        outputs: TwinOutputs,
    ) -> None:
        self._node, self._publisher, self._transforms, self._outputs = node, publisher, transforms, outputs
        self.up = UpDirection(lambda: node.settings, transforms)
        self.estimator = estimator
        self.warnings: tuple[str, ...] = ()  # about the input of the newest frame

    def process(self, messages: RgbdMessages) -> None:
        """One set of pictures. What cannot be used is refused; an error that was not foreseen is raised as well."""
        header = messages.color.header
        try:
            estimate = self.estimator.observe(messages, self._pose(header), self.up.of(header))
        except ReasonSegError as error:
            self.refuse(header, error.status, "; ".join(text for text in (str(error), messages.lacking) if text))
        except Exception:
            self.refuse(header, Status.MODEL_FAILED, "perception failed unexpectedly; see the twin node's log")
            raise
        else:
            self._publish(header, estimate)

    def refuse(self, header: Header, status: Status, message: str) -> None:
        """A twin that says why there is none; a question asked now gets this status and message."""
        self._node.get_logger().warning(message, throttle_duration_sec=5.0)
        self._node.meter.error(status.name.lower(), message)
        sequence = self.estimator.next_sequence()
        self._publisher.publish(refusal_to_msg(self.estimator.newest, header, sequence, status, message))

    def begin_anew(self, reason: str) -> None:
        """Forgets the twin; the next picture begins a new one."""
        if self.estimator.forget():
            self._begun_anew(reason)

    def _publish(self, header: Header, estimate: Estimate) -> None:
        if estimate.begun_anew:
            self._begun_anew(estimate.begun_anew)
        if estimate.twin is None:
            self._node.meter.count("pictures out of order")
            return
        self.warnings = tuple(text for text in (*estimate.warnings, self.up.warning) if text)
        latency_ms = dict(estimate.latency_ms)
        age_ns = self._node.get_clock().now().nanoseconds - stamp_ns(header)
        if 0 <= age_ns < LONGEST_AGE_NS:
            latency_ms["picture to twin"] = age_ns / 1e6
        self._node.meter.done(latency_ms)
        msg = twin_to_msg(estimate.twin, header, latency_ms)
        msg.message = "; ".join(text for text in (msg.message, *estimate.warnings) if text)
        msg.open_vocabulary = self.estimator.takes_words
        self._publisher.publish(msg)
        if estimate.frame is not None:
            self._outputs.publish(estimate.twin, estimate.frame, msg, self.estimator.score_threshold)

    def _begun_anew(self, reason: str) -> None:
        self._node.get_logger().warning(f"{reason}: the twin begins anew")
        self._node.meter.count("twin begun anew")

    def _pose(self, header: Header) -> Pose | None:
        """The camera's in world_frame when the picture was taken; None where tf does not say, with a warning."""
        s = self._node.settings
        if not s.world_frame:
            return None
        try:
            return self._transforms.transform(header, s.world_frame, s.tf_timeout_s).camera_pose()
        except FrameLookupError as error:
            self._node.meter.count("pictures without the camera's pose")
            self._node.get_logger().warning(str(error), throttle_duration_sec=5.0)
            return None
