"""The large planar parts of a picture's surface: table tops, floors, walls, and faces of large things.

Sequential RANSAC (Fischler and Bolles, 1981) with two kinds of hypotheses: the normal of one pixel, exact on sharp
depth, and the plane through three pixels a tenth of the picture apart, which averages over the waves of stereo depth.
Planes are refined by least squares with points weighted by the inverse variance of their depth: a far floor is a
hundred times as uncertain as a table in front of it, and would turn the plane otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32

from ...twin.geometry import weighted_plane
from ...twin.types import Plane
from .surface import Surface

INLIER_M = 0.008  # distance from a plane that is not noise of the sensor: surfaces are not quite flat
SAMPLE, SEEDS = 2000, 100  # pixels that planes are fitted to, and those that hypotheses are made from
MIN_SHARE = 0.015  # of the sample on a plane, below which it is too small to be looked for
SAME_WAY = np.float32(np.cos(np.radians(22)))  # between a pixel's normal and that of its plane
TAKEN_WAY = np.float32(np.cos(np.radians(30)))  # the same for pixels that no other plane may claim
_REFINE = (1.5, 1.5, 1.5, 1.0, 1.0)  # scales of the tolerance while a plane is refined: wide first, so that it moves
_AGAIN = (1.5, 1.5, 1.0, 1.0), (2.5, 2.0, 1.5, 1.0, 1.0)  # the same with points of other planes


def tolerance_m(surface: Surface, depth_m: np.ndarray) -> np.ndarray:
    """How far from its plane a point of that depth may lie, metres: flatness and 2.5 standard deviations of depth."""
    return np.asarray(INLIER_M + 2.5 * surface.noise_m(depth_m), np.float32)


def find_facets(surface: Surface, most: int = 10) -> list[Plane]:
    """Up to `most` planes with normals to the camera, those with many points first; none of few valid pixels.

    A point belongs to one plane only, so that no two of them are the same.
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
    away = candidates @ points.T
    away -= offsets[:, None]
    on = ((np.abs(away) < tolerance) & (candidates @ normals.T > SAME_WAY)).astype(np.float32)
    sample = _Sample(points, normals, tolerance, (1 / tolerance.astype(np.float64)) ** 2)
    free = np.ones(len(pixels), bool)
    least = max(20.0, MIN_SHARE * len(pixels))
    found: list[Plane] = []
    for _ in range(3 * most):
        counts = on @ free.astype(np.float32)
        best = int(counts.argmax())
        if counts[best] < least or len(found) == most:
            break
        start = (on[best] > 0) & free
        on[best] = 0
        plane, near = sample.refine(start, free, _REFINE)
        if plane is None:
            continue
        found += [plane] if np.count_nonzero(near) >= least else []
        free &= ~sample.on(plane, 1.2, TAKEN_WAY)
    return _joined(found, sample)


@dataclass(frozen=True)
class _Sample:
    """Some points of a picture; tolerance in metres, weights for least squares."""

    points: Float32[np.ndarray, "n 3"]
    normals: Float32[np.ndarray, "n 3"]
    tolerance: Float32[np.ndarray, "n"]
    weights: np.ndarray

    def on(self, plane: Plane, scale: float = 1.0, same_way: np.float32 = SAME_WAY) -> Bool[np.ndarray, "n"]:
        """Which points are on a plane and face as it does."""
        near = np.abs(plane.height_m(self.points)) < scale * self.tolerance
        return near & (self.normals @ np.asarray(plane.normal, np.float32) > same_way)

    def refine(
        self, near: np.ndarray, allowed: np.ndarray, scales: tuple[float, ...]
    ) -> tuple[Plane | None, Bool[np.ndarray, "n"]]:
        """The plane through some points, fitted to what is on it again and again; None where too few are left."""
        plane = None
        for scale in scales:
            if np.count_nonzero(near) < 20:
                return None, near
            plane = weighted_plane(self.points[near], self.weights[near])
            near = allowed & self.on(plane, scale)
        return (plane, near) if np.count_nonzero(near) >= 20 else (None, near)


def _joined(planes: list[Plane], sample: _Sample) -> list[Plane]:
    """The planes fitted anew to all points, most points first, and without those that share most of theirs.

    Points were given to planes one after another, so that a warped surface is cut into parts that are tilted against
    each other; the plane through all of it has more.
    """
    every = np.ones(len(sample.points), bool)
    found = []
    for plane in planes:
        on = sample.on(plane)
        for scales in _AGAIN:
            other, more = sample.refine(sample.on(plane, scales[0]), every, scales)
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
    """Normals (to the camera) and offsets of planes through the pixels, two kinds as the file's first lines say."""
    height, width = surface.valid.shape
    points, own = surface.points.reshape(-1, 3)[pixels], surface.normals.reshape(-1, 3)[pixels]
    rows, columns = np.divmod(pixels, width)
    apart = max(2, width // 10)
    beside = surface.points[rows, np.minimum(columns + apart, width - 1)] - points
    under = surface.points[np.minimum(rows + apart, height - 1), columns] - points
    normals = np.cross(beside, under)
    length = np.linalg.norm(normals, axis=1)
    good = np.isfinite(length) & (length > 1e-7)
    normals = normals[good] / length[good, None]
    offsets = np.einsum("ij,ij->i", normals, points[good])
    normals[offsets > 0] *= -1
    normals, points = np.concatenate([own, normals]), np.concatenate([points, points[good]])
    return normals, np.einsum("ij,ij->i", normals, points)
