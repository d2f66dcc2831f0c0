"""Boxes aligned to things on their support: z is up from the supporting plane, x lies along the longer horizontal side.

The thing's own sides are seen in its footprint, the visible surface seen from above. A round thing has none; of it the
far side is added, which the camera does not see.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from .geometry import footprint, hull, plane_axes, quantiles, rectangle_angle
from .relations import surface_points
from .types import DigitalTwin, Frame, Instance, Plane, Vector

LEAST_POINTS = 8
BLEED_M = 0.008  # points lower than this over the support may belong to it
CONTACT_M = 0.02  # a thing that is seen down to this height stands on the support
SQUARE = 1.15  # longer : shorter side, up to which "the longer one" would be chosen by noise
ROUND = 1.3  # the same, up to which a cylinder stands, if it is not higher than it is long
STEEP = 0.9  # cosine of 26 degrees between sight and plumb, within which a thing's upper side hides its sides
STRIDE = 2  # pixels between the surface points that are looked at


@dataclass(frozen=True, eq=False)
class OrientedBox:
    """center_m: in the camera's frame, metres. size_m: along the box's own axes, metres.

    axes: columns are the unit vectors of its x, y and z in the camera's frame, right-handed; the identity where the
    thing's own axes are not known.
    """

    center_m: Vector
    size_m: Vector
    axes: Float[np.ndarray, "3 3"]

    @property
    def is_aligned(self) -> bool:
        """Whether its axes are those of the thing, and not the camera's."""
        return not np.array_equal(self.axes, np.eye(3))


def boxes_of(twin: DigitalTwin, frame: Frame) -> dict[int, OrientedBox]:
    """The box of each visible instance with a known place and size, by its id. frame: that the twin was made from.

    Along the camera's axes without a supporting plane, and for things with too few surface points.
    """
    seen = [i for i in twin.instances if i.visible and i.center_m is not None and i.size_m is not None]
    points = {}
    if twin.plane is not None and twin.ids is not None:
        points = surface_points(frame, twin.ids, STRIDE, [i.id for i in seen])
    boxes, by_id = {}, {i.id: i for i in twin.instances}
    below = {r.subject: (by_id[r.object], r.predicate) for r in twin.relations if r.object in by_id}
    for i in seen:
        box = None
        if i.id in points and twin.plane is not None:
            box = oriented_box(points[i.id], twin.plane, i, _foot_m(*below[i.id]) if i.id in below else 0.0)
        boxes[i.id] = box or OrientedBox(i.center_m, i.size_m, np.eye(3))  # type: ignore[arg-type]
    return boxes


def oriented_box(
    points: Float32[np.ndarray, "n 3"], plane: Plane, thing: Instance, foot_m: float = 0.0
) -> OrientedBox | None:
    """The box around surface points of a thing; None for fewer than LEAST_POINTS. Camera frame, metres.

    foot_m: height over the plane of what it stands on; the box reaches down to it where the camera looks from above.
    x points to the camera's right (the plane's first axis) by less than a quarter turn to either side; of a thing
    with sides of about the same length it is the side nearest to that direction.
    """
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) < LEAST_POINTS:
        return None
    heights = plane.height_m(points)
    if np.count_nonzero(heights > BLEED_M) > len(points) / 2:  # drops what is the support's, at the edge of the mask
        above = np.flatnonzero(heights > min(BLEED_M, 0.3 * float(heights.max())))
        points, heights = points[above], heights[above]
        if len(points) < LEAST_POINTS:
            return None
    low, high = (float(v) for v in quantiles(heights, 0.01, 0.99))
    low = 0.0 if low < CONTACT_M else low
    sight = points.mean(axis=0)
    if -float(sight @ plane.normal) > STEEP * float(np.linalg.norm(sight)):
        low = min(low, foot_m)
    flat = footprint(points, plane).astype(np.float64)
    corners = hull(flat)
    turn, middle, size = _rectangle(flat, rectangle_angle(corners) if len(corners) > 2 else 0.0)
    if _is_round(thing, size, high - low):
        turn, middle, size = _disc(flat, points, plane)
    if thing.shape == "sphere":
        low = min(low, high - float(size[0]))  # its lower half is hidden by the upper one
    first, second, up = plane_axes(plane)
    horizontal = np.stack([first, second], axis=1)
    x, y = (horizontal @ axis for axis in turn)
    center = horizontal @ (turn.T @ middle) + up * (plane.offset_m + (low + high) / 2)
    size_m = (float(size[0]), float(size[1]), max(high - low, 1e-3))
    return OrientedBox((float(center[0]), float(center[1]), float(center[2])), size_m, np.stack([x, y, up], axis=1))


def _foot_m(support: Instance, predicate: str) -> float:
    """Height over the plane of what stands on, or inside, another instance."""
    bottom, top = support.elevation_m or (0.0, 0.0)
    return max(0.0, top if predicate == "on" else bottom)


def _rectangle(flat: np.ndarray, angle: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Axes (rows), and centre and size along them, of a rectangle turned by the angle."""
    turn = _axes(angle)
    low, high = quantiles(flat @ turn.T, 0.005, 0.995)
    size = high - low
    if max(size) < SQUARE * min(size):
        angle = (angle + math.pi / 4) % (math.pi / 2) - math.pi / 4
    else:
        angle = (angle + (0.0 if size[0] >= size[1] else math.pi / 2) + math.pi / 2) % math.pi - math.pi / 2
    turn = _axes(angle)
    low, high = quantiles(flat @ turn.T, 0.005, 0.995)
    return turn, (low + high) / 2, np.maximum(high - low, 1e-3)


def _is_round(thing: Instance, size: np.ndarray, height_m: float) -> bool:
    """Whether it looks alike from all sides: spheres, bowls, and cylinders that stand."""
    if thing.shape != "cylinder":
        return thing.shape in ("sphere", "bowl") and thing.pose != "on_edge"
    if thing.pose is not None:
        return thing.pose in ("upright", "upside_down")
    return bool(max(size) < ROUND * min(size)) or max(size) <= height_m


def _disc(flat: np.ndarray, points: np.ndarray, plane: Plane) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same of a round thing: as deep as it is wide, its near edge where it is seen."""
    away = footprint(points, plane).mean(axis=0)
    sight = points.mean(axis=0)
    share = float(np.linalg.norm(away)) / float(np.linalg.norm(sight))
    towards = math.atan2(away[1], away[0]) if share > 0.2 else math.pi / 2  # else seen from above, all around
    turn = _axes(towards)
    low, high = quantiles(flat @ turn.T, 0.005, 0.995)
    width = max(float(high[1] - low[1]), float(high[0] - low[0]), 1e-3)
    middle = turn.T @ np.array([low[0] + width / 2, (low[1] + high[1]) / 2])
    return np.eye(2), middle, np.array([width, width])


def _axes(angle: float) -> np.ndarray:
    """Rows: unit vectors of a frame turned by the angle."""
    return np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
