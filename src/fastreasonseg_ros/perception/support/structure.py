"""Scene layout from planes: one or several support levels, walls, and the region of objects.

Tables, floors, shelves and bins are handled alike: wide horizontal planes are supports, wide upright planes are walls,
other points are objects.
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
from .walls import SIDE_LONG_M, WALL_LONG_M, beyond_walls, remove_thin, without_walls

LEVEL_LONG_M, LEVEL_WIDE_M = 0.45, 0.12  # minimum size of a further level; tops of objects are smaller
LEVEL_BELOW_M = 0.4  # maximum depth of a level below the main one: deeper is the floor around a table
LEVEL_ABOVE_M, LEVEL_CLEAR_M = 1.5, 0.04  # maximum and minimum height between two levels
LEVEL_ENDS = 0.15  # minimum Evidence.bounded of a level
EXPLAINED = 0.5  # minimum Layout.explained; below, Layout.note reports it
REACH_M = 2.0  # points farther away are background where there is no support
SEARCH_EVERY, WALLS_EVERY = 30, 20  # maximum frames between searches for the level and for walls
WALLS_GROWTH = 1.15  # growth of the region that triggers a search for walls
# A plane whose normal rises less (sine) and that is farther away than this is a wall, not a table seen from above.
WALL_MAX_TILT_SIN, WALL_MIN_DISTANCE_M = 0.17, 1.8

Mask = Bool[np.ndarray, "h w"]
Heights = Float32[np.ndarray, "h w"]


@dataclass(frozen=True)
class Reach:
    """Height range of objects above a level, and their maximum overhang beyond its edge; metres."""

    low_m: float
    high_m: float
    over_edge_m: float


@dataclass(frozen=True)
class FollowState:
    """State for following a single level in a video without a new search.

    fit: of the level at its search; region_px: area of the region when it had no walls, -1 if it had some. since,
    walls_since: frames since the search for the level and for walls.
    """

    fit: Fit
    region_px: int
    since: int = 0
    walls_since: int = 0


@dataclass(frozen=True)
class Layout:
    """levels: support planes, the main one first; empty without a support. ground: the main level, or without one a
    plane below all points. region: mask of objects. height: above the level below, metres. follow_state: None if the
    next frame needs a search. explained: share of the depth within REACH_M on a level, on a wall, or in the region.
    """

    levels: tuple[Plane, ...]
    ground: Plane
    region: Mask
    height: Heights
    follow_state: FollowState | None = None
    explained: float = 1.0

    @property
    def note(self) -> str:
        """Limitation of the layout for the user; empty if there is none."""
        if not self.levels:
            return "no surface is seen that carries things: heights over it, on and inside are unknown"
        if self.explained < EXPLAINED:
            return (
                f"only {self.explained:.0%} of what is seen within {REACH_M:.0f} m lies on the surface that was found, "
                "or stands on it: what is beside it is left out; aim the camera at the things that are meant"
            )
        return ""


def find_layout(surface: Surface, reach: Reach, up: Vector | None = None, before: Layout | None = None) -> Layout:
    """Support levels of a frame and the region of objects.

    up: unit vector opposite to gravity in the optical frame; None: estimated from the planes (see survey.py). before:
    layout of the previous frame of a video; while it is valid, it is followed without a search.
    """
    if before is not None and (layout := _follow(surface, reach, up, before)) is not None:
        return layout
    seen = survey(surface, up)
    plane = seen.supports[0].plane if seen.supports else None
    if plane is None or (up is None and -plane.normal[1] < WALL_MAX_TILT_SIN and -plane.offset_m > WALL_MIN_DISTANCE_M):
        return _without_support(surface, up)
    levels = [plane, *_other_levels(surface, plane, seen.supports)]
    if len(levels) == 1:
        region, height = above_support(surface, levels[0], reach.low_m, reach.high_m, reach.over_edge_m)
    else:
        region, height = _region_over_levels(surface, levels, reach)
    beyond = beyond_walls(surface, levels[0], seen.facets)
    enclosed = bool((region & beyond).any())
    region &= ~beyond
    if np.count_nonzero(region) < 50 and _has_points_above(surface, levels[0], reach):
        return _without_support(surface, up)
    area_before_px = np.count_nonzero(region)
    if len(levels) > 1 or area_before_px > 0.04 * region.size:
        region = without_walls(surface, region, levels[0], WALL_LONG_M if len(levels) == 1 else SIDE_LONG_M)
    state = None
    # Sides of a bin that cut something off the region are not followed: the next frame needs a search.
    if len(levels) == 1 and not enclosed and (followed := follow_support(surface, levels[0], steps=0)) is not None:
        area_px = int(np.count_nonzero(region))
        state = FollowState(followed[1], area_px if area_px == area_before_px else -1)
    return Layout(tuple(levels), levels[0], region, height, state, _explained(surface, levels, region, beyond))


def _follow(surface: Surface, reach: Reach, up: Vector | None, before: Layout) -> Layout | None:
    """The layout with the previous level refitted; None if a search is needed."""
    state = before.follow_state
    if state is None or state.since >= SEARCH_EVERY or before.region.shape != surface.valid.shape:
        return None
    followed = follow_support(surface, before.ground)
    if followed is None or not followed[1].matches(state.fit):
        return None
    plane = followed[0]
    if up is not None and np.dot(up, plane.normal) < np.cos(np.radians(25)):
        return None
    region, height = above_support(surface, plane, reach.low_m, reach.high_m, reach.over_edge_m)
    area_px, walls_since = int(np.count_nonzero(region)), state.walls_since + 1
    if area_px < 50:
        return None
    region_px = state.region_px
    if area_px > 0.04 * region.size and (walls_since > WALLS_EVERY or area_px > WALLS_GROWTH * region_px):
        region = without_walls(surface, region, plane, WALL_LONG_M)
        region_px, walls_since = area_px if np.count_nonzero(region) == area_px else -1, 0
    new_state = FollowState(state.fit, region_px, state.since + 1, walls_since)
    return Layout((plane,), plane, region, height, new_state, before.explained)


def level_below(layout: Layout, height_m: float) -> Plane | None:
    """The level below an object whose lowest point is at that height above the main level; None without levels."""
    below = [p for p in layout.levels if _rise(layout.ground, p) < height_m + 0.03]
    return max(below, key=lambda p: _rise(layout.ground, p), default=layout.levels[0] if layout.levels else None)


def _has_points_above(surface: Surface, plane: Plane, reach: Reach) -> bool:
    """Whether there are near points too high above the plane to stand on it."""
    with np.errstate(invalid="ignore"):
        high = (surface.points[..., 2] < REACH_M) & (plane.height_m(surface.points) > reach.high_m)
    return np.count_nonzero(high) > 0.004 * high.size


def _rise(ground: Plane, level: Plane) -> float:
    """Height of a parallel plane above the ground, metres."""
    return level.offset_m - ground.offset_m


def _other_levels(surface: Surface, plane: Plane, found: Sequence[Evidence]) -> list[Plane]:
    """Other wide surfaces parallel to the plane and separate from it, lowest first.

    Excluded are floors deep below the main surface, planes penetrated by many rays, and planes without a bounded
    outline, which are parts of a warped surface.
    """
    levels: list[Plane] = []
    for other in found[1:]:
        middle = np.asarray(other.middle, np.float32)
        level = Plane(plane.normal, float(middle @ np.asarray(plane.normal, np.float32)))
        wide = other.part_m[0] >= LEVEL_LONG_M and other.part_m[1] >= LEVEL_WIDE_M and other.penetrated < 0.3 * other.on
        ends = other.bounded > LEVEL_ENDS or _rise(plane, level) < 0
        apart = max(LEVEL_CLEAR_M, 4 * float(tolerance_m(surface, middle[2])))
        clear = all(abs(_rise(level, p)) > apart for p in (plane, *levels))
        if wide and clear and ends and -LEVEL_BELOW_M < _rise(plane, level) < LEVEL_ABOVE_M:
            levels.append(level)
    return sorted(levels, key=lambda p: p.offset_m)


def _region_over_levels(surface: Surface, levels: list[Plane], reach: Reach) -> tuple[Mask, Heights]:
    """Region of objects above any level, each up to the next one, and heights above the level below (metres)."""
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
    return remove_thin(region), height


def _explained(surface: Surface, levels: Sequence[Plane], region: Mask, beyond: Mask, step: int = 4) -> float:
    """Share of the depth within REACH_M on levels, in the region, on or beyond walls, or with horizontal normal."""
    points, normals = surface.points[::step, ::step], surface.normals[::step, ::step]
    with np.errstate(invalid="ignore"):
        near = points[..., 2] < REACH_M
        explained = region[::step, ::step] | beyond[::step, ::step]
        explained |= np.abs(normals @ np.asarray(levels[0].normal, np.float32)) < 0.3
        for level in levels:
            explained |= np.abs(level.height_m(points)) < 2 * tolerance_m(surface, points[..., 2])
    return float(explained[near].mean()) if near.any() else 1.0


def _without_support(surface: Surface, up: Vector | None) -> Layout:
    """Layout without a support: the region is all within REACH_M except walls."""
    normal = np.asarray(up if up is not None else (0.0, -1.0, 0.0), np.float32)
    depth = surface.points[..., 2]
    with np.errstate(invalid="ignore"):
        region = surface.valid & (depth < REACH_M)
    ground = Plane(tuple(float(c) for c in normal), 0.0)
    if region.any():
        lowest = float(np.quantile(surface.points[region] @ normal, 0.005))
        ground = Plane(ground.normal, lowest - 0.02)
    height = ground.height_m(surface.points)
    region = without_walls(surface, remove_thin(region), ground, WALL_LONG_M)
    return Layout((), ground, region, height)
