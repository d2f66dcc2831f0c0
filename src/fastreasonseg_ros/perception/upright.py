"""Image rotation for cameras mounted sideways or upside down.

Perception works on the image rotated upright by multiples of 90 degrees (quarters); results are rotated back. Masks,
boxes, left and right refer to the original image, vectors to the camera's optical frame. The normal of the support
plane, which defines up, is rotated back with the rest.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..twin.pose import Pose
from ..twin.types import Box, CameraIntrinsics, Detection, Frame, Perceived, Plane, Vector

MIN_UP_IN_IMAGE = 0.35  # minimum component of up in the image plane; below, the camera looks down within 20 degrees
MOUNTED = ("", "on its side, up is to the right", "upside down", "on its side, up is to the left")


def up_from_pose(pose: Pose) -> Vector:
    """Up vector in the optical frame from the camera pose; the fixed frame has z up (REP-103)."""
    x, y, z = (float(v) for v in pose.rotation[2])
    return x, y, z


def up_of(frame: Frame) -> Vector | None:
    """Up vector in the optical frame: as measured (IMU), else from the camera pose; None where unknown."""
    if frame.up is not None:
        return frame.up
    return None if frame.pose is None else up_from_pose(frame.pose)


def quarters_to_upright(up: Vector) -> int:
    """Number of counter-clockwise rotations by 90 degrees (0..3) that make the image upright."""
    x, y, _ = up
    if np.hypot(x, y) < MIN_UP_IN_IMAGE:
        return 0
    return int(np.argmax([-y, x, y, -x]))


def needs_rotation(up: Vector) -> bool:
    """Whether the image needs rotation: up deviates by over 60 degrees. The margin above 45 degrees avoids flipping."""
    x, y, _ = up
    return quarters_to_upright(up) > 0 and -y < 0.5 * float(np.hypot(x, y))


def rotated(frame: Frame, count: int) -> Frame:
    """The frame rotated by `count` quarters counter-clockwise (the camera clockwise), without pose and truth."""
    if count % 4 == 0:
        return frame
    k = frame.intrinsics
    return replace(
        frame,
        color=_rotated_image(frame.color, count),
        depth_m=None if frame.depth_m is None else _rotated_image(frame.depth_m, count),
        intrinsics=None if k is None else rotated_intrinsics(k, count),
        truth=None,
        pose=None,
        up=None if frame.up is None else rotated_vector(frame.up, count),
    )


def rotated_back(perceived: Perceived, count: int, size: tuple[int, int]) -> Perceived:
    """Results of a rotated frame in the original frame; size: width and height of the original image in pixels."""
    if count % 4 == 0:
        return perceived
    plane = perceived.plane and Plane(rotated_vector(perceived.plane.normal, -count), perceived.plane.offset_m)
    return replace(
        perceived, detections=tuple(_detection_back(d, count, size) for d in perceived.detections), plane=plane
    )


def rotated_intrinsics(k: CameraIntrinsics, count: int) -> CameraIntrinsics:
    """Intrinsics of the image rotated by `count` quarters counter-clockwise."""
    for _ in range(count % 4):
        k = CameraIntrinsics(k.height, k.width, k.fy, k.fx, k.cy, k.width - 1 - k.cx)
    return k


def rotated_vector(vector: Vector, count: int) -> Vector:
    """A vector of the optical frame in the frame of the image rotated by `count` quarters counter-clockwise."""
    x, y, z = vector
    for _ in range(count % 4):
        x, y = y, -x
    return x, y, z


def _rotated_image(image: np.ndarray, count: int) -> np.ndarray:
    return np.ascontiguousarray(np.rot90(image, count))


def _detection_back(detection: Detection, count: int, size: tuple[int, int]) -> Detection:
    size_m = detection.size_m
    if size_m is not None and count % 2:
        size_m = (size_m[1], size_m[0], size_m[2])
    return replace(
        detection,
        mask=_rotated_image(detection.mask, -count),
        box_xyxy=_box_back(detection.box_xyxy, count, size),
        center_m=detection.center_m and rotated_vector(detection.center_m, -count),
        middle_m=detection.middle_m and rotated_vector(detection.middle_m, -count),
        size_m=size_m,
    )


def _box_back(box: Box, count: int, size: tuple[int, int]) -> Box:
    """A box of the rotated image in the original image."""
    x0, y0, x1, y1 = box
    w, h = size if count % 2 == 0 else size[::-1]
    for _ in range(-count % 4):
        x0, y0, x1, y1 = y0, w - x1, y1, w - x0
        w, h = h, w
    return x0, y0, x1, y1
