"""Which box is which object: ids that stay, objects that are new, lost, found again, or turn out to be one."""

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
from .detector import Found


@dataclass(frozen=True)
class TrackConfig:
    """Settings of identities.

    match_iou: least overlap of a detector's box with the box of a followed mask. merge_iou: two masks that overlap more
    are one object. keep_s: how long a lost object is remembered and can be found again with its id. reach: how far from
    its last place, in diagonals of the picture, it may be found. unconfirmed: key frames on which the detector may miss
    an object that SAM 2 still follows.
    """

    match_iou: float = 0.4
    merge_iou: float = 0.8
    keep_s: float = 10.0
    reach: float = 0.3
    unconfirmed: int = 5


@dataclass(frozen=True)
class Track:
    """One object. box_xyxy: around its last mask. missed: key frames since the detector last saw it."""

    id: int
    label: str
    score: float
    box_xyxy: Box
    seen_s: float
    missed: int = 0
    visible: bool = True


class Tracks:
    """All objects that are followed or remembered. An id is reused only after all others were given (twin/ids.py)."""

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
        """Takes the boxes around this frame's masks (None: not in view).

        Returns how many went out of view just now, and the ids that have been away too long and are forgotten.
        """
        lost, forgotten = 0, []
        for id, track in list(self._tracks.items()):
            box = boxes.get(id)
            if box is not None:
                self._tracks[id] = replace(track, box_xyxy=box, seen_s=stamp_s, visible=True)
                continue
            lost += track.visible
            self._tracks[id] = replace(track, visible=False)
            if stamp_s - track.seen_s > self.config.keep_s:
                del self._tracks[id]
                forgotten.append(id)
        return lost, forgotten

    def match(
        self, found: Sequence[Found], stamp_s: float, picture_size: tuple[int, int]
    ) -> tuple[list[int], list[int]]:
        """An id for every box of a key frame, and the ids that the detector has missed too often and are forgotten.

        A box continues the object in view that it overlaps most (Hungarian method; the same word counts for a little),
        else it finds a lost one of the same word nearby, else it is a new object.
        """
        ids = self._overlapping(found)
        self._refind(found, ids, math.hypot(*picture_size))
        new = fresh_ids(ids.count(None), self._last_id, self._tracks)
        self._last_id = new[-1] if new else self._last_id
        unused = iter(new)
        ids = [next(unused) if id is None else id for id in ids]
        forgotten = []
        for id, track in list(self._tracks.items()):
            if id not in ids and track.visible:
                self._tracks[id] = replace(track, missed=track.missed + 1)
                if track.missed + 1 > self.config.unconfirmed:
                    del self._tracks[id]
                    forgotten.append(id)
        for id, one in zip(ids, found, strict=True):
            self._tracks[id] = Track(id, one.label, one.score, one.box_xyxy, stamp_s)  # type: ignore[index, arg-type]
        return ids, forgotten  # type: ignore[return-value]

    def _overlapping(self, found: Sequence[Found]) -> list[int | None]:
        ids: list[int | None] = [None] * len(found)
        seen = [t for t in self._tracks.values() if t.visible]
        if not seen or not found:
            return ids
        iou = np.array([[box_iou(t.box_xyxy, f.box_xyxy) for f in found] for t in seen])
        same = np.array([[t.label == f.label for f in found] for t in seen])
        gain = np.where(iou >= self.config.match_iou, iou + 0.2 * same, 0.0)
        for row, column in zip(*linear_sum_assignment(-gain), strict=True):
            if gain[row, column] > 0:
                ids[column] = seen[row].id
        return ids

    def _refind(self, found: Sequence[Found], ids: list[int | None], diagonal: float) -> None:
        lost = [t for t in self._tracks.values() if not t.visible]
        pairs = [
            (away, t.id, n)
            for t in lost
            for n, f in enumerate(found)
            if ids[n] is None
            and t.label == f.label
            and (away := math.dist(_middle(t.box_xyxy), _middle(f.box_xyxy)) / diagonal) < self.config.reach
        ]
        for _, id, n in sorted(pairs):
            if ids[n] is None and id not in ids:
                ids[n] = id

    def merge(self, masks: Mapping[int, Bool[np.ndarray, "h w"]]) -> list[int]:
        """Ids whose mask is another object's too: the one that is known for longer (the lower id) stays."""
        gone: list[int] = []
        order = sorted(id for id, mask in masks.items() if mask.any())
        areas = {id: np.count_nonzero(masks[id]) for id in order}
        for n, id in enumerate(order):
            for other in order[:n]:
                if other in gone or min(areas[id], areas[other]) < self.config.merge_iou * max(areas[id], areas[other]):
                    continue
                both = np.count_nonzero(masks[id] & masks[other])
                if both > self.config.merge_iou * (areas[id] + areas[other] - both):
                    gone.append(id)
                    break
        for id in gone:
            self._tracks.pop(id, None)
        return gone

    def forget(self) -> None:
        """Another scene: no object is known, and no id comes again."""
        self._tracks.clear()


def _middle(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
