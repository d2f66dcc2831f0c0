"""Boxes that may hold things: the detector looks at the whole picture, and at parts of it for what is small.

A part costs as much as the whole. Of a still picture all parts are looked at; of a stream one part a frame, in turns,
and what was proposed in the others in the last frames is proposed again: where the thing has moved on, its box no
longer agrees with the colours and is dropped (grabcut.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from jaxtyping import UInt8

from ...twin.masks import box_iou
from ..attributes.label_cache import MAX_FRAME_GAP_S
from ..detection.ssd import DetectedBox, Detector

PART = 0.6  # of the picture's sides, for each of the four parts
SAME_PLACE = 0.7  # IoU from which the lower of two proposed boxes is not looked at
CUT_PX = 3  # a box that ends so near to a part's border, inside the picture, may go on beyond it


class Proposals:
    """Not thread-safe. detector: see ssd.py. parts: whether parts of the picture are looked at."""

    def __init__(self, detector: Detector, min_score: float, parts: bool) -> None:
        self._detector, self._min_score, self._with_parts = detector, min_score, parts
        self._of_parts: dict[int, tuple[DetectedBox, ...]] = {}
        self._size, self._stamp_s, self._turn = (0, 0), 0.0, 0

    def __call__(self, color: UInt8[np.ndarray, "h w 3"], stamp_s: float) -> list[DetectedBox]:
        """Boxes in pixels, best first; of boxes in the same place only the best. stamp_s: of the picture, seconds."""
        found = [*self._detector(color).detections(self._min_score, SAME_PLACE)]
        height, width = color.shape[:2]
        if self._with_parts:
            is_next = 0 < stamp_s - self._stamp_s <= MAX_FRAME_GAP_S and self._size == (width, height)
            for n in (self._turn,) if is_next else range(4):
                self._of_parts[n] = tuple(self._in_part(color, n))
            self._turn = (self._turn + 1) % 4
            self._size, self._stamp_s = (width, height), stamp_s
            found += [box for boxes in self._of_parts.values() for box in boxes]
        return _distinct(sorted(found, key=lambda box: -box.score))

    def _in_part(self, color: UInt8[np.ndarray, "h w 3"], n: int) -> Iterator[DetectedBox]:
        height, width = color.shape[:2]
        columns, rows = max(1, round(width * PART)), max(1, round(height * PART))
        left, top = (width - columns) * (n % 2), (height - rows) * (n // 2)
        part = np.ascontiguousarray(color[top : top + rows, left : left + columns])
        for box in self._detector(part).detections(self._min_score, SAME_PLACE):
            x0, y0, x1, y1 = box.box_xyxy
            is_cut = (
                (left and x0 < CUT_PX)
                or (top and y0 < CUT_PX)
                or (not left and x1 > columns - CUT_PX)
                or (not top and y1 > rows - CUT_PX)
            )
            if not is_cut:
                corners = (x0 + left, y0 + top, x1 + left, y1 + top)
                yield DetectedBox(corners, box.label, box.score, box.scores)


def _distinct(boxes: Iterable[DetectedBox]) -> list[DetectedBox]:
    """Without those that lie in the same place as an earlier one."""
    kept: list[DetectedBox] = []
    for box in boxes:
        if all(box_iou(box.box_xyxy, other.box_xyxy) < SAME_PLACE for other in kept):
            kept.append(box)
    return kept
