"""What a place is made of and what stands in it: one level or several, walls, or no surface at all.

Tables, floors, shelves and bins are told apart by nothing but their planes: what is horizontal and wide carries things,
what is upright and wide is a wall, and the rest is things.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32

from ..twin.geometry import footprint, least_squares_plane, quantiles
from ..twin.pose import Pose
from ..twin.types import Plane, Vector
from .support import above_support, find_support, largest
from .surface import Surface

LEVEL_LONG_M, LEVEL_WIDE_M = 0.45, 0.12  # of a surface that carries things; tops of things are smaller
LEVEL_BELOW_M = 0.6  # what lies deeper under the main support is the floor about a table
WALL_LONG_M = 0.45  # of an upright plane; no side of a thing is so long
SIDE_LONG_M, BIN_SIDES = 0.24, 3  # of a shelf's or bin's side; a large carton's may be as long, but shows two at most
REACH_M = 2.0  # without a surface: what is farther is background
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
class Layout:
    """levels: what carries things, the main one first, none where nothing is seen to. ground: the main level, or where
    there is none a plane under everything. region: pixels of things; height: above the level under them, metres."""

    levels: tuple[Plane, ...]
    ground: Plane
    region: Mask
    height: Heights

    @property
    def note(self) -> str:
        """What is missing for whoever asks about heights; empty where nothing is."""
        return (
            "" if self.levels else "no surface is seen that carries things: heights over it, on and inside are unknown"
        )


def upwards(pose: Pose) -> Vector:
    """Away from the earth in the camera's frame; the frame that stands still has z up (REP-103)."""
    x, y, z = (float(v) for v in pose.turn[2])
    return x, y, z


def lay_out(surface: Surface, reach: Reach, up: Vector | None = None) -> Layout:
    """up: away from the earth, in the camera's frame, where it is known; otherwise the camera is held upright or looks
    straight down."""
    plane = find_support(surface, up=up)
    if plane is None and up is None:
        plane = find_support(surface, up=(0.0, 0.0, -1.0))  # of a camera that looks straight down
    if plane is None or (up is None and -plane.normal[1] < FACING and -plane.offset_m > FACING_M):
        return _afloat(surface, up)
    levels = [plane, *_other_levels(surface, plane)]
    # What lies deep under a wide level is the floor about it.
    highest = max(levels, key=lambda p: p.offset_m)
    levels = [p for p in levels if _rise(p, highest) < LEVEL_BELOW_M]
    if len(levels) == 1:
        region, height = above_support(surface, levels[0], reach.low_m, reach.high_m, reach.over_edge_m)
    else:
        region, height = _on_all(surface, levels, reach)
    if np.count_nonzero(region) < 50 and _aloft(surface, levels[0], reach):
        return _afloat(surface, up)
    if len(levels) > 1 or np.count_nonzero(region) > 0.04 * region.size:
        region = without_walls(surface, region, levels[0], WALL_LONG_M if len(levels) == 1 else SIDE_LONG_M)
    return Layout(tuple(levels), levels[0], region, height)


def under(layout: Layout, height_m: float) -> Plane | None:
    """The level that carries a thing whose lowest point is that high above the main one; None without levels."""
    below = [p for p in layout.levels if _rise(layout.ground, p) < height_m + 0.03]
    return max(below, key=lambda p: _rise(layout.ground, p), default=layout.levels[0] if layout.levels else None)


def without_walls(surface: Surface, region: Mask, plane: Plane, long_m: float, most: int = 8) -> Mask:
    """The region without upright planes at least so long: walls. Shorter ones go where they are many, as of a bin."""
    wide = _wide_parts(surface, region, plane)
    x, y, w, h = cv2.boundingRect(wide.view(np.uint8))
    if not w:
        return region
    # All that follows looks at the part of the picture that may be walls, and a margin for rims.
    box = slice(max(0, y - 4), y + h + 4), slice(max(0, x - 4), x + w + 4)
    kept = _without_walls(surface.part(box), region[box], wide[box], plane, long_m, most)
    if kept is None:
        return region
    region = region.copy()
    region[box] = kept
    return _opened(region)


