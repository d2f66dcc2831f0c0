"""From a label image and depth to detections: place, size, shape, colour and name of every thing."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, Int32, UInt8

from ...twin.geometry import elevation, quantiles, require_depth
from ...twin.types import Box, Detection, Frame, Plane, Vector
from ..appearance import appearance
from ..support import find_support
from ..surface import Surface, analyse, shrink, shrink_intrinsics
from .amodal_box import whole_box
from .color import exposure_gain, name_colors
from .features import Features, measure
from .names import PLAIN, UNSURE, LabelModel
from .shape import name_shape

SAMPLE = 1500  # points of a thing that its place, size and depth are told from


@dataclass(frozen=True)
class Geometry:
    """The surface of a picture at 1/factor of its resolution, and what things stand on.

    pixel: width of a pixel of the surface at a distance of 1 m, metres.
    """

    surface: Surface
    factor: int
    plane: Plane | None
    pixel: float = 0.0


def geometry_of(frame: Frame, work_width_px: int) -> Geometry | None:
    """What the frame's depth says of the whole picture; None without depth or camera model.

    work_width_px: width that depth is shrunk to first. Raises FrameError where no depth pixel is valid.
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
    gain: float | None = None,
    before: Detection | None = None,
) -> tuple[Detection, Features | None]:
    """One thing of a label image: `box` (rows, columns) is around it. What cannot be measured stays None.

    The score is the confidence of the name, or 0.5 for the label "object". before: the same thing in the frame before,
    whose words are taken over; it is not named again.
    """
    inside = labels[box] == label
    mask = np.zeros(labels.shape, bool)
    mask[box] = inside
    if before:
        word, colors, looks = before.color, before.colors, before.appearance
    else:
        crop = np.ascontiguousarray(color[box])
        word, colors = name_colors(crop, inside, exposure_gain(color) if gain is None else gain)
        looks = appearance(crop, inside)
    plain = Detection(mask, UNSURE, 0.5, _corners(box), color=word, colors=colors, appearance=looks)
    if geometry is None:
        return plain, None
    seen = _seen_of(geometry, box, inside)
    if not len(seen):
        return plain, None
    points = geometry.surface.points.reshape(-1, 3)
    some = points.take(seen[:: max(1, len(seen) // SAMPLE)], axis=0)
    features = None
    if geometry.plane is not None and before is None:
        faces = geometry.surface.normals.reshape(-1, 3)
        crop = np.ascontiguousarray(color[box])
        known = points.take(seen, axis=0), faces.take(seen, axis=0)
        features = measure(*known, geometry.plane, inside, crop, covered(geometry, box, inside))
    shape = before.shape if before else None if features is None else name_shape(features)
    some = some[np.argsort(some[:, 2])]  # nearest first
    place = whole_box(some, geometry.plane, shape, geometry.pixel)
    name, score, also = _words(namer, features, shape) if before is None else (before.label, before.score, before.also)
    depth = np.ascontiguousarray(some[:, 2])
    middle = float(quantiles(depth, 0.5)[0])
    depth = depth[np.searchsorted(depth, middle - 0.3, "right") : np.searchsorted(depth, middle + 0.3)]
    detection = Detection(
        mask=mask,
        label=name,
        score=score,
        box_xyxy=_corners(box),
        color=word,
        colors=colors,
        shape=shape,
        depth_mean_m=float(depth.mean()),
        depth_std_m=float(depth.std()),
        center_m=None if place is None else place[0],
        size_m=None if place is None else place[1],
        middle_m=_middle(some),
        elevation_m=None if geometry.plane is None else elevation(some, geometry.plane),
        appearance=looks,
        also=also,
    )
    return detection, features


def _words(
    namer: LabelModel | None, features: Features | None, shape: str | None
) -> tuple[str, float, tuple[str, ...]]:
    """The name, its score, and other names that it might have."""
    if namer is None or features is None:
        return PLAIN.get(shape or "", UNSURE), 0.5, ()
    odds = namer.probabilities(features)
    name, score = namer.word(odds)
    name = PLAIN.get(shape or "", UNSURE) if name == UNSURE else name
    return name, score, namer.others(odds, name)


def _middle(points: Float32[np.ndarray, "n 3"]) -> Vector:
    """Mean of the points, nearest first, without the nearest and farthest, which depth edges leave; of two, both."""
    columns = np.ascontiguousarray(points.T)
    low, high = quantiles(columns[2], 0.05, 0.95)
    first, last = np.searchsorted(columns[2], low), np.searchsorted(columns[2], high, "right")
    if first == last:
        first, last = 0, len(points)
    x, y, z = columns[:, first:last].mean(axis=1).tolist()
    return x, y, z


def covered(
    geometry: Geometry, box: tuple[slice, slice], inside: np.ndarray, step_m: float = 0.02
) -> tuple[float, float]:
    """Shares of a thing's outline: where something nearer by `step_m` cuts it off, and at the picture's edge."""
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
    around = (cv2.dilate(mask, np.ones((3, 3), np.uint8)) > 0) & (mask == 0)
    beside = cv2.dilate(own, np.ones((3, 3), np.uint8))
    nearer = around & (depth < beside - step_m)
    edge = small[0].sum() * (first_y == 0) + small[:, 0].sum() * (first_x == 0)
    edge += small[-1].sum() * (box[0].stop >= height * f) + small[:, -1].sum() * (box[1].stop >= width * f)
    total = np.count_nonzero(around) + int(edge)
    return (np.count_nonzero(nearer) / total, int(edge) / total) if total else (0.0, 0.0)


def _corners(box: tuple[slice, slice]) -> Box:
    rows, columns = box
    return float(columns.start), float(rows.start), float(columns.stop), float(rows.stop)


def _seen_of(geometry: Geometry, box: tuple[slice, slice], inside: np.ndarray) -> np.ndarray:
    """A thing's pixels at the working resolution whose depth is known, as numbers in that picture, row by row."""
    f = geometry.factor
    rows, columns = (slice(-(-s.start // f), -(-s.stop // f)) for s in box)
    small = inside[rows.start * f - box[0].start :: f, columns.start * f - box[1].start :: f]
    valid = geometry.surface.valid[rows, columns]
    small = small[: valid.shape[0], : valid.shape[1]]
    found = np.flatnonzero(small & valid[: small.shape[0], : small.shape[1]])
    across, wide = max(small.shape[1], 1), geometry.surface.valid.shape[1]
    return found + (found // across) * (wide - across) + (rows.start * wide + columns.start)
