"""Which detection is which object of the twin: costs of all pairs at once, by place, overlap, size and looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from . import masks
from .types import NO_LABEL, CameraIntrinsics, Detection, DigitalTwin, Instance

Matrix = Float[np.ndarray, "tracks detections"]


@dataclass(frozen=True)
class MatchingConfig:
    """reach_m: how far a seen thing may be from where it was expected.

    max_speed: metres per second added to the reach for every second unseen, up to max_reach_m. alike: from how much
    likeness (1: the same) a thing that was away is known again anywhere; of what has no appearance, never.
    """

    reach_m: float = 0.12
    max_speed: float = 0.6
    max_reach_m: float = 0.6
    accept: float = 1.6
    alike: float = 0.9
    away_s: float = 0.25


def costs(
    tracks: Sequence[Instance],
    detections: Sequence[Detection],
    overlap: Matrix,
    stamp_s: float,
    config: MatchingConfig,
) -> Matrix:
    """0 for a perfect match; infinite where it cannot be. Place counts most, then overlap, then size and looks."""
    unseen_s = np.array([max(stamp_s - (t.last_seen_s if t.last_seen_s is not None else stamp_s), 0.0) for t in tracks])
    gone = np.array([not t.visible for t in tracks])
    likeness = _likeness(tracks, detections)
    color = np.where(np.isnan(likeness), _unlike(tracks, detections, "color"), np.minimum(2.0 * (1.0 - likeness), 1.0))
    size = _resized(tracks, detections)
    words = [replace(t, label=NO_LABEL) if t.picture is not None else t for t in tracks]  # not the detections' words
    looks = 0.25 * _unlike(words, detections, "label", NO_LABEL) + 0.35 * color + 0.3 * np.nan_to_num(size)
    away = _away(tracks, detections, unseen_s, config)
    cost = 0.8 * np.minimum(away, 1.5) + looks + np.where(gone[:, None], 0.2, 0.5 * (1.0 - overlap))
    cost[np.isnan(cost) | ((away > 1.0) & (overlap < 0.3))] = np.inf
    again = (gone & (unseen_s >= config.away_s))[:, None] & (likeness >= config.alike) & (np.nan_to_num(size) < 0.5)
    return np.where(again, np.minimum(cost, 1.0 + looks), cost)


def overlaps(
    twin: DigitalTwin,
    tracks: Sequence[Instance],
    detections: Sequence[Detection],
    shifts: Sequence[tuple[int, int]],
) -> tuple[Matrix, Matrix]:
    """IoU of every track's last mask with every detection's, and the share of the detection's that lies in the track's.

    0 for tracks that the id image does not show.

    shifts: by how many columns and rows the picture has moved at each detection since. Large pictures are looked at in
    every second row and column.
    """
    iou, within = np.zeros((2, len(tracks), len(detections)))
    if twin.ids is None or not tracks or not detections or twin.ids.shape != detections[0].mask.shape:
        return iou, within
    step = 2 if twin.ids.shape[1] >= 320 else 1
    ids = twin.ids[::step, ::step]
    length = max(t.id for t in tracks) + 1
    numbers = [t.id for t in tracks]
    areas = np.bincount(ids.ravel(), minlength=length)[numbers]
    for c, (detection, (du, dv)) in enumerate(zip(detections, shifts, strict=True)):
        x0, y0, x1, y1 = (int(v) // step for v in detection.box_xyxy)
        mask = detection.mask[::step, ::step][y0 : y1 + 1, x0 : x1 + 1]
        area = int(np.count_nonzero(mask))
        y0, x0 = y0 - dv // step, x0 - du // step  # where that was in the picture before
        before = ids[max(y0, 0) : max(y0 + mask.shape[0], 0), max(x0, 0) : max(x0 + mask.shape[1], 0)]
        mask = mask[max(-y0, 0) :, max(-x0, 0) :][: before.shape[0], : before.shape[1]]
        both = np.bincount((before[: mask.shape[0], : mask.shape[1]] * mask).ravel(), minlength=length)[numbers]
        iou[:, c] = both / np.maximum(areas + area - both, 1)
        within[:, c] = both / max(area, 1)
    return iou, within


def picture_shifts(
    twin: DigitalTwin, pose: object, detections: Sequence[Detection], camera: CameraIntrinsics | None
) -> list[tuple[int, int]]:
    """By how many columns and rows what is at each detection has moved in the picture by the camera's motion alone."""
    if pose is None or twin.pose is None or pose is twin.pose or camera is None:
        return [(0, 0)] * len(detections)
    back = twin.pose.from_older(pose)  # type: ignore[arg-type]
    shifts = []
    for detection in detections:
        now = detection.center_m
        if now is None:
            shifts.append((0, 0))
            continue
        x, y, z = back.rotation @ np.asarray(now) + back.translation
        if z <= 0.01:
            shifts.append((0, 0))
            continue
        du, dv = camera.fx * (now[0] / now[2] - x / z), camera.fy * (now[1] / now[2] - y / z)
        shifts.append((round(float(du)), round(float(dv))))
    return shifts


