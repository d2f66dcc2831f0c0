"""Poses in another frame, by tf2 at the stamp of the picture. The only module that knows tf2.

tf2_ros comes with a ROS 2 distribution; among the wheels on PyPI it is not. The arithmetic needs neither.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from geometry_msgs.msg import Pose, PoseStamped, TransformStamped
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.time import Time
from std_msgs.msg import Header

from ..errors import ConfigError, ReasonSegError
from ..twin.pose import Pose as CameraPose

try:
    import tf2_ros
except ImportError:  # not among the wheels
    tf2_ros: Any = None

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]  # x, y, z, w
OLDEST_S = 10.0  # transforms are kept for so long


class FrameLookupError(ReasonSegError):
    """No transform at that time; says between which frames and what tf2 said."""


@dataclass(frozen=True)
class Transform:
    """Of points in one frame to points in another: p' = rotation p + translation. Metres; unit quaternion."""

    translation_m: Vector
    rotation: Quaternion

    def point(self, point: Vector) -> Vector:
        x, y, z = rotate(self.rotation, point)
        a, b, c = self.translation_m
        return x + a, y + b, z + c

    def pose(self, pose: Pose) -> Pose:
        """The pose, both its place and its orientation, in the other frame."""
        p, q = pose.position, pose.orientation
        moved = Pose()
        moved.position.x, moved.position.y, moved.position.z = self.point((p.x, p.y, p.z))
        turned = multiply(self.rotation, (q.x, q.y, q.z, q.w))
        moved.orientation.x, moved.orientation.y, moved.orientation.z, moved.orientation.w = turned
        return moved

    def camera_pose(self) -> CameraPose:
        """The same for the core: of a camera's optical frame in the other one."""
        columns = [rotate(self.rotation, axis) for axis in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))]
        return CameraPose(np.array(columns).T, np.array(self.translation_m))


def rotate(q: Quaternion, v: Vector) -> Vector:
    """v turned by the unit quaternion q: v + 2 u x (u x v + w v), with u the vector part of q and w its scalar."""
    x, y, z, w = q
    a = _cross((x, y, z), v)
    b = _cross((x, y, z), (a[0] + w * v[0], a[1] + w * v[1], a[2] + w * v[2]))
    return v[0] + 2 * b[0], v[1] + 2 * b[1], v[2] + 2 * b[2]


def multiply(p: Quaternion, q: Quaternion) -> Quaternion:
    """The turn q, then p (Hamilton product)."""
    (ax, ay, az, aw), (bx, by, bz, bw) = p, q
    x, y, z = _cross((ax, ay, az), (bx, by, bz))
    return (
        aw * bx + bw * ax + x,
        aw * by + bw * ay + y,
        aw * bz + bw * az + z,
        aw * bw - ax * bx - ay * by - az * bz,
    )


def from_msg(msg: TransformStamped) -> Transform:
    """Raises FrameLookupError for a rotation that is none."""
    t, r = msg.transform.translation, msg.transform.rotation
    length = math.sqrt(r.x**2 + r.y**2 + r.z**2 + r.w**2)
    if not 0.9 < length < 1.1:
        raise FrameLookupError(
            f"the transform of {msg.child_frame_id} to {msg.header.frame_id} has a quaternion of length {length:.3f}, "
            "expected 1: correct its publisher"
        )
    return Transform((t.x, t.y, t.z), (r.x / length, r.y / length, r.z / length, r.w / length))


class Frames:
    """Listens to tf while it lives. Raises ConfigError where tf2_ros cannot be imported."""

    def __init__(self, node: Node) -> None:
        if tf2_ros is None:
            raise ConfigError(
                "target_frame and world_frame need tf2_ros, which cannot be imported: install ros-DISTRO-tf2-ros-py "
                "(it is not among the wheels on PyPI), or set them to ''"
            )
        self._buffer = tf2_ros.Buffer(cache_time=Duration(seconds=OLDEST_S), node=node)
        self._listener = tf2_ros.TransformListener(self._buffer, node)

    def in_frame(self, pose: PoseStamped, frame_id: str, timeout_s: float) -> PoseStamped:
        """The pose in frame_id at its own stamp; waits for tf for at most timeout_s. Raises FrameLookupError."""
        moved = PoseStamped(pose=self.transform(pose.header, frame_id, timeout_s).pose(pose.pose))
        moved.header.stamp, moved.header.frame_id = pose.header.stamp, frame_id
        return moved

    def transform(self, header: Header, frame_id: str, timeout_s: float) -> Transform:
        """Of points in the header's frame to points in frame_id, at its stamp. Raises FrameLookupError."""
        try:
            found = self._buffer.lookup_transform(
                frame_id, header.frame_id, Time.from_msg(header.stamp), Duration(seconds=timeout_s)
            )
        except tf2_ros.TransformException as error:
            raise FrameLookupError(
                f"no transform of {header.frame_id} to {frame_id} at the picture's stamp within {timeout_s:.2f} s: "
                f"{error}"
            ) from error
        return from_msg(found)

    def clear(self) -> None:
        """Forgets all transforms; for a clock that was set back."""
        self._buffer.clear()

    def close(self) -> None:
        self._listener.unregister()


def _cross(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
