"""Words of the frame before for things that look and lie as they did: naming is most of what a thing costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Int32, UInt8

from ...twin.masks import box_iou
from ...twin.types import Detection

WAITS = (0, 1, 3, 6, 9)  # frames between two namings, longer the more often a thing was named
CHANGED_WAIT = 2  # of a thing that changed since it was named
AT_ONCE_SHARE = 0.1  # of known things that are named again in one frame; one at least
LONGEST_S = 0.5  # between two frames
STRIDE = 2  # pixels that are compared
SHARE = 0.45  # of a thing's pixels that must be where it was, or it is another thing
GROWTH, TINT = 1.5, 25.0  # change from frame to frame of area and sides, and of the mean colour (0..255), at most
SAME_GROWTH, SAME_TINT = 1.15, 10.0  # up to here a thing looks as when it was named
# Pieces of things come and go from frame to frame: what was just here, and looks as it did, is no new thing either.
GONE_FRAMES, GONE_MOST, GONE_IOU = 12, 32, 0.6

Box = tuple[slice, slice]


@dataclass(frozen=True)
class _Look:
    """Area, height and width in pixels, and mean colour of a thing in one frame."""

    sizes: tuple[int, int, int]
    tint: np.ndarray

    def like(self, other: _Look, growth: float, tint: float) -> bool:
        return float(np.abs(self.tint - other.tint).max()) <= tint and all(
            max(a, b) <= growth * min(a, b) + 2 for a, b in zip(self.sizes, other.sizes, strict=True)
        )


@dataclass(frozen=True)
class _Known:
    """named: how often the thing was named. since: frames after the last time, when it looked like `then`."""

    detection: Detection
    look: _Look
    then: _Look
    named: int
    since: int

    def overdue(self, look: _Look) -> float:
        """From 0 on it is to be named again, what is most overdue first, and before it what was named least."""
        wait = WAITS[min(self.named, len(WAITS)) - 1]
        if wait > CHANGED_WAIT and not look.like(self.then, SAME_GROWTH, SAME_TINT):
            wait = CHANGED_WAIT
        late = self.since - wait
        return late + 10.0 / self.named if late >= 0 else -1.0


class Recall:
    """What was found in the frame before. Not thread-safe."""

    def __init__(self) -> None:
        self._labels: np.ndarray = np.zeros((0, 0), np.int32)
        self._known: dict[int, _Known] = {}
        self._before: dict[int, _Known] = {}  # by the labels of this frame
        self._looks: dict[int, _Look] = {}
        self._gone: list[tuple[_Known, int]] = []  # known before, but not in the last frame; for how many frames
        self._stamp_s = 0.0

    def begin(
        self,
        labels: Int32[np.ndarray, "h w"],
        boxes: Sequence[Box | None],
        color: UInt8[np.ndarray, "h w 3"],
        stamp_s: float,
    ) -> dict[int, Detection]:
        """The things, by label, that need no name in this frame, as they were found in the frame before.

        labels: 1..n; boxes: rows and columns around each of them. What is new is to be named, what is known few at a
        time; so is what was there a moment ago and is again. Nothing is known in a frame that is older, or much later,
        than the last.
        """
        follows = 0 < stamp_s - self._stamp_s <= LONGEST_S and labels.shape == self._labels.shape
        before, known = self._labels[::STRIDE, ::STRIDE], self._known if follows else {}
        self._labels, self._known, self._stamp_s = labels, {}, stamp_s
        self._looks, self._before = {}, {}
        gone = self._gone if follows else []
        for label, box in enumerate(boxes, 1):
            if box is None:
                continue
            inside = labels[box] == label
            tint = np.array(cv2.mean(np.ascontiguousarray(color[box]), inside.view(np.uint8))[:3])
            look = self._looks[label] = _Look((int(np.count_nonzero(inside)), *inside.shape), tint)
            if known and (was := known.get(_under(before, box, inside))) and look.like(was.look, GROWTH, TINT):
                self._before[label] = was
            elif back := _back(gone, box, look):
                self._before[label] = back
        here = {id(was) for was in self._before.values()}
        gone += [(was, 0) for was in known.values()]
        gone = [(was, age + 1) for was, age in gone if id(was) not in here and age < GONE_FRAMES]
        self._gone = gone[-GONE_MOST:]
        late = {label: was.overdue(self._looks[label]) for label, was in self._before.items()}
        many = max(1, round(AT_ONCE_SHARE * len(self._looks)))
        again = sorted((label for label, by in late.items() if by >= 0), key=lambda label: -late[label])[:many]
        return {label: was.detection for label, was in self._before.items() if label not in again}

    def keep(self, label: int, found: Detection, named: bool) -> None:
        """What was found of a thing of this frame, and whether it was named."""
        look, was = self._looks[label], self._before.get(label)
        if named or was is None:
            self._known[label] = _Known(found, look, look, 1 + (was.named if was else 0), 0)
        else:
            self._known[label] = _Known(found, look, was.then, was.named, was.since + 1)


def _back(gone: Sequence[tuple[_Known, int]], box: Box, look: _Look) -> _Known | None:
    """What was at this place some frames ago and looked the same."""
    rows, columns = box
    corners = float(columns.start), float(rows.start), float(columns.stop), float(rows.stop)
    for was, _ in gone:
        if look.like(was.look, SAME_GROWTH, SAME_TINT) and box_iou(corners, was.detection.box_xyxy) > GONE_IOU:
            return was
    return None


def _under(before: np.ndarray, box: Box, inside: np.ndarray) -> int:
    """The label that was where most of a thing is, 0 where that was too little."""
    rows, columns = (slice(-(-s.start // STRIDE), -(-s.stop // STRIDE)) for s in box)
    first_y, first_x = rows.start * STRIDE - box[0].start, columns.start * STRIDE - box[1].start
    there = before[rows, columns][inside[first_y::STRIDE, first_x::STRIDE]]
    counts = np.bincount(there, minlength=2)
    counts[0] = 0
    most = int(counts.argmax())
    return most if counts[most] >= SHARE * len(there) else 0
