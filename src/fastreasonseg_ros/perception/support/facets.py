"""Plane extraction: table tops, floors, walls and faces of large objects.

Sequential RANSAC (Fischler and Bolles, 1981) with two kinds of hypotheses: the normal of one pixel, exact on sharp
depth, and the plane through three pixels a tenth of the image apart, which averages over waves of stereo depth.
Planes are refined by least squares with points weighted by the inverse variance of their depth: a far
floor has a hundred times the variance of a near table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32

from ...twin.geometry import weighted_plane
from ...twin.types import Plane
from .surface import Surface

INLIER_M = 0.008  # tolerance for surfaces that are not flat, in addition to sensor noise
SAMPLE, SEEDS = 2000, 100  # number of sampled pixels, and of those that hypotheses start from
MIN_SHARE = 0.015  # minimum inlier share of a plane
INLIER_COS = np.float32(np.cos(np.radians(22)))  # minimum cosine between the normals of an inlier and its plane
CLAIMED_COS = np.float32(np.cos(np.radians(30)))  # the same for pixels removed before the next plane is searched
_REFINE = (1.5, 1.5, 1.5, 1.0, 1.0)  # tolerance scales of the refinement iterations
_REFIT = (1.5, 1.5, 1.0, 1.0), (2.5, 2.0, 1.5, 1.0, 1.0)  # the same when refitted to all points


def tolerance_m(surface: Surface, depth_m: np.ndarray) -> np.ndarray:
    """Inlier distance at a depth, metres: flatness tolerance plus 2.5 standard deviations of depth."""
    return np.asarray(INLIER_M + 2.5 * surface.noise_m(depth_m), np.float32)


def find_facets(surface: Surface, most: int = 10) -> list[Plane]:
    """Up to `most` planes with normals towards the camera, by decreasing number of inliers.

    Empty with fewer than 50 valid pixels. Duplicates are removed.
    """
    usable = np.flatnonzero(surface.valid & np.isfinite(surface.normals[..., 2]))
    if len(usable) < 50:
        return []
    random = np.random.default_rng(0)
    pixels = usable[random.choice(len(usable), min(len(usable), SAMPLE), replace=False)]
    points = surface.points.reshape(-1, 3)[pixels]
    normals = surface.normals.reshape(-1, 3)[pixels]
    tolerance = tolerance_m(surface, points[:, 2])
    candidates, offsets = _hypotheses(surface, pixels[:: max(1, len(pixels) // SEEDS)])
    distances = candidates @ points.T
    distances -= offsets[:, None]
    on = ((np.abs(distances) < tolerance) & (candidates @ normals.T > INLIER_COS)).astype(np.float32)
    sample = _Sample(points, normals, tolerance, (1 / tolerance.astype(np.float64)) ** 2)
    free = np.ones(len(pixels), bool)
    least = max(20.0, MIN_SHARE * len(pixels))
    found: list[Plane] = []
    for _ in range(3 * most):
        counts = on @ free.astype(np.float32)
        best = int(counts.argmax())
        if counts[best] < least or len(found) == most:
            break
        inliers = (on[best] > 0) & free
        on[best] = 0
        plane, near = sample.refine(inliers, free, _REFINE)
        if plane is None:
            continue
        found += [plane] if np.count_nonzero(near) >= least else []
        free &= ~sample.on(plane, 1.2, CLAIMED_COS)
    return _refitted(found, sample)


@dataclass(frozen=True)
class _Sample:
    """Sampled points (metres) with normals, inlier tolerances in metres and least-squares weights."""

    points: Float32[np.ndarray, "n 3"]
    normals: Float32[np.ndarray, "n 3"]
    tolerance: Float32[np.ndarray, "n"]
    weights: np.ndarray

    def on(self, plane: Plane, scale: float = 1.0, min_cos: np.float32 = INLIER_COS) -> Bool[np.ndarray, "n"]:
        """Inlier mask by distance and normal."""
        near = np.abs(plane.height_m(self.points)) < scale * self.tolerance
        return near & (self.normals @ np.asarray(plane.normal, np.float32) > min_cos)

    def refine(
        self, near: np.ndarray, allowed: np.ndarray, scales: tuple[float, ...]
    ) -> tuple[Plane | None, Bool[np.ndarray, "n"]]:
        """Iterated least-squares fit from the points `near`, and inlier mask; None with fewer than 20 inliers."""
        plane = None
        for scale in scales:
            if np.count_nonzero(near) < 20:
                return None, near
            plane = weighted_plane(self.points[near], self.weights[near])
            near = allowed & self.on(plane, scale)
        return (plane, near) if np.count_nonzero(near) >= 20 else (None, near)


def _refitted(planes: list[Plane], sample: _Sample) -> list[Plane]:
    """The planes refitted to all points, by decreasing number of inliers, without duplicates (80 % shared inliers).

    Sequential extraction splits a warped surface into tilted parts; the plane refitted to all points joins them.
    """
    all_points = np.ones(len(sample.points), bool)
    found = []
    for plane in planes:
        on = sample.on(plane)
        for scales in _REFIT:
            other, more = sample.refine(sample.on(plane, scales[0]), all_points, scales)
            near = other is not None and np.dot(other.normal, plane.normal) > np.cos(np.radians(6))
            if near and np.count_nonzero(more) > np.count_nonzero(on):
                plane, on = other, more
        found.append((plane, on))
    found.sort(key=lambda f: -np.count_nonzero(f[1]))
    kept: list[tuple[Plane, np.ndarray]] = []
    for plane, on in found:
        if all(np.count_nonzero(on & other) < 0.8 * np.count_nonzero(on) for _, other in kept):
            kept.append((plane, on))
    return [plane for plane, _ in kept]


def _hypotheses(
    surface: Surface, pixels: np.ndarray
) -> tuple[Float32[np.ndarray, "k 3"], Float32[np.ndarray, "k"]]:  # fmt: skip
    """Normals (towards the camera) and offsets of plane hypotheses, of the two kinds in the module docstring."""
    height, width = surface.valid.shape
    points, own = surface.points.reshape(-1, 3)[pixels], surface.normals.reshape(-1, 3)[pixels]
    rows, columns = np.divmod(pixels, width)
    distance_px = max(2, width // 10)
    to_right = surface.points[rows, np.minimum(columns + distance_px, width - 1)] - points
    to_below = surface.points[np.minimum(rows + distance_px, height - 1), columns] - points
    normals = np.cross(to_right, to_below)
    length = np.linalg.norm(normals, axis=1)
    good = np.isfinite(length) & (length > 1e-7)
    normals = normals[good] / length[good, None]
    offsets = np.einsum("ij,ij->i", normals, points[good])
    normals[offsets > 0] *= -1
    normals, points = np.concatenate([own, normals]), np.concatenate([points, points[good]])
    return normals, np.einsum("ij,ij->i", normals, points)
