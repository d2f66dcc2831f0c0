"""Evidence for and against a plane being a support surface.

A support is large and near. It is opaque: no camera ray passes through its region and ends behind it. Objects stand on
it: regions above it are surrounded by pixels of the plane. Walls carry no objects, planes through the tops of objects
are penetrated by rays to the table, and the objects on a table are surrounded by the table, not by the floor.
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

GRID_PX = 110  # width of the subsampled image
MAX_HEIGHT_M = 0.5  # maximum height of an object on a plane
OVER_EDGE_M = 0.02  # allowed overhang of objects beyond the edge of the plane
GAP_DECAY_M = 0.03  # objects visible only down to this height are weighted by 1/e: their contact may be occluded
LARGE_LONG_M, LARGE_WIDE_M = 0.24, 0.12  # minimum size of walls, boards and floors; larger than objects

Mask = Bool[np.ndarray, "h w"]


@dataclass(frozen=True)
class Evidence:
    """Evidence of one plane. on, connected, penetrated, supported: shares of the image, pixels weighted by 1/depth.

    on: inliers of the plane. connected: mean share of the connected component over its pixels. penetrated: points
    behind the plane, visible through its region. supported: objects above the plane and surrounded by it. size_m,
    part_m: length and width of its region and of the region's largest connected part, metres. middle: median point.
    bounded: share of its outline, without objects, at a step down; low for a part of a warped surface.
    """

    plane: Plane
    on: float
    connected: float
    penetrated: float
    supported: float
    size_m: tuple[float, float]
    part_m: tuple[float, float]
    middle: Vector
    bounded: float

    @property
    def score(self) -> float:
        """Support score, higher is likelier; supported objects have the largest weight."""
        return self.on + 4 * self.supported - self.penetrated


@dataclass(frozen=True)
class _Grid:
    """The subsampled surface: points (metres), normals, weights with sum 1, inlier tolerances in metres."""

    points: Float32[np.ndarray, "h w 3"]
    normals: Float32[np.ndarray, "h w 3"]
    weight: Float32[np.ndarray, "h w"]
    tolerance: Float32[np.ndarray, "h w"]


@dataclass(frozen=True)
class _Region:
    """Region of a plane: inlier mask, heights of all pixels over the plane (metres), corners of its hull on the plane.

    connected, size_m, part_m: see Evidence.
    """

    plane: Plane
    on: Mask
    height: Float32[np.ndarray, "h w"]
    corners: Float32[np.ndarray, "k 2"]
    connected: float
    size_m: tuple[float, float]
    part_m: tuple[float, float]


def evaluate_planes(surface: Surface, planes: list[Plane]) -> list[Evidence]:
    """Evidence of every plane; planes with fewer than 10 inliers are omitted."""
    step = max(1, surface.valid.shape[1] // GRID_PX)
    points, normals = (np.ascontiguousarray(i[::step, ::step]) for i in (surface.points, surface.normals))
    depth = points[..., 2]
    with np.errstate(invalid="ignore"):
        weight = np.nan_to_num(1 / depth)
    grid = _Grid(points, normals, weight / max(float(weight.sum()), 1e-6), tolerance_m(surface, depth))
    regions = [region for region in (_region(grid, plane) for plane in planes) if region is not None]
    large = [r for r in regions if r.size_m[0] > LARGE_LONG_M and r.size_m[1] > LARGE_WIDE_M]
    return [_evidence(grid, region, [r.on for r in large if r is not region]) for region in regions]


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
    connected = float((shares**2).sum() / max(float(shares.sum()), 1e-9))
    return _Region(plane, on, height, hull(flat), connected, extents(flat), extents(part))


def _evidence(grid: _Grid, region: _Region, large: list[Mask]) -> Evidence:
    """large: masks of other planes that are too large for objects; excluded from the objects of this one."""
    plane, height = region.plane, region.height
    along = grid.points @ (np.asarray(plane.normal, np.float32) / np.float32(plane.offset_m))
    with np.errstate(invalid="ignore"):
        behind = (height < -2 * grid.tolerance) & (along > 1)
        above = (height > np.maximum(1.5 * grid.tolerance, np.float32(0.01))) & (height < MAX_HEIGHT_M)
    # A ray to a point at `along` times the distance of the plane intersects the plane at point / along.
    crossing = footprint(grid.points[behind] / along[behind][:, None], plane)
    penetrated = (
        float(grid.weight[behind][beyond_hull(crossing, region.corners) < -0.01].sum()) if len(crossing) else 0.0
    )
    for other in large:
        above &= ~other
    objects = np.zeros(above.shape, np.uint8)
    objects[above] = beyond_hull(footprint(grid.points[above], plane), region.corners) < OVER_EDGE_M
    return Evidence(
        plane,
        on=float(grid.weight[region.on].sum()),
        connected=region.connected,
        penetrated=penetrated,
        supported=_supported(objects, grid, height),
        size_m=region.size_m,
        part_m=region.part_m,
        middle=_middle(grid.points[region.on]),
        bounded=_bounded(region.on, height, grid.tolerance),
    )


def _supported(objects: np.ndarray, grid: _Grid, height: np.ndarray) -> float:
    """Weighted share of the image covered by objects that the plane surrounds and that reach down to it."""
    with np.errstate(invalid="ignore"):
        close = np.abs(height) < 3 * grid.tolerance
    objects &= cv2.morphologyEx(objects, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, parts, stats, _ = cv2.connectedComponentsWithStats(objects, connectivity=8)
    dilated = cv2.dilate(parts.astype(np.uint16), np.ones((5, 5), np.uint8))
    ring = (parts == 0) & (dilated > 0) & (grid.weight > 0)
    total = np.bincount(dilated[ring], minlength=count)
    contact = np.bincount(dilated[ring & close], minlength=count)
    for side in (parts[0], parts[-1], parts[:, 0], parts[:, -1]):
        total += 2 * np.bincount(side, minlength=count)  # at the image border; the ring is two pixels wide
    share = np.clip((contact / np.maximum(total, 1) - 0.25) / 0.5, 0, 1)
    lowest = np.full(count, np.inf)
    np.fmin.at(lowest, parts[objects > 0], height[objects > 0])
    share *= np.exp(-np.maximum(lowest, 0) / GAP_DECAY_M)
    share[0] = 0
    share[stats[:, cv2.CC_STAT_AREA] < 6] = 0
    return float(np.bincount(parts.ravel(), grid.weight.ravel(), count) @ share)


def _bounded(on: Mask, height: np.ndarray, tolerance: np.ndarray) -> float:
    """Share of the outline at a step down, among outline pixels whose neighbour is not higher than the region."""
    beside = (cv2.dilate(on.view(np.uint8), np.ones((9, 9), np.uint8)) > 0) & ~on
    with np.errstate(invalid="ignore"):
        down = np.count_nonzero(beside & (height < -3 * tolerance))
        level = np.count_nonzero(beside & (np.abs(height) <= 3 * tolerance))
    return down / max(down + level, 1)


def _middle(points: np.ndarray) -> Vector:
    x, y, z = np.median(points, axis=0).tolist()
    return x, y, z


def extents(flat: Float32[np.ndarray, "n 2"]) -> tuple[float, float]:
    """Length and width of points on a plane along their principal axes, metres (4th to 96th percentile)."""
    flat = flat[:: max(1, len(flat) // 500)]
    flat = flat - flat.mean(axis=0)
    axes = np.linalg.svd(flat.T @ flat)[0]
    low, high = np.quantile(flat @ axes, [0.04, 0.96], axis=0)
    length, width = (float(v) for v in high - low)
    return length, width


def largest(mask: Mask, share: float = 0.1) -> Mask:
    """The largest connected component of a mask, and others of at least `share` of its area."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    if count < 2:
        return mask
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    return (areas >= share * areas.max())[parts] & mask
