"""Pictures of cameras that are mounted on their side or upside down: turned upright by quarters, and results back.

Names, shapes and the network are made for pictures with up above. What perception returns is of the picture as it
came: left and right stay those that the user sees, boxes and masks fit it, and vectors are in the camera's own frame.
Up in space follows from the supporting plane, whose normal is turned back with the rest.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..twin.pose import Pose
from ..twin.types import Box, CameraIntrinsics, Detection, Frame, Perceived, Plane, Vector

STEEP = 0.35  # least part of up that lies in the picture; less: the camera looks straight down, to within 20 degrees
MOUNTED = ("", "on its side, up is to the right", "upside down", "on its side, up is to the left")


def upwards(pose: Pose) -> Vector:
    """Away from the earth in the camera's frame; the frame that stands still has z up (REP-103)."""
    x, y, z = (float(v) for v in pose.turn[2])
    return x, y, z


def up_of(frame: Frame) -> Vector | None:
    """Away from the earth in the camera's frame: as measured, else from the camera's pose; None where it is unknown."""
    if frame.up is not None:
        return frame.up
    return None if frame.pose is None else upwards(frame.pose)


def quarters(up: Vector) -> int:
    """How often a picture is to be turned by 90 degrees counter-clockwise (0..3) so that up is above in it."""
    x, y, _ = up
    if np.hypot(x, y) < STEEP:
        return 0
    return int(np.argmax([-y, x, y, -x]))


def tilted(up: Vector) -> bool:
    """Whether a picture is to be turned: up is more than 60 degrees off in it; the margin keeps it from flipping."""
    x, y, _ = up
    return quarters(up) > 0 and -y < 0.5 * float(np.hypot(x, y))


def turned(frame: Frame, count: int) -> Frame:
    """The frame as a camera would take it that is turned by so many quarters clockwise about its view."""
    if count % 4 == 0:
        return frame
    k = frame.intrinsics
    return replace(
        frame,
        color=_image(frame.color, count),
        depth_m=None if frame.depth_m is None else _image(frame.depth_m, count),
        intrinsics=None if k is None else turned_intrinsics(k, count),
        truth=None,
        pose=None,
        up=None if frame.up is None else turned_vector(frame.up, count),
    )


def turned_back(seen: Perceived, count: int, size: tuple[int, int]) -> Perceived:
    """What was perceived in a turned frame, for the frame as it came; size: its width and height in pixels."""
    if count % 4 == 0:
        return seen
    plane = seen.plane and Plane(turned_vector(seen.plane.normal, -count), seen.plane.offset_m)
    return replace(seen, detections=tuple(_back(d, count, size) for d in seen.detections), plane=plane)


def turned_intrinsics(k: CameraIntrinsics, count: int) -> CameraIntrinsics:
    """The camera model of a picture turned by so many quarters counter-clockwise."""
    for _ in range(count % 4):
        k = CameraIntrinsics(k.height, k.width, k.fy, k.fx, k.cy, k.width - 1 - k.cx)
    return k


def turned_vector(vector: Vector, count: int) -> Vector:
    """A vector of the camera's frame in that of a picture turned by so many quarters counter-clockwise."""
    x, y, z = vector
    for _ in range(count % 4):
        x, y = y, -x
    return x, y, z


def _image(image: np.ndarray, count: int) -> np.ndarray:
    return np.ascontiguousarray(np.rot90(image, count))


def _back(thing: Detection, count: int, size: tuple[int, int]) -> Detection:
    size_m = thing.size_m
    if size_m is not None and count % 2:
        size_m = (size_m[1], size_m[0], size_m[2])
    return replace(
        thing,
        mask=_image(thing.mask, -count),
        box_xyxy=_box(thing.box_xyxy, count, size),
        center_m=thing.center_m and turned_vector(thing.center_m, -count),
        middle_m=thing.middle_m and turned_vector(thing.middle_m, -count),
        size_m=size_m,
    )


def _box(box: Box, count: int, size: tuple[int, int]) -> Box:
    """A box of the turned picture in the picture as it came."""
    x0, y0, x1, y1 = box
    w, h = size if count % 2 == 0 else size[::-1]
    for _ in range(-count % 4):
        x0, y0, x1, y1 = y0, w - x1, y1, w - x0
        w, h = h, w
    return x0, y0, x1, y1
