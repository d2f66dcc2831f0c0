"""twin_node: pictures in, the digital twin out; perception runs in a worker that keeps only the newest picture."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from std_msgs.msg import Header

from fastreasonseg_ros.msg import SceneGraph
from fastreasonseg_ros.srv import SetVocabulary

from ..errors import ConfigError, ReasonSegError, Status
from ..perception import make_perceiver
from ..twin.pose import Pose
from .conversions import refusal_to_msg, twin_to_msg
from .diagnostics import ERROR, OK, STALE, WARN, Health
from .frames import FrameLookupError, Frames
from .inputs import SceneInputs, Taken
from .node import ManagedNode, run
from .observer import Observer
from .qos import latched
from .settings import TwinSettings
from .worker import NewestWorker


class TwinNode(ManagedNode[TwinSettings]):
    """Subscribes to color/image_raw, depth/image_raw, color/camera_info, and truth (oracle); publishes twin."""

    def __init__(self) -> None:
        super().__init__("twin_node", TwinSettings)
        self._observer: Observer | None = None
        self._worker: NewestWorker | None = None
        self._inputs: SceneInputs | None = None
        self._newest: tuple[float, Taken] | None = None
        self._frames: Frames | None = None
        self._twins = self.publisher(SceneGraph, "twin", latched())
        own = MutuallyExclusiveCallbackGroup()
        self.create_service(SetVocabulary, "set_vocabulary", self._set_vocabulary, callback_group=own)

    def setup(self) -> None:
        s = self.settings
        self._observer = Observer(make_perceiver(s.perceiver, s.perceiver_config or None, s.perceiver_overrides))
        self._frames = Frames(self) if s.world_frame else None

    def start(self) -> None:
        self._worker = NewestWorker(self._observe, self._failed, "perception")
        self._inputs = SceneInputs(self, self.settings, self._take, self._begin_anew)
        self.listen(DiagnosticStatus, "camera_status", self._camera_said, latched())

    def stop(self) -> None:
        if self._inputs is not None:
            self._inputs.close()
        if self._worker is not None:
            self._worker.close()
        if self._observer is not None:
            self._observer.forget()
        self._inputs = self._worker = self._newest = None

    def free(self) -> None:
        if self._frames is not None:
            self._frames.close()
        self._observer = self._frames = None

    def settings_changed(self, settings: TwinSettings) -> None:
        if self._inputs is not None:
            self._inputs.settings = settings

    def clock_jumped(self, reason: str) -> None:
        if self._inputs is not None:
            self._inputs.restart()  # pictures from before would wait for partners that never come
            if self._frames is not None:
                self._frames.clear()
            self._begin_anew(reason)

    def _begin_anew(self, reason: str) -> None:
        observer = self._observer
        if observer is not None and observer.forget():
            self.get_logger().warning(f"{reason}: the twin begins anew")
            self.meter.count("twin begun anew")

    def _take(self, taken: Taken) -> None:
        self._newest = time.monotonic(), taken
        if self._worker is not None:
            self._worker.offer(taken)

    def _look_again(self) -> None:
        """Looks at the newest picture with words that came after it, if the camera still runs: it may be a slow one."""
        newest, worker = self._newest, self._worker
        if newest and worker and time.monotonic() - newest[0] < self.settings.stale_after_s:
            worker.offer(newest[1])

    def _observe(self, taken: Taken) -> None:
        observer, header = self._observer, taken.color.header
        if observer is None:
            return
        try:
            twin, latency_ms = observer.observe(taken, self._pose(header))
        except ReasonSegError as error:
            lacking = "" if taken.depth is not None or self._inputs is None else self._inputs.report().complaint
            self._refuse(header, error.status, f"{error}; {lacking}" if lacking else str(error))
            return
        except Exception:
            self._refuse(header, Status.MODEL_FAILED, "perception failed unexpectedly; see the twin node's log")
            raise
        if twin is None:  # older than the newest one
            self.meter.count("pictures out of order")
            return
        now, stamp = self.get_clock().now().nanoseconds, header.stamp.sec * 10**9 + header.stamp.nanosec
        if 0 <= now - stamp < 60 * 10**9:  # a recorded stamp says nothing about delay
            latency_ms["picture to twin"] = (now - stamp) / 1e6
        self.meter.done(latency_ms)
        msg = twin_to_msg(twin, header, latency_ms)
        msg.open_vocabulary = observer.takes_words
        self._twins.publish(msg)

    def _pose(self, header: Header) -> Pose | None:
        """The camera's in world_frame when the picture was taken; None where tf does not say, with a warning."""
        frames, s = self._frames, self.settings
        if frames is None:
            return None
        try:
            return frames.transform(header, s.world_frame, s.tf_timeout_s).camera_pose()
        except FrameLookupError as error:
            self.meter.count("pictures without the camera's pose")
            self.get_logger().warning(str(error), throttle_duration_sec=5.0)
            return None

    def _refuse(self, header: Header, status: Status, message: str) -> None:
        """A twin that says why there is none; a question asked now gets this status and message."""
        self.get_logger().warning(message, throttle_duration_sec=5.0)
        self.meter.error(status.name.lower(), message)
        observer = self._observer
        sequence = observer.next_sequence() if observer is not None else 0
        newest = observer.newest if observer is not None else None
        self._twins.publish(refusal_to_msg(newest, header, sequence, status, message))

    def _failed(self, error: Exception) -> None:
        self.get_logger().error(f"perception: {type(error).__name__}: {error}", throttle_duration_sec=5.0)

    def _camera_said(self, msg: DiagnosticStatus) -> None:
        if msg.level == DiagnosticStatus.ERROR:
            header = Header(stamp=self.get_clock().now().to_msg())
            self._refuse(header, Status.BAD_INPUT, f"{msg.name}: {msg.message}")

    def _set_vocabulary(self, request: SetVocabulary.Request, response: SetVocabulary.Response) -> Any:
        observer = self._observer
        try:
            if observer is None:
                raise ConfigError(f"twin_node is {self.phase}: configure it first. {self.problem}".strip())
            new, response.sequence = observer.set_vocabulary(request.words, request.add, request.asked)
            response.added = list(new)
            found = f"looking for {', '.join(new)} from the next picture on" if new else "these are looked for already"
            response.message = f"{found}; {len(observer.words)} words were set or asked for"
            if new and request.asked:
                self._look_again()
        except ReasonSegError as error:
            response.status, response.message = int(error.status), str(error)
        response.words = list(observer.words) if observer is not None else []
        return response

    def health(self) -> list[tuple[str, Health]]:
        inputs, worker, observer = self._inputs, self._worker, self._observer
        if inputs is None or worker is None or observer is None:
            return []
        report, error, age_s = inputs.report(), self.meter.recent_error(), observer.age_s()
        level = ERROR if error else STALE if age_s > self.settings.stale_after_s else OK
        message = error or ("no twin yet" if age_s == float("inf") else f"newest twin {age_s:.1f} s ago")
        values = {
            **self.meter.values(),
            "dropped": str(worker.dropped),
            "twin age (s)": f"{age_s:.2f}",
            "objects": str(observer.objects),
        }
        level_of_inputs = ERROR if report.missing else WARN if report.complaint else OK
        return [
            ("perception", Health(level, message, values, self.settings.perceiver)),
            ("inputs", Health(level_of_inputs, report.complaint or "in step", report.values)),
        ]


def main(argv: Sequence[str] | None = None) -> int:
    return run([TwinNode], argv)


if __name__ == "__main__":
    raise SystemExit(main())
