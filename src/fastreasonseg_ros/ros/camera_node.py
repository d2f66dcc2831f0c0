"""camera_node: publishes pictures from a device, a file, a data set, a bag, the simulator, or another topic."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from fastreasonseg_ros.msg import SceneGraph

from ..errors import ReasonSegError
from ..twin.types import DigitalTwin, Frame, Instance
from .conversions import twin_to_msg
from .diagnostics import ERROR, OK, Health
from .images import color_from_msg, depth_from_msg, depth_to_msg, image_to_msg, intrinsics_to_msg
from .node import ManagedNode, run
from .parameters import NodeSettings, setting
from .qos import PICTURE_QOS, latched, reliable
from .sources import SOURCES, frames_of
from .sync import PictureInput

RAW = ("raw", "compressed")


@dataclass(frozen=True)
class CameraSettings(NodeSettings):
    source: str = setting("simulation", "where pictures come from", choices=(*SOURCES, "topic"))
    path: str = setting("", "what to open: device number, file or folder; for a simulation its seed")
    rate_hz: float = setting(0.0, "pictures a second; 0: the pace of the source", low=0.0, high=1000.0, change="live")
    loop: bool = setting(
        True, "start again when the source ends; otherwise its last picture is repeated once a second", change="live"
    )
    frame_id: str = setting("camera_color_optical_frame", "frame of the pictures (REP-103 optical)", change="live")
    color_transport: str = setting("raw", "of the source topic in/color", choices=RAW)
    depth_transport: str = setting("raw", "of the source topic in/depth", choices=(*RAW, "compressedDepth"))
    picture_qos: str = setting("auto", "of the source topics; auto: reliable where offered", choices=PICTURE_QOS)


class CameraNode(ManagedNode[CameraSettings]):
    """Topics: color/image_raw, depth/image_raw, color/camera_info; truth where the source knows it; status."""

    def __init__(self) -> None:
        super().__init__("camera_node", CameraSettings)
        self._color = self.publisher(Image, "color/image_raw", reliable())
        self._depth = self.publisher(Image, "depth/image_raw", reliable())
        self._info = self.publisher(CameraInfo, "color/camera_info", reliable())
        self._truth = self.publisher(SceneGraph, "truth", reliable())
        self._status = self.publisher(DiagnosticStatus, "camera_status", latched())
        self._inputs: list[PictureInput] = []
        self._thread: Thread | None = None
        self._halt = Event()
        self._trouble: str | None = None
        self._sequence = 0

    def start(self) -> None:
        self._halt = Event()
        if self.settings.source == "topic":
            self._relay()
        else:
            self._thread = Thread(target=self._publish_all, args=(self._halt,), name="camera", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._halt.set()
        for one in self._inputs:
            one.close()
        if self._thread is not None:
            self._thread.join(5.0)
        self._inputs, self._thread = [], None

    def health(self) -> list[tuple[str, Health]]:
        level = ERROR if self._trouble else OK
        source = f"{self.settings.source} {self.settings.path}".strip()
        return [("pictures", Health(level, self._trouble or "publishing", self.meter.values(), source))]

    def _publish_all(self, halt: Event) -> None:
        while not halt.is_set():
            frame = None
            try:
                for frame in self._paced(frames_of(self.settings.source, self.settings.path), halt):
                    self._publish(frame)
            except ReasonSegError as error:
                self._report(str(error))
                halt.wait(self.settings.retry_s)
                continue
            except Exception as error:  # a broken file can fail anywhere in its reader; the node stays up and says so
                self._report(f"{self.settings.path}: cannot be read: {type(error).__name__}: {error}")
                halt.wait(self.settings.retry_s)
                continue
            while not self.settings.loop and frame is not None and not halt.wait(1.0):
                self._publish(frame)

    def _paced(self, frames: Iterable[Frame], halt: Event) -> Iterator[Frame]:
        """The frames, each at its time; a source that is slower than its own stamps is not waited for."""
        due = previous = None
        for frame in frames:
            rate = self.settings.rate_hz
            if due is None or previous is None:
                due = time.monotonic()
            else:
                due += 1 / rate if rate > 0 else max(0.0, frame.stamp_s - previous)
            previous = frame.stamp_s
            if halt.wait(max(0.0, due - time.monotonic())):
                return
            yield frame
        # The last picture gets its time too, so that a loop over few pictures does not spin.
        halt.wait(1 / self.settings.rate_hz if self.settings.rate_hz > 0 else 0.1)

    def _publish(self, frame: Frame) -> None:
        start = time.perf_counter()
        header = Header(stamp=self.get_clock().now().to_msg(), frame_id=self.settings.frame_id)
        if frame.truth is not None:
            self._truth.publish(twin_to_msg(_truth_twin(frame, self._sequence), header))
        if frame.intrinsics is not None:
            self._info.publish(intrinsics_to_msg(frame.intrinsics, header))
        if frame.depth_m is not None:
            self._depth.publish(depth_to_msg(frame.depth_m, header))
        self._color.publish(image_to_msg(frame.color, "rgb8", header))
        self.meter.done({"publishing": (time.perf_counter() - start) * 1e3})
        self._sequence += 1
        self._report(None)

    def _relay(self) -> None:
        """Topics in/color, in/depth and in/camera_info, to be remapped, under this package's names and raw."""
        s = self.settings
        color, depth = (CompressedImage if t != "raw" else Image for t in (s.color_transport, s.depth_transport))
        wanted: list[tuple[Any, str, Any]] = [
            (CameraInfo, "in/camera_info", self._info),
            (color, "in/color", self._color),
            (depth, "in/depth", self._depth),
        ]
        for kind, topic, publisher in wanted:
            one = PictureInput(self, kind, topic, s.picture_qos)
            one.registerCallback(self._pass_on, publisher)
            self._inputs.append(one)

    def _pass_on(self, msg: CameraInfo | Image | CompressedImage, publisher: Any) -> None:
        start = time.perf_counter()
        try:
            if isinstance(msg, CompressedImage) and publisher is self._color:
                msg = image_to_msg(color_from_msg(msg), "rgb8", msg.header)
            elif isinstance(msg, CompressedImage):
                msg = depth_to_msg(depth_from_msg(msg), msg.header)
        except ReasonSegError as error:
            self._report(str(error))
            return
        publisher.publish(msg)
        if publisher is self._color:
            self.meter.done({"publishing": (time.perf_counter() - start) * 1e3})
        self._report(None)

    def _report(self, trouble: str | None) -> None:
        """Tells the twin node, once, why no pictures come."""
        if trouble:
            self.meter.error("source", trouble)
        if trouble == self._trouble and self._sequence != 1:
            return
        self._trouble = trouble
        if trouble:
            self.get_logger().error(trouble)
        level = DiagnosticStatus.ERROR if trouble else DiagnosticStatus.OK
        self._status.publish(DiagnosticStatus(level=level, name=self.get_fully_qualified_name(), message=trouble or ""))


def _truth_twin(frame: Frame, sequence: int) -> DigitalTwin:
    truth = frame.truth
    assert truth is not None
    instances = tuple(Instance(i, label, color=truth.colors.get(i)) for i, label in sorted(truth.labels.items()))
    return DigitalTwin(instances, (), frame.stamp_s, image_size=frame.image_size, ids=truth.ids, sequence=sequence)


def main(argv: Sequence[str] | None = None) -> int:
    return run([CameraNode], argv)


if __name__ == "__main__":
    raise SystemExit(main())
