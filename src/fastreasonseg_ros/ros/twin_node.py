"""twin_node: pictures in, the digital twin out; perception runs in a worker that keeps only the newest picture."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Lock

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from fastreasonseg_ros.msg import SceneGraph
from fastreasonseg_ros.srv import SetVocabulary

from ..errors import ConfigError, ReasonSegError, Status
from ..perception import make_perceiver
from ..pipeline import observe
from ..twin.types import DigitalTwin
from .conversions import frame_from_msgs, twin_to_msg
from .node import LATCHED, declare, run, setting
from .sync import ApproximateTimeSynchronizer, PictureInput
from .worker import NewestWorker

PATIENCE = 3  # pictures


@dataclass(frozen=True)
class TwinSettings:
    perceiver: str = setting("tabletop", "how pictures become instances: tabletop or oracle")
    perceiver_config: str = setting("", "YAML file with the perceiver's settings; empty: its defaults")
    perceiver_overrides: list[str] = setting([], "single settings of the perceiver, as a.b=c")
    color_transport: str = setting("raw", "raw (color/image_raw) or compressed (color/image_raw/compressed)")
    depth_transport: str = setting("raw", "raw, compressed or compressedDepth (depth/image_raw/...)")
    sync_slop_s: float = setting(0.05, "largest difference between the stamps of a colour and its depth picture")
    sync_queue: int = setting(10, "pictures that wait for their partner")
    depth_timeout_s: float = setting(1.0, "depth or camera_info missing for so long: pictures are taken without")


class TwinNode(Node):
    """Subscribes to color/image_raw, depth/image_raw, color/camera_info, and truth (oracle); publishes twin."""

    def __init__(self) -> None:
        super().__init__("twin_node")
        s = self.settings = declare(self, TwinSettings)
        self._perceiver = make_perceiver(s.perceiver, s.perceiver_config or None, s.perceiver_overrides)
        self._lock = Lock()
        self._twin: DigitalTwin | None = None
        self._sequence = 0
        self._info: CameraInfo | None = None
        self._last_pair = self._first_picture = 0.0
        self._alone = self._without_info = 0
        self._words: tuple[str, ...] = ()
        self._publisher = self.create_publisher(SceneGraph, "twin", LATCHED)
        self._worker = NewestWorker(self._observe, self._failed, "perception")
        pictures = MutuallyExclusiveCallbackGroup()
        color = PictureInput(self, *_topic("color/image_raw", s.color_transport), pictures)
        depth = PictureInput(self, *_topic("depth/image_raw", s.depth_transport), pictures)
        inputs = [color, depth]
        if s.perceiver == "oracle":
            inputs.append(PictureInput(self, SceneGraph, "truth", pictures))
        self._sync = ApproximateTimeSynchronizer(inputs, s.sync_queue, s.sync_slop_s)
        self._sync.registerCallback(self._pair)
        color.registerCallback(self._color_came)
        PictureInput(self, CameraInfo, "color/camera_info", pictures).registerCallback(self._info_came)
        self.create_subscription(DiagnosticStatus, "camera_status", self._camera_said, LATCHED)
        self.create_service(
            SetVocabulary, "set_vocabulary", self._set_vocabulary, callback_group=MutuallyExclusiveCallbackGroup()
        )

    def destroy_node(self) -> None:
        self._worker.close()
        super().destroy_node()

    def _info_came(self, msg: CameraInfo) -> None:
        self._info = msg

    def _pair(self, color, depth, truth: SceneGraph | None = None) -> None:
        self._last_pair, self._alone = time.monotonic(), 0
        if self._info is None:
            self._without_info += 1
        # At the start pictures come before the first camera_info.
        if self._info is not None or self._patience_ends(self._without_info, self._first_picture):
            self._worker.offer((color, depth, truth))

    def _color_came(self, msg) -> None:
        """A picture whose depth never comes must not wait silently: perception says what it lacks."""
        self._first_picture = self._first_picture or time.monotonic()
        self._alone += 1
        if self._patience_ends(self._alone, self._last_pair or self._first_picture):
            self._worker.offer((msg, None, None))

    def _patience_ends(self, pictures: int, since: float) -> bool:
        """Both by number and by time: a slow camera's picture comes a little before its partner."""
        return pictures > PATIENCE and time.monotonic() - since > self.settings.depth_timeout_s

    def _observe(self, item: tuple[Image | CompressedImage, Image | CompressedImage | None, SceneGraph | None]) -> None:
        color, depth, truth = item
        start = time.perf_counter()
        self._sequence += 1
        try:
            frame = frame_from_msgs(color, depth, self._info, truth)
            before = self._twin
            if before is None or before.image_size != frame.image_size or frame.stamp_s < before.stamp_s:
                before = DigitalTwin(image_size=frame.image_size, frame_id=frame.frame_id)
            with self._lock:
                twin = observe(before, frame, self._perceiver)
        except ReasonSegError as error:
            self._refuse(color.header, error.status, str(error))
            return
        except Exception:
            self._refuse(color.header, Status.MODEL_FAILED, "perception failed unexpectedly; see the twin node's log")
            raise
        self._twin = replace(twin, sequence=self._sequence)
        latency_ms = {"perception": (time.perf_counter() - start) * 1000}
        self._publisher.publish(twin_to_msg(self._twin, color.header, latency_ms))

    def _refuse(self, header: Header, status: Status, message: str) -> None:
        """A twin that says why there is none; a question asked now gets this status and message."""
        self.get_logger().warning(message, throttle_duration_sec=5.0)
        self._publisher.publish(SceneGraph(header=header, sequence=self._sequence, status=int(status), message=message))

    def _failed(self, error: Exception) -> None:
        self.get_logger().error(f"perception: {type(error).__name__}: {error}", throttle_duration_sec=5.0)

    def _camera_said(self, msg: DiagnosticStatus) -> None:
        if msg.level == DiagnosticStatus.ERROR:
            self._sequence += 1
            header = Header(stamp=self.get_clock().now().to_msg())
            self._refuse(header, Status.BAD_INPUT, f"{msg.name}: {msg.message}")

    def _set_vocabulary(self, request: SetVocabulary.Request, response: SetVocabulary.Response):
        words = dict.fromkeys([*(self._words if request.add else ()), *(w.strip() for w in request.words)])
        try:
            wanted = tuple(w for w in words if w)
            if not wanted:
                raise ConfigError("set_vocabulary got no words; give the nouns to look for, for example ['mug']")
            with self._lock:
                self._perceiver.set_vocabulary(wanted)
            self._words = wanted
            response.message = f"looking for {len(wanted)} words from the next picture on"
        except ReasonSegError as error:
            response.status, response.message = int(error.status), str(error)
        response.words = list(self._words)
        return response


def _topic(name: str, transport: str) -> tuple[type, str]:
    if transport == "raw":
        return Image, name
    if transport not in ("compressed", "compressedDepth"):
        raise ConfigError(f"transport is {transport!r}; known are raw, compressed and compressedDepth")
    return CompressedImage, f"{name}/{transport}"


def main(argv: Sequence[str] | None = None) -> int:
    return run([TwinNode], argv)


if __name__ == "__main__":
    raise SystemExit(main())
