"""The surface that things stand on: found as the plane with most of the picture on it and almost nothing under it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32

from ..twin.geometry import beyond_hull, footprint, hull, least_squares_plane, pixels_of, quantiles
from ..twin.types import Plane, Vector
from .surface import Surface


def find_support(
    surface: Surface,
    inlier_m: float = 0.008,
    min_share: float = 0.04,
    max_tilt_deg: float = 80.0,
    up: Vector | None = None,
) -> Plane | None:
    """The supporting plane in the camera frame, normal up, or None if no surface in view could be one.

    Every pixel with a normal is a hypothesis (one-point RANSAC). A good one has many points on it, few below it (what
    lies below a table is hidden by it), and faces up for a camera that is held upright within `max_tilt_deg`; within 25
    degrees of `up` where that is given.
    """
    usable = surface.valid & np.isfinite(surface.normals[..., 2])
    pixels = np.flatnonzero(usable)
    if len(pixels) < 50:
        return None
    random = np.random.default_rng(0)
    pixels = pixels[random.choice(len(pixels), min(len(pixels), 2000), replace=False)]
    points = surface.points.reshape(-1, 3)[pixels]
    normals = surface.normals.reshape(-1, 3)[pixels]
    if up is None:
        seeds = np.flatnonzero(-normals[:, 1] > np.cos(np.radians(max_tilt_deg)))
    else:
        seeds = np.flatnonzero(normals @ np.asarray(up, np.float32) > np.cos(np.radians(25)))
    if not len(seeds):
        return None
    seeds = seeds[:: max(1, len(seeds) // 120)]
    offsets = np.einsum("ij,ij->i", normals[seeds], points[seeds])
    tolerance = (inlier_m + 2.5 * surface.noise_m(points[:, 2])).astype(np.float32)
    heights = normals[seeds] @ points.T
    heights -= offsets[:, None]
    heights /= tolerance
    aligned = normals[seeds] @ normals.T > np.float32(np.cos(np.radians(15)))
    on = np.count_nonzero((np.abs(heights) < 1) & aligned, axis=1)
    below = np.count_nonzero(heights < -3, axis=1)
    score = on - 0.7 * below
    best = int(score.argmax())
    plane = Plane(tuple(float(c) for c in normals[seeds[best]]), float(offsets[best]))
    for scale in (2.0, 1.0, 1.0):
        height = np.abs(plane.height_m(points))
        near = (height < scale * tolerance) & (normals @ np.asarray(plane.normal, np.float32) > np.cos(np.radians(20)))
        if near.mean() < min_share or np.count_nonzero(near) < 30:
            return None
        plane = least_squares_plane(points[near])
    # Where the surface itself faces elsewhere, a plane was laid across noise or through steps.
    mean = normals[near].mean(axis=0)
    straight = float(mean @ np.asarray(plane.normal)) > np.cos(np.radians(8)) * float(np.linalg.norm(mean))
    return plane if straight else None


@dataclass(frozen=True)
class Fit:
    """Shares of a picture's surface that lie on a plane, and below it."""

    on: float
    below: float

    def like(self, other: Fit) -> bool:
        """Whether about as much of the picture is on the plane, and not more below it."""
        return abs(self.on - other.on) < 0.1 * other.on + 0.01 and self.below < other.below + 0.02


def follow_support(surface: Surface, plane: Plane, inlier_m: float = 0.008, steps: int = 2) -> tuple[Plane, Fit] | None:
    """A plane of the picture before laid through this one, and how much is on it; None where little or none is.

    Whether it still is the support is told by comparing fits: a search costs five times as much.
    """
    pixels = np.flatnonzero(np.isfinite(surface.normals[..., 2]))
    if len(pixels) < 50:
        return None
    pixels = pixels[:: max(1, len(pixels) // 2000)]
    at = np.divmod(pixels, surface.valid.shape[1])
    points, normals = surface.points[at], surface.normals[at]
    tolerance = (inlier_m + 2.5 * surface.noise_m(points[:, 2])).astype(np.float32)
    for step in range(steps + 1):
        height = plane.height_m(points)
        near = np.abs(height) < tolerance
        near &= normals @ np.asarray(plane.normal, np.float32) > np.float32(np.cos(np.radians(20)))
        if np.count_nonzero(near) < 30:
            return None
        if step < steps:
            plane = least_squares_plane(points[near])
    return plane, Fit(float(near.mean()), float((height < -3 * tolerance).mean()))


def above_support(
    surface: Surface, plane: Plane, min_height_m: float, max_height_m: float, margin_m: float
) -> tuple[Bool[np.ndarray, "h w"], Float32[np.ndarray, "h w"]]:
    """Pixels that stick out of the plane over the region it was seen in, and all heights (metres, NaN unknown).

    The margin lets things hang over the table's edge; what stands behind or beside the table is left out.
    """
    shape, points = surface.valid.shape, surface.points.reshape(-1, 3)
    height, depth = plane.height_m(points), np.ascontiguousarray(points[:, 2])
    floor = depth * depth
    floor *= np.float32(3.0 * surface.noise_per_m)
    np.maximum(floor, np.float32(min_height_m), out=floor)
    above = (height > floor) & (height < max_height_m)
    # Half of the rows and columns tell the outline of a table. A wall crosses its height too, but does not face up.
    some = np.ascontiguousarray(surface.points[::2, ::2])
    on = np.abs(height.reshape(shape)[::2, ::2]) < floor.reshape(shape)[::2, ::2]
    on &= np.ascontiguousarray(surface.normals[::2, ::2]) @ np.asarray(plane.normal, np.float32) > 0.8
    flat_on = footprint(pixels_of(some, largest(on))[::2], plane)
    if len(flat_on) >= 10:
        corners = hull(flat_on)
        pixels = np.flatnonzero(above)
        flat = footprint(points.take(pixels, axis=0), plane)
        away = beyond_hull(flat, corners)
        # Behind the far edge there is no table hidden by things: what rises there is a wall.
        far = quantiles(pixels_of(some, on)[::2, 2], 0.98)[0]
        above[pixels] = away <= np.where(depth.take(pixels) > far, min(0.02, margin_m), margin_m)
    return above.reshape(shape), height.reshape(shape)


def largest(mask: Bool[np.ndarray, "h w"], share: float = 0.1) -> Bool[np.ndarray, "h w"]:
    """The largest connected part of a mask, with the other parts of at least `share` of its size."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    if count < 2:
        return mask
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    return (areas >= share * areas.max())[parts] & mask
