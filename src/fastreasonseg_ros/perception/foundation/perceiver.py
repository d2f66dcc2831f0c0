"""Any camera, any words: the detector on key frames, SAM 2's memory between them, depth from the picture if need be."""

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
from ..attributes.color import exposure_gain
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

    device: auto is CUDA where there is one. precision: auto is half on CUDA. vocabulary: file with a word a line;
    empty: the list that comes with the package. default_words: False looks only for words that are set
    or that questions bring.
    depth: null trusts the camera's own and estimates none. warm_up: (height, width) of a picture that passes all
    networks before the first frame; null: none does. work_width_px: of the depth that geometry is measured on.
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
    """Not thread-safe, as all perceivers: one frame after another, set_vocabulary between two."""

    def __init__(self, config: FoundationConfig = FoundationConfig()) -> None:
        """Loads everything and warms it up, so that what can fail fails here.

        Raises ModelError naming the model that is missing, damaged or too large, ConfigError for a setting.
        """
        self.config = config
        self._base = read_vocabulary(Path(config.vocabulary or VOCABULARY)) if config.default_words else ()
        self._detector: Detector = make_detector(config.detector, config.device, config.precision)
        self._segmenter = Segmenter.load(config.segmenter, config.device, config.precision)
        self._depth = (
            None if config.depth is None else DepthEstimator.load(config.depth, config.device, config.precision)
        )
        self._video = VideoMemory(self._segmenter)
        self._rule, self._tracks = KeyframeRule(config.keyframes), Tracks(config.tracks)
        self._host = torch.empty(0, dtype=torch.uint8)
        self._size: tuple[int, int] | None = None
        self._stamp_s = 0.0
        self._words: tuple[str, ...] = ()
        self.latency_ms: dict[str, float] = {}  # of the last frame, a stage each
        self.keyframe = ""  # why the last frame was one; empty: it was none
        if self._base:
            self._look_for(self._base)
        if config.warm_up is not None:
            self._warm_up(config.warm_up)

    @property
    def words(self) -> tuple[str, ...]:
        """What is looked for now."""
        return self._words

    def set_vocabulary(self, words: Sequence[str]) -> None:
        """Looks for these beside the default words from the next frame on, which is a key frame if they are others.

        Raises ConfigError for a word that is none, and for more than the detector reads.
        """
        wanted = tuple(dict.fromkeys([*self._base, *map(checked_label, words)]))
        if wanted != self._words:
            self._look_for(wanted)

    def perceive(self, frame: Frame) -> Perceived:
        """Objects of the vocabulary with ids that stay (track_hint).

        Place and size in metres come from the camera's depth or a metric checkpoint; a relative one gives `nearness`.
        Nothing is found where there is no word to look for yet (default_words: false): questions bring some.
        """
        size = frame.color.shape[:2]
        if size != self._size or frame.stamp_s < self._stamp_s:
            self._restart(size)
        self._stamp_s, self.latency_ms = frame.stamp_s, {}
        picture = self._upload(frame.color)
        features = self._timed("encode", lambda: self._segmenter.encode(picture))
        masks = self._timed("track", lambda: self._follow(features))
        lost, forgotten = self._tracks.follow({id: box(mask) for id, mask in masks.items()}, frame.stamp_s)
        self._video.forget(forgotten)
        self.keyframe = self._rule.due(frame.color, frame.stamp_s, lost)
        if self.keyframe:
            masks = self._look(picture, masks, frame.stamp_s)
        return self._timed("describe", lambda: self._describe(frame, picture, masks))

    def _look(self, picture: torch.Tensor, masks: dict[int, np.ndarray], stamp_s: float) -> dict[int, np.ndarray]:
        """A key frame: the detector's boxes become masks, and the masks the objects' new memory."""
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

    def _follow(self, features) -> dict[int, np.ndarray]:
        return self._masks(self._video.advance(features), features.picture_size)

    def _masks(self, tracked: Mapping, size: tuple[int, int]) -> dict[int, Bool[np.ndarray, "h w"]]:
        """Full-size masks, resized together; all False for an object that is not in view."""
        if not tracked:
            return {}
        masks = self._segmenter.masks(torch.cat([t.logits for t in tracked.values()]), size)
        return {
            id: mask if t.presence > 0 else np.zeros(size, bool)
            for (id, t), mask in zip(tracked.items(), masks, strict=True)
        }

    def _describe(self, frame: Frame, picture: torch.Tensor, masks: dict[int, np.ndarray]) -> Perceived:
        """Detections; where masks overlap, the smaller object is in front."""
        frame, nearness = self._with_depth(frame, picture)
        geometry = geometry_of(frame, self.config.work_width_px)
        order = sorted((id for id in masks if masks[id].any()), key=lambda id: -np.count_nonzero(masks[id]))
        labels = np.zeros(frame.color.shape[:2], np.int32)
        for id in order:
            labels[masks[id]] = id
        slices = dict(enumerate(ndimage.find_objects(labels), 1))
        gain = exposure_gain(frame.color)
        found = [
            self._detection(id, labels, place, frame, geometry, gain, nearness)
            for id in sorted(order)
            if (place := slices.get(id)) is not None
        ]
        return Perceived(tuple(found), None if geometry is None else geometry.plane)

    def _detection(
        self, id: int, labels: np.ndarray, place, frame: Frame, geometry: Geometry | None, gain: float, nearness
    ) -> Detection:
        track = self._tracks[id]
        detection, _ = describe(id, labels, place, frame.color, geometry, None, gain)
        detection = replace(detection, label=track.label, score=min(max(track.score, 0.0), 1.0), track_hint=id)
        if nearness is None:
            return detection
        return replace(detection, nearness=float(np.median(nearness[detection.mask])))

    def _with_depth(self, frame: Frame, picture: torch.Tensor) -> tuple[Frame, np.ndarray | None]:
        """The frame with depth in metres where there is some; else nearness (h, w), or None."""
        if frame.depth_m is not None or self._depth is None:
            return frame, None
        depth = self._timed("depth", lambda: self._depth.estimate(picture))
        return (replace(frame, depth_m=depth), None) if self._depth.metric else (frame, depth)

    def _upload(self, color: np.ndarray) -> torch.Tensor:
        """The picture on the device, through one pinned buffer."""
        if self._segmenter.device.type != "cuda":
            return to_device(torch.from_numpy(np.ascontiguousarray(color)), str(self._segmenter.device))
        if self._host.shape != color.shape:
            self._host = torch.empty(color.shape, dtype=torch.uint8, pin_memory=True)
        torch.cuda.current_stream().synchronize()  # the last copy out of the buffer has ended
        self._host.numpy()[...] = color
        return to_device(self._host, str(self._segmenter.device))

    def _look_for(self, words: tuple[str, ...]) -> None:
        if words:
            self._detector.set_words(words)
        self._words = words
        self._rule.ask("vocabulary")

    def _restart(self, size: tuple[int, int]) -> None:
        """Another camera, or time that went back: nothing followed so far is there."""
        self._size = size
        self._video.clear()
        self._tracks.forget()
        self._rule = KeyframeRule(self.config.keyframes)

    def _warm_up(self, size: tuple[int, int]) -> None:
        """Two frames through every network: kernels are chosen, memory is taken, and too little of it shows now."""
        words, random = self._words, np.random.default_rng(0)
        color = random.integers(0, 255, (*size, 3), dtype=np.uint8)
        edge = (size[1] * 0.25, size[0] * 0.25, size[1] * 0.75, size[0] * 0.75)
        with loading("perception"):
            if not words:
                self._detector.set_words(("thing",))
            picture = self._upload(color)
            self._detector.detect(picture)
            self._follow(self._segmenter.encode(picture))
            self._masks(self._video.prompt([1], [edge]), size)
            self._follow(self._segmenter.encode(picture))
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
    """A word a line; lines that begin with # are comments. Raises ConfigError naming the file."""
    try:
        lines = [line.strip() for line in path.read_text().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); it holds the words to look for, one a line") from error
    words = tuple(dict.fromkeys(checked_label(line) for line in lines if line and not line.startswith("#")))
    if not words:
        raise ConfigError(f"{path}: holds no words; write one a line, or set default_words: false")
    return words
