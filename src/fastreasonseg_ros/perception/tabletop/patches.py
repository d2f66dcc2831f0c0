"""Segmentation of the region above the support into smooth surface patches."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Bool, Int32

from ..support.surface import Surface

Labels = Int32[np.ndarray, "h w"]


def smooth_patches(surface: Surface, region: Bool[np.ndarray, "h w"], crease_deg: float, min_area_px: int) -> Labels:
    """Labels 1..n of smooth patches inside `region`, 0 elsewhere.

    Neighbouring pixels are connected where depth is continuous and normals two pixels to either side differ by less
    than `crease_deg`. Pixels on creases are then assigned to the nearest patch.
    """
    points, normals = cv2.split(surface.points), cv2.split(surface.normals)
    edge = crease_edges(normals, crease_deg) | jump_edges(points, normals, surface.noise_per_m)
    core = region & ~edge
    _, labels, stats, _ = cv2.connectedComponentsWithStats(core.astype(np.uint8), connectivity=4)
    keep = stats[:, cv2.CC_STAT_AREA] >= min_area_px
    keep[0] = False
    numbers = np.where(keep, np.cumsum(keep), 0).astype(np.int32)
    labels = grow(numbers.take(labels), region, surface, steps=6)
    # Remaining pixels are enclosed by edges (thin rims, handles, noise) and form their own patches.
    rest = region & (labels == 0)
    _, parts, stats, _ = cv2.connectedComponentsWithStats(rest.astype(np.uint8), connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] >= min_area_px
    keep[0] = False
    start = int(labels.max(initial=0))
    extra = np.where(keep, np.cumsum(keep) + start, 0).astype(np.int32)
    labels = np.where(rest, extra.take(parts), labels)
    return nearest(labels, region)


def jump_edges(
    points: Sequence[np.ndarray], normals: Sequence[np.ndarray], noise_per_m: float
) -> Bool[np.ndarray, "h w"]:
    """Mask of pixels at depth steps larger than the local surface explains; points and normals: one image per axis."""
    edge = np.zeros(points[2].shape, bool)
    for axis in (0, 1):
        first, second = _slices(axis, 1)
        # Distance of each point of a pair from the tangent plane of the other, metres.
        difference = [p[first] - p[second] for p in points]
        gap = np.fmin(*(np.abs(_dot([n[side] for n in normals], difference)) for side in (first, second)))
        squared_depth = np.fmin(points[2][first], points[2][second])
        squared_depth *= squared_depth
        broken = gap > np.float32(0.004) + np.float32(4 * noise_per_m) * squared_depth
        edge[first] |= broken
        edge[second] |= broken
    return edge


def crease_edges(normals: Sequence[np.ndarray], crease_deg: float) -> Bool[np.ndarray, "h w"]:
    """Mask of pixels whose neighbours' normals differ by more than crease_deg; normals: one image per axis."""
    limit = np.float32(np.cos(np.radians(crease_deg)))
    edge = np.isnan(normals[2])
    for axis in (0, 1):
        first, second = _slices(axis, 4)
        bent = _dot([n[first] for n in normals], [n[second] for n in normals]) < limit
        middle = tuple(slice(2, -2) if i == axis else slice(None) for i in (0, 1))
        edge[middle] |= bent
    return edge


def grow(labels: Labels, region: np.ndarray, surface: Surface, steps: int) -> Labels:
    """Grows labels into unlabelled pixels of the region by up to `steps` pixels, not across depth steps of 12 mm."""
    depth, width = surface.points[..., 2], labels.shape[1]
    free = np.flatnonzero(region & (labels == 0))
    grown = np.append(labels.ravel(), np.int32(0))  # the last element: no neighbour
    neighbours = []  # flat indices of the admissible neighbours of every unlabelled pixel
    for axis, step in ((0, width), (1, 1)):
        first, second = _slices(axis, 1)
        close = np.zeros(labels.shape, bool)
        with np.errstate(invalid="ignore"):
            close[first] = np.abs(depth[first] - depth[second]) < np.float32(0.012)
        close[first] &= region[first] & region[second]
        close = close.ravel()
        # `close` is False in the last row and column, so indices that wrap around are not used.
        for shift in (step, -step):
            neighbours.append(
                np.where(close.take(free if shift > 0 else free + shift, mode="wrap"), free + shift, labels.size)
            )
    neighbours = np.stack(neighbours)
    for _ in range(steps):
        n = grown.take(neighbours)
        taken = np.where(n[0] > 0, n[0], np.where(n[1] > 0, n[1], np.where(n[2] > 0, n[2], n[3])))
        grown[free] = taken
        unlabelled = np.flatnonzero(taken == 0)
        if len(unlabelled) == len(free):
            break
        free, neighbours = free.take(unlabelled), neighbours.take(unlabelled, axis=1)
    return grown[:-1].reshape(labels.shape)


def nearest(labels: Labels, region: np.ndarray, reach_px: float = 6.0) -> Labels:
    """Assigns every pixel of the region the nearest label in the image, 0 if none is within reach_px."""
    if not (labels > 0).any():
        return labels
    distance, index = cv2.distanceTransformWithLabels(
        (labels == 0).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    table = np.zeros(int(index.max()) + 1, np.int32)
    known = np.flatnonzero(labels)
    table[index.ravel().take(known)] = labels.ravel().take(known)
    result = table.take(index)
    result *= region & (distance <= reach_px)
    return result


def _slices(axis: int, step: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    first = tuple(slice(None, -step) if i == axis else slice(None) for i in (0, 1))
    second = tuple(slice(step, None) if i == axis else slice(None) for i in (0, 1))
    return first, second  # type: ignore[return-value]


def _dot(a: Sequence[np.ndarray], b: Sequence[np.ndarray]) -> np.ndarray:
    """Scalar product of vectors stored as one image per axis; three times as fast as an array of vectors."""
    total = a[0] * b[0]
    for x, y in zip(a[1:], b[1:], strict=True):
        total += x * y
    return total
