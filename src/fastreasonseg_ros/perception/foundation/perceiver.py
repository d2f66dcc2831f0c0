"""The foundation perceiver: open-vocabulary detection on key frames, SAM 2 tracking, monocular depth if needed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool
from scipy import ndimage

from ...errors import ConfigError
from ...twin.masks import box
from ...twin.types import Detection, Frame, Perceived
from ...weights import Device, Precision, loading
from ..attributes.color import Gain, light_gain
from ..attributes.describe import Geometry, describe, geometry_of
from ..vocabulary import checked_label
from .depth import DepthConfig, DepthEstimator
from .detector import Detector, DetectorConfig, make_detector
from .keyframes import KeyframeConfig, KeyframeRule
from .pictures import to_device
from .segmenter import Segmenter, SegmenterConfig
from .tracks import TrackConfig, Tracks
from .video import VideoMemory

VOCABULARY = Path(__file__).with_name("vocabulary.txt")


@dataclass(frozen=True)
class FoundationConfig:
    """Settings of open-vocabulary perception.

    device: auto is CUDA if available. precision: auto is half on CUDA. vocabulary: file with one label per line; empty:
    the list of the package. default_words: False detects only labels that are set or come with questions. depth: null
    uses only the camera's depth. warm_up: (height, width) of an image processed by all networks before the first frame;
    null: none. work_width_px: width of the depth image for geometry.
    """

    device: Device = "auto"
    precision: Precision = "auto"
    vocabulary: str = ""
    default_words: bool = True
    detector: DetectorConfig = DetectorConfig()
    segmenter: SegmenterConfig = SegmenterConfig()
    depth: DepthConfig | None = DepthConfig()
    keyframes: KeyframeConfig = KeyframeConfig()
    tracks: TrackConfig = TrackConfig()
    warm_up: tuple[int, int] | None = (480, 640)
    work_width_px: int = 320


class FoundationPerceiver:
    """Not thread-safe: call perceive and set_vocabulary one after another."""

    def __init__(self, config: FoundationConfig = FoundationConfig()) -> None:
        """Loads and warms up all networks.

        Raises ModelError for a model that is missing, damaged or too large, ConfigError for an invalid setting.
        """
        self.config = config
        self._default_labels = read_vocabulary(Path(config.vocabulary or VOCABULARY)) if config.default_words else ()
        self._detector: Detector = make_detector(config.detector, config.device, config.precision)
        self._segmenter = Segmenter.load(config.segmenter, config.device, config.precision)
        self._depth = (
            None if config.depth is None else DepthEstimator.load(config.depth, config.device, config.precision)
        )
        self._video = VideoMemory(self._segmenter)
        self._keyframe_rule, self._tracks = KeyframeRule(config.keyframes), Tracks(config.tracks)
        self._host = torch.empty(0, dtype=torch.uint8)
        self._size: tuple[int, int] | None = None
        self._stamp_s = 0.0
        self._words: tuple[str, ...] = ()
        self.latency_ms: dict[str, float] = {}  # of the last frame, per stage
        self.keyframe = ""  # reason of the last frame being a key frame; empty: it was not
        if self._default_labels:
            self._set_labels(self._default_labels)
        if config.warm_up is not None:
            self._warm_up(config.warm_up)

    @property
    def score_threshold(self) -> float:
        """Boxes with a lower score are left out."""
        return self.config.detector.threshold

    @property
    def words(self) -> tuple[str, ...]:
        """The current labels."""
        return self._words

    def set_vocabulary(self, words: Sequence[str]) -> None:
        """Sets labels in addition to the defaults; a change makes the next frame a key frame.

        Raises ConfigError for an invalid label, and for more than the detector accepts.
        """
        labels_to_set = tuple(dict.fromkeys([*self._default_labels, *map(checked_label, words)]))
        if labels_to_set != self._words:
            self._set_labels(labels_to_set)

    def perceive(self, frame: Frame) -> Perceived:
        """Detections of the vocabulary with stable ids (track_hint).

        Position and size in metres need the camera's depth or a metric checkpoint; a relative one gives `nearness`.
        Without labels (default_words: false) there are no detections.
        """
        size = frame.color.shape[:2]
        if size != self._size or frame.stamp_s < self._stamp_s:
            self._restart(size)
        self._stamp_s, self.latency_ms = frame.stamp_s, {}
        picture = self._upload(frame.color)
        features = self._timed("encode", lambda: self._segmenter.encode(picture))
        masks = self._timed("track", lambda: self._track(features))
        lost, forgotten = self._tracks.follow({id: box(mask) for id, mask in masks.items()}, frame.stamp_s)
        self._video.forget(forgotten)
        self.keyframe = self._keyframe_rule.due(frame.color, frame.stamp_s, lost)
        if self.keyframe:
            masks = self._detect_keyframe(picture, masks, frame.stamp_s)
        return self._timed("describe", lambda: self._describe(frame, picture, masks))

    def _detect_keyframe(
        self, picture: torch.Tensor, masks: dict[int, np.ndarray], stamp_s: float
    ) -> dict[int, np.ndarray]:
        """Processes a key frame: detected boxes are segmented, and the masks replace the memory of the objects."""
        height, width = picture.shape[-2:]
        found = self._timed("detect", lambda: self._detector.detect(picture)) if self._words else []
        ids, forgotten = self._tracks.match(found, stamp_s, (width, height))
        self._video.forget(forgotten)
        prompted = self._timed("segment", lambda: self._video.prompt(ids, [f.box_xyxy for f in found]))
        masks = {id: mask for id, mask in masks.items() if id in self._tracks}
        masks |= self._masks(prompted, (height, width))
        merged = self._tracks.merge(masks)
        self._video.forget(merged)
        return {id: mask for id, mask in masks.items() if id not in merged}

    def _track(self, features) -> dict[int, np.ndarray]:
        return self._masks(self._video.advance(features), features.picture_size)

    def _masks(self, tracked: Mapping, size: tuple[int, int]) -> dict[int, Bool[np.ndarray, "h w"]]:
        """Masks at image size, resized in one batch; all False for an object that is not in view."""
        if not tracked:
            return {}
        masks = self._segmenter.masks(torch.cat([t.logits for t in tracked.values()]), size)
        return {
            id: mask if t.presence > 0 else np.zeros(size, bool)
            for (id, t), mask in zip(tracked.items(), masks, strict=True)
        }

    def _describe(self, frame: Frame, picture: torch.Tensor, masks: dict[int, np.ndarray]) -> Perceived:
        """Detections of the masks; where masks overlap, the smaller object is in front."""
        frame, nearness = self._with_depth(frame, picture)
        geometry = geometry_of(frame, self.config.work_width_px)
        order = sorted((id for id in masks if masks[id].any()), key=lambda id: -np.count_nonzero(masks[id]))
        labels = np.zeros(frame.color.shape[:2], np.int32)
        for id in order:
            labels[masks[id]] = id
        slices = dict(enumerate(ndimage.find_objects(labels), 1))
        gain = light_gain(frame.color)
        found = [
            self._detection(id, labels, region, frame, geometry, gain, nearness)
            for id in sorted(order)
            if (region := slices.get(id)) is not None
        ]
        return Perceived(tuple(found), None if geometry is None else geometry.plane)

    def _detection(
        self, id: int, labels: np.ndarray, region, frame: Frame, geometry: Geometry | None, gain: Gain, nearness
    ) -> Detection:
        track = self._tracks[id]
        detection, _ = describe(id, labels, region, frame.color, geometry, None, gain)
        detection = replace(detection, label=track.label, score=min(max(track.score, 0.0), 1.0), track_hint=id)
        if nearness is None:
            return detection
        return replace(detection, nearness=float(np.median(nearness[detection.mask])))

    def _with_depth(self, frame: Frame, picture: torch.Tensor) -> tuple[Frame, np.ndarray | None]:
        """The frame with metric depth if available, and nearness (h, w) of a relative model or None."""
        if frame.depth_m is not None or self._depth is None:
            return frame, None
        depth = self._timed("depth", lambda: self._depth.estimate(picture))
        return (replace(frame, depth_m=depth), None) if self._depth.metric else (frame, depth)

    def _upload(self, color: np.ndarray) -> torch.Tensor:
        """Copies the image to the device through a pinned buffer."""
        if self._segmenter.device.type != "cuda":
            return to_device(torch.from_numpy(np.ascontiguousarray(color)), str(self._segmenter.device))
        if self._host.shape != color.shape:
            self._host = torch.empty(color.shape, dtype=torch.uint8, pin_memory=True)
        torch.cuda.current_stream().synchronize()  # wait for the last copy from the buffer
        self._host.numpy()[...] = color
        return to_device(self._host, str(self._segmenter.device))

    def _set_labels(self, words: tuple[str, ...]) -> None:
        if words:
            self._detector.set_labels(words)
        self._words = words
        self._keyframe_rule.request("vocabulary")

    def _restart(self, size: tuple[int, int]) -> None:
        """Clears all tracks, after a change of image size or a jump back in time."""
        self._size = size
        self._video.clear()
        self._tracks.forget()
        self._keyframe_rule = KeyframeRule(self.config.keyframes)

    def _warm_up(self, size: tuple[int, int]) -> None:
        """Processes two frames with every network: selects kernels, allocates memory, and detects a lack of it."""
        words, random = self._words, np.random.default_rng(0)
        color = random.integers(0, 255, (*size, 3), dtype=np.uint8)
        edge = (size[1] * 0.25, size[0] * 0.25, size[1] * 0.75, size[0] * 0.75)
        with loading("perception"):
            if not words:
                self._detector.set_labels(("thing",))
            picture = self._upload(color)
            self._detector.detect(picture)
            self._track(self._segmenter.encode(picture))
            self._masks(self._video.prompt([1], [edge]), size)
            self._track(self._segmenter.encode(picture))
            if self._depth is not None:
                self._depth.estimate(picture)
        self._restart(size)

    def _timed(self, stage: str, work):
        start = time.perf_counter()
        value = work()
        if self._segmenter.device.type == "cuda":
            torch.cuda.current_stream().synchronize()
        self.latency_ms[stage] = self.latency_ms.get(stage, 0.0) + (time.perf_counter() - start) * 1e3
        return value


def read_vocabulary(path: Path) -> tuple[str, ...]:
    """Reads labels, one per line; lines that begin with # are comments. Raises ConfigError naming the file."""
    try:
        lines = [line.strip() for line in path.read_text().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); it holds the words to look for, one a line") from error
    words = tuple(dict.fromkeys(checked_label(line) for line in lines if line and not line.startswith("#")))
    if not words:
        raise ConfigError(f"{path}: holds no words; write one a line, or set default_words: false")
    return words
