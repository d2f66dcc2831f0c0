"""Association of detected boxes with tracked objects: stable ids, new, lost, recovered and merged objects."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool
from scipy.optimize import linear_sum_assignment

from ...twin.ids import fresh_ids
from ...twin.masks import box_iou
from ...twin.types import Box
from .detector import DetectedBox


@dataclass(frozen=True)
class TrackConfig:
    """Settings of data association.

    match_iou: minimum IoU of a detected box with the box of a tracked mask. merge_iou: masks with a larger IoU are
    merged. keep_s: time for which a lost object can be recovered with its id. reach: maximum distance from the last
    position for a recovery, in image diagonals. unconfirmed: maximum key frames without detection of an object that
    SAM 2 still tracks.
    """

    match_iou: float = 0.4
    merge_iou: float = 0.8
    keep_s: float = 10.0
    reach: float = 0.3
    unconfirmed: int = 5


@dataclass(frozen=True)
class Track:
    """One object. box_xyxy: bounds its last mask. missed: key frames since its last detection."""

    id: int
    label: str
    score: float
    box_xyxy: Box
    seen_s: float
    missed: int = 0
    visible: bool = True


class Tracks:
    """All tracked and lost objects. An id is reused only after all others were used (twin/ids.py)."""

    def __init__(self, config: TrackConfig = TrackConfig()) -> None:
        self.config = config
        self._tracks: dict[int, Track] = {}
        self._last_id = 0

    def __getitem__(self, id: int) -> Track:
        return self._tracks[id]

    def __contains__(self, id: object) -> bool:
        return id in self._tracks

    def __len__(self) -> int:
        return len(self._tracks)

    def follow(self, boxes: Mapping[int, Box | None], stamp_s: float) -> tuple[int, list[int]]:
        """Updates tracks with the boxes of this frame's masks (None: not in view).

        Returns the number of objects lost in this frame, and the ids deleted after keep_s.
        """
        lost, deleted = 0, []
        for id, track in list(self._tracks.items()):
            box = boxes.get(id)
            if box is not None:
                self._tracks[id] = replace(track, box_xyxy=box, seen_s=stamp_s, visible=True)
                continue
            lost += track.visible
            self._tracks[id] = replace(track, visible=False)
            if stamp_s - track.seen_s > self.config.keep_s:
                del self._tracks[id]
                deleted.append(id)
        return lost, deleted

    def match(
        self, found: Sequence[DetectedBox], stamp_s: float, picture_size: tuple[int, int]
    ) -> tuple[list[int], list[int]]:
        """Ids of the boxes of a key frame, and the ids deleted after too many misses.

        Boxes are assigned to visible objects by IoU (Hungarian method, with a small bonus for the same label), then to
        nearby lost objects of the same label; the others become new objects.
        """
        ids = self._overlapping(found)
        self._refind(found, ids, math.hypot(*picture_size))
        new = fresh_ids(ids.count(None), self._last_id, self._tracks)
        self._last_id = new[-1] if new else self._last_id
        unused = iter(new)
        ids = [next(unused) if id is None else id for id in ids]
        deleted = []
        for id, track in list(self._tracks.items()):
            if id not in ids and track.visible:
                self._tracks[id] = replace(track, missed=track.missed + 1)
                if track.missed + 1 > self.config.unconfirmed:
                    del self._tracks[id]
                    deleted.append(id)
        for id, detection in zip(ids, found, strict=True):
            self._tracks[id] = Track(id, detection.label, detection.score, detection.box_xyxy, stamp_s)  # type: ignore[index, arg-type]
        return ids, deleted  # type: ignore[return-value]

    def _overlapping(self, found: Sequence[DetectedBox]) -> list[int | None]:
        ids: list[int | None] = [None] * len(found)
        visible = [t for t in self._tracks.values() if t.visible]
        if not visible or not found:
            return ids
        iou = np.array([[box_iou(t.box_xyxy, f.box_xyxy) for f in found] for t in visible])
        same_label = np.array([[t.label == f.label for f in found] for t in visible])
        gain = np.where(iou >= self.config.match_iou, iou + 0.2 * same_label, 0.0)
        for row, column in zip(*linear_sum_assignment(-gain), strict=True):
            if gain[row, column] > 0:
                ids[column] = visible[row].id
        return ids

    def _refind(self, found: Sequence[DetectedBox], ids: list[int | None], diagonal: float) -> None:
        lost = [t for t in self._tracks.values() if not t.visible]
        pairs = [
            (distance, t.id, n)
            for t in lost
            for n, f in enumerate(found)
            if ids[n] is None
            and t.label == f.label
            and (distance := math.dist(_middle(t.box_xyxy), _middle(f.box_xyxy)) / diagonal) < self.config.reach
        ]
        for _, id, n in sorted(pairs):
            if ids[n] is None and id not in ids:
                ids[n] = id

    def merge(self, masks: Mapping[int, Bool[np.ndarray, "h w"]]) -> list[int]:
        """Deletes and returns ids whose mask duplicates that of another object; the lower id is kept."""
        merged: list[int] = []
        order = sorted(id for id, mask in masks.items() if mask.any())
        areas = {id: np.count_nonzero(masks[id]) for id in order}
        for n, id in enumerate(order):
            for kept in order[:n]:
                if kept in merged or min(areas[id], areas[kept]) < self.config.merge_iou * max(areas[id], areas[kept]):
                    continue
                intersection = np.count_nonzero(masks[id] & masks[kept])
                if intersection > self.config.merge_iou * (areas[id] + areas[kept] - intersection):
                    merged.append(id)
                    break
        for id in merged:
            self._tracks.pop(id, None)
        return merged

    def forget(self) -> None:
        """Deletes all tracks; ids are not reused."""
        self._tracks.clear()


def _middle(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
