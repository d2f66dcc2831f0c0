"""Words of the frame before for things that look and lie as they did: naming is most of what a thing costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Int32, UInt8

from ..twin.types import Detection

SURE = 3  # a new thing is named in so many frames before its words are taken over
EVERY = 5  # then in one frame of so many
LONGEST_S = 0.5  # between two frames
STRIDE = 2  # pixels that are compared
SHARE = 0.6  # of a thing's pixels that must be where it was
GROWTH = 1.15  # of area and sides, at most
TINT = 10.0  # change of the mean colour, 0..255 in any channel, at most

Box = tuple[slice, slice]


@dataclass(frozen=True)
class _Known:
    """named: frames in which the thing was named. left: frames for which its words may be taken over yet."""

    detection: Detection
    area: int
    tint: np.ndarray
    named: int
    left: int


class Recall:
    """What was found in the frame before. Not thread-safe."""

    def __init__(self) -> None:
        self._labels: np.ndarray = np.zeros((0, 0), np.int32)
        self._known: dict[int, _Known] = {}
        self._before, self._last, self._stamp_s = self._labels, self._known, 0.0

    def begin(self, labels: Int32[np.ndarray, "h w"], stamp_s: float) -> None:
        """A frame with this label image. Nothing is known in one that is older, or much later, than the last."""
        follows = 0 < stamp_s - self._stamp_s <= LONGEST_S and labels.shape == self._labels.shape
        self._before, self._last = self._labels[::STRIDE, ::STRIDE], self._known if follows else {}
        self._labels, self._known, self._stamp_s = labels, {}, stamp_s

    def describe(
        self,
        label: int,
        box: Box,
        color: UInt8[np.ndarray, "h w 3"],
        describe: Callable[[Detection | None], Detection],
    ) -> Detection:
        """What `describe` finds of a thing, given its detection in the frame before, or None if it is to be named."""
        inside = self._labels[box] == label
        area = np.count_nonzero(inside)
        tint = np.array(cv2.mean(np.ascontiguousarray(color[box]), inside.view(np.uint8))[:3])
        known = self._same(box, inside, area, tint)
        named, left = (known.named, known.left) if known else (0, 0)
        if known is not None and left > 0:
            found, left = describe(known.detection), left - 1
        else:
            found, named = describe(None), named + 1
            # Things take turns, so that no frame names all of them.
            left = 0 if named < SURE else label % EVERY if named == SURE else EVERY - 1
        self._known[label] = _Known(found, area, tint, named, left)
        return found

    def _same(self, box: Box, inside: np.ndarray, area: int, tint: np.ndarray) -> _Known | None:
        """The thing of the frame before that was there, as large, and of that colour."""
        if not self._last:
            return None
        rows, columns = (slice(-(-s.start // STRIDE), -(-s.stop // STRIDE)) for s in box)
        first_y, first_x = rows.start * STRIDE - box[0].start, columns.start * STRIDE - box[1].start
        under = self._before[rows, columns][inside[first_y::STRIDE, first_x::STRIDE]]
        counts = np.bincount(under, minlength=2)
        counts[0] = 0
        known = self._last.get(int(counts.argmax()))
        if known is None or counts.max() < SHARE * len(under) or np.abs(tint - known.tint).max() > TINT:
            return None
        x0, y0, x1, y1 = known.detection.box_xyxy
        sizes = (area, known.area), (box[1].stop - box[1].start, x1 - x0), (box[0].stop - box[0].start, y1 - y0)
        return known if all(max(a, b) <= GROWTH * min(a, b) + 2 for a, b in sizes) else None
