"""Where things rested: the present place and those before, so that "what stood here before" can be answered."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .types import Instance, Relation

KEPT = 4  # places of one thing
ELSEWHERE_M = 0.05  # centres so far apart are two places

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class RestingPlace:
    """A place where a thing stood still. stamp_s: when it came to rest there. center_m: camera frame of the twin.

    on: id of what it rested on or in; None is the supporting plane, or not known. pose: as it stood there, one of
    types.POSES.
    """

    stamp_s: float
    center_m: Vector
    on: int | None = None
    pose: str | None = None


def earlier_place(i: Instance) -> RestingPlace | None:
    """The last place where it rested before, more than 5 cm from where it is now; None where it has none."""
    if i.center_m is None:
        return None
    return next((p for p in reversed(i.past) if math.dist(p.center_m, i.center_m) > ELSEWHERE_M), None)


def with_resting_places(
    instances: Iterable[Instance], relations: Sequence[Relation], stamp_s: float
) -> tuple[Instance, ...]:
    """The instances of a frame, `past` brought up to date for those that are seen and at rest.

    A thing is at a new place where its path has grown since it came to the last one, and its centre is more than 5 cm
    from it: a centre that jumps because something covers a part of the thing is no move. At most KEPT places are kept.
    """
    support = {r.subject: r.object for r in relations}
    return tuple(_updated(i, support, stamp_s) for i in instances)


def _updated(i: Instance, support: Mapping[int, int], stamp_s: float) -> Instance:
    if not i.visible or i.center_m is None or i.velocity is None or any(i.velocity):
        return i
    if i.past:
        moved_s = i.memory.moved_s if i.memory is not None else None
        last = i.past[-1]
        if moved_s is None or moved_s <= last.stamp_s or math.dist(last.center_m, i.center_m) <= ELSEWHERE_M:
            return i
    elif i.memory is None:
        return i
    place = RestingPlace(stamp_s, i.center_m, support.get(i.id), next(iter(poses(i)), None))
    return replace(i, past=(*i.past, place)[-KEPT:])


def poses(i: Instance) -> tuple[str, ...]:
    """How it stands: `Instance.pose` where perception tells it, otherwise what its size in metres says.

    Taller than it is wide and deep is upright, lower is lying, nearly equal is neither; a thin thing that stands on its
    narrow side is on edge besides. A ball has no pose, nor has what has no known size.
    """
    if i.pose is not None:
        return (i.pose,)
    if i.size_m is None:
        return ()
    height = i.elevation_m[1] - i.elevation_m[0] if i.elevation_m else i.size_m[1]
    return poses_of(i.size_m[0], height, i.size_m[2], i.shape)


def poses_of(width: float, height: float, depth: float, shape: str | None) -> tuple[str, ...]:
    """The same of a size; all in one unit, height upwards. depth: 0 where it is not known."""
    if shape == "sphere":
        return ()
    across, narrow = max(width, depth), min(width, depth)
    words = ["upright"] if height > 1.15 * across else ["lying"] if height < 0.87 * across else []
    if 0 < narrow < 0.25 * min(across, height):
        words.append("on_edge")
    return tuple(words)
