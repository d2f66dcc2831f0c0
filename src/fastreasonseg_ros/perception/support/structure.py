"""What a place is made of and what stands in it: one level or several, walls, or no surface at all.

Tables, floors, shelves and bins are told apart by nothing but their planes: what is horizontal and wide carries things,
what is upright and wide is a wall, and the rest is things.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32

from ...twin.types import Plane, Vector
from .evidence import Evidence
from .facets import tolerance_m
from .surface import Surface
from .survey import Fit, above_support, follow_support, survey
from .walls import SIDE_LONG_M, WALL_LONG_M, beyond_walls, opened, without_walls

LEVEL_LONG_M, LEVEL_WIDE_M = 0.45, 0.12  # of a surface that carries things; tops of things are smaller
LEVEL_BELOW_M = 0.4  # what lies deeper under the main surface is the floor about a table; boards of shelves are nearer
LEVEL_ABOVE_M, LEVEL_CLEAR_M = 1.5, 0.04  # most and least height of a level over another
LEVEL_ENDS = 0.15  # least share of a level's outline that is a step down, see Evidence.bounded
EXPLAINED = 0.5  # least share of the near depth below which whoever asks is told, see Layout.explained
REACH_M = 2.0  # without a surface: what is farther is background
SEARCH_EVERY, WALLS_EVERY = 30, 20  # pictures of a video after which level and walls are searched for anyway
GROWN = 1.15  # or when there is so much more over the level
FACING, FACING_M = 0.17, 1.8  # a plane seen square on that is farther is a wall, not a table seen from above

Mask = Bool[np.ndarray, "h w"]
Heights = Float32[np.ndarray, "h w"]


@dataclass(frozen=True)
class Reach:
    """Heights above a level between which things are looked for, and how far they may hang over its edge; metres."""

    low_m: float
    high_m: float
    over_edge_m: float


@dataclass(frozen=True)
class Found:
    """How a single level without walls was found, so that the next picture of a video need not search.

    fit: of the level when it was searched; things_px: in the region when it had no walls. since, walls_since: pictures
    since then.
    """

    fit: Fit
    things_px: int
    since: int = 0
    walls_since: int = 0


@dataclass(frozen=True)
class Layout:
    """levels: what carries things, the main one first, none where nothing is seen to. ground: the main level, or where
    there is none a plane under everything. region: pixels of things; height: above the level under them, metres.
    found: None where the next picture is to be searched anew. explained: share of the depth within REACH_M that is a
    level, a wall, or in the region."""

    levels: tuple[Plane, ...]
    ground: Plane
    region: Mask
    height: Heights
    found: Found | None = None
    explained: float = 1.0

    @property
    def note(self) -> str:
        """What is missing for whoever asks; empty where nothing is."""
        if not self.levels:
            return "no surface is seen that carries things: heights over it, on and inside are unknown"
        if self.explained < EXPLAINED:
            return (
                f"only {self.explained:.0%} of what is seen within {REACH_M:.0f} m lies on the surface that was found, "
                "or stands on it: what is beside it is left out; aim the camera at the things that are meant"
            )
        return ""


def lay_out(surface: Surface, reach: Reach, up: Vector | None = None, before: Layout | None = None) -> Layout:
    """The surfaces that carry things in a picture, and where things are.

    up: away from the earth, in the camera's frame, where it is known; otherwise it is found from the planes in view
    (see support.survey). before: of the picture before in a video; while it holds, nothing is searched for.
    """
    if before is not None and (layout := _as_before(surface, reach, up, before)) is not None:
        return layout
    seen = survey(surface, up)
    plane = seen.supports[0].plane if seen.supports else None
    if plane is None or (up is None and -plane.normal[1] < FACING and -plane.offset_m > FACING_M):
        return _afloat(surface, up)
    levels = [plane, *_other_levels(surface, plane, seen.supports)]
    if len(levels) == 1:
        region, height = above_support(surface, levels[0], reach.low_m, reach.high_m, reach.over_edge_m)
    else:
        region, height = _on_all(surface, levels, reach)
    beyond = beyond_walls(surface, levels[0], seen.facets)
    region &= ~beyond
    if np.count_nonzero(region) < 50 and _aloft(surface, levels[0], reach):
        return _afloat(surface, up)
    whole = np.count_nonzero(region)
    if len(levels) > 1 or whole > 0.04 * region.size:
        region = without_walls(surface, region, levels[0], WALL_LONG_M if len(levels) == 1 else SIDE_LONG_M)
    found = None
    # In a bin the next picture is searched anew: its sides are not followed.
    if len(levels) == 1 and not beyond.any() and (followed := follow_support(surface, levels[0], steps=0)) is not None:
        things = int(np.count_nonzero(region))
        found = Found(followed[1], things if things == whole else -1)
    return Layout(tuple(levels), levels[0], region, height, found, _explained(surface, levels, region, beyond))


def _as_before(surface: Surface, reach: Reach, up: Vector | None, before: Layout) -> Layout | None:
    """The layout with the level of the picture before, laid anew; None where it must be searched for."""
    was = before.found
    if was is None or was.since >= SEARCH_EVERY or before.region.shape != surface.valid.shape:
        return None
    followed = follow_support(surface, before.ground)
    if followed is None or not followed[1].like(was.fit):
        return None
    plane = followed[0]
    if up is not None and np.dot(up, plane.normal) < np.cos(np.radians(25)):
        return None
    region, height = above_support(surface, plane, reach.low_m, reach.high_m, reach.over_edge_m)
    things, walls_since = int(np.count_nonzero(region)), was.walls_since + 1
    if things < 50:
        return None
    known = was.things_px
    if things > 0.04 * region.size and (walls_since > WALLS_EVERY or things > GROWN * known):
        region = without_walls(surface, region, plane, WALL_LONG_M)
        known, walls_since = things if np.count_nonzero(region) == things else -1, 0
    found = Found(was.fit, known, was.since + 1, walls_since)
    return Layout((plane,), plane, region, height, found, before.explained)


def under(layout: Layout, height_m: float) -> Plane | None:
    """The level that carries a thing whose lowest point is that high above the main one; None without levels."""
    below = [p for p in layout.levels if _rise(layout.ground, p) < height_m + 0.03]
    return max(below, key=lambda p: _rise(layout.ground, p), default=layout.levels[0] if layout.levels else None)


def _aloft(surface: Surface, plane: Plane, reach: Reach) -> bool:
    """Whether there is something near the camera, too high over the plane to stand on it."""
    with np.errstate(invalid="ignore"):
        high = (surface.points[..., 2] < REACH_M) & (plane.height_m(surface.points) > reach.high_m)
    return np.count_nonzero(high) > 0.004 * high.size


def _rise(ground: Plane, level: Plane) -> float:
    """How much higher a parallel plane is."""
    return level.offset_m - ground.offset_m


def _other_levels(surface: Surface, plane: Plane, found: Sequence[Evidence]) -> list[Plane]:
    """Other wide surfaces that are parallel to the plane and clear of it, lowest first.

    What lies deep under the main surface is the floor about a table. A level that many rays pierce is none, nor is one
    that goes on beyond its outline: it is a part of a warped surface.
    """
    levels: list[Plane] = []
    for other in found[1:]:
        middle = np.asarray(other.middle, np.float32)
        level = Plane(plane.normal, float(middle @ np.asarray(plane.normal, np.float32)))
        wide = other.part_m[0] >= LEVEL_LONG_M and other.part_m[1] >= LEVEL_WIDE_M and other.pierced < 0.3 * other.on
        ends = other.bounded > LEVEL_ENDS or _rise(plane, level) < 0
        apart = max(LEVEL_CLEAR_M, 4 * float(tolerance_m(surface, middle[2])))
        clear = all(abs(_rise(level, p)) > apart for p in (plane, *levels))
        if wide and clear and ends and -LEVEL_BELOW_M < _rise(plane, level) < LEVEL_ABOVE_M:
            levels.append(level)
    return sorted(levels, key=lambda p: p.offset_m)


def _on_all(surface: Surface, levels: list[Plane], reach: Reach) -> tuple[Mask, Heights]:
    """Things over any of the levels, each up to the next one; the levels themselves are no things."""
    levels = sorted(levels, key=lambda p: p.offset_m)
    region = np.zeros(surface.valid.shape, bool)
    height = np.full(surface.valid.shape, np.nan, np.float32)
    for k, level in enumerate(levels):
        gap = min((_rise(level, p) for p in levels[k + 1 :]), default=np.inf)
        room = min(reach.high_m, gap - 0.04)
        if room > reach.low_m:
            above, own = above_support(surface, level, reach.low_m, room, reach.over_edge_m)
            region |= above
            height = np.where(above | ~np.isfinite(height), own, height)
    return opened(region), height


def _explained(surface: Surface, levels: Sequence[Plane], region: Mask, beyond: Mask, step: int = 4) -> float:
    """Share of the depth within REACH_M that is on the levels, in the region, on or beyond walls, or faces sideways."""
    points, normals = surface.points[::step, ::step], surface.normals[::step, ::step]
    with np.errstate(invalid="ignore"):
        near = points[..., 2] < REACH_M
        known = region[::step, ::step] | beyond[::step, ::step]
        known |= np.abs(normals @ np.asarray(levels[0].normal, np.float32)) < 0.3
        for level in levels:
            known |= np.abs(level.height_m(points)) < 2 * tolerance_m(surface, points[..., 2])
    return float(known[near].mean()) if near.any() else 1.0


def _afloat(surface: Surface, up: Vector | None) -> Layout:
    """Without a surface to stand on: what is near the camera and no wall."""
    normal = np.asarray(up if up is not None else (0.0, -1.0, 0.0), np.float32)
    depth = surface.points[..., 2]
    with np.errstate(invalid="ignore"):
        region = surface.valid & (depth < REACH_M)
    ground = Plane(tuple(float(c) for c in normal), 0.0)
    if region.any():
        lowest = float(np.quantile(surface.points[region] @ normal, 0.005))
        ground = Plane(ground.normal, lowest - 0.02)
    height = ground.height_m(surface.points)
    region = without_walls(surface, opened(region), ground, WALL_LONG_M)
    return Layout((), ground, region, height)
