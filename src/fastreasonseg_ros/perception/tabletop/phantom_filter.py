"""Rejection of false segments: regions beside the support, waves of its depth, and arms of the robot."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Int32
from scipy import ndimage

from ...twin.geometry import beyond_hull, footprint, hull
from ...twin.types import Plane
from ..support.evidence import largest
from ..support.facets import tolerance_m
from ..support.surface import Surface

Labels = Int32[np.ndarray, "h w"]

MIN_OVER_SUPPORT = 0.3  # minimum share of an object above its support, seen from above
OVER_EDGE_M = 0.01  # allowed overhang of a point that counts as above the support
LOW, LOW_M = 0.2, 0.02  # an object at the image border is kept with this share below LOW_M over the support
STRIDE = 4  # sampling step in pixels of the working image
THIN_M = 0.035  # objects up to this height must end in a step ...
STEP = 0.4  # ... of this share of their height, median over the rim
PATCHY, SPREAD_M = 0.4, 0.25  # maximum unlabelled share of the convex hull of a thin object of at least that size
ARM_WIDE_M, ARM_HIGH_M = 0.12, 0.1  # minimum width and height of an arm at the lower image border
BESIDE = 0.3  # minimum pixels beside the rim, relative to the rim, for measuring a step
# Share of a region in the network's object mask above which it is a likely, and a certain object.
LIKELY, CERTAIN = 0.35, 0.8


def unsupported_labels(labels: Labels, surface: Surface, levels: Sequence[Plane]) -> list[int]:
    """Labels of regions beside all support levels: frames, chairs and robots at a table's border.

    Regions cut by the image border that reach down to a level are kept: their support may be outside the image.
    """
    small = labels[::STRIDE, ::STRIDE]
    points, normals = (np.ascontiguousarray(i[::STRIDE, ::STRIDE]) for i in (surface.points, surface.normals))
    pixels = np.flatnonzero((small > 0) & np.isfinite(points[..., 2]))
    label_of, count = small.ravel()[pixels], int(labels.max(initial=0)) + 1
    above_level, low = np.zeros(len(label_of), bool), np.zeros(len(label_of), bool)
    tolerance = tolerance_m(surface, points[..., 2])
    for level in levels:
        height = level.height_m(points)
        with np.errstate(invalid="ignore"):
            on = (np.abs(height) < 1.5 * tolerance) & ~(normals @ np.asarray(level.normal, np.float32) < 0.7)
        corners = hull(footprint(points[largest(on)], level))
        above_level |= beyond_hull(footprint(points.reshape(-1, 3)[pixels], level), corners) < OVER_EDGE_M
        low |= height.ravel()[pixels] < LOW_M
    total = np.maximum(np.bincount(label_of, minlength=count), 1)
    outside = np.bincount(label_of[above_level], minlength=count) < MIN_OVER_SUPPORT * total
    edges = labels[:2], labels[-2:], labels[:, :2], labels[:, -2:]
    cut = np.isin(np.arange(count), np.concatenate([edge.ravel() for edge in edges])) & (
        np.bincount(label_of[low], minlength=count) > LOW * total
    )
    return [k for k in np.unique(label_of).tolist() if outside[k] and not cut[k]]


def wave_labels(
    labels: Labels, surface: Surface, height_m: Float32[np.ndarray, "h w"], object_mask: Bool[np.ndarray, "h w"] | None
) -> list[int]:  # fmt: skip
    """Labels of thin false regions: waves of carpets, of warped boards and of stereo depth.

    They rise from the support without a step, or cover a large part of it sparsely. object_mask: of the network, None
    without it; regions that it classifies with certainty are kept.
    """
    found = []
    boxes = ndimage.find_objects(labels)
    pixels = np.flatnonzero(labels)
    label_of = labels.ravel()[pixels]
    with np.errstate(invalid="ignore"):
        high = np.bincount(label_of, height_m.ravel()[pixels] > THIN_M, len(boxes) + 1)
    thin = np.flatnonzero(high < 0.05 * np.bincount(label_of, minlength=len(boxes) + 1))
    for label in thin.tolist():
        box = _with_margin(boxes[label - 1], labels.shape)
        inside, heights = labels[box] == label, height_m[box]
        valid = inside & np.isfinite(heights)
        if not valid.any():
            continue
        top = float(np.quantile(heights[valid], 0.95))
        share = 0.0 if object_mask is None else float(object_mask[box][inside].mean())
        stepless = share < LIKELY and _step_m(inside, labels[box], heights) < STEP * top
        if stepless or (share < CERTAIN and _patchy(inside, labels[box], surface.points[box])):
            found.append(label)
    return found


def _patchy(
    inside: Bool[np.ndarray, "h w"], labels: Labels, points: Float32[np.ndarray, "h w 3"]
) -> bool:  # fmt: skip
    """Whether a region is larger than SPREAD_M and its convex hull is at least PATCHY unlabelled."""
    rows, columns = np.nonzero(inside)
    outline = np.zeros(inside.shape, np.uint8)
    cv2.fillConvexPoly(outline, cv2.convexHull(np.stack([columns, rows], axis=1).astype(np.int32)), 1)
    unlabelled = np.count_nonzero(labels[outline > 0] == 0)
    if unlabelled < PATCHY * (unlabelled + len(rows)):
        return False
    return float(np.nanmax(np.nanmax(points[inside], axis=0) - np.nanmin(points[inside], axis=0))) > SPREAD_M


def _step_m(inside: Bool[np.ndarray, "h w"], labels: Labels, height_m: Float32[np.ndarray, "h w"]) -> float:
    """Median height of the rim of a region over the surface just outside, metres; inf where it is not visible."""
    mask, kernel = inside.astype(np.uint8), np.ones((3, 3), np.uint8)
    rim = inside & (cv2.erode(mask, kernel, iterations=2, borderValue=0) == 0) & np.isfinite(height_m)
    outside = (cv2.dilate(mask, kernel, iterations=3) > 0) & (labels == 0) & np.isfinite(height_m)
    if np.count_nonzero(outside) < BESIDE * np.count_nonzero(rim) or not rim.any():
        return np.inf
    return float(np.median(height_m[rim])) - float(np.median(height_m[outside]))


def arm_labels(labels: Labels, surface: Surface, height_m: Float32[np.ndarray, "h w"]) -> list[int]:
    """Labels of arms of the robot: wide regions at the lower image border, high above the support.

    Objects that are cut by the border are kept unless they are as wide and high.
    """
    last_rows = slice(-2, None)
    found = []
    for label in np.unique(labels[last_rows][labels[last_rows] > 0]).tolist():
        inside = labels[last_rows] == label
        heights, lateral = height_m[last_rows][inside], surface.points[last_rows][inside][:, 0]
        valid = np.isfinite(lateral)
        if not valid.any():
            continue
        width_m = float(np.ptp(lateral[valid]))
        if width_m > ARM_WIDE_M and float(np.median(heights[valid])) > ARM_HIGH_M:
            found.append(label)
    return found


def _with_margin(box: tuple[slice, slice], shape: tuple[int, int], margin_px: int = 4) -> tuple[slice, slice]:
    """The box (rows, columns) with a margin, clipped to an image of that shape."""
    rows, columns = (
        slice(max(0, s.start - margin_px), min(n, s.stop + margin_px)) for s, n in zip(box, shape, strict=True)
    )
    return rows, columns
