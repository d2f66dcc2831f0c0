"""From one frame's detections to the twin: ids that stay, words by vote, motion without noise.

Detections are assigned to the objects of the last twin (Kuhn 1955, Hungarian method) by place, overlap in the picture
and looks. What is not seen stays for a while with visible=False and keeps its id when it comes back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from . import masks
from .relations import stored_relations, surface_points
from .types import Detection, DigitalTwin, Frame, Instance, Perceived, TrackMemory, Vector

NO_LABEL = "object"


@dataclass(frozen=True)
class TrackingConfig:
    """keep_s: how long an object that is not seen stays. reach_m: how far a seen one may be from where it was expected.

    max_speed: metres per second added to the reach for every second unseen, up to max_reach_m. What was seen
    in fewer than confirm_frames may be a flicker and stays for brief_s only. still_m: noise of a centre; movement below
    it does not count. smooth_s: time constant of the velocity. fade: of votes, a frame.
    """

    keep_s: float = 10.0
    reach_m: float = 0.12
    max_speed: float = 0.6
    max_reach_m: float = 0.6
    still_m: float = 0.02
    smooth_s: float = 0.2
    fade: float = 0.97
    accept: float = 1.6
    confirm_frames: int = 4
    brief_s: float = 0.5


def update(
    twin: DigitalTwin, perceived: Perceived, frame: Frame, config: TrackingConfig = TrackingConfig()
) -> DigitalTwin:
    """The twin after one more frame; start with `DigitalTwin()`. Pure: the given twin is not changed.

    Detections with a `track_hint` get exactly that id. Ids are never given twice while the twin lives on.
    """
    ids = assign(twin, perceived.detections, frame.stamp_s, config)
    old = {i.id: i for i in twin.instances}
    seen = [
        _seen(old.get(id), id, detection, frame.stamp_s, config)
        for id, detection in zip(ids, perceived.detections, strict=True)
    ]
    gone = [
        replace(i, visible=False, velocity=None)
        for i in twin.instances
        if i.id not in set(ids)
        and i.last_seen_s is not None
        and frame.stamp_s - i.last_seen_s <= _patience_s(i, config)
    ]
    shape = frame.color.shape[:2]
    image = masks.ids_from_masks({id: d.mask for id, d in zip(ids, perceived.detections, strict=True)}, shape)
    plane = perceived.plane or twin.plane
    instances = tuple(sorted([*seen, *gone], key=lambda i: i.id))
    return DigitalTwin(
        instances=instances,
        relations=stored_relations(instances, surface_points(frame, image), plane),
        stamp_s=frame.stamp_s,
        frame_id=frame.frame_id,
        image_size=frame.image_size,
        plane=plane,
        ids=image,
        sequence=twin.sequence + 1,
        last_id=max([twin.last_id, *ids, *old]),
    )


def with_new_words(twin: DigitalTwin) -> DigitalTwin:
    """The twin as it was, but what was voted for names counts no more: perception has words now that it had not."""
    return replace(
        twin,
        instances=tuple(
            replace(i, memory=replace(i.memory, labels={})) if i.memory is not None else i for i in twin.instances
        ),
    )


def assign(twin: DigitalTwin, detections: tuple[Detection, ...], stamp_s: float, config: TrackingConfig) -> list[int]:
    """An id for every detection: a hint, the object of the twin it continues, or a new one."""
    hints = [d.track_hint for d in detections]
    known = [h for h in hints if h is not None]
    if len(set(known)) != len(known):
        raise ValueError(f"two detections of one frame carry the same track_hint: {sorted(known)}")
    tracks = [
        i
        for i in twin.instances
        if i.id not in known and (i.last_seen_s is None or stamp_s - i.last_seen_s <= config.keep_s)
    ]
    free = [n for n, hint in enumerate(hints) if hint is None]
    ids = list(hints)
    if tracks and free:
        overlaps = _overlaps(twin, tracks, [detections[n] for n in free])
        costs = np.array(
            [
                [_cost(track, detections[n], overlaps[t, c], stamp_s, config) for c, n in enumerate(free)]
                for t, track in enumerate(tracks)
            ]
        )
        from scipy.optimize import linear_sum_assignment  # half a second, for which reasoning_node need not wait

        # The cost of a pair that is not acceptable is flat: it must not push good pairs apart.
        rows, columns = linear_sum_assignment(np.minimum(costs, config.accept))
        for t, c in zip(rows, columns, strict=True):
            if costs[t, c] < config.accept:
                ids[free[c]] = tracks[t].id
    last = max([twin.last_id, *known, *(i.id for i in twin.instances)])
    for n, id in enumerate(ids):
        if id is None:
            last += 1
            ids[n] = last
    return ids  # type: ignore[return-value]


def _patience_s(track: Instance, config: TrackingConfig) -> float:
    """How long a lost object stays."""
    flicker = track.memory is not None and track.memory.frames < config.confirm_frames
    return min(config.brief_s, config.keep_s) if flicker else config.keep_s


def _overlaps(twin: DigitalTwin, tracks: list[Instance], detections: list[Detection]) -> np.ndarray:
    """IoU of every track's last mask with every detection's; 0 for tracks that the id image does not show."""
    result = np.zeros((len(tracks), len(detections)))
    if twin.ids is None or not detections or twin.ids.shape != detections[0].mask.shape:
        return result
    areas = np.bincount(twin.ids.ravel(), minlength=max(t.id for t in tracks) + 1)
    for c, detection in enumerate(detections):
        under = np.bincount(twin.ids[detection.mask], minlength=len(areas))
        area = np.count_nonzero(detection.mask)
        for t, track in enumerate(tracks):
            both = under[track.id]
            result[t, c] = both / max(areas[track.id] + area - both, 1)
    return result


def _cost(track: Instance, detection: Detection, overlap: float, stamp_s: float, config: TrackingConfig) -> float:
    """0 for a perfect match; infinite out of reach. Place counts most, then overlap, then looks."""
    unseen_s = max(stamp_s - (track.last_seen_s if track.last_seen_s is not None else stamp_s), 0.0)
    looks = 0.25 * _unlike(track.label, detection.label, NO_LABEL) + 0.35 * _unlike(track.color, detection.color)
    if track.size_m and detection.size_m:
        big, small = math.prod(s + 0.02 for s in track.size_m), math.prod(s + 0.02 for s in detection.size_m)
        looks += 0.3 * min(abs(math.log(big / small)), 1.0)
    if track.center_m is not None and detection.center_m is not None:
        expected = _moved(track.center_m, track.velocity, min(unseen_s, 0.5))
        reach = min(config.reach_m + config.max_speed * unseen_s, config.max_reach_m)
        away = math.dist(expected, detection.center_m) / reach
    elif track.box_xyxy is not None:
        away = 1.2 * (1.0 - masks.box_iou(track.box_xyxy, detection.box_xyxy))
    else:
        return math.inf
    if away > 1.0 and overlap < 0.3:
        return math.inf
    if not track.visible:
        return 0.8 * min(away, 1.5) + looks + 0.2
    return 0.8 * min(away, 1.5) + 0.5 * (1.0 - overlap) + looks


def _unlike(a: str | None, b: str | None, unknown: str | None = None) -> float:
    if a is None or b is None or unknown in (a, b):
        return 0.5
    return float(a != b)


def _moved(place: Vector, velocity: Vector | None, seconds: float) -> Vector:
    if velocity is None:
        return place
    return tuple(p + v * seconds for p, v in zip(place, velocity, strict=True))  # type: ignore[return-value]


def _seen(old: Instance | None, id: int, d: Detection, stamp_s: float, config: TrackingConfig) -> Instance:
    before = old.memory if old and old.memory else TrackMemory({}, {}, {}, frames=0)
    labels = _vote(before.labels, d.label, d.score * (0.1 if d.label == NO_LABEL else 1.0), config.fade)
    colors = _vote(before.colors, d.color, 1.0, config.fade)
    shapes = _vote(before.shapes, d.shape, 1.0, config.fade)
    velocity, path, anchor, moved_s = _motion(old, before, d, stamp_s, config)
    return Instance(
        id=id,
        label=_winner(labels) or NO_LABEL,
        score=d.score if old is None else 0.7 * old.score + 0.3 * d.score,
        color=_winner(colors),
        shape=_winner(shapes),
        box_xyxy=d.box_xyxy,
        depth_mean_m=d.depth_mean_m,
        depth_std_m=d.depth_std_m,
        center_m=d.center_m,
        size_m=d.size_m,
        elevation_m=d.elevation_m,
        nearness=d.nearness,
        velocity=velocity,
        path_length_m=path,
        first_seen_s=stamp_s if old is None or old.first_seen_s is None else old.first_seen_s,
        last_seen_s=stamp_s,
        memory=TrackMemory(labels, colors, shapes, anchor, moved_s, before.frames + 1),
    )


def _motion(
    old: Instance | None, before: TrackMemory, d: Detection, stamp_s: float, config: TrackingConfig
) -> tuple[Vector | None, float | None, Vector | None, float | None]:
    """Velocity, path length, anchor and the time of the last movement.

    The path is counted from anchor to anchor, a new one only where the centre is further than its noise from the last:
    a thing that stands still does not travel, however long it is watched. A centre that jumps because more or less of
    the thing is to be seen moves the anchor, not the thing.
    """
    if d.center_m is None:
        return (None, old.path_length_m, before.anchor_m, before.moved_s) if old else (None, None, None, None)
    if old is None or old.center_m is None or before.anchor_m is None or old.last_seen_s is None:
        return (0.0, 0.0, 0.0), 0.0, d.center_m, None
    dt = stamp_s - old.last_seen_s
    path = old.path_length_m or 0.0
    if dt <= 0:
        return old.velocity, path, before.anchor_m, before.moved_s
    if old.size_m and d.size_m and _resized(old.size_m, d.size_m):
        return old.velocity or (0.0, 0.0, 0.0), path, d.center_m, before.moved_s
    anchor, moved_s = before.anchor_m, before.moved_s
    step = math.dist(anchor, d.center_m)
    if step > config.still_m:
        path, anchor, moved_s = path + step, d.center_m, stamp_s
    if moved_s is None or stamp_s - moved_s > 0.5:
        return (0.0, 0.0, 0.0), path, anchor, moved_s
    raw = tuple((c - o) / dt for c, o in zip(d.center_m, old.center_m, strict=True))
    last = old.velocity or raw
    new = 1.0 - math.exp(-dt / config.smooth_s)
    velocity = tuple(v + new * (r - v) for v, r in zip(last, raw, strict=True))
    return velocity, path, anchor, moved_s  # type: ignore[return-value]


def _resized(old: Vector, new: Vector, share: float = 0.3, least_m: float = 0.02) -> bool:
    return any(abs(n - o) > max(share * max(n, o), least_m) for o, n in zip(old, new, strict=True))


def _vote(votes: Mapping[str, float], word: str | None, weight: float, fade: float) -> dict[str, float]:
    result = {w: v * fade for w, v in votes.items() if v > 0.01}
    if word is not None:
        result[word] = result.get(word, 0.0) + weight
    return result


def _winner(votes: Mapping[str, float]) -> str | None:
    return max(votes, key=votes.__getitem__) if votes else None
