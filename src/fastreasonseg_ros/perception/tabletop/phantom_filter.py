"""Which groups of patches are things: those that stand over their support and end in a step, not waves of its depth."""

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

OVER = 0.3  # least share of a thing that is over its support, seen from above, and ...
OVER_EDGE_M = 0.01  # ... by how much more it may hang over: what is beside a table is none of its things
LOW, LOW_M = 0.2, 0.02  # least share of a thing that is cut off that is so low over its support
STRIDE = 4  # pixels of the working picture
THIN_M = 0.035  # up to this height a thing must end in a step ...
STEP = 0.4  # ... of this share of its height, all around on average
PATCHY, SPREAD_M = 0.4, 0.25  # most of the outline of a thin thing of that size that is free of things
ARM_WIDE_M, ARM_HIGH_M = 0.12, 0.1  # of what reaches in, where the picture ends
BESIDE = 0.3  # of the pixels of its rim there must be beside it to tell a step by
OBJECT, SURE = 0.35, 0.8  # share of it that the network takes for a thing: likely one, and surely


def not_standing(labels: Labels, surface: Surface, levels: Sequence[Plane]) -> list[int]:
    """Labels of what lies beside every surface that carries things: frames, chairs and robots at a table's border.

    What the picture's edge cuts off, and comes down to the surface, may hide the part of it that it stands on.
    """
    small = labels[::STRIDE, ::STRIDE]
    points, normals = (np.ascontiguousarray(i[::STRIDE, ::STRIDE]) for i in (surface.points, surface.normals))
    pixels = np.flatnonzero((small > 0) & np.isfinite(points[..., 2]))
    of, count = small.ravel()[pixels], int(labels.max(initial=0)) + 1
    over, low = np.zeros(len(of), bool), np.zeros(len(of), bool)
    tolerance = tolerance_m(surface, points[..., 2])
    for level in levels:
        height = level.height_m(points)
        with np.errstate(invalid="ignore"):
            on = (np.abs(height) < 1.5 * tolerance) & ~(normals @ np.asarray(level.normal, np.float32) < 0.7)
        corners = hull(footprint(points[largest(on)], level))
        over |= beyond_hull(footprint(points.reshape(-1, 3)[pixels], level), corners) < OVER_EDGE_M
        low |= height.ravel()[pixels] < LOW_M
    total = np.maximum(np.bincount(of, minlength=count), 1)
    beside = np.bincount(of[over], minlength=count) < OVER * total
    edges = labels[:2], labels[-2:], labels[:, :2], labels[:, -2:]
    cut = np.isin(np.arange(count), np.concatenate([edge.ravel() for edge in edges])) & (
        np.bincount(of[low], minlength=count) > LOW * total
    )
    return [k for k in np.unique(of).tolist() if beside[k] and not cut[k]]


def waves(
    labels: Labels, surface: Surface, height_m: Float32[np.ndarray, "h w"], thing: Bool[np.ndarray, "h w"] | None
) -> list[int]:  # fmt: skip
    """Labels of what is thin and no thing: carpets, warped boards and stereo depth have waves.

    They rise from the support without a step, or are spread over a large part of it and full of holes. thing: where
    the network sees things, None without it; it keeps what it is sure of.
    """
    found = []
    boxes = ndimage.find_objects(labels)
    pixels = np.flatnonzero(labels)
    of = labels.ravel()[pixels]
    with np.errstate(invalid="ignore"):
        high = np.bincount(of, height_m.ravel()[pixels] > THIN_M, len(boxes) + 1)
    thin = np.flatnonzero(high < 0.05 * np.bincount(of, minlength=len(boxes) + 1))
    for label in thin.tolist():
        box = _around(boxes[label - 1], labels.shape)
        inside, heights = labels[box] == label, height_m[box]
        known = inside & np.isfinite(heights)
        if not known.any():
            continue
        top = float(np.quantile(heights[known], 0.95))
        share = 0.0 if thing is None else float(thing[box][inside].mean())
        flat = share < OBJECT and _step_m(inside, labels[box], heights) < STEP * top
        if flat or (share < SURE and _patchy(inside, labels[box], surface.points[box])):
            found.append(label)
    return found


def _patchy(
    inside: Bool[np.ndarray, "h w"], labels: Labels, points: Float32[np.ndarray, "h w 3"]
) -> bool:  # fmt: skip
    """Whether a thing is larger than things are that can be thin, and its outline holds mostly what is no thing."""
    rows, columns = np.nonzero(inside)
    outline = np.zeros(inside.shape, np.uint8)
    cv2.fillConvexPoly(outline, cv2.convexHull(np.stack([columns, rows], axis=1).astype(np.int32)), 1)
    free = np.count_nonzero(labels[outline > 0] == 0)
    if free < PATCHY * (free + len(rows)):
        return False
    return float(np.nanmax(np.nanmax(points[inside], axis=0) - np.nanmin(points[inside], axis=0))) > SPREAD_M


def _step_m(inside: Bool[np.ndarray, "h w"], labels: Labels, height_m: Float32[np.ndarray, "h w"]) -> float:
    """How much higher the rim of a thing is than the surface just outside, metres; endless where none is seen."""
    mask, kernel = inside.astype(np.uint8), np.ones((3, 3), np.uint8)
    rim = inside & (cv2.erode(mask, kernel, iterations=2, borderValue=0) == 0) & np.isfinite(height_m)
    beside = (cv2.dilate(mask, kernel, iterations=3) > 0) & (labels == 0) & np.isfinite(height_m)
    if np.count_nonzero(beside) < BESIDE * np.count_nonzero(rim) or not rim.any():
        return np.inf
    return float(np.median(height_m[rim])) - float(np.median(height_m[beside]))


def reaching_in(labels: Labels, surface: Surface, height_m: Float32[np.ndarray, "h w"]) -> list[int]:
    """Labels of what comes in over the picture's lower edge in the air, and wide: the arms of the robot that looks.

    What stands on the table and is cut off there does not show where it stands; it is left out only if it is as wide.
    """
    last = slice(-2, None)
    found = []
    for label in np.unique(labels[last][labels[last] > 0]).tolist():
        at = labels[last] == label
        heights, across = height_m[last][at], surface.points[last][at][:, 0]
        known = np.isfinite(across)
        if not known.any():
            continue
        wide = float(np.ptp(across[known]))
        if wide > ARM_WIDE_M and float(np.median(heights[known])) > ARM_HIGH_M:
            found.append(label)
    return found


def _around(box: tuple[slice, slice], shape: tuple[int, int], margin_px: int = 4) -> tuple[slice, slice]:
    """The box (rows, columns) with a margin, within a picture of that many rows and columns."""
    rows, columns = (
        slice(max(0, s.start - margin_px), min(n, s.stop + margin_px)) for s, n in zip(box, shape, strict=True)
    )
    return rows, columns