def _away(
    tracks: Sequence[Instance], detections: Sequence[Detection], unseen_s: np.ndarray, config: MatchingConfig
) -> Matrix:
    """Distance from where each track is expected, in reaches; from boxes where there are no metres; NaN without."""
    ahead = np.minimum(unseen_s, 0.5)
    places = np.array([t.center_m or (np.nan,) * 3 for t in tracks], float)
    speeds = np.array([t.velocity or (0.0,) * 3 for t in tracks], float)
    found = np.array([d.center_m or (np.nan,) * 3 for d in detections], float)
    reach = np.minimum(config.reach_m + config.max_speed * unseen_s, config.max_reach_m)
    away = np.linalg.norm((places + speeds * ahead[:, None])[:, None] - found[None], axis=2) / reach[:, None]
    for t, c in zip(*np.nonzero(np.isnan(away)), strict=True):
        box = tracks[t].box_xyxy
        if box is not None:
            away[t, c] = 1.2 * (1.0 - masks.box_iou(box, detections[c].box_xyxy))
    return away


def _resized(tracks: Sequence[Instance], detections: Sequence[Detection]) -> Matrix:
    """|log| of the ratio of volumes, at most 1; NaN where one is unknown."""
    volumes = [_log_volumes([i.size_m for i in side]) for side in (tracks, detections)]
    return np.minimum(np.abs(volumes[0][:, None] - volumes[1][None]), 1.0)


def _log_volumes(sizes: Sequence[tuple[float, float, float] | None]) -> np.ndarray:
    return np.log(np.array([s or (np.nan,) * 3 for s in sizes], float) + 0.02).sum(axis=1)


def _likeness(tracks: Sequence[Instance], detections: Sequence[Detection]) -> Matrix:
    """Bhattacharyya coefficients; NaN where one side has no appearance."""
    result = np.full((len(tracks), len(detections)), np.nan)
    left = {n: t.memory.appearance for n, t in enumerate(tracks) if t.memory and t.memory.appearance is not None}
    right = {n: d.appearance for n, d in enumerate(detections) if d.appearance is not None}
    if left and right:
        result[np.ix_(list(left), list(right))] = np.stack(list(left.values())) @ np.stack(list(right.values())).T
    return result


def _unlike(
    tracks: Sequence[Instance], detections: Sequence[Detection], name: str, unknown: str | None = None
) -> Matrix:
    """0 for the same word, 1 for another, 0.5 where one is unknown."""
    a, b = ([getattr(i, name) for i in side] for side in (tracks, detections))
    codes = {word: k for k, word in enumerate({*a, *b} - {None, unknown})}
    left, right = (np.array([codes.get(w, -1) for w in words]) for words in (a, b))
    result = (left[:, None] != right[None]).astype(float)
    result[(left < 0)[:, None] | (right < 0)[None]] = 0.5
    return result
