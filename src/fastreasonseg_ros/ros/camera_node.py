"""camera_node: publishes pictures from a device, a file, a data set, a bag, the simulator, or another topic."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event, Thread

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from fastreasonseg_ros.msg import SceneGraph

from ..errors import ReasonSegError
from ..twin.types import DigitalTwin, Frame, Instance
from .conversions import twin_to_msg
from .images import (
    color_from_msg,
    depth_from_msg,
    depth_to_msg,
    image_to_msg,
    intrinsics_to_msg,
)
from .node import LATCHED, RELIABLE, declare, run, setting
from .sources import frames_of
from .sync import PictureInput


@dataclass(frozen=True)
class CameraSettings:
    source: str = setting("simulation", "device, video, folder, scene, bag, simulation, or topic")
    path: str = setting("", "what to open: device number, file or folder; for a simulation its seed")
    rate_hz: float = setting(0.0, "pictures a second; 0: the pace of the source")
    loop: bool = setting(True, "start again when the source ends; otherwise its last picture is repeated once a second")
    retry_s: float = setting(3.0, "pause before a source that could not be read is opened again")
    frame_id: str = setting("camera_color_optical_frame", "frame of the pictures (REP-103 optical)")
    color_transport: str = setting("raw", "of the source topic: raw or compressed")
    depth_transport: str = setting("raw", "of the source topic: raw or compressed")


class CameraNode(Node):
    """Topics: color/image_raw, depth/image_raw, color/camera_info; truth where the source knows it; status."""

    def __init__(self) -> None:
        super().__init__("camera_node")
        self.settings = declare(self, CameraSettings)
        self._color = self.create_publisher(Image, "color/image_raw", RELIABLE)
        self._depth = self.create_publisher(Image, "depth/image_raw", RELIABLE)
        self._info = self.create_publisher(CameraInfo, "color/camera_info", RELIABLE)
        self._truth = self.create_publisher(SceneGraph, "truth", RELIABLE)
        self._status = self.create_publisher(DiagnosticStatus, "camera_status", LATCHED)
        self._ending = Event()
        self._problem: str | None = None
        self._sequence = 0
        if self.settings.source == "topic":
            self._relay()
        else:
            self._thread = Thread(target=self._publish_all, name="camera", daemon=True)
            self._thread.start()

    def destroy_node(self) -> None:
        self._ending.set()
        if self.settings.source != "topic":
            self._thread.join(5.0)
        super().destroy_node()

    def _publish_all(self) -> None:
        while not self._ending.is_set():
            frame = None
            try:
                for frame in self._paced(frames_of(self.settings.source, self.settings.path)):
                    self._publish(frame)
            except ReasonSegError as error:
                self._report(str(error))
                self._ending.wait(self.settings.retry_s)
                continue
            except Exception as error:  # a broken file can fail anywhere in its reader; the node stays up and says so
                self._report(f"{self.settings.path}: cannot be read: {type(error).__name__}: {error}")
                self._ending.wait(self.settings.retry_s)
                continue
            while not self.settings.loop and frame is not None and not self._ending.wait(1.0):
                self._publish(frame)

    def _paced(self, frames):
        """The frames, each at its time; a source that is slower than its own stamps is not waited for."""
        start = first = None
        for number, frame in enumerate(frames):
            if start is None:
                start, first = time.monotonic(), frame.stamp_s
            rate = self.settings.rate_hz
            due = start + (number / rate if rate > 0 else frame.stamp_s - first)
            if self._ending.wait(max(0.0, due - time.monotonic())):
                return
            yield frame
        # The last picture gets its time too, so that a loop over few pictures does not spin.
        self._ending.wait(1 / self.settings.rate_hz if self.settings.rate_hz > 0 else 0.1)

    def _publish(self, frame: Frame) -> None:
        header = Header(stamp=self.get_clock().now().to_msg(), frame_id=self.settings.frame_id)
        if frame.truth is not None:
            self._truth.publish(twin_to_msg(_truth_twin(frame, self._sequence), header))
        if frame.intrinsics is not None:
            self._info.publish(intrinsics_to_msg(frame.intrinsics, header))
        if frame.depth_m is not None:
            self._depth.publish(depth_to_msg(frame.depth_m, header))
        self._color.publish(image_to_msg(frame.color, "rgb8", header))
        self._sequence += 1
        self._report(None)

    def _relay(self) -> None:
        """Topics in/color, in/depth and in/camera_info, to be remapped, under this package's names and raw."""
        s = self.settings
        color, depth = (CompressedImage if t != "raw" else Image for t in (s.color_transport, s.depth_transport))
        PictureInput(self, CameraInfo, "in/camera_info").registerCallback(self._info.publish)
        PictureInput(self, color, "in/color").registerCallback(self._pass_on, self._color)
        PictureInput(self, depth, "in/depth").registerCallback(self._pass_on, self._depth)

    def _pass_on(self, msg: Image | CompressedImage, publisher) -> None:
        try:
            if isinstance(msg, CompressedImage) and publisher is self._color:
                msg = image_to_msg(color_from_msg(msg), "rgb8", msg.header)
            elif isinstance(msg, CompressedImage):
                msg = depth_to_msg(depth_from_msg(msg), msg.header)
            publisher.publish(msg)
            self._report(None)
        except ReasonSegError as error:
            self._report(str(error))

    def _report(self, problem: str | None) -> None:
        """Tells the twin node, once, why no pictures come."""
        if problem == self._problem and self._sequence != 1:
            return
        self._problem = problem
        if problem:
            self.get_logger().error(problem)
        level = DiagnosticStatus.ERROR if problem else DiagnosticStatus.OK
        self._status.publish(DiagnosticStatus(level=level, name=self.get_fully_qualified_name(), message=problem or ""))


def _truth_twin(frame: Frame, sequence: int) -> DigitalTwin:
    truth = frame.truth
    assert truth is not None
    instances = tuple(Instance(i, label, color=truth.colors.get(i)) for i, label in sorted(truth.labels.items()))
    return DigitalTwin(instances, (), frame.stamp_s, image_size=frame.image_size, ids=truth.ids, sequence=sequence)


def main(argv: Sequence[str] | None = None) -> int:
    return run([CameraNode], argv)


if __name__ == "__main__":
    raise SystemExit(main())
