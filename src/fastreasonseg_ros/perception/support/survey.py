"""Selection of the support plane among the planes in view (evidence.py), and the region above it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32

from ...twin.geometry import beyond_hull, footprint, hull, pixels_of, quantiles, weighted_plane
from ...twin.types import Plane, Vector
from .evidence import Evidence, evaluate_planes, largest
from .facets import find_facets, tolerance_m
from .surface import Surface

NEAREST_M = 0.02  # minimum distance of the camera from a support plane
MIN_ON, MIN_SCORE = 0.04, 0.1  # minimum Evidence.on and Evidence.score
MIN_LONG_M, MIN_WIDE_M = 0.12, 0.08  # minimum size of a support
MIN_TILT_SIN = 0.17  # sine of the minimum angle between a support and the optical axis of an upright camera, 10 degrees
MIN_SUPPORTED = 0.02  # minimum normalisation of Evidence.supported
PARALLEL = np.cos(np.radians(8))
FROM_ABOVE, ROTATED = 0.8, 0.6  # prior weights of a camera that looks down, and of one mounted sideways or upside down


@dataclass(frozen=True)
class Survey:
    """facets: the large planes in view. supports: the main support, then planes parallel to it by decreasing score.

    supports is empty where no plane qualifies.
    """

    facets: tuple[Plane, ...]
    supports: tuple[Evidence, ...] = ()


def survey(surface: Surface, up: Vector | None = None) -> Survey:
    """Extracts planes and selects the support.

    The direction of up is the normal with the most votes of parallel planes, such as floor, table and boards. up: unit
    vector opposite to gravity in the optical frame; only planes within 25 degrees of it qualify. If None, upright
    cameras have the largest prior, then cameras looking down, then cameras mounted sideways or upside down.
    """
    facets = tuple(find_facets(surface))
    found = sorted(
        evaluate_planes(surface, [p for p in facets if p.offset_m < -NEAREST_M and _orientation_weight(p, up) > 0]),
        key=lambda e: -e.score,
    )
    good = [e for e in found if _can_support(e, up)]
    if not good:
        return Survey(facets)
    total_supported = max(sum(e.supported for e in found), MIN_SUPPORTED)

    def votes(evidence: Evidence) -> float:
        return (
            max((evidence.on + evidence.connected) / 2 - evidence.penetrated, 0.0)
            + evidence.supported / total_supported
        )

    def direction(main: Evidence) -> float:
        return _orientation_weight(main.plane, up) * sum(votes(e) for e in found if _parallel(e, main))

    likeliest = max(good, key=direction)
    main = max((e for e in good if _parallel(e, likeliest)), key=votes)
    return Survey(facets, (main, *(e for e in found if e is not main and _parallel(e, main))))


def _can_support(evidence: Evidence, up: Vector | None) -> bool:
    """Whether a plane is large and opaque enough for a support; larger where the camera is not upright."""
    upright = up is not None or _orientation_weight(evidence.plane, None) == 1.0
    large = evidence.part_m[0] > MIN_LONG_M and evidence.part_m[1] > MIN_WIDE_M
    large &= upright or (evidence.size_m[0] > 2 * MIN_LONG_M and evidence.size_m[1] > 2 * MIN_WIDE_M)
    return large and evidence.on > MIN_ON and evidence.score > MIN_SCORE


def _parallel(one: Evidence, other: Evidence) -> bool:
    return bool(np.dot(one.plane.normal, other.plane.normal) > PARALLEL)


def find_support(surface: Surface, up: Vector | None = None) -> Plane | None:
    """Support plane in the optical frame with normal up; None where no plane qualifies."""
    found = survey(surface, up).supports
    return found[0].plane if found else None


def _orientation_weight(plane: Plane, up: Vector | None) -> float:
    """Prior weight (0..1) of a plane as support, by the camera orientation it implies."""
    if up is not None:
        return float(np.dot(plane.normal, up) > np.cos(np.radians(25)))
    x, y, _ = plane.normal
    if -y > MIN_TILT_SIN and abs(x) < -y * np.tan(np.radians(60)):
        return 1.0
    return FROM_ABOVE if np.hypot(x, y) < 0.5 else ROTATED


@dataclass(frozen=True)
class Fit:
    """Shares of the valid pixels on a plane and below it."""

    on: float
    below: float

    def matches(self, other: Fit) -> bool:
        """Whether the shares match: `on` within 10 % + 0.01, `below` at most 0.02 larger."""
        return abs(self.on - other.on) < 0.1 * other.on + 0.01 and self.below < other.below + 0.02


def follow_support(surface: Surface, plane: Plane, steps: int = 2) -> tuple[Plane, Fit] | None:
    """Refits the plane of the previous frame to this surface; None with fewer than 30 inliers.

    Compare the returned Fit to that of the previous frame to validate it; a full survey costs five times as much.
    """
    pixels = np.flatnonzero(np.isfinite(surface.normals[..., 2]))
    if len(pixels) < 50:
        return None
    pixels = pixels[:: max(1, len(pixels) // 2000)]
    at = np.divmod(pixels, surface.valid.shape[1])
    points, normals = surface.points[at], surface.normals[at]
    tolerance = tolerance_m(surface, points[:, 2])
    weights = (1 / tolerance.astype(np.float64)) ** 2
    for step in range(steps + 1):
        height = plane.height_m(points)
        near = np.abs(height) < tolerance
        near &= normals @ np.asarray(plane.normal, np.float32) > np.float32(np.cos(np.radians(20)))
        if np.count_nonzero(near) < 30:
            return None
        if step < steps:
            plane = weighted_plane(points[near], weights[near])
    return plane, Fit(float(near.mean()), float((height < -3 * tolerance).mean()))


def above_support(
    surface: Surface, plane: Plane, min_height_m: float, max_height_m: float, margin_m: float
) -> tuple[Bool[np.ndarray, "h w"], Float32[np.ndarray, "h w"]]:
    """Mask of pixels above the plane within its region, and heights of all pixels (metres, NaN invalid).

    margin_m: allowed overhang beyond the hull of the plane's pixels; points behind or beside it are excluded.
    """
    shape, points = surface.valid.shape, surface.points.reshape(-1, 3)
    height, depth = plane.height_m(points), np.ascontiguousarray(points[:, 2])
    floor = depth * depth
    floor *= np.float32(3.0 * surface.noise_per_m)
    np.maximum(floor, np.float32(min_height_m), out=floor)
    above = (height > floor) & (height < max_height_m)
    # Every second row and column suffices for the hull. The normal excludes walls that intersect the plane.
    half = np.ascontiguousarray(surface.points[::2, ::2])
    on = np.abs(height.reshape(shape)[::2, ::2]) < floor.reshape(shape)[::2, ::2]
    on &= np.ascontiguousarray(surface.normals[::2, ::2]) @ np.asarray(plane.normal, np.float32) > 0.8
    flat_on = footprint(pixels_of(half, largest(on))[::2], plane)
    if len(flat_on) >= 10:
        corners = hull(flat_on)
        pixels = np.flatnonzero(above)
        flat = footprint(points.take(pixels, axis=0), plane)
        overhang = beyond_hull(flat, corners)
        # Beyond the far edge no table can be occluded by objects: points above it there belong to a wall.
        far = quantiles(pixels_of(half, on)[::2, 2], 0.98)[0]
        above[pixels] = overhang <= np.where(depth.take(pixels) > far, min(0.02, margin_m), margin_m)
    return above.reshape(shape), height.reshape(shape)
