"""twin_node: pictures in, the digital twin out. Perception runs in a worker that keeps only the newest set of pictures.

A frame's way: RgbdSynchronizer (executor thread), TwinPublisher.process -> pipeline.observe -> publish (worker thread).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.callback_groups import ReentrantCallbackGroup
from sensor_msgs.msg import Imu
from std_msgs.msg import Header

from fastreasonseg_ros.msg import SceneGraph
from fastreasonseg_ros.srv import SetVocabulary

from ...errors import ConfigError, ReasonSegError, Status
from ...perception import make_perceiver
from ..diagnostics import ERROR, OK, STALE, WARN, Health
from ..executors import NewestWorker, result_of, run
from ..lifecycle import ManagedNode
from ..outputs.twin_outputs import TwinOutputs
from ..qos import latched, sensor_data
from ..rgbd_subscriber import RgbdSubscriber
from ..rgbd_synchronizer import RgbdMessages
from ..settings import TwinSettings
from ..transforms import TransformLookup
from ..twin_estimator import TwinEstimator
from ..twin_publisher import TwinPublisher


class TwinNode(ManagedNode[TwinSettings]):
    """Subscribes to color/image_raw, depth/image_raw, the camera_info of both, imu, truth; publishes twin, and
    the same in standard messages (outputs/).
    """

    def __init__(self) -> None:
        super().__init__("twin_node", TwinSettings)
        self._publisher: TwinPublisher | None = None
        self._worker: NewestWorker[RgbdMessages] | None = None
        self._subscriber: RgbdSubscriber | None = None
        self._transforms: TransformLookup | None = None
        self._newest: tuple[float, RgbdMessages] | None = None
        self._twins = self.publisher(SceneGraph, "twin", latched())
        self._outputs = TwinOutputs(self)
        group = ReentrantCallbackGroup()  # it awaits the worker
        self.create_service(SetVocabulary, "set_vocabulary", self._set_vocabulary, callback_group=group)

    def setup(self) -> None:
        s = self.settings
        perceiver = make_perceiver(s.perceiver, s.perceiver_config or None, s.perceiver_overrides)
        transforms = self._transforms = TransformLookup(self, needed=bool(s.world_frame or s.gravity_frame))
        estimator = TwinEstimator(perceiver, s.depth_unit_m, transforms.between_cameras)
        self._publisher = TwinPublisher(self, self._twins, estimator, transforms, self._outputs)
        self._worker = NewestWorker(self._publisher.process, self._failed, "perception")
        self._worker.call(estimator.warm_up)  # while the camera's topics are discovered

    def start(self) -> None:
        self._subscriber = RgbdSubscriber(self, self.settings, self._rgbd_came)
        self._outputs.cloud.start()
        self.subscribe(DiagnosticStatus, "camera_status", self._camera_status_came, latched())
        if self.settings.use_imu and self._publisher is not None:
            self.subscribe(Imu, "imu", self._publisher.up.imu_came, sensor_data())

    def stop(self) -> None:
        if self._subscriber is not None:
            self._subscriber.close()
        self._subscriber = self._newest = None
        self._outputs.cloud.stop()
        if self._worker is not None and self._publisher is not None:
            self._worker.clear()
            self._worker.call(self._publisher.estimator.forget)

    def free(self) -> None:
        if self._worker is not None:
            self._worker.close()
        if self._transforms is not None:
            self._transforms.close()
        self._worker = self._publisher = self._transforms = None

    def clock_jumped(self, reason: str) -> None:
        if self._subscriber is not None and self._worker is not None and self._publisher is not None:
            self._subscriber.clear()  # pictures from before would wait for partners that never come
            if self._transforms is not None:
                self._transforms.clear()
            publisher = self._publisher
            self._worker.call(lambda: publisher.begin_anew(reason))

    def _rgbd_came(self, messages: RgbdMessages) -> None:
        self._newest = time.monotonic(), messages
        if self._worker is not None:
            self._worker.offer(messages)

    def _failed(self, error: Exception) -> None:
        self.get_logger().error(f"perception: {type(error).__name__}: {error}", throttle_duration_sec=5.0)

    def _camera_status_came(self, msg: DiagnosticStatus) -> None:
        """Publishes why camera_node has no pictures, so that questions are answered with it."""
        publisher, worker = self._publisher, self._worker
        if msg.level == DiagnosticStatus.ERROR and publisher is not None and worker is not None:
            now = Header(stamp=self.get_clock().now().to_msg())
            worker.call(lambda: publisher.refuse(now, Status.BAD_INPUT, f"{msg.name}: {msg.message}"))

    async def _set_vocabulary(self, request: SetVocabulary.Request, response: SetVocabulary.Response) -> Any:
        """Between two frames, so that no frame is perceived with half of the words."""
        estimator, worker = self._publisher.estimator if self._publisher else None, self._worker
        try:
            if estimator is None or worker is None:
                raise ConfigError(f"twin_node is {self.phase}: configure it first. {self.problem}".strip())
            change = worker.call(lambda: estimator.set_vocabulary(request.words, request.add, request.asked))
            new, response.sequence = await result_of(change, self)
            response.added = list(new)
            found = f"looking for {', '.join(new)} from the next picture on" if new else "these are looked for already"
            response.message = f"{found}; {len(estimator.words)} words were set or asked for"
            if new and request.asked:
                self._look_again(worker)
        except ReasonSegError as error:
            response.status, response.message = int(error.status), str(error)
        response.words = list(estimator.words) if estimator is not None else []
        return response

    def _look_again(self, worker: NewestWorker[RgbdMessages]) -> None:
        """Perceives the newest picture again with the new words, if it is not stale: the next one may come late."""
        newest = self._newest
        if newest and time.monotonic() - newest[0] < self.settings.stale_after_s:
            worker.offer(newest[1])

    def health(self) -> list[tuple[str, Health]]:
        subscriber, worker, publisher = self._subscriber, self._worker, self._publisher
        if subscriber is None or worker is None or publisher is None:
            return []
        report, error = subscriber.report(self.settings.depth_timeout_s), self.meter.recent_error()
        age_s, objects = publisher.estimator.age_s(), publisher.estimator.objects
        level = ERROR if error else STALE if age_s > self.settings.stale_after_s else OK
        message = error or ("no twin yet" if age_s == float("inf") else f"newest twin {age_s:.1f} s ago")
        values = {"dropped": str(worker.dropped), "twin age (s)": f"{age_s:.2f}", "objects": str(objects)}
        problems = "; ".join(text for text in (report.complaint, *publisher.warnings) if text)
        inputs = Health(ERROR if report.missing else WARN if problems else OK, problems or "in step", report.values)
        return [
            ("perception", Health(level, message, self.meter.values() | values, self.settings.perceiver)),
            ("inputs", inputs),
        ]


def main(argv: Sequence[str] | None = None) -> int:
    return run([TwinNode], argv)


if __name__ == "__main__":
    raise SystemExit(main())
