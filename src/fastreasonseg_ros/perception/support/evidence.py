"""What speaks for and against a plane being a surface that things stand on.

A support is large and near; it is opaque, so that no ray through it ends behind it; and things stand on it, so that
the outlines of what rises from it meet it all around. A wall has no such things before it, a plane laid through the
tops of things is pierced by rays to the table, and a floor sees the table's things in front of the table.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32

from ...twin.geometry import beyond_hull, footprint, hull
from ...twin.types import Plane, Vector
from .facets import tolerance_m
from .surface import Surface

GRID_PX = 110  # width of the picture that is judged
TALLEST_M = 0.5  # of things that are counted as standing on a plane
OVER_EDGE_M = 0.02  # by which they may hang over its edge
HOVER_M = 0.03  # what is seen down to this height only counts by 1/e: seen from above, things hide where they stand
BUILT_LONG_M, BUILT_WIDE_M = 0.24, 0.12  # of walls, boards and floors: no thing

Mask = Bool[np.ndarray, "h w"]


@dataclass(frozen=True)
class Evidence:
    """Of one plane. on, whole, pierced, carried: shares of the picture; a pixel's weight is 1/depth: near counts.

    on: is on the plane. whole: of this, how much is in one piece, on average over its
    pixels. pierced: lies behind it, seen through the region that the plane was seen in. carried: rises
    from it and meets it all around. size_m, part_m: length and width of its region and of the region's
    largest connected part, metres. middle: of its points. bounded: share of its outline, without what
    stands on it, where the surface ends: a part of a warped surface goes on beyond it.
    """

    plane: Plane
    on: float
    whole: float
    pierced: float
    carried: float
    size_m: tuple[float, float]
    part_m: tuple[float, float]
    middle: Vector
    bounded: float

    @property
    def score(self) -> float:
        """The greater, the likelier it is a support; what stands on it counts most, for only a support has it."""
        return self.on + 4 * self.carried - self.pierced


@dataclass(frozen=True)
class _Grid:
    """The surface at every few pixels: its points and normals, weights that add up to 1, tolerances in metres."""

    points: Float32[np.ndarray, "h w 3"]
    normals: Float32[np.ndarray, "h w 3"]
    weight: Float32[np.ndarray, "h w"]
    tolerance: Float32[np.ndarray, "h w"]


@dataclass(frozen=True)
class _Region:
    """Where a plane was seen: its pixels, heights of all pixels over it, its hull, and length
    and width of it and of its largest connected part."""

    plane: Plane
    on: Mask
    height: Float32[np.ndarray, "h w"]
    corners: Float32[np.ndarray, "k 2"]
    whole: float
    size_m: tuple[float, float]
    part_m: tuple[float, float]


def judge(surface: Surface, planes: list[Plane]) -> list[Evidence]:
    """Evidence of every plane; planes that nothing is on are left out."""
    step = max(1, surface.valid.shape[1] // GRID_PX)
    points, normals = (np.ascontiguousarray(i[::step, ::step]) for i in (surface.points, surface.normals))
    depth = points[..., 2]
    with np.errstate(invalid="ignore"):
        weight = np.nan_to_num(1 / depth)
    grid = _Grid(points, normals, weight / max(float(weight.sum()), 1e-6), tolerance_m(surface, depth))
    regions = [region for region in (_region(grid, plane) for plane in planes) if region is not None]
    built = [r for r in regions if r.size_m[0] > BUILT_LONG_M and r.size_m[1] > BUILT_WIDE_M]
    return [_evidence(grid, region, [r.on for r in built if r is not region]) for region in regions]


def _region(grid: _Grid, plane: Plane) -> _Region | None:
    normal = np.asarray(plane.normal, np.float32)
    with np.errstate(invalid="ignore"):
        height = plane.height_m(grid.points)
        on = largest((np.abs(height) < 1.5 * grid.tolerance) & ~(grid.normals @ normal < 0.7))
    flat = footprint(grid.points[on], plane)
    if len(flat) < 10:
        return None
    closed = cv2.morphologyEx(on.view(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    count, parts = cv2.connectedComponents(closed)
    shares = np.bincount(parts[on], grid.weight[on], count)
    part = footprint(grid.points[on & (parts == shares.argmax())], plane)
    whole = float((shares**2).sum() / max(float(shares.sum()), 1e-9))
    return _Region(plane, on, height, hull(flat), whole, extents(flat), extents(part))


def _evidence(grid: _Grid, region: _Region, built: list[Mask]) -> Evidence:
    """built: pixels of other planes that are too large for things."""
    plane, height = region.plane, region.height
    along = grid.points @ (np.asarray(plane.normal, np.float32) / np.float32(plane.offset_m))
    with np.errstate(invalid="ignore"):
        behind = (height < -2 * grid.tolerance) & (along > 1)
        above = (height > np.maximum(1.5 * grid.tolerance, np.float32(0.01))) & (height < TALLEST_M)
    # A ray that ends at `along` times the distance of the plane crosses the plane at 1 / along of its way.
    crossing = footprint(grid.points[behind] / along[behind][:, None], plane)
    pierced = float(grid.weight[behind][beyond_hull(crossing, region.corners) < -0.01].sum()) if len(crossing) else 0.0
    for other in built:
        above &= ~other
    things = np.zeros(above.shape, np.uint8)
    things[above] = beyond_hull(footprint(grid.points[above], plane), region.corners) < OVER_EDGE_M
    return Evidence(
        plane,
        on=float(grid.weight[region.on].sum()),
        whole=region.whole,
        pierced=pierced,
        carried=_carried(things, grid, height),
        size_m=region.size_m,
        part_m=region.part_m,
        middle=_middle(grid.points[region.on]),
        bounded=_bounded(region.on, height, grid.tolerance),
    )


def _carried(things: np.ndarray, grid: _Grid, height: np.ndarray) -> float:
    """Share of the picture that is things which the plane surrounds and which come down to it."""
    with np.errstate(invalid="ignore"):
        close = np.abs(height) < 3 * grid.tolerance
    things &= cv2.morphologyEx(things, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, parts, stats, _ = cv2.connectedComponentsWithStats(things, connectivity=8)
    around = cv2.dilate(parts.astype(np.uint16), np.ones((5, 5), np.uint8))
    ring = (parts == 0) & (around > 0) & (grid.weight > 0)
    total = np.bincount(around[ring], minlength=count)
    meeting = np.bincount(around[ring & close], minlength=count)
    for side in (parts[0], parts[-1], parts[:, 0], parts[:, -1]):
        total += 2 * np.bincount(side, minlength=count)  # the ring is two pixels wide
    share = np.clip((meeting / np.maximum(total, 1) - 0.25) / 0.5, 0, 1)
    lowest = np.full(count, np.inf)
    np.fmin.at(lowest, parts[things > 0], height[things > 0])
    share *= np.exp(-np.maximum(lowest, 0) / HOVER_M)
    share[0] = 0
    share[stats[:, cv2.CC_STAT_AREA] < 6] = 0
    return float(np.bincount(parts.ravel(), grid.weight.ravel(), count) @ share)


def _bounded(on: Mask, height: np.ndarray, tolerance: np.ndarray) -> float:
    """Share of the outline of a region, where something is seen beside it that is not higher, that is a step down."""
    beside = (cv2.dilate(on.view(np.uint8), np.ones((9, 9), np.uint8)) > 0) & ~on
    with np.errstate(invalid="ignore"):
        down = np.count_nonzero(beside & (height < -3 * tolerance))
        level = np.count_nonzero(beside & (np.abs(height) <= 3 * tolerance))
    return down / max(down + level, 1)


def _middle(points: np.ndarray) -> Vector:
    x, y, z = np.median(points, axis=0).tolist()
    return x, y, z


def extents(flat: Float32[np.ndarray, "n 2"]) -> tuple[float, float]:
    """Length and width of most of some points on a plane, metres."""
    flat = flat[:: max(1, len(flat) // 500)]
    flat = flat - flat.mean(axis=0)
    axes = np.linalg.svd(flat.T @ flat)[0]
    low, high = np.quantile(flat @ axes, [0.04, 0.96], axis=0)
    length, width = (float(v) for v in high - low)
    return length, width


def largest(mask: Mask, share: float = 0.1) -> Mask:
    """The largest connected part of a mask, with the other parts of at least `share` of its size."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    if count < 2:
        return mask
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    return (areas >= share * areas.max())[parts] & mask
