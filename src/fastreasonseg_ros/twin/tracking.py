"""From one frame's detections to the twin: ids that stay, words by vote, motion over the ground without noise.

Detections are assigned to the objects of the last twin (Kuhn 1955, Hungarian method) by place, overlap in the picture,
size and looks (matching.py). What is not seen stays for a while with visible=False and keeps its id when it comes back;
what is gone for longer is remembered, out of the twin, and known again by its looks. Where the camera's pose is known,
its own motion is taken out first (motion.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from . import masks
from .ids import fresh_ids
from .matching import MatchingConfig, costs, overlaps, picture_shifts
from .merge_fragments import FragmentConfig, reunited
from .motion import added, displacement, follow, seen_from, subtracted
from .relations import neighbours, stored_relations, surface_points
from .resting import with_resting_places
from .track_memory import TrackMemory
from .types import NO_LABEL, Detection, DigitalTwin, Frame, Instance, Perceived, Vector
from .votes import others, vote, vote_others, winner


@dataclass(frozen=True)
class TrackingConfig:
    """keep_s: how long an object that is not seen stays. What was seen in fewer than confirm_frames may be a flicker
    and stays for brief_s only. still_m: noise of a centre; movement below it does not count. fade: of votes, a frame.

    remember, remember_s: how many objects that are gone are known again by their looks, and for how long.
    sigma_m, process_noise: of the filter of motion, see motion.follow. rim_m: noise of an object's extent.
    middle_sigma_m: of the middle of what is seen, which is known better than the centre of the whole.
    """

    keep_s: float = 10.0
    still_m: float = 0.02
    fade: float = 0.97
    confirm_frames: int = 4
    brief_s: float = 0.5
    remember: int = 64
    remember_s: float = 300.0
    sigma_m: float = 0.004
    middle_sigma_m: float = 0.003
    process_noise: float = 2.0
    rim_m: float = 0.012
    matching: MatchingConfig = MatchingConfig()
    fragments: FragmentConfig = FragmentConfig()


def update(
    twin: DigitalTwin, perceived: Perceived, frame: Frame, config: TrackingConfig = TrackingConfig()
) -> DigitalTwin:
    """The twin after one more frame; start with `DigitalTwin()`, which begins with this frame. The given twin stays.

    Detections with a `track_hint` get exactly that id. New objects get ids that nothing in the twin or in its memory
    has, an id of something long forgotten as late as possible (ids.py). Velocity and path are over the ground where the
    camera's pose is known now and was then, relative to the camera otherwise.
    """
    detections, stamp_s = perceived.detections, frame.stamp_s
    pose = frame.pose if frame.pose is not None else perceived.pose
    before, twin = twin, seen_from(twin, pose)
    shifts = picture_shifts(before, pose, detections, frame.intrinsics)
    visible = [i for i in twin.instances if i.visible]
    iou, within = overlaps(twin, visible, detections, shifts)
    whole = reunited(twin, visible, detections, iou, within, config.fragments)
    if len(whole) < len(detections):
        detections = whole
        iou, _ = overlaps(twin, visible, whole, picture_shifts(before, pose, whole, frame.intrinsics))
    rows = {i.id: row for i, row in zip(visible, iou, strict=True)}
    ids, last_id = assign(twin, detections, stamp_s, config, rows)
    old = {i.id: i for i in (*twin.forgotten, *twin.instances)}
    seen = [_matched(old.get(id), id, d, stamp_s, config) for id, d in zip(ids, detections, strict=True)]
    here = set(ids)
    lost = [i for i in twin.instances if i.id not in here and i.last_seen_s is not None]
    gone = [_not_detected(i) for i in lost if stamp_s - (i.last_seen_s or 0.0) <= _patience_s(i, config)]
    kept = {i.id for i in gone} | here
    image = masks.ids_from_masks({id: d.mask for id, d in zip(ids, detections, strict=True)}, frame.color.shape[:2])
    plane = perceived.plane or twin.plane
    instances = tuple(sorted([*seen, *gone], key=lambda i: i.id))
    points = {} if plane is None else surface_points(frame, image, wanted=neighbours(instances))
    relations = stored_relations(instances, points, plane)
    return DigitalTwin(
        instances=with_resting_places(instances, relations, stamp_s),
        relations=relations,
        stamp_s=stamp_s,
        frame_id=frame.frame_id,
        image_size=frame.image_size,
        plane=plane,
        ids=image,
        sequence=twin.sequence + 1,
        last_id=last_id,
        pose=twin.pose,
        note=perceived.note,
        begun_s=twin.begun_s if twin.sequence or twin.instances else stamp_s,
        forgotten=_remembered([*twin.forgotten, *lost], kept, stamp_s, config),
    )


def assign(
    twin: DigitalTwin,
    detections: Sequence[Detection],
    stamp_s: float,
    config: TrackingConfig,
    overlap: Mapping[int, np.ndarray] | None = None,
) -> tuple[list[int], int]:
    """An id for every detection (a hint, the object of the twin it continues, one known again, or a new one), and the
    id from which new ones count on (`DigitalTwin.last_id`).

    overlap: IoU of the tracks of these ids with every detection. Raises ValueError for a hint given twice, FrameError
    where no id is free.
    """
    hints = [d.track_hint for d in detections]
    known = [h for h in hints if h is not None]
    if len(set(known)) != len(known):
        raise ValueError(f"two detections of one frame carry the same track_hint: {sorted(known)}")
    free = [n for n, hint in enumerate(hints) if hint is None]
    ids = list(hints)
    tracks = [
        i
        for i in twin.instances
        if i.id not in known and (i.last_seen_s is None or stamp_s - i.last_seen_s <= config.keep_s)
    ]
    forgotten = [i for i in twin.forgotten if i.id not in known]
    if free and (tracks or forgotten):
        wanted = [detections[n] for n in free]
        table = []
        if tracks:
            nowhere = np.zeros(len(detections))
            iou = np.stack([(overlap or {}).get(i.id, nowhere) for i in tracks])[:, free]
            table.append(costs(tracks, wanted, iou, stamp_s, config.matching))
        if forgotten:
            # By looks alone: nobody knows where it has been.
            anywhere = replace(config.matching, reach_m=1e-9, max_speed=0.0)
            nothing = np.zeros((len(forgotten), len(free)))
            table.append(costs(forgotten, wanted, nothing, stamp_s, anywhere))
        cost = np.concatenate(table)
        from scipy.optimize import linear_sum_assignment  # here: nodes that do not track start sooner without

        # The cost of a pair that is not acceptable is flat: it must not push good pairs apart.
        rows, columns = linear_sum_assignment(np.minimum(cost, config.matching.accept))
        for t, c in zip(rows, columns, strict=True):
            if cost[t, c] < config.matching.accept:
                ids[free[c]] = (*tracks, *forgotten)[t].id
    remembered = {i.id for i in (*twin.instances, *twin.forgotten)}
    last = max([twin.last_id or max(remembered, default=0), *(h for h in known if h not in remembered)])
    new = fresh_ids(ids.count(None), last, remembered.union(known))
    unused = iter(new)
    return [next(unused) if id is None else id for id in ids], new[-1] if new else last


def _remembered(
    candidates: Sequence[Instance], kept: set[int], stamp_s: float, config: TrackingConfig
) -> tuple[Instance, ...]:
    """What has left the twin and would be known again: the newest of it, and only what was more than a flicker."""
    found = {
        i.id: _not_detected(i)
        for i in candidates
        if i.id not in kept
        and i.memory is not None
        and i.memory.appearance is not None
        and i.memory.frames >= config.confirm_frames
        and stamp_s - (i.last_seen_s or 0.0) <= config.remember_s
    }
    newest = sorted(found.values(), key=lambda i: i.last_seen_s or 0.0)
    return tuple(newest[max(0, len(newest) - config.remember) :])


def with_new_words(twin: DigitalTwin) -> DigitalTwin:
    """The twin as it was, but what was voted for names counts no more: perception has words now that it had not."""
    return replace(
        twin,
        instances=tuple(
            replace(i, memory=replace(i.memory, labels={}, alternative_labels={})) if i.memory is not None else i
            for i in twin.instances
        ),
    )


def _not_detected(i: Instance) -> Instance:
    memory = None if i.memory is None else replace(i.memory, age=i.memory.age + 1)
    return replace(i, visible=False, velocity=None, memory=memory)


def _patience_s(track: Instance, config: TrackingConfig) -> float:
    """How long a lost object stays."""
    flicker = track.memory is not None and track.memory.frames < config.confirm_frames
    return min(config.brief_s, config.keep_s) if flicker else config.keep_s


def _matched(old: Instance | None, id: int, d: Detection, stamp_s: float, config: TrackingConfig) -> Instance:
    before = old.memory if old and old.memory else TrackMemory({}, {}, {}, frames=0)
    labels = vote(before.labels, d.label, d.score * (0.1 if d.label == NO_LABEL else 1.0), config.fade)
    weight = 1.0 if d.label == NO_LABEL else 1.0 - d.score
    alternatives = vote_others(before.alternative_labels, d.alternative_labels, weight, config.fade)
    colors = vote(before.colors, d.color, 1.0, config.fade)
    shapes = vote(before.shapes, d.shape, 1.0, config.fade)
    label = winner(labels) or NO_LABEL
    velocity, path, moved = _motion(old, before, d, stamp_s, config)
    return Instance(
        id=id,
        label=label,
        score=d.score if old is None else 0.7 * old.score + 0.3 * d.score,
        color=winner(colors),
        shape=winner(shapes),
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
        alternative_labels=others(labels, alternatives, label),
        colors=d.colors or (old.colors if old else ()),
        pose=d.pose,
        past=old.past if old else (),
        text=old.text if old else "",
        memory=replace(
            before,
            **moved,
            labels=labels,
            alternative_labels=alternatives,
            colors=colors,
            shapes=shapes,
            frames=before.frames + 1,
            age=before.age + 1 if old else 1,
            size_m=_amodal_size(before.size_m, d.size_m),
            appearance=_blend(before.appearance, d.appearance),
        ),
    )


def _amodal_size(old: Vector | None, new: Vector | None) -> Vector | None:
    """Size of the whole thing: what is seen of it may be less, so it grows fast and shrinks slowly."""
    if old is None or new is None:
        return old if new is None else new
    x, y, z = (o + (0.3 if n > o else 0.06) * (n - o) for o, n in zip(old, new, strict=True))
    return x, y, z


def _blend(old: np.ndarray | None, new: np.ndarray | None, share: float = 0.1) -> np.ndarray | None:
    if old is None or new is None:
        return old if new is None else new
    mixed = (1 - share) * old + share * new
    return mixed / np.linalg.norm(mixed)


def _motion(
    old: Instance | None, before: TrackMemory, d: Detection, stamp_s: float, config: TrackingConfig
) -> tuple[Vector | None, float | None, dict[str, Any]]:
    """Velocity, path length, and what is new in the memory: motion, anchor, middle and the time of the last movement.

    What moves is the middle of what is seen of it, or where nobody tells that, its centre. The path is counted from
    anchor to anchor, a new one only where the middle is further than its noise from the last: a thing that stands still
    does not travel, however long it is watched. A middle that jumps because more or less of the thing is to be seen
    moves the anchor, not the thing.
    """
    rest = (0.0, 0.0, 0.0)
    if d.center_m is None:
        return (None, old.path_length_m, {}) if old else (None, None, {})
    told = d.middle_m is not None and (old is None or before.middle_m is not None)
    at, sigma_m = (d.middle_m, config.middle_sigma_m) if told else (d.center_m, config.sigma_m)
    assert at is not None
    was = before.middle_m if told else old.center_m if old else None
    new: dict[str, Any] = {"middle_m": d.middle_m}
    if old is None or old.center_m is None or was is None or before.anchor_m is None or old.last_seen_s is None:
        return rest, 0.0, {**new, "anchor_m": at, "motion": follow(None, at, sigma_m, 0.0, 0.0)}
    dt, path = stamp_s - old.last_seen_s, old.path_length_m or 0.0
    if dt <= 0:
        return old.velocity, path, new
    step, hidden = subtracted(at, was), False
    if old.size_m and d.size_m:
        expected = tuple(v * dt for v in (before.motion.velocity if before.motion else rest))
        seen, hidden = displacement(old.center_m, old.size_m, d.center_m, d.size_m, expected, config.rim_m)  # type: ignore[arg-type]
        step = seen if hidden or not told else step
    # What it did beyond that is because more or less of it is to be seen: its anchor goes along.
    slip = subtracted(subtracted(at, was), step)
    anchor, moved_s = added(before.anchor_m, slip), before.moved_s
    motion = before.motion
    if motion is not None:
        motion = replace(motion, at_m=added(motion.at_m, slip))
    sigma_m = max(sigma_m, 3.0 * config.sigma_m) if hidden else sigma_m
    motion = follow(motion if dt <= 0.5 else None, at, sigma_m, dt, config.process_noise)
    away = math.dist(anchor, at)
    if away > config.still_m:
        path, anchor, moved_s = path + away, at, stamp_s
    new |= {"anchor_m": anchor, "moved_s": moved_s, "motion": motion}
    if moved_s is None or stamp_s - moved_s > 0.5:
        return rest, path, new
    return motion.velocity, path, new
