"""Relations stored in the twin, on and inside: they need surfaces; all others follow from places when asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Float32, UInt16

from .geometry import beyond_hull, footprint, hull, quantiles
from .types import Frame, Instance, Plane, Relation

CONTACT_M = 0.025  # between the bottom of one thing and the top of the other, hidden rims and noise included
APART_M = 0.02  # between boxes, seen from above, from which on nothing of the one is over the other
ROOM_M = 0.03  # a lower thing, a plate or a tray, holds nothing inside: what lies there lies on it
CLEAR_M = 0.006  # over the support, from which on a thing does not stand on it
NEAR_M = 0.04  # between boxes along the camera's axes, from which on nothing is related
SAMPLE = 400  # points of a thing that are looked at


@dataclass(frozen=True)
class _Extent:
    flat: Float[np.ndarray, "n 2"]
    heights: Float[np.ndarray, "n"]
    low: float
    high: float
    low_flat: Float[np.ndarray, "2"]
    high_flat: Float[np.ndarray, "2"]

    @cached_property
    def corners(self) -> Float[np.ndarray, "k 2"]:
        """Of its hull: asked for only where something is near enough."""
        return hull(self.flat)


def surface_points(
    frame: Frame, ids: UInt16[np.ndarray, "h w"], stride: int = 2, wanted: Iterable[int] | None = None
) -> dict[int, Float32[np.ndarray, "n 3"]]:
    """Up to 400 surface points of every id, or of those wanted; metres, camera frame. Empty without depth or camera."""
    if wanted is not None:
        wanted = set(wanted)
        if not wanted:
            return {}
    if frame.depth_m is None or frame.intrinsics is None:
        return {}
    k, wide = frame.intrinsics, -(-ids.shape[1] // stride)
    depth, small = (np.ascontiguousarray(image[::stride, ::stride]).ravel() for image in (frame.depth_m, ids))
    if wanted is None:
        there = small > 0
    else:
        table = np.zeros(max(int(small.max(initial=0)), *wanted) + 1, bool)
        table[list(wanted)] = True
        there = table.take(small)
    pixels = np.flatnonzero(there & np.isfinite(depth))
    flat_ids = small.take(pixels)
    order = np.argsort(flat_ids, kind="stable")
    starts = np.flatnonzero(np.diff(flat_ids.take(order), prepend=0))
    found = {}
    for group in np.split(pixels.take(order), starts[1:]) if len(pixels) else []:
        group = group[:: max(1, len(group) // SAMPLE)]
        (v, u), z = np.divmod(group, wide), depth.take(group).astype(np.float32)
        found[int(small[group[0]])] = np.stack(
            [(u * stride - k.cx) / k.fx * z, (v * stride - k.cy) / k.fy * z, z], 1, dtype=np.float32
        )
    return found


def neighbours(instances: Sequence[Instance]) -> set[int]:
    """Visible instances with another so near that the one may be on or inside the other; most of a table stand apart.

    Computed from boxes along the camera's axes; what has none may be near to everything.
    """
    seen = [i for i in instances if i.visible]
    if len(seen) < 2:
        return set()
    centers = np.array([i.center_m or (0.0,) * 3 for i in seen])
    halves = np.array([np.divide(i.size_m, 2) if i.center_m and i.size_m else (np.inf,) * 3 for i in seen]) + NEAR_M / 2
    apart = np.abs(centers[:, None] - centers[None]) > halves[:, None] + halves[None]
    near = np.logical_not(apart.any(axis=2))
    return {i.id for n, i in enumerate(seen) if np.count_nonzero(near[n]) > 1}  # each is near to itself


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
    extents = {
        i.id: _extent_of(points[i.id], plane, i.elevation_m)
        for i in instances
        if i.visible and i.id in points and len(points[i.id]) >= 8
    }
    best: dict[int, Relation] = {}
    for a, b in _near(extents):
        relation = _relation(a, extents[a], b, extents[b])
        if relation and (a not in best or relation.score > best[a].score):
            best[a] = relation
    return tuple(best.values())


def _near(extents: Mapping[int, _Extent]) -> list[tuple[int, int]]:
    """Pairs (upper, lower) that may be related. Most stand apart, or on the same support: boxes tell that."""
    if len(extents) < 2:
        return []
    ids, those = list(extents), list(extents.values())
    lowest, highest = np.stack([t.low_flat for t in those]), np.stack([t.high_flat for t in those])
    near = (lowest[:, None] <= highest[None] + APART_M).all(axis=2)
    near &= near.T & ~np.eye(len(those), dtype=bool)
    return [(ids[a], ids[b]) for a, b in np.argwhere(near) if those[a].low >= CLEAR_M or _within(those[a], those[b])]


def _extent_of(points: np.ndarray, plane: Plane, elevation_m: tuple[float, float] | None) -> _Extent:
    away = points - quantiles(points, 0.5)[0]
    squared = np.einsum("ij,ij->i", away, away)
    points = points.take(np.flatnonzero(squared <= quantiles(squared, 0.97)[0]), axis=0)
    flat, heights = footprint(points, plane), plane.height_m(points)
    low, high = elevation_m or quantiles(heights, 0.02, 0.98)
    return _Extent(flat, heights, float(low), float(high), flat.min(axis=0), flat.max(axis=0))


def _relation(a: int, upper: _Extent, b: int, lower: _Extent) -> Relation | None:
    height, within = lower.high - lower.low, _within(upper, lower)
    # What costs nothing first: most of what is near to something is neither at its top nor low enough to be inside.
    highest = max(lower.high, float(lower.heights.max()))
    clear = upper.low >= CLEAR_M and upper.low < highest + CONTACT_M and upper.high > lower.low + 0.5 * height
    if not within and not clear:
        return None
    over = float((beyond_hull(upper.flat, lower.corners) <= 0.005).mean())
    if over > 0.75 and within and _hollow(upper, lower):
        return Relation(a, "inside", b, over)
    if not clear:
        return None
    beyond = beyond_hull(lower.flat, upper.corners)
    over = max(over, float((beyond <= 0.005).mean()))  # a large thing on a small one
    if over < 0.25:
        return None
    under = lower.heights[beyond <= 0.02]
    top = float(quantiles(under, 0.95)[0]) if len(under) >= 5 else lower.high
    rests = abs(upper.low - top) < CONTACT_M and upper.low > 0.5 * top
    return Relation(a, "on", b, over) if rests else None


def _within(upper: _Extent, lower: _Extent) -> bool:
    """Whether the upper thing is small and low enough to be inside the lower one."""
    height = lower.high - lower.low
    smaller = bool(np.prod(upper.high_flat - upper.low_flat) < 0.9 * np.prod(lower.high_flat - lower.low_flat))
    return smaller and height > ROOM_M and lower.low - 0.01 < upper.low < lower.high - max(0.015, 0.3 * height)


def _hollow(inner: _Extent, outer: _Extent) -> bool:
    """Whether the outer thing goes around the inner one: its rim is seen on at least three of four sides of it."""
    rim = outer.flat[outer.heights > outer.low + 0.6 * (outer.high - outer.low)] - np.median(inner.flat, axis=0)
    if len(rim) < 8:
        return False
    quarter = np.floor(np.arctan2(rim[:, 1], rim[:, 0]) / (np.pi / 2)).astype(int) % 4
    return bool(np.count_nonzero(np.bincount(quarter, minlength=4) >= 2) >= 3)
