"""Detection of walls and of the sides of shelves and bins: upright planes longer than any side of an object."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Bool

from ...twin.geometry import footprint, least_squares_plane, quantiles
from ...twin.types import Plane
from .evidence import largest
from .facets import tolerance_m
from .surface import Surface

WALL_LONG_M = 0.45  # minimum length of a wall
SLANTED = 0.94  # cosine of the minimum angle between a support and a side, 20 degrees
INTO_SIDE_M = 0.02  # allowed intersection of support and side: rounded corners, warped depth
SIDE_LONG_M, BIN_SIDES = 0.24, 3  # minimum length and number of a bin's sides; a large carton shows two at most

Mask = Bool[np.ndarray, "h w"]


def without_walls(surface: Surface, region: Mask, plane: Plane, long_m: float, most: int = 8) -> Mask:
    """Removes upright planes of at least long_m from the region; shorter ones too if they form a shelf or bin."""
    wide = _wide_parts(surface, region, plane)
    x, y, w, h = cv2.boundingRect(wide.view(np.uint8))
    if not w:
        return region
    # Only the bounding box of possible walls, with a margin for rims, is processed.
    box = slice(max(0, y - 4), y + h + 4), slice(max(0, x - 4), x + w + 4)
    kept = _without_walls(surface.part(box), region[box], wide[box], plane, long_m, most)
    if kept is None:
        return region
    region = region.copy()
    region[box] = kept
    return remove_thin(region)


def beyond_walls(surface: Surface, plane: Plane, facets: Sequence[Plane]) -> Mask:
    """Mask of pixels on and behind planes that enclose a support, steep or slanted: the sides of a bin or a tray.

    A side has all of the support in front of it. So may the face of an object at the support's border, but no object
    shows three long sides, or two that face each other.
    """
    points, normals = surface.points[::2, ::2], surface.normals[::2, ::2]
    up = np.asarray(plane.normal, np.float32)
    tolerance = tolerance_m(surface, points[..., 2])
    with np.errstate(invalid="ignore"):
        carrying = largest((np.abs(plane.height_m(points)) < tolerance) & (normals @ up > 0.8))
    inside = points[carrying][::3]
    sides: list[tuple[float, Plane]] = []
    for facet in facets:
        normal = np.asarray(facet.normal, np.float32)
        if not -0.3 < normal @ up < SLANTED or len(inside) < 30:
            continue
        if float(quantiles(facet.height_m(inside), 0.03)[0]) < -INTO_SIDE_M:
            continue
        with np.errstate(invalid="ignore"):
            on = (np.abs(facet.height_m(points)) < 1.5 * tolerance) & (normals @ normal > 0.7)
        along = np.cross(up, normal)
        positions = points[largest(on, 1.0)] @ (along / np.linalg.norm(along)).astype(np.float32)
        if len(positions) >= 50:
            low, high = quantiles(positions, 0.02, 0.98)
            sides += [(float(high - low), facet)] if high - low >= SIDE_LONG_M else []
    result = np.zeros(surface.valid.shape, bool)
    if len(sides) < BIN_SIDES and not _facing([side for _, side in sides], up):
        sides = [side for side in sides if side[0] >= WALL_LONG_M]
    for _, side in sides:
        with np.errstate(invalid="ignore"):
            result |= side.height_m(surface.points) < 1.5 * tolerance_m(surface, surface.points[..., 2])
    return result


def _facing(sides: list[Plane], up: np.ndarray) -> bool:
    """Whether two planes face each other, seen from above; up: unit normal of the support."""
    flat = [np.asarray(s.normal) - (s.normal @ up) * up for s in sides]
    flat = [f / max(float(np.linalg.norm(f)), 1e-6) for f in flat]
    return any(a @ b < -0.9 for k, a in enumerate(flat) for b in flat[k + 1 :])


def _without_walls(
    surface: Surface, region: Mask, wide: Mask, plane: Plane, long_m: float, most: int
) -> Mask | None:  # fmt: skip
    """The region without the walls among its wide parts; None without walls."""
    up = np.asarray(plane.normal, np.float32)
    points, normals = surface.points[wide], surface.normals[wide]
    with np.errstate(invalid="ignore"):
        upright = np.abs(normals @ up) < 0.3
    walls: list[tuple[float, Mask, Plane]] = []
    for _ in range(most):
        found = _largest_plane(points, normals, surface.noise_per_m, np.flatnonzero(upright))
        if found is None:
            break
        on, side = found
        upright &= ~on
        mask = np.zeros(wide.shape, bool)
        mask[wide] = on
        parts = _parts(points[on], mask, np.cross(up, side.normal))
        walls += [(n, part, side) for n, part in parts if n >= SIDE_LONG_M]
    if len(walls) < BIN_SIDES and not _parallel_apart([side for _, _, side in walls]):
        walls = [w for w in walls if w[0] >= long_m]
    if not walls:
        return None
    wall = np.logical_or.reduce([part for _, part, _ in walls])
    # Adjacent rims and creases, where normals are invalid, are removed with the wall.
    adjacent = cv2.dilate(wall.view(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return region & ~wall & ~(adjacent & ~np.isfinite(surface.normals[..., 2]))


def _wide_parts(surface: Surface, region: Mask, plane: Plane) -> Mask:
    """Mask of the connected components of the region with an extent on the plane of at least SIDE_LONG_M."""
    count, parts = cv2.connectedComponents(region.view(np.uint8), connectivity=8)
    part = parts[region]
    order = np.argsort(part, kind="stable")
    flat = footprint(surface.points[region][order], plane)
    firsts = np.searchsorted(part[order], np.arange(1, count))
    spread = np.maximum.reduceat(flat, firsts) - np.minimum.reduceat(flat, firsts) if count > 1 else np.zeros((0, 2))
    return np.concatenate([[False], np.hypot(*spread.T) >= SIDE_LONG_M])[parts]


def _parallel_apart(sides: list[Plane]) -> bool:
    """Whether two planes are parallel and over 0.15 m apart; a closed object does not show two such sides."""
    return any(
        np.dot(a.normal, b.normal) > 0.95 and abs(a.offset_m - b.offset_m) > 0.15
        for k, a in enumerate(sides)
        for b in sides[k + 1 :]
    )


def remove_thin(region: Mask) -> Mask:
    """Morphological opening (3 x 3): removes structures of one or two pixels, such as rims of boards."""
    return cv2.morphologyEx(region.view(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0


def _largest_plane(
    points: np.ndarray, normals: np.ndarray, noise_per_m: float, pixels: np.ndarray
) -> tuple[np.ndarray, Plane] | None:
    """The plane with the most inliers among points[pixels] (RANSAC), and its inliers among all points.

    None with fewer than 200 candidates or 20 inliers.
    """
    if len(pixels) < 200:
        return None
    all_points, all_normals = points, normals
    random = np.random.default_rng(0)
    pixels = pixels[random.choice(len(pixels), min(len(pixels), 1200), replace=False)]
    points, normals = points[pixels], normals[pixels]
    seeds = np.arange(0, len(pixels), max(1, len(pixels) // 80))
    offsets = np.einsum("ij,ij->i", normals[seeds], points[seeds])
    limit = np.float32(0.008) + np.float32(2.5 * noise_per_m) * points[:, 2] ** 2
    distances = normals[seeds] @ points.T
    distances -= offsets[:, None]
    on = (np.abs(distances) < limit) & (normals[seeds] @ normals.T > np.float32(np.cos(np.radians(15))))
    best = int(np.count_nonzero(on, axis=1).argmax())
    if np.count_nonzero(on[best]) < 20:
        return None
    plane = least_squares_plane(points[on[best]])
    normal = np.asarray(plane.normal, np.float32)
    limit = np.float32(0.012) + np.float32(3 * noise_per_m) * all_points[:, 2] ** 2
    with np.errstate(invalid="ignore"):
        return (np.abs(plane.height_m(all_points)) < limit) & ~(all_normals @ normal < 0.6), plane


def _parts(points: np.ndarray, mask: Mask, along: np.ndarray, least_px: int = 100) -> list[tuple[float, Mask]]:
    """Lengths (metres) and masks of the connected components of a plane; coplanar faces of objects are separate."""
    along = along / max(float(np.linalg.norm(along)), 1e-6)
    positions = points @ along.astype(np.float32)
    if not len(positions) or np.ptp(positions) < SIDE_LONG_M:
        return []  # no component is longer
    _, parts = cv2.connectedComponents(mask.view(np.uint8), connectivity=8)
    part_of = parts[mask]
    result = []
    for k in np.flatnonzero(np.bincount(part_of) >= least_px):
        low, high = quantiles(positions[part_of == k], 0.02, 0.98)
        result.append((float(high - low), parts == k))
    return result
