"""The surface that things stand on: the likeliest of the planes in view (evidence.py), and what rises from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32

from ...twin.geometry import beyond_hull, footprint, hull, pixels_of, quantiles, weighted_plane
from ...twin.types import Plane, Vector
from .evidence import Evidence, judge, largest
from .facets import find_facets, tolerance_m
from .surface import Surface

NEAREST_M = 0.02  # of a support's plane from the camera: of a nearer one nothing is seen from above
MIN_ON, MIN_SCORE = 0.04, 0.1  # shares of the picture (evidence.Evidence)
MIN_LONG_M, MIN_WIDE_M = 0.12, 0.08  # of a surface that carries things; a face of a cup before a wrist is smaller
FLATTEST = 0.17  # sine of the least angle of a level surface to an upright camera's view, 10 degrees
SURE_CARRIED = 0.02  # share of the picture on things below which where they stand says less
PARALLEL = np.cos(np.radians(8))
FROM_ABOVE, TURNED = 0.8, 0.6  # weights of a camera that looks down, and of one on its side or upside down


@dataclass(frozen=True)
class Survey:
    """facets: the large planes in view. supports: the one that things stand on, then all that are parallel to it,
    likeliest first; none where nothing in view could carry things."""

    facets: tuple[Plane, ...]
    supports: tuple[Evidence, ...] = ()


def survey(surface: Surface, up: Vector | None = None) -> Survey:
    """The planes of a picture, and which of them things stand on.

    Which way is up is told by all planes together: boards of a shelf, a floor and a table speak for the same one. up:
    away from the earth in the camera's frame; only planes within 25 degrees of it count. Where it is None, an upright
    camera is likelier than one that looks straight down, and that than one on its side or upside down.
    """
    facets = tuple(find_facets(surface))
    found = sorted(
        judge(surface, [p for p in facets if p.offset_m < -NEAREST_M and _likely(p, up) > 0]), key=lambda e: -e.score
    )
    good = [e for e in found if _carries(e, up)]
    if not good:
        return Survey(facets)
    things = max(sum(e.carried for e in found), SURE_CARRIED)

    def votes(evidence: Evidence) -> float:
        return max((evidence.on + evidence.whole) / 2 - evidence.pierced, 0.0) + evidence.carried / things

    def direction(main: Evidence) -> float:
        return _likely(main.plane, up) * sum(votes(e) for e in found if _parallel(e, main))

    likeliest = max(good, key=direction)
    main = max((e for e in good if _parallel(e, likeliest)), key=votes)
    return Survey(facets, (main, *(e for e in found if e is not main and _parallel(e, main))))


def _carries(evidence: Evidence, up: Vector | None) -> bool:
    """Whether a plane is large enough, and opaque, for a support; larger where the camera is not upright."""
    upright = up is not None or _likely(evidence.plane, None) == 1.0
    large = evidence.part_m[0] > MIN_LONG_M and evidence.part_m[1] > MIN_WIDE_M
    large &= upright or (evidence.size_m[0] > 2 * MIN_LONG_M and evidence.size_m[1] > 2 * MIN_WIDE_M)
    return large and evidence.on > MIN_ON and evidence.score > MIN_SCORE


def _parallel(one: Evidence, other: Evidence) -> bool:
    return bool(np.dot(one.plane.normal, other.plane.normal) > PARALLEL)


def find_support(surface: Surface, up: Vector | None = None) -> Plane | None:
    """The supporting plane in the camera frame, normal up, or None if no surface in view could be one."""
    found = survey(surface, up).supports
    return found[0].plane if found else None


def _likely(plane: Plane, up: Vector | None) -> float:
    """Weight of a plane by where the camera would be if the plane were level: 0 (not so) to 1."""
    if up is not None:
        return float(np.dot(plane.normal, up) > np.cos(np.radians(25)))
    x, y, _ = plane.normal
    if -y > FLATTEST and abs(x) < -y * np.tan(np.radians(60)):
        return 1.0
    return FROM_ABOVE if np.hypot(x, y) < 0.5 else TURNED


@dataclass(frozen=True)
class Fit:
    """Shares of a picture's surface that lie on a plane, and below it."""

    on: float
    below: float

    def like(self, other: Fit) -> bool:
        """Whether about as much of the picture is on the plane, and not more below it."""
        return abs(self.on - other.on) < 0.1 * other.on + 0.01 and self.below < other.below + 0.02


def follow_support(surface: Surface, plane: Plane, steps: int = 2) -> tuple[Plane, Fit] | None:
    """A plane of the picture before laid through this one, and how much is on it; None where little or none is.

    Whether it still is the support is told by comparing fits: a search costs five times as much.
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
