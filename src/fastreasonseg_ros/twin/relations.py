"""Relations stored in the twin, on and inside: they need surfaces; all others follow from places when asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, UInt16

from .geometry import footprint, hull, inside_hull, quantiles
from .types import Frame, Instance, Plane, Relation

CONTACT_M = 0.025  # between the bottom of one thing and the top of the other, hidden rims and noise included
APART_M = 0.02  # between boxes, seen from above, from which on nothing of the one is over the other
ROOM_M = 0.03  # a lower thing, a plate or a tray, holds nothing inside: what lies there lies on it
SAMPLE = 400  # points of a thing that are looked at


@dataclass(frozen=True)
class _Thing:
    flat: Float[np.ndarray, "n 2"]
    heights: Float[np.ndarray, "n"]
    low: float
    high: float
    corners: Float[np.ndarray, "k 2"]
    low_flat: Float[np.ndarray, "2"]
    high_flat: Float[np.ndarray, "2"]


def surface_points(
    frame: Frame, ids: UInt16[np.ndarray, "h w"], stride: int = 2
) -> dict[int, Float32[np.ndarray, "n 3"]]:
    """Up to 400 surface points of every id, metres, camera frame; empty without depth or camera model."""
    if frame.depth_m is None or frame.intrinsics is None:
        return {}
    k, depth, small = frame.intrinsics, frame.depth_m[::stride, ::stride], ids[::stride, ::stride]
    rows, columns = np.nonzero((small > 0) & np.isfinite(depth))
    flat_ids = small[rows, columns]
    order = np.argsort(flat_ids, kind="stable")
    starts = np.searchsorted(flat_ids[order], present := np.unique(flat_ids))
    found = {}
    for id, group in zip(present, np.split(order, starts[1:]) if len(present) else [], strict=True):
        group = group[:: max(1, len(group) // SAMPLE)]
        v, u = rows[group], columns[group]
        z = depth[v, u].astype(np.float32)
        found[int(id)] = np.stack(
            [(u * stride - k.cx) / k.fx * z, (v * stride - k.cy) / k.fy * z, z], 1, dtype=np.float32
        )
    return found


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
    away = points - quantiles(points, 0.5)[0]
    squared = (away * away).sum(axis=1)
    points = points[squared <= quantiles(squared, 0.97)[0]]
    flat, heights = footprint(points, plane), plane.height_m(points)
    low, high = elevation_m or quantiles(heights, 0.02, 0.98)
    return _Thing(flat, heights, float(low), float(high), hull(flat), flat.min(axis=0), flat.max(axis=0))


def _relation(a: int, upper: _Thing, b: int, lower: _Thing) -> Relation | None:
    # Most pairs stand apart, or on the same support: that is told by their boxes alone.
    if (upper.low_flat > lower.high_flat + APART_M).any() or (lower.low_flat > upper.high_flat + APART_M).any():
        return None
    height = lower.high - lower.low
    smaller = np.prod(upper.high_flat - upper.low_flat) < 0.9 * np.prod(lower.high_flat - lower.low_flat)
    within = smaller and height > ROOM_M and lower.low - 0.01 < upper.low < lower.high - max(0.015, 0.3 * height)
    if upper.low < 0.006 and not within:
        return None
    over = float(inside_hull(upper.flat, lower.corners, 0.005).mean())
    if over > 0.75 and within and _hollow(upper, lower):
        return Relation(a, "inside", b, over)
    under = inside_hull(lower.flat, upper.corners, 0.02)
    over = max(over, float(inside_hull(lower.flat, upper.corners, 0.005).mean()))  # a large thing on a small one
    if upper.low < 0.006 or over < 0.25:
        return None
    top = float(quantiles(lower.heights[under], 0.95)[0]) if np.count_nonzero(under) >= 5 else lower.high
    rests = abs(upper.low - top) < CONTACT_M and upper.low > 0.5 * top
    return Relation(a, "on", b, over) if rests and upper.high > lower.low + 0.5 * height else None


def _hollow(inner: _Thing, outer: _Thing) -> bool:
    """Whether the outer thing goes around the inner one: its rim is seen on at least three of four sides of it."""
    rim = outer.flat[outer.heights > outer.low + 0.6 * (outer.high - outer.low)] - np.median(inner.flat, axis=0)
    if len(rim) < 8:
        return False
    quarter = np.floor(np.arctan2(rim[:, 1], rim[:, 0]) / (np.pi / 2)).astype(int) % 4
    return bool(np.count_nonzero(np.bincount(quarter, minlength=4) >= 2) >= 3)
