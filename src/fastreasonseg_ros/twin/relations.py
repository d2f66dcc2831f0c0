"""Relations stored in the twin, on and inside: they need surfaces; all others follow from places when asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, UInt16

from .geometry import back_project, footprint, hull, inside_hull
from .types import Frame, Instance, Plane, Relation

CONTACT_M = 0.025  # between the bottom of one thing and the top of the other, hidden rims and noise included
SAMPLE = 400  # points of a thing that are looked at


@dataclass(frozen=True)
class _Thing:
    flat: Float[np.ndarray, "n 2"]
    heights: Float[np.ndarray, "n"]
    low: float
    high: float
    corners: Float[np.ndarray, "k 2"]


def surface_points(
    frame: Frame, ids: UInt16[np.ndarray, "h w"], stride: int = 2
) -> dict[int, Float32[np.ndarray, "n 3"]]:
    """Up to 400 surface points of every id, metres, camera frame; empty without depth or camera model."""
    if frame.depth_m is None or frame.intrinsics is None:
        return {}
    points = back_project(np.asarray(frame.depth_m, np.float32), frame.intrinsics)[::stride, ::stride]
    small = ids[::stride, ::stride]
    seen = (small > 0) & np.isfinite(points[..., 2])
    flat_ids, flat = small[seen], points[seen]
    order = np.argsort(flat_ids, kind="stable")
    starts = np.searchsorted(flat_ids[order], present := np.unique(flat_ids))
    groups = np.split(order, starts[1:]) if len(present) else []
    return {int(i): flat[g[:: max(1, len(g) // SAMPLE)]] for i, g in zip(present, groups, strict=True)}


def stored_relations(
    instances: Sequence[Instance], points: Mapping[int, Float32[np.ndarray, "n 3"]], plane: Plane | None
) -> tuple[Relation, ...]:
    """Who is on or inside whom among the visible instances; nothing without a supporting plane.

    points: surface points of an id, metres, camera frame (see `surface_points`). a is inside b when, seen from above,
    it lies within b, and reaches clearly below b's rim: only a hollow thing leaves room for that. a is on b when its
    bottom is at the height that b's surface has under it, and above the support. The score is the share of
    the smaller one that lies over, or under, the other.
    """
    if plane is None:
        return ()
    things = {
        i.id: _thing(points[i.id], plane, i.elevation_m)
        for i in instances
        if i.visible and i.id in points and len(points[i.id]) >= 8
    }
    found = []
    for a, upper in things.items():
        best: Relation | None = None
        for b, lower in things.items():
            if a != b and (relation := _relation(a, upper, b, lower)) and (best is None or relation.score > best.score):
                best = relation
        if best is not None:
            found.append(best)
    return tuple(found)


def _thing(points: np.ndarray, plane: Plane, elevation_m: tuple[float, float] | None) -> _Thing:
    centre = np.median(points, axis=0)
    distance = np.linalg.norm(points - centre, axis=1)
    points = points[distance <= np.quantile(distance, 0.97)]
    flat, heights = footprint(points, plane), plane.height_m(points)
    low, high = elevation_m or tuple(np.quantile(heights, [0.02, 0.98]))
    return _Thing(flat, heights, float(low), float(high), hull(flat))


def _relation(a: int, upper: _Thing, b: int, lower: _Thing) -> Relation | None:
    height = lower.high - lower.low
    over = float(inside_hull(upper.flat, lower.corners, 0.005).mean())
    smaller = np.prod(np.ptp(upper.flat, axis=0)) < 0.9 * np.prod(np.ptp(lower.flat, axis=0))
    reaches_down = lower.low - 0.01 < upper.low < lower.high - max(0.015, 0.3 * height)
    if over > 0.75 and smaller and reaches_down and _hollow(upper, lower):
        return Relation(a, "inside", b, over)
    under = inside_hull(lower.flat, upper.corners, 0.02)
    over = max(over, float(inside_hull(lower.flat, upper.corners, 0.005).mean()))  # a large thing on a small one
    if upper.low < 0.006 or over < 0.25:
        return None
    top = float(np.quantile(lower.heights[under], 0.95)) if np.count_nonzero(under) >= 5 else lower.high
    rests = abs(upper.low - top) < CONTACT_M and upper.low > 0.5 * top
    return Relation(a, "on", b, over) if rests and upper.high > lower.low + 0.5 * height else None


def _hollow(inner: _Thing, outer: _Thing) -> bool:
    """Whether the outer thing goes around the inner one: its rim is seen on at least three of four sides of it."""
    rim = outer.flat[outer.heights > outer.low + 0.6 * (outer.high - outer.low)] - np.median(inner.flat, axis=0)
    if len(rim) < 8:
        return False
    quarter = np.floor(np.arctan2(rim[:, 1], rim[:, 0]) / (np.pi / 2)).astype(int) % 4
    return bool(np.count_nonzero(np.bincount(quarter, minlength=4) >= 2) >= 3)
