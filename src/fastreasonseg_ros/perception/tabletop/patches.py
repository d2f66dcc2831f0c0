"""Cuts the things above the support into patches of smooth, unbroken surface."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Bool, Int32

from ..surface import Surface

Labels = Int32[np.ndarray, "h w"]


def smooth_patches(surface: Surface, region: Bool[np.ndarray, "h w"], crease_deg: float, min_area_px: int) -> Labels:
    """Labels 1..n of smooth patches inside `region`, 0 elsewhere.

    Neighbouring pixels belong together where depth goes on without a jump and normals two pixels to either side differ
    by less than `crease_deg`. The band of pixels on a crease is then given back to its nearest patch.
    """
    edge = crease_edges(surface, crease_deg) | jump_edges(surface)
    core = region & ~edge
    _, labels, stats, _ = cv2.connectedComponentsWithStats(core.astype(np.uint8), connectivity=4)
    keep = stats[:, cv2.CC_STAT_AREA] >= min_area_px
    keep[0] = False
    numbers = np.where(keep, np.cumsum(keep), 0).astype(np.int32)
    labels = grow(numbers[labels], region, surface, steps=6)
    # What is still free was walled off by edges: thin rims, handles, noise. It becomes patches of its own.
    rest = region & (labels == 0)
    _, parts, stats, _ = cv2.connectedComponentsWithStats(rest.astype(np.uint8), connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] >= min_area_px
    keep[0] = False
    start = int(labels.max(initial=0))
    extra = np.where(keep, np.cumsum(keep) + start, 0).astype(np.int32)
    labels = np.where(rest, extra[parts], labels)
    return nearest(labels, region)


def jump_edges(surface: Surface) -> Bool[np.ndarray, "h w"]:
    """Pixels beside a step in depth that the local surface does not explain."""
    edge = np.zeros(surface.valid.shape, bool)
    points, normals = cv2.split(surface.points), cv2.split(surface.normals)
    for axis in (0, 1):
        first, second = _slices(axis, 1)
        # How far the points of a pair lie off the surface that goes through the other one, metres.
        away = [p[first] - p[second] for p in points]
        gap = np.fmin(*(np.abs(_dot([n[side] for n in normals], away)) for side in (first, second)))
        near = np.fmin(points[2][first], points[2][second])
        near *= near
        broken = gap > np.float32(0.004) + np.float32(4 * surface.noise_per_m) * near
        edge[first] |= broken
        edge[second] |= broken
    return edge


def crease_edges(surface: Surface, crease_deg: float) -> Bool[np.ndarray, "h w"]:
    """Pixels in the middle of a bend: normals on both sides differ by more than the angle."""
    limit = np.float32(np.cos(np.radians(crease_deg)))
    normals = cv2.split(surface.normals)
    edge = np.isnan(normals[2])
    for axis in (0, 1):
        first, second = _slices(axis, 4)
        bent = _dot([n[first] for n in normals], [n[second] for n in normals]) < limit
        middle = tuple(slice(2, -2) if i == axis else slice(None) for i in (0, 1))
        edge[middle] |= bent
    return edge


def grow(labels: Labels, region: np.ndarray, surface: Surface, steps: int) -> Labels:
    """Free pixels of the region join a labelled neighbour on the same side of any step in depth."""
    labels = labels.copy()
    depth = surface.points[..., 2]
    ways = []  # from which neighbours a pixel may take its label
    for axis in (0, 1):
        first, second = _slices(axis, 1)
        with np.errstate(invalid="ignore"):
            close = (np.abs(depth[first] - depth[second]) < np.float32(0.012)) & region[first] & region[second]
        ways += [(first, second, close), (second, first, close)]
    for _ in range(steps):
        before = labels.copy()
        known = before > 0
        for here, there, close in ways:
            take = labels[here] == 0
            take &= known[there]
            take &= close
            cv2.copyTo(before[there], take.view(np.uint8), labels[here])
        if (labels == before).all():
            break
    return labels


def nearest(labels: Labels, region: np.ndarray, reach_px: float = 6.0) -> Labels:
    """Every pixel of the region gets the label nearest to it in the picture, 0 if none is within reach."""
    if not (labels > 0).any():
        return labels
    distance, index = cv2.distanceTransformWithLabels(
        (labels == 0).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    table = np.zeros(int(index.max()) + 1, np.int32)
    known = np.flatnonzero(labels)
    table[index.ravel()[known]] = labels.ravel()[known]
    return np.where(region & (distance <= reach_px), table[index], 0).astype(np.int32)


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
