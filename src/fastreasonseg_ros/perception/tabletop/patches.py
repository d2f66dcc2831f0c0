"""Cuts the things above the support into patches of smooth, unbroken surface."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Bool, Int32

from ..support.surface import Surface

Labels = Int32[np.ndarray, "h w"]


def smooth_patches(surface: Surface, region: Bool[np.ndarray, "h w"], crease_deg: float, min_area_px: int) -> Labels:
    """Labels 1..n of smooth patches inside `region`, 0 elsewhere.

    Neighbouring pixels belong together where depth goes on without a jump and normals two pixels to either side differ
    by less than `crease_deg`. The band of pixels on a crease is then given back to its nearest patch.
    """
    points, normals = cv2.split(surface.points), cv2.split(surface.normals)
    edge = crease_edges(normals, crease_deg) | jump_edges(points, normals, surface.noise_per_m)
    core = region & ~edge
    _, labels, stats, _ = cv2.connectedComponentsWithStats(core.astype(np.uint8), connectivity=4)
    keep = stats[:, cv2.CC_STAT_AREA] >= min_area_px
    keep[0] = False
    numbers = np.where(keep, np.cumsum(keep), 0).astype(np.int32)
    labels = grow(numbers.take(labels), region, surface, steps=6)
    # What is still free was walled off by edges: thin rims, handles, noise. It becomes patches of its own.
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
    """Pixels beside a step in depth that the local surface does not explain; one image a component."""
    edge = np.zeros(points[2].shape, bool)
    for axis in (0, 1):
        first, second = _slices(axis, 1)
        # How far the points of a pair lie off the surface that goes through the other one, metres.
        away = [p[first] - p[second] for p in points]
        gap = np.fmin(*(np.abs(_dot([n[side] for n in normals], away)) for side in (first, second)))
        near = np.fmin(points[2][first], points[2][second])
        near *= near
        broken = gap > np.float32(0.004) + np.float32(4 * noise_per_m) * near
        edge[first] |= broken
        edge[second] |= broken
    return edge


def crease_edges(normals: Sequence[np.ndarray], crease_deg: float) -> Bool[np.ndarray, "h w"]:
    """Pixels in the middle of a bend: normals on both sides differ by more than the angle; one image a component."""
    limit = np.float32(np.cos(np.radians(crease_deg)))
    edge = np.isnan(normals[2])
    for axis in (0, 1):
        first, second = _slices(axis, 4)
        bent = _dot([n[first] for n in normals], [n[second] for n in normals]) < limit
        middle = tuple(slice(2, -2) if i == axis else slice(None) for i in (0, 1))
        edge[middle] |= bent
    return edge


def grow(labels: Labels, region: np.ndarray, surface: Surface, steps: int) -> Labels:
    """Free pixels of the region join a labelled neighbour on the same side of any step in depth."""
    depth, wide = surface.points[..., 2], labels.shape[1]
    free = np.flatnonzero(region & (labels == 0))
    grown = np.append(labels.ravel(), np.int32(0))  # the last one stands for no neighbour
    near = []  # numbers of the neighbours of every free pixel that it may take its label from
    for axis, step in ((0, wide), (1, 1)):
        first, second = _slices(axis, 1)
        close = np.zeros(labels.shape, bool)
        with np.errstate(invalid="ignore"):
            close[first] = np.abs(depth[first] - depth[second]) < np.float32(0.012)
        close[first] &= region[first] & region[second]
        close = close.ravel()
        # In the last row and column nothing is close, so that going back from the first ones leads nowhere.
        for way in (step, -step):
            near.append(np.where(close.take(free if way > 0 else free + way, mode="wrap"), free + way, labels.size))
    near = np.stack(near)
    for _ in range(steps):
        seen = grown.take(near)
        taken = np.where(seen[0] > 0, seen[0], np.where(seen[1] > 0, seen[1], np.where(seen[2] > 0, seen[2], seen[3])))
        grown[free] = taken
        left = np.flatnonzero(taken == 0)
        if len(left) == len(free):
            break
        free, near = free.take(left), near.take(left, axis=1)
    return grown[:-1].reshape(labels.shape)


def nearest(labels: Labels, region: np.ndarray, reach_px: float = 6.0) -> Labels:
    """Every pixel of the region gets the label nearest to it in the picture, 0 if none is within reach."""
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
    """Scalar product of vectors that come as one image a component: three times as fast as one image of vectors."""
    total = a[0] * b[0]
    for x, y in zip(a[1:], b[1:], strict=True):
        total += x * y
    return total
