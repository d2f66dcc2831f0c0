"""Detections from a label image and depth: position, size, shape, colour and label of every object."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, Int32, UInt8

from ...twin.geometry import elevation, quantiles, require_depth
from ...twin.types import Box, Detection, Frame, Plane, Vector
from ..appearance import appearance
from ..support.surface import Surface, analyse, shrink, shrink_intrinsics
from ..support.survey import find_support
from .amodal_box import amodal_box
from .color import Gain, light_gain, name_colors
from .eyes import Eyes
from .features import Features, measure
from .names import SHAPE_LABELS, UNSURE, LabelModel
from .shape import name_shape

SAMPLE = 1500  # maximum number of points of an object for position, size and depth


@dataclass(frozen=True)
class Geometry:
    """The surface of an image at 1/factor of its resolution, and the support plane.

    pixel: width of a surface pixel at a distance of 1 m, metres.
    """

    surface: Surface
    factor: int
    plane: Plane | None
    pixel: float = 0.0


def geometry_of(frame: Frame, work_width_px: int) -> Geometry | None:
    """Surface and support plane of a frame; None without depth or intrinsics.

    work_width_px: width to which depth is downsampled first. Raises FrameError where no depth pixel is valid.
    """
    if frame.depth_m is None or frame.intrinsics is None:
        return None
    depth, camera = require_depth(frame)
    factor = max(1, round(camera.width / work_width_px))
    small = shrink(depth, factor)
    if min(small.shape) < 3:
        factor, small = 1, depth
    surface = analyse(small, shrink_intrinsics(camera, factor))
    return Geometry(surface, factor, find_support(surface), factor / camera.fx)


def describe(
    label: int,
    labels: Int32[np.ndarray, "h w"],
    box: tuple[slice, slice],
    color: UInt8[np.ndarray, "h w 3"],
    geometry: Geometry | None,
    namer: LabelModel | None,
    gain: Gain | None = None,
    before: Detection | None = None,
    eyes: Eyes | None = None,
) -> tuple[Detection, Features | None]:
    """Detection of one region of a label image, and its features; `box` (rows, columns) bounds it.

    Attributes that cannot be measured are None. The score is the confidence of the label, or 0.5 for "object". before:
    the same object in the previous frame, whose label, colour and shape are reused without classification. eyes: look
    at the object for its label, too.
    """
    inside = labels[box] == label
    mask = np.zeros(labels.shape, bool)
    mask[box] = inside
    if before:
        color_name, colors, descriptor = before.color, before.colors, before.appearance
    else:
        crop = np.ascontiguousarray(color[box])
        color_name, colors = name_colors(crop, inside, light_gain(color) if gain is None else gain)
        descriptor = appearance(crop, inside)
    without_depth = Detection(mask, UNSURE, 0.5, _corners(box), color=color_name, colors=colors, appearance=descriptor)
    if geometry is None:
        return without_depth, None
    pixels = _valid_pixels(geometry, box, inside)
    if not len(pixels):
        return without_depth, None
    points = geometry.surface.points.reshape(-1, 3)
    sample = points.take(pixels[:: max(1, len(pixels) // SAMPLE)], axis=0)
    features = None
    if geometry.plane is not None and before is None:
        all_normals = geometry.surface.normals.reshape(-1, 3)
        crop = np.ascontiguousarray(color[box])
        surface_points = points.take(pixels, axis=0), all_normals.take(pixels, axis=0)
        features = measure(*surface_points, geometry.plane, inside, crop, occlusion(geometry, box, inside))
    shape = before.shape if before else None if features is None else name_shape(features)
    sample = sample[np.argsort(sample[:, 2])]  # nearest first
    extent = amodal_box(sample, geometry.plane, shape, geometry.pixel)
    name, score, alternatives = (
        _label_of(namer, features, shape, None if eyes is None else eyes(color, box))
        if before is None
        else (before.label, before.score, before.alternative_labels)
    )
    depth = np.ascontiguousarray(sample[:, 2])
    middle = float(quantiles(depth, 0.5)[0])
    depth = depth[np.searchsorted(depth, middle - 0.3, "right") : np.searchsorted(depth, middle + 0.3)]
    detection = Detection(
        mask=mask,
        label=name,
        score=score,
        box_xyxy=_corners(box),
        color=color_name,
        colors=colors,
        shape=shape,
        depth_mean_m=float(depth.mean()),
        depth_std_m=float(depth.std()),
        center_m=None if extent is None else extent[0],
        size_m=None if extent is None else extent[1],
        middle_m=_middle(sample),
        elevation_m=None if geometry.plane is None else elevation(sample, geometry.plane),
        appearance=descriptor,
        alternative_labels=alternatives,
    )
    return detection, features


def _label_of(
    namer: LabelModel | None, features: Features | None, shape: str | None, seen: np.ndarray | None
) -> tuple[str, float, tuple[str, ...]]:
    """Label, score and alternative labels."""
    if namer is None or features is None:
        return SHAPE_LABELS.get(shape or "", UNSURE), 0.5, ()
    odds = namer.probabilities(features, seen)
    name, score = namer.word(odds)
    name = SHAPE_LABELS.get(shape or "", UNSURE) if name == UNSURE else name
    return name, score, namer.others(odds, name)


def _middle(points: Float32[np.ndarray, "n 3"]) -> Vector:
    """Mean of the points between the 5th and 95th percentile of depth; points are sorted by depth."""
    columns = np.ascontiguousarray(points.T)
    low, high = quantiles(columns[2], 0.05, 0.95)
    first, last = np.searchsorted(columns[2], low), np.searchsorted(columns[2], high, "right")
    if first == last:
        first, last = 0, len(points)
    x, y, z = columns[:, first:last].mean(axis=1).tolist()
    return x, y, z


def occlusion(
    geometry: Geometry, box: tuple[slice, slice], inside: np.ndarray, step_m: float = 0.02
) -> tuple[float, float]:
    """Shares of an object's outline that are occluded (neighbour nearer by `step_m`) and cut by the image border."""
    f = geometry.factor
    height, width = geometry.surface.valid.shape
    y0, x0 = max(box[0].start // f - 1, 0), max(box[1].start // f - 1, 0)
    rows, columns = slice(y0, min(box[0].stop // f + 2, height)), slice(x0, min(box[1].stop // f + 2, width))
    depth = geometry.surface.points[rows, columns, 2]
    mask = np.zeros(depth.shape, np.uint8)
    first_y, first_x = -(-box[0].start // f), -(-box[1].start // f)
    small = inside[first_y * f - box[0].start :: f, first_x * f - box[1].start :: f]
    small = small[: mask.shape[0] - (first_y - y0), : mask.shape[1] - (first_x - x0)]
    mask[first_y - y0 : first_y - y0 + small.shape[0], first_x - x0 : first_x - x0 + small.shape[1]] = small
    own = np.where(mask > 0, np.nan_to_num(depth), np.float32(0))
    border = (cv2.dilate(mask, np.ones((3, 3), np.uint8)) > 0) & (mask == 0)
    own_depth_beside = cv2.dilate(own, np.ones((3, 3), np.uint8))
    nearer = border & (depth < own_depth_beside - step_m)
    edge = small[0].sum() * (first_y == 0) + small[:, 0].sum() * (first_x == 0)
    edge += small[-1].sum() * (box[0].stop >= height * f) + small[:, -1].sum() * (box[1].stop >= width * f)
    total = np.count_nonzero(border) + int(edge)
    return (np.count_nonzero(nearer) / total, int(edge) / total) if total else (0.0, 0.0)


def _corners(box: tuple[slice, slice]) -> Box:
    rows, columns = box
    return float(columns.start), float(rows.start), float(columns.stop), float(rows.stop)


def _valid_pixels(geometry: Geometry, box: tuple[slice, slice], inside: np.ndarray) -> np.ndarray:
    """Flat indices, in the working image, of an object's pixels with valid depth."""
    f = geometry.factor
    rows, columns = (slice(-(-s.start // f), -(-s.stop // f)) for s in box)
    small = inside[rows.start * f - box[0].start :: f, columns.start * f - box[1].start :: f]
    valid = geometry.surface.valid[rows, columns]
    small = small[: valid.shape[0], : valid.shape[1]]
    found = np.flatnonzero(small & valid[: small.shape[0], : small.shape[1]])
    columns_in_box, image_width = max(small.shape[1], 1), geometry.surface.valid.shape[1]
    return (
        found + (found // columns_in_box) * (image_width - columns_in_box) + (rows.start * image_width + columns.start)
    )
