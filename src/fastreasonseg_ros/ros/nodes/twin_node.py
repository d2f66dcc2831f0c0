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
from .diagnostics import ERROR, OK, STALE, WARN, Health
from .frames import Frames
from .inputs import SceneInputs, Taken
from .node import ManagedNode
from .observer import Observer
from .qos import latched
from .seeing import Seeing
from .settings import TwinSettings
from .spinning import run
from .worker import NewestWorker


class TwinNode(ManagedNode[TwinSettings]):
    """Subscribes to color/image_raw, depth/image_raw, color/camera_info, and truth (oracle); publishes twin."""

    threads = 3  # a transition loads a model, `set_vocabulary` may wait for a frame; the rest goes on beside them

    def __init__(self) -> None:
        super().__init__("twin_node", TwinSettings)
        self._seeing: Seeing | None = None
        self._worker: NewestWorker[Taken] | None = None
        self._inputs: SceneInputs | None = None
        self._newest: tuple[float, Taken] | None = None
        self._twins = self.publisher(SceneGraph, "twin", latched())
        group = MutuallyExclusiveCallbackGroup()
        self.create_service(SetVocabulary, "set_vocabulary", self._set_vocabulary, callback_group=group)

    def setup(self) -> None:
        s = self.settings
        observer = Observer(make_perceiver(s.perceiver, s.perceiver_config or None, s.perceiver_overrides))
        self._seeing = Seeing(self, self._twins, observer, Frames(self) if s.world_frame else None, self._lacks)

    def start(self) -> None:
        assert self._seeing is not None
        self._worker = NewestWorker(self._seeing.see, self._failed, "perception")
        self._inputs = SceneInputs(self, self.settings, self._take, self._begin_anew)
        self.listen(DiagnosticStatus, "camera_status", self._camera_said, latched())

    def stop(self) -> None:
        if self._inputs is not None:
            self._inputs.close()
        if self._worker is not None:
            self._worker.close()
        if self._seeing is not None:
            self._seeing.observer.forget()
        self._inputs = self._worker = self._newest = None

    def free(self) -> None:
        if self._seeing is not None and self._seeing.frames is not None:
            self._seeing.frames.close()
        self._seeing = None

    def settings_changed(self, settings: TwinSettings) -> None:
        if self._inputs is not None:
            self._inputs.settings = settings

    def clock_jumped(self, reason: str) -> None:
        if self._inputs is not None:
            self._inputs.restart()  # pictures from before would wait for partners that never come
            if self._seeing is not None and self._seeing.frames is not None:
                self._seeing.frames.clear()
            self._begin_anew(reason)

    def _begin_anew(self, reason: str) -> None:
        if self._seeing is not None and self._seeing.observer.forget():
            self.get_logger().warning(f"{reason}: the twin begins anew")
            self.meter.count("twin begun anew")

    def _lacks(self) -> str:
        return self._inputs.report().complaint if self._inputs is not None else ""

    def _take(self, taken: Taken) -> None:
        self._newest = time.monotonic(), taken
        if self._worker is not None:
            self._worker.offer(taken)

    def _look_again(self) -> None:
        """Looks at the newest picture with words that came after it, if the camera still runs: it may be a slow one."""
        newest, worker = self._newest, self._worker
        if newest and worker and time.monotonic() - newest[0] < self.settings.stale_after_s:
            worker.offer(newest[1])

    def _failed(self, error: Exception) -> None:
        self.get_logger().error(f"perception: {type(error).__name__}: {error}", throttle_duration_sec=5.0)

    def _camera_said(self, msg: DiagnosticStatus) -> None:
        if msg.level == DiagnosticStatus.ERROR and self._seeing is not None:
            now = Header(stamp=self.get_clock().now().to_msg())
            self._seeing.refuse(now, Status.BAD_INPUT, f"{msg.name}: {msg.message}")

    def _set_vocabulary(self, request: SetVocabulary.Request, response: SetVocabulary.Response) -> Any:
        observer = self._seeing.observer if self._seeing else None
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
        inputs, worker, seeing = self._inputs, self._worker, self._seeing
        if inputs is None or worker is None or seeing is None:
            return []
        report, error, age_s = inputs.report(), self.meter.recent_error(), seeing.observer.age_s()
        level = ERROR if error else STALE if age_s > self.settings.stale_after_s else OK
        message = error or ("no twin yet" if age_s == float("inf") else f"newest twin {age_s:.1f} s ago")
        values = {
            **self.meter.values(),
            "dropped": str(worker.dropped),
            "twin age (s)": f"{age_s:.2f}",
            "objects": str(seeing.observer.objects),
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
