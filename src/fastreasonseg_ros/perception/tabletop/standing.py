"""Which groups of patches are things: those that stand over their support and end in a step, not waves of its depth."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Int32
from scipy import ndimage

from ...twin.geometry import beyond_hull, footprint, hull
from ...twin.types import Plane
from ..evidence import largest
from ..facets import tolerance_m
from ..surface import Surface

Labels = Int32[np.ndarray, "h w"]

OVER = 0.3  # least share of a thing that is over its support, seen from above, and ...
OVER_EDGE_M = 0.01  # ... by how much more it may hang over: what is beside a table is none of its things
LOW, LOW_M = 0.2, 0.02  # least share of a thing that is cut off that is so low over its support
STRIDE = 2  # pixels of the working picture
THIN_M = 0.035  # up to this height a thing must end in a step ...
STEP = 0.4  # ... of this share of its height, all around on average
OBJECT = 0.35  # or the network must say of this share of it that it is a thing


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
    cut = np.unique(np.concatenate([labels[:2].ravel(), labels[-2:].ravel(), labels[:, :2].ravel(), labels[:, -2:].ravel()]))
    cut = np.isin(np.arange(count), cut) & (np.bincount(of[low], minlength=count) > LOW * total)
    return [k for k in np.unique(of).tolist() if beside[k] and not cut[k]]


def waves(
    labels: Labels, height_m: Float32[np.ndarray, "h w"], thing: Bool[np.ndarray, "h w"] | None
) -> list[int]:  # fmt: skip
    """Labels of what is thin and rises from the support without a step; carpets and stereo depth have such waves.

    thing: where the network sees things; None without it.
    """
    boxes = _boxes(labels)
    found = []
    for label, box in boxes.items():
        inside = labels[box] == label
        heights = height_m[box]
        known = inside & np.isfinite(heights)
        if not known.any():
            continue
        top = float(np.quantile(heights[known], 0.95))
        if top > THIN_M:
            continue
        if thing is not None and float(thing[box][inside].mean()) > OBJECT:
            continue
        kernel = np.ones((3, 3), np.uint8)
        mask = inside.astype(np.uint8)
        rim = inside & (cv2.erode(mask, kernel, iterations=2, borderValue=0) == 0)
        beside = (cv2.dilate(mask, kernel, iterations=3) > 0) & (labels[box] == 0) & np.isfinite(heights)
        if not beside.any() or float(np.median(heights[rim & known])) - float(np.median(heights[beside])) < STEP * top:
            found.append(label)
    return found


def _boxes(labels: Labels, margin_px: int = 4) -> dict[int, tuple[slice, slice]]:
    """Boxes (rows, columns) around every label, with a margin."""
    h, w = labels.shape
    return {
        k: (slice(max(0, b[0].start - margin_px), min(h, b[0].stop + margin_px)),
            slice(max(0, b[1].start - margin_px), min(w, b[1].stop + margin_px)))
        for k, b in enumerate(ndimage.find_objects(labels), 1) if b is not None
    }  # fmt: skip
