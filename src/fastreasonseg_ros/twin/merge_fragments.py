"""Pieces of one thing put together again: what was whole a moment ago has not fallen apart where nothing moved.

A segmenter that looks at single pictures may cut the inside of a cup from its outside in one and not in the next.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from .types import Detection, DigitalTwin, Instance, Vector

Matrix = Float[np.ndarray, "tracks detections"]


@dataclass(frozen=True)
class FragmentConfig:
    """within: share of a piece that lies where the whole was. room_m, room_share: by how much the pieces together may
    be larger than the whole was. own: a piece that was seen alone in this share of the pictures since it was first
    seen is a thing of its own, if it was seen alone in `confirm_frames` of them.
    """

    within: float = 0.6
    room_m: float = 0.015
    room_share: float = 0.15
    own: float = 0.75
    confirm_frames: int = 4


def reunited(
    twin: DigitalTwin,
    tracks: Sequence[Instance],
    detections: tuple[Detection, ...],
    iou: Matrix,
    within: Matrix,
    config: FragmentConfig = FragmentConfig(),
) -> tuple[Detection, ...]:
    """The detections, pieces of one track's last mask as one; unchanged without tracks.

    iou, within: of every track's last mask with every detection; the share of the detection that lies in that mask.
    """
    if not len(tracks) or len(detections) < 2:
        return detections
    host = np.where(within.max(axis=0) >= config.within, within.argmax(axis=0), -1)
    result, used = [], set()
    for t in np.unique(host[host >= 0]):
        pieces = [int(c) for c in np.flatnonzero(host == t) if detections[c].track_hint is None]
        main = max(pieces, key=lambda c: iou[t, c], default=-1)
        pieces = [c for c in pieces if c == main or not _own(twin, tracks[t], detections[c], config)]
        if len(pieces) < 2 or iou[t, pieces].sum() < iou[t, main] + 0.03:
            continue
        whole = joined(detections[main], [detections[c] for c in pieces if c != main])
        if _fits(whole.size_m, _amodal_size(tracks[t]), config):
            result.append(whole)
            used |= set(pieces)
    return (*(d for c, d in enumerate(detections) if c not in used), *result)


def joined(main: Detection, others: Sequence[Detection]) -> Detection:
    """One detection of several pieces; words, score and appearance are those of the main one."""
    everything = [main, *others]
    mask = np.logical_or.reduce([d.mask for d in everything])
    boxes = np.array([d.box_xyxy for d in everything])
    box = (*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist())
    placed = [(d.center_m, d.size_m) for d in everything if d.center_m is not None and d.size_m is not None]
    center, size = main.center_m, main.size_m
    if placed:
        low = np.min([np.subtract(c, np.divide(s, 2)) for c, s in placed], axis=0)
        high = np.max([np.add(c, np.divide(s, 2)) for c, s in placed], axis=0)
        center, size = _vector((low + high) / 2), _vector(high - low)
    middles = [(d.middle_m, np.count_nonzero(d.mask)) for d in everything if d.middle_m is not None]
    middle = _vector(np.average([m for m, _ in middles], axis=0, weights=[w for _, w in middles])) if middles else None
    heights = [d.elevation_m for d in everything if d.elevation_m is not None]
    elevation = (min(h[0] for h in heights), max(h[1] for h in heights)) if heights else None
    return replace(main, mask=mask, box_xyxy=box, center_m=center, size_m=size, middle_m=middle, elevation_m=elevation)


def _own(twin: DigitalTwin, host: Instance, piece: Detection, config: FragmentConfig) -> bool:
    """Whether a thing that was there before, and was mostly seen apart from the host, is where the piece is."""
    for i in twin.instances:
        memory = i.memory
        if i.id == host.id or i.visible or memory is None or memory.frames < config.confirm_frames:
            continue
        if i.center_m is None or piece.center_m is None or math.dist(i.center_m, piece.center_m) > 0.05:
            continue
        if memory.frames >= config.own * max(memory.age, 1):
            return True
    return False


def _amodal_size(track: Instance) -> Vector | None:
    return track.memory.size_m if track.memory and track.memory.size_m else track.size_m


def _fits(size: Vector | None, amodal: Vector | None, config: FragmentConfig) -> bool:
    if size is None or amodal is None:
        return True
    return all(s <= (1 + config.room_share) * w + config.room_m for s, w in zip(size, amodal, strict=True))


def _vector(v: np.ndarray) -> Vector:
    x, y, z = (float(c) for c in v)
    return x, y, z
