"""camera_node: publishes pictures from a device, a file, a data set, a bag, the simulator, or another topic."""

from __future__ import annotations

import time
from collections.abc import Sequence

from diagnostic_msgs.msg import DiagnosticStatus
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from fastreasonseg_ros.msg import SceneGraph

from ...serving.playback import Playback
from ...twin.types import Frame
from ..conversions import truth_to_msg
from ..diagnostics import ERROR, OK, Health
from ..executors import run
from ..images import depth_to_msg, image_to_msg, intrinsics_to_msg
from ..lifecycle import ManagedNode
from ..qos import latched, reliable
from ..rgbd_subscriber import TopicRelay
from ..settings import CameraSettings


class CameraNode(ManagedNode[CameraSettings]):
    """Topics: color/image_raw, depth/image_raw, color/camera_info; truth where the source knows it; status."""

    def __init__(self) -> None:
        super().__init__("camera_node", CameraSettings)
        self._color = self.publisher(Image, "color/image_raw", reliable())
        self._depth = self.publisher(Image, "depth/image_raw", reliable())
        self._info = self.publisher(CameraInfo, "color/camera_info", reliable())
        self._truth = self.publisher(SceneGraph, "truth", reliable())
        self._status = self.publisher(DiagnosticStatus, "camera_status", latched())
        self._source: Playback | TopicRelay | None = None
        self._trouble: str | None = None
        self._sequence = 0

    def start(self) -> None:
        if self.settings.source == "topic":
            outputs = self._color, self._depth, self._info
            self._source = TopicRelay(self, self.settings, *outputs, self._passed, self._report)
        else:
            self._source = Playback(lambda: self.settings, self._publish, self._report)

    def stop(self) -> None:
        if self._source is not None:
            self._source.close()
        self._source = None

    def health(self) -> list[tuple[str, Health]]:
        level = ERROR if self._trouble else OK
        source = f"{self.settings.source} {self.settings.path}".strip()
        return [("pictures", Health(level, self._trouble or "publishing", self.meter.values(), source))]

    def _publish(self, frame: Frame) -> None:
        start = time.perf_counter()
        header = Header(stamp=self.get_clock().now().to_msg(), frame_id=self.settings.frame_id)
        if frame.truth is not None:
            self._truth.publish(truth_to_msg(frame, self._sequence, header))
        if frame.intrinsics is not None:
            self._info.publish(intrinsics_to_msg(frame.intrinsics, header))
        if frame.depth_m is not None:
            self._depth.publish(depth_to_msg(frame.depth_m, header))
        self._color.publish(image_to_msg(frame.color, "rgb8", header))
        self._sequence += 1
        self._passed((time.perf_counter() - start) * 1e3)

    def _passed(self, took_ms: float) -> None:
        self.meter.done({"publishing": took_ms})
        self._report(None)

    def _report(self, trouble: str | None) -> None:
        """Publishes, once, why no pictures come; twin_node answers with it."""
        if trouble:
            self.meter.error("source", trouble)
        if trouble == self._trouble and self._sequence != 1:
            return
        self._trouble = trouble
        if trouble:
            self.get_logger().error(trouble)
        level = DiagnosticStatus.ERROR if trouble else DiagnosticStatus.OK
        self._status.publish(DiagnosticStatus(level=level, name=self.get_fully_qualified_name(), message=trouble or ""))


def main(argv: Sequence[str] | None = None) -> int:
    return run([CameraNode], argv)


if __name__ == "__main__":
    raise SystemExit(main())