def _without_walls(
    surface: Surface, region: Mask, wide: Mask, plane: Plane, long_m: float, most: int
) -> Mask | None:  # fmt: skip
    """The region without the walls among its wide parts; None where there are none."""
    up = np.asarray(plane.normal, np.float32)
    with np.errstate(invalid="ignore"):
        upright = wide & (np.abs(surface.normals @ up) < 0.3)
    walls: list[tuple[float, Mask, Plane]] = []
    for _ in range(most):
        found = _largest_plane(surface, np.flatnonzero(upright), wide)
        if found is None:
            break
        on, side = found
        upright &= ~on
        walls += [(n, part, side) for n, part in _parts(surface, on, np.cross(up, side.normal)) if n >= SIDE_LONG_M]
    if len(walls) < BIN_SIDES and not _opposite([side for _, _, side in walls]):
        walls = [w for w in walls if w[0] >= long_m]
    if not walls:
        return None
    wall = np.logical_or.reduce([part for _, part, _ in walls])
    # Rims and creases, where no normal is known, go with the wall that they are beside.
    beside = cv2.dilate(wall.view(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return region & ~wall & ~(beside & ~np.isfinite(surface.normals[..., 2]))


def _wide_parts(surface: Surface, region: Mask, plane: Plane) -> Mask:
    """The connected parts of the region that could hold a wall's side: those that spread far enough over the plane."""
    count, parts = cv2.connectedComponents(region.view(np.uint8), connectivity=8)
    part = parts[region]
    order = np.argsort(part, kind="stable")
    flat = footprint(surface.points[region][order], plane)
    firsts = np.searchsorted(part[order], np.arange(1, count))
    spread = np.maximum.reduceat(flat, firsts) - np.minimum.reduceat(flat, firsts) if count > 1 else np.zeros((0, 2))
    return np.concatenate([[False], np.hypot(*spread.T) >= SIDE_LONG_M])[parts]


def _opposite(sides: list[Plane]) -> bool:
    """Whether two of them run beside each other with room between: of no closed thing are two such sides seen."""
    return any(
        np.dot(a.normal, b.normal) > 0.95 and abs(a.offset_m - b.offset_m) > 0.15
        for k, a in enumerate(sides)
        for b in sides[k + 1 :]
    )


def _aloft(surface: Surface, plane: Plane, reach: Reach) -> bool:
    """Whether there is something near the camera, too high over the plane to stand on it."""
    with np.errstate(invalid="ignore"):
        high = (surface.points[..., 2] < REACH_M) & (plane.height_m(surface.points) > reach.high_m)
    return np.count_nonzero(high) > 0.004 * high.size


def _rise(ground: Plane, level: Plane) -> float:
    """How much higher a parallel plane is."""
    return level.offset_m - ground.offset_m


def _other_levels(surface: Surface, plane: Plane, step_m: float = 0.015) -> list[Plane]:
    """Wide surfaces parallel to the plane and clear of it, lowest first."""
    up = np.asarray(plane.normal, np.float32)
    points, normals = surface.points[::3, ::3], surface.normals[::3, ::3]
    height = plane.height_m(points)
    with np.errstate(invalid="ignore"):
        flat = (normals @ up > 0.94) & (np.abs(height) > 0.04) & (height > -LEVEL_BELOW_M) & (height < 1.5)
    least = 0.012 * flat.size
    if np.count_nonzero(flat) < least:
        return []
    counts, edges = np.histogram(height[flat], np.arange(-LEVEL_BELOW_M, 1.5, step_m))
    wide = np.convolve(counts, [1, 1, 1], mode="same")
    found: list[Plane] = []
    for k in np.argsort(-wide):
        middle = (edges[k] + edges[k + 1]) / 2
        if wide[k] < least:
            break
        if any(abs(_rise(plane, p) - middle) < 0.06 for p in found):
            continue
        # One surface, and not the tops of several things that happen to be as high.
        near = flat & (np.abs(height - middle) < 1.5 * step_m)
        closed = cv2.morphologyEx(near.view(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0
        on = near & largest(closed, 1.0)
        length, width = _extents(points[on], plane)
        if length >= LEVEL_LONG_M and width >= LEVEL_WIDE_M:
            found.append(Plane(plane.normal, plane.offset_m + float(np.median(height[on]))))
    return sorted(found, key=lambda p: p.offset_m)


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
    return _opened(region), height


def _opened(region: Mask) -> Mask:
    """Without threads of one or two pixels: rims of boards and steps."""
    return cv2.morphologyEx(region.view(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0


def _largest_plane(surface: Surface, pixels: np.ndarray, region: Mask) -> tuple[Mask, Plane] | None:
    """Pixels of the region on the plane that most of `pixels` lie on, and that plane; None for few."""
    if len(pixels) < 200:
        return None
    random = np.random.default_rng(0)
    pixels = pixels[random.choice(len(pixels), min(len(pixels), 1200), replace=False)]
    points, normals = surface.points.reshape(-1, 3)[pixels], surface.normals.reshape(-1, 3)[pixels]
    seeds = np.arange(0, len(pixels), max(1, len(pixels) // 80))
    offsets = np.einsum("ij,ij->i", normals[seeds], points[seeds])
    limit = np.float32(0.008) + np.float32(2.5 * surface.noise_per_m) * points[:, 2] ** 2
    away = normals[seeds] @ points.T
    away -= offsets[:, None]
    on = (np.abs(away) < limit) & (normals[seeds] @ normals.T > np.float32(np.cos(np.radians(15))))
    best = int(np.count_nonzero(on, axis=1).argmax())
    if np.count_nonzero(on[best]) < 20:
        return None
    plane = least_squares_plane(points[on[best]])
    normal = np.asarray(plane.normal, np.float32)
    inside = np.flatnonzero(region)
    points, normals = surface.points.reshape(-1, 3)[inside], surface.normals.reshape(-1, 3)[inside]
    limit = np.float32(0.012) + np.float32(3 * surface.noise_per_m) * points[:, 2] ** 2
    with np.errstate(invalid="ignore"):
        on_it = (np.abs(plane.height_m(points)) < limit) & ~(normals @ normal < 0.6)
    near = np.zeros(region.shape, bool)
    near.flat[inside[on_it]] = True
    return near, plane


def _parts(surface: Surface, mask: Mask, along: np.ndarray, least_px: int = 100) -> list[tuple[float, Mask]]:
    """Connected parts of a plane's pixels with their lengths: faces of several things in one plane are no wall."""
    along = along / max(float(np.linalg.norm(along)), 1e-6)
    places = surface.points[mask] @ along.astype(np.float32)
    if np.ptp(places) < SIDE_LONG_M:
        return []  # none of its parts is longer
    _, parts = cv2.connectedComponents(mask.view(np.uint8), connectivity=8)
    of = parts[mask]
    result = []
    for k in np.flatnonzero(np.bincount(of) >= least_px):
        low, high = quantiles(places[of == k], 0.02, 0.98)
        result.append((float(high - low), parts == k))
    return result


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
    region = without_walls(surface, _opened(region), ground, WALL_LONG_M)
    return Layout((), ground, region, height)


def _extents(points: Float32[np.ndarray, "n 3"], plane: Plane) -> tuple[float, float]:
    """Length and width over the plane of most of the points, metres."""
    flat = footprint(points, plane)
    flat = flat - flat.mean(axis=0)
    axes = np.linalg.svd(flat.T @ flat)[0]
    low, high = np.quantile(flat @ axes, [0.04, 0.96], axis=0)
    length, width = (float(v) for v in high - low)
    return length, width
