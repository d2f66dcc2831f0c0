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

from ..twin.geometry import beyond_hull, footprint, hull
from ..twin.types import Plane, Vector
from .facets import tolerance_m
from .surface import Surface

GRID_PX = 110  # width of the picture that is judged
TALLEST_M = 0.5  # of things that are counted as standing on a plane
OVER_EDGE_M = 0.02  # by which they may hang over its edge

Mask = Bool[np.ndarray, "h w"]


@dataclass(frozen=True)
class Evidence:
    """Of one plane. on, pierced, carried: shares of the picture, pixels weighted by 1/depth, so that what is near counts.

    on: is on the plane. pierced: lies behind it, seen through the region that the plane was seen in. carried: rises
    from it and meets it all around. length_m, width_m, middle: of the region.
    """

    plane: Plane
    on: float
    pierced: float
    carried: float
    length_m: float
    width_m: float
    middle: Vector

    @property
    def score(self) -> float:
        """The greater, the likelier it is a support; what stands on it counts twice, for only a support has it."""
        return self.on + 2 * self.carried - self.pierced


def judge(surface: Surface, planes: list[Plane]) -> list[Evidence]:
    """Evidence of every plane; planes that nothing is on are left out."""
    step = max(1, surface.valid.shape[1] // GRID_PX)
    points, normals = (np.ascontiguousarray(i[::step, ::step]) for i in (surface.points, surface.normals))
    depth = points[..., 2]
    weight = np.nan_to_num(1 / depth).astype(np.float32)
    weight /= max(float(weight.sum()), 1e-6)
    tolerance = tolerance_m(surface, depth)
    found = (_judge(points, normals, weight, tolerance, plane) for plane in planes)
    return [evidence for evidence in found if evidence is not None]


def _judge(
    points: np.ndarray, normals: np.ndarray, weight: np.ndarray, tolerance: np.ndarray, plane: Plane
) -> Evidence | None:  # fmt: skip
    normal = np.asarray(plane.normal, np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):
        height = plane.height_m(points)
        on = largest((np.abs(height) < 1.5 * tolerance) & ~(normals @ normal < 0.7))
        flat = footprint(points[on], plane)
        if len(flat) < 10:
            return None
        corners = hull(flat[::2])
        along = points @ (normal / np.float32(plane.offset_m))  # height of the ray's end over that of its crossing
        behind = (height < -3 * tolerance) & (along > 1)
        above = (height > np.maximum(1.5 * tolerance, np.float32(0.01))) & (height < TALLEST_M)
        crossing = footprint(points[behind] / along[behind][:, None], plane)
    pierced = float(weight[behind][beyond_hull(crossing, corners) < -0.01].sum()) if len(crossing) else 0.0
    things = np.zeros(above.shape, np.uint8)
    things[above] = beyond_hull(footprint(points[above], plane), corners) < OVER_EDGE_M
    length, width = extents(flat)
    carried = _carried(things, weight, np.abs(height) < 3 * tolerance)
    return Evidence(plane, float(weight[on].sum()), pierced, carried, length, width, _middle(points[on]))


def _carried(things: np.ndarray, weight: np.ndarray, close: Mask) -> float:
    """Share of the picture that is things with the plane about them; those half surrounded count half."""
    things = cv2.morphologyEx(things, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    count, parts, stats, _ = cv2.connectedComponentsWithStats(things, connectivity=8)
    around = cv2.dilate(parts.astype(np.uint16), np.ones((5, 5), np.uint8))
    ring = (parts == 0) & (around > 0) & (weight > 0)
    total = np.bincount(around[ring], minlength=count)
    meeting = np.bincount(around[ring & close], minlength=count)
    for side in (parts[0], parts[-1], parts[:, 0], parts[:, -1]):
        total += 2 * np.bincount(side, minlength=count)  # the ring is two pixels wide
    share = np.clip((meeting / np.maximum(total, 1) - 0.25) / 0.5, 0, 1)
    share[0] = 0
    share[stats[:, cv2.CC_STAT_AREA] < 6] = 0
    return float(np.bincount(parts.ravel(), weight.ravel(), count) @ share)


def _middle(points: np.ndarray) -> Vector:
    x, y, z = np.median(points, axis=0).tolist()
    return x, y, z


def extents(flat: Float32[np.ndarray, "n 2"]) -> tuple[float, float]:
    """Length and width of most of some points on a plane, metres."""
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
