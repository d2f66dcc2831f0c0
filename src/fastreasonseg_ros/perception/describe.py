"""From a label image and depth to detections: place, size, shape, colour and name of every thing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int32, UInt8

from ..twin.geometry import elevation, extent, require_depth
from ..twin.types import Box, Detection, Frame, Plane
from .color import exposure_gain, name_color
from .features import Features, measure
from .labels import PLAIN, UNSURE, LabelModel
from .shape import name_shape
from .support import find_support
from .surface import Surface, analyse, shrink, shrink_intrinsics


@dataclass(frozen=True)
class Geometry:
    """Depth of the whole picture, its surface at 1/factor of the resolution, and what things stand on."""

    depth_m: Float32[np.ndarray, "h w"]
    surface: Surface
    factor: int
    plane: Plane | None


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
    return Geometry(depth, surface, factor, find_support(surface))


def describe(
    label: int,
    labels: Int32[np.ndarray, "h w"],
    box: tuple[slice, slice],
    color: UInt8[np.ndarray, "h w 3"],
    geometry: Geometry | None,
    namer: LabelModel | None,
    gain: float | None = None,
) -> tuple[Detection, Features | None]:
    """One thing of a label image: `box` (rows, columns) is around it. What cannot be measured stays None.

    The score is the confidence of the name, or 0.5 for the label "object".
    """
    crop = np.ascontiguousarray(color[box])
    inside = labels[box] == label
    mask = np.zeros(labels.shape, bool)
    mask[box] = inside
    word = name_color(crop, inside, exposure_gain(color) if gain is None else gain)
    plain = Detection(mask, UNSURE, 0.5, _corners(box), color=word)
    if geometry is None:
        return plain, None
    depth = geometry.depth_m[box][inside]
    depth = depth[np.isfinite(depth)]
    if not len(depth):
        return plain, None
    points, normals = _surface_of(geometry, box, inside)
    place = extent(points)
    if place is None:
        return plain, None
    features = None
    if geometry.plane is not None:
        features = measure(points, normals, geometry.plane, inside, crop)
    shape = None if features is None else name_shape(features)
    name, score = (UNSURE, 0.5) if namer is None or features is None else namer.name(features)
    if name == UNSURE and shape in PLAIN:
        name = PLAIN[shape]
    middle = depth[np.abs(depth - np.median(depth)) < 0.3]
    detection = Detection(
        mask=mask,
        label=name,
        score=score,
        box_xyxy=_corners(box),
        color=word,
        shape=shape,
        depth_mean_m=float(middle.mean()),
        depth_std_m=float(middle.std()),
        center_m=place[0],
        size_m=place[1],
        elevation_m=None if geometry.plane is None else elevation(points, geometry.plane),
    )
    return detection, features


def _corners(box: tuple[slice, slice]) -> Box:
    rows, columns = box
    return float(columns.start), float(rows.start), float(columns.stop), float(rows.stop)


def _surface_of(geometry: Geometry, box: tuple[slice, slice], inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points and normals of the crop at the working resolution."""
    f = geometry.factor
    rows, columns = (slice(-(-s.start // f), -(-s.stop // f)) for s in box)
    start_y, start_x = rows.start * f - box[0].start, columns.start * f - box[1].start
    small = inside[start_y::f, start_x::f]
    points = geometry.surface.points[rows, columns]
    small = small[: points.shape[0], : points.shape[1]]
    points = points[: small.shape[0], : small.shape[1]]
    seen = small & np.isfinite(points[..., 2])
    normals = geometry.surface.normals[rows, columns][: small.shape[0], : small.shape[1]]
    return points[seen], normals[seen]
