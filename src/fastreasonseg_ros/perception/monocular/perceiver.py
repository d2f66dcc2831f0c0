"""The monocular perceiver: detections from colour pictures alone, on an embedded CPU.

The detector (perception/detection) proposes boxes down to low scores (proposals.py); graph cuts make masks of them, and
drop those that the colours do not bear out (grabcut.py); an inference of the thing's own crop names what is new. There
is no depth, so nothing has a distance, a size in metres or a shape, and nothing stands on anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Int32, UInt8
from scipy import ndimage

from ...errors import ConfigError
from ...twin.types import Box, Detection, Frame, Perceived
from ..attributes.color import light_gain
from ..attributes.describe import describe
from ..attributes.label_cache import LabelCache
from ..detection.ssd import DetectedBox, Detector
from ..input_checks import check_color
from .grabcut import CutOut, cut_out
from .proposals import Proposals
from .words import SURFACES, Word, word_of

NOTE = "there is no depth: places and sizes are those in the picture"
CROP_MARGIN = 0.15  # of a box's sides, around the crop that is named


@dataclass(frozen=True)
class MonocularConfig:
    """model: file instead of models/detector. parts: looks at parts of the picture too, for small things: more of them
    are found, and more that are none, at twice the cost. min_score: of a box that is looked at, 0 to 1.

    sure_score: from here on a box counts whatever the colours say, as long as there is a mask. min_tightness: IoU of
    the mask's own box with the detector's below which it is dropped. min_fill: share of the box that is mask, the same.
    max_share: of the picture, above which an unsure box is dropped, as are those that the picture's border cuts off.
    same: share of the smaller of two masks that lies in the other, from which the less sure one is dropped.
    label_score: of a class, in the thing's own crop; what scores less is an "object". max_boxes: looked at in a frame.
    """

    model: str | None = None
    parts: bool = False
    min_score: float = 0.1
    sure_score: float = 0.5
    min_tightness: float = 0.6
    min_fill: float = 0.35
    max_share: float = 0.2
    same: float = 0.5
    label_score: float = 0.35
    max_boxes: int = 24

    def __post_init__(self) -> None:
        for name in ("min_score", "sure_score", "min_tightness", "min_fill", "max_share", "same", "label_score"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must be from 0 to 1, got {getattr(self, name)}")
        if self.max_boxes < 1:
            raise ValueError(f"max_boxes must be at least 1, got {self.max_boxes}")


class MonocularPerceiver:
    """Detects everyday things in colour pictures; depth is not used where there is some. Its labels are fixed."""

    def __init__(self, config: MonocularConfig = MonocularConfig()) -> None:
        """Raises ModelError if the detector cannot be read."""
        self.config = config
        cv2.setNumThreads(1)
        self._detector = Detector(None if config.model is None else Path(config.model))
        self._proposals = Proposals(self._detector, config.min_score, config.parts)
        self._label_cache = LabelCache()

    def perceive(self, frame: Frame) -> Perceived:
        """Things with mask, box, label, colours. Raises FrameError for a picture that is nearly all white."""
        check_color(frame.color)
        labels = self._segment(frame.color, frame.stamp_s)
        boxes = ndimage.find_objects(labels)
        cached = self._label_cache.begin(labels, boxes, frame.color, frame.stamp_s)
        unnamed = any(box is not None and number not in cached for number, box in enumerate(boxes, 1))
        gain = light_gain(frame.color) if unnamed else None
        found = []
        for number, box in enumerate(boxes, 1):
            if box is None:
                continue
            before = cached.get(number)
            detection, _ = describe(number, labels, box, frame.color, None, None, gain, before)
            word = self._word(frame.color, detection.box_xyxy) if before is None else _word_before(before)
            detection = replace(detection, label=word.label, score=word.score, alternative_labels=word.alternatives)
            self._label_cache.store(number, detection, classified=before is None)
            found.append(detection)
        return Perceived(tuple(found), note=NOTE)

    def warm_up(self) -> None:
        """Puts one picture through the detector."""
        self._detector(np.full((480, 640, 3), 128, np.uint8))

    def set_vocabulary(self, words: Sequence[str]) -> None:
        raise ConfigError(
            f"the monocular perceiver knows {len(self._detector.labels)} classes and cannot look for "
            f"{', '.join(words) or 'others'}: ask for things by colour or place in the picture instead"
        )

    def _segment(self, color: UInt8[np.ndarray, "h w 3"], stamp_s: float) -> Int32[np.ndarray, "h w"]:
        """1, 2, ... where a thing is, 0 elsewhere. Of two things that overlap, the smaller is in front."""
        proposed = self._proposals(color, stamp_s)[: self.config.max_boxes]
        kept: list[tuple[CutOut, int]] = []
        believed = [(p, c) for p in proposed if (c := cut_out(color, p.box_xyxy)) and self._is_believed(p, c)]
        for _, cut in sorted(believed, key=lambda pair: -pair[0].score * pair[1].tightness):
            area = int(np.count_nonzero(cut.mask))
            shared = (np.count_nonzero(cut.mask & other.mask) / min(area, size) for other, size in kept)
            if area and all(share < self.config.same for share in shared):
                kept.append((cut, area))
        labels = np.zeros(color.shape[:2], np.int32)
        for number, (cut, _) in enumerate(sorted(kept, key=lambda pair: -pair[1]), 1):
            labels[cut.mask] = number
        return labels

    def _is_believed(self, proposed: DetectedBox, cut: CutOut) -> bool:
        if proposed.score >= self.config.sure_score:
            return proposed.label not in SURFACES
        if cut.tightness < self.config.min_tightness or cut.fill < self.config.min_fill:
            return False
        inner = cut.mask[1:-1, 1:-1]
        area = int(np.count_nonzero(inner))
        return area == int(np.count_nonzero(cut.mask)) and area <= self.config.max_share * cut.mask.size

    def _word(self, color: UInt8[np.ndarray, "h w 3"], box: Box) -> Word:
        """The word for what is in a box, from an inference of its crop."""
        x0, y0, x1, y1 = box
        wide, high = CROP_MARGIN * (x1 - x0), CROP_MARGIN * (y1 - y0)
        left, top = max(0, int(x0 - wide)), max(0, int(y0 - high))
        crop = np.ascontiguousarray(color[top : int(y1 + high) + 1, left : int(x1 + wide) + 1])
        scores = self._detector(crop).class_scores((x0 - left, y0 - top, x1 - left, y1 - top))
        return word_of(self._detector.labels, scores, self.config.label_score)


def _word_before(before: Detection) -> Word:
    return Word(before.label, before.score, before.alternative_labels)
