"""Cache of labels from frame to frame for unchanged objects: classification is most of the cost per object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Int32, UInt8

from ...twin.masks import box_iou
from ...twin.types import Detection

INTERVALS = (0, 1, 3, 6, 9)  # frames between classifications, by how often the object was classified
CHANGED_INTERVAL = 2  # the same, at most, for an object that changed since its last classification
MAX_RECLASSIFIED = 0.1  # share of cached objects reclassified in one frame; at least one
MAX_FRAME_GAP_S = 0.5  # maximum interval between two frames
STRIDE = 2  # sampling step of pixels for the overlap
MIN_OVERLAP = 0.45  # minimum share of pixels that overlap the same label in the previous frame
# Maximum change from frame to frame: ratio of area and sides, difference of the mean colour (0..255).
MAX_GROWTH, MAX_COLOR_CHANGE = 1.5, 25.0
SAME_GROWTH, SAME_COLOR_CHANGE = 1.15, 10.0  # the same since the classification: below, unchanged
# Segments may vanish for single frames: objects lost for up to LOST_FRAMES are matched by box IoU and appearance.
LOST_FRAMES, LOST_MAX, LOST_IOU = 12, 32, 0.6

Box = tuple[slice, slice]


@dataclass(frozen=True)
class _Appearance:
    """Area, height and width in pixels, and mean colour (RGB) of an object in one frame."""

    sizes: tuple[int, int, int]
    mean_color: np.ndarray

    def similar(self, other: _Appearance, growth: float, color_change: float) -> bool:
        return float(np.abs(self.mean_color - other.mean_color).max()) <= color_change and all(
            max(a, b) <= growth * min(a, b) + 2 for a, b in zip(self.sizes, other.sizes, strict=True)
        )


@dataclass(frozen=True)
class _Entry:
    """appearance: in the last frame; at_classification: at the last classification, `since` frames ago.

    classified: number of classifications.
    """

    detection: Detection
    appearance: _Appearance
    at_classification: _Appearance
    classified: int
    since: int

    def overdue(self, appearance: _Appearance) -> float:
        """Priority of reclassification, higher for overdue and rarely classified objects; negative: not due."""
        interval = INTERVALS[min(self.classified, len(INTERVALS)) - 1]
        if interval > CHANGED_INTERVAL and not appearance.similar(
            self.at_classification, SAME_GROWTH, SAME_COLOR_CHANGE
        ):
            interval = CHANGED_INTERVAL
        overdue_by = self.since - interval
        return overdue_by + 10.0 / self.classified if overdue_by >= 0 else -1.0


class LabelCache:
    """Detections of the previous frames by label image. Not thread-safe."""

    def __init__(self) -> None:
        self._labels: np.ndarray = np.zeros((0, 0), np.int32)
        self._entries: dict[int, _Entry] = {}
        self._matched: dict[int, _Entry] = {}  # previous entries by the labels of this frame
        self._appearances: dict[int, _Appearance] = {}
        self._lost: list[tuple[_Entry, int]] = []  # entries not in the last frame, and their age in frames
        self._stamp_s = 0.0

    def begin(
        self,
        labels: Int32[np.ndarray, "h w"],
        boxes: Sequence[Box | None],
        color: UInt8[np.ndarray, "h w 3"],
        stamp_s: float,
    ) -> dict[int, Detection]:
        """Starts a frame: previous detections by label, of the objects that need no classification.

        labels: 1..n; boxes: rows and columns of each. New objects need classification, and a few overdue ones. The
        cache is empty for a frame that is older than the last, later than MAX_FRAME_GAP_S or of another size.
        """
        consecutive = 0 < stamp_s - self._stamp_s <= MAX_FRAME_GAP_S and labels.shape == self._labels.shape
        before, entries = self._labels[::STRIDE, ::STRIDE], self._entries if consecutive else {}
        self._labels, self._entries, self._stamp_s = labels, {}, stamp_s
        self._appearances, self._matched = {}, {}
        lost = self._lost if consecutive else []
        for label, box in enumerate(boxes, 1):
            if box is None:
                continue
            inside = labels[box] == label
            mean_color = np.array(cv2.mean(np.ascontiguousarray(color[box]), inside.view(np.uint8))[:3])
            appearance = self._appearances[label] = _Appearance(
                (int(np.count_nonzero(inside)), *inside.shape), mean_color
            )
            if (
                entries
                and (entry := entries.get(_overlapping(before, box, inside)))
                and appearance.similar(entry.appearance, MAX_GROWTH, MAX_COLOR_CHANGE)
            ):
                self._matched[label] = entry
            elif returned := _find_lost(lost, box, appearance):
                self._matched[label] = returned
        matched = {id(entry) for entry in self._matched.values()}
        lost += [(entry, 0) for entry in entries.values()]
        lost = [(entry, age + 1) for entry, age in lost if id(entry) not in matched and age < LOST_FRAMES]
        self._lost = lost[-LOST_MAX:]
        overdue_by = {label: entry.overdue(self._appearances[label]) for label, entry in self._matched.items()}
        limit = max(1, round(MAX_RECLASSIFIED * len(self._appearances)))
        reclassify = sorted(
            (label for label, priority in overdue_by.items() if priority >= 0), key=lambda label: -overdue_by[label]
        )[:limit]
        return {label: entry.detection for label, entry in self._matched.items() if label not in reclassify}

    def store(self, label: int, found: Detection, classified: bool) -> None:
        """Stores the detection of an object of this frame, and whether it was classified."""
        appearance, entry = self._appearances[label], self._matched.get(label)
        if classified or entry is None:
            self._entries[label] = _Entry(found, appearance, appearance, 1 + (entry.classified if entry else 0), 0)
        else:
            self._entries[label] = _Entry(found, appearance, entry.at_classification, entry.classified, entry.since + 1)


def _find_lost(lost: Sequence[tuple[_Entry, int]], box: Box, appearance: _Appearance) -> _Entry | None:
    """The lost entry with the same place (box IoU) and appearance."""
    rows, columns = box
    corners = float(columns.start), float(rows.start), float(columns.stop), float(rows.stop)
    for entry, _ in lost:
        if (
            appearance.similar(entry.appearance, SAME_GROWTH, SAME_COLOR_CHANGE)
            and box_iou(corners, entry.detection.box_xyxy) > LOST_IOU
        ):
            return entry
    return None


def _overlapping(before: np.ndarray, box: Box, inside: np.ndarray) -> int:
    """The previous label with the largest overlap, 0 if the overlap is below MIN_OVERLAP."""
    rows, columns = (slice(-(-s.start // STRIDE), -(-s.stop // STRIDE)) for s in box)
    first_y, first_x = rows.start * STRIDE - box[0].start, columns.start * STRIDE - box[1].start
    overlap = before[rows, columns][inside[first_y::STRIDE, first_x::STRIDE]]
    counts = np.bincount(overlap, minlength=2)
    counts[0] = 0
    limit = int(counts.argmax())
    return limit if counts[limit] >= MIN_OVERLAP * len(overlap) else 0
