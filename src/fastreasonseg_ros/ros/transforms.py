"""Poses in another frame by tf2, at the stamp of the picture. The only module that imports tf2_ros.

tf2_ros comes with a ROS 2 distribution; it is not among the wheels on PyPI, nor is tf2_geometry_msgs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from geometry_msgs.msg import Pose, PoseStamped, TransformStamped
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.time import Time
from std_msgs.msg import Header

from ..errors import ConfigError, ReasonSegError
from ..io.transforms import RigidTransform
from ..twin.pose import Pose as CameraPose

try:
    import tf2_ros
except ImportError:  # not among the wheels
    tf2_ros: Any = None

if TYPE_CHECKING:
    from scipy.spatial.transform import Rotation

Vector = tuple[float, float, float]
OLDEST_S = 10.0  # transforms are kept for so long


class FrameLookupError(ReasonSegError):
    """No transform at that time; the message names both frames and has tf2's reason."""


@dataclass(frozen=True, eq=False)
class Transform:
    """Of points in a source frame to points in a target frame: p' = rotation p + translation. Metres."""

    translation_m: Vector
    rotation: Rotation

    def point(self, point: Vector) -> Vector:
        x, y, z = self.rotation.apply(point) + np.array(self.translation_m)
        return float(x), float(y), float(z)

    def pose(self, pose: Pose) -> Pose:
        """Position and orientation in the target frame."""
        from scipy.spatial.transform import Rotation  # here: nodes that need no tf start sooner without

        p, q = pose.position, pose.orientation
        moved = Pose()
        moved.position.x, moved.position.y, moved.position.z = self.point((p.x, p.y, p.z))
        x, y, z, w = (self.rotation * Rotation.from_quat((q.x, q.y, q.z, q.w))).as_quat()
        o = moved.orientation
        o.x, o.y, o.z, o.w = float(x), float(y), float(z), float(w)
        return moved

    def camera_pose(self) -> CameraPose:
        """The pose of a camera's optical frame in the target frame, as the core has it."""
        return CameraPose(self.rotation.as_matrix(), np.array(self.translation_m))

    def rigid(self) -> RigidTransform:
        """The same for io/."""
        return RigidTransform(self.rotation.as_matrix(), np.array(self.translation_m))


def from_msg(msg: TransformStamped) -> Transform:
    """Raises FrameLookupError for a quaternion whose length is not 1."""
    t, r = msg.transform.translation, msg.transform.rotation
    length = float(np.linalg.norm((r.x, r.y, r.z, r.w)))
    if not 0.9 < length < 1.1:
        raise FrameLookupError(
            f"the transform of {msg.child_frame_id} to {msg.header.frame_id} has a quaternion of length {length:.3f}, "
            "expected 1: correct its publisher"
        )
    from scipy.spatial.transform import Rotation

    return Transform((t.x, t.y, t.z), Rotation.from_quat((r.x, r.y, r.z, r.w)))


class Transforms:
    """Listens to tf while it lives. Raises ConfigError where tf2_ros cannot be imported."""

    def __init__(self, node: Node) -> None:
        if tf2_ros is None:
            raise ConfigError(
                "target_frame, world_frame and gravity_frame need tf2_ros, which cannot be imported: install "
                "ros-DISTRO-tf2-ros-py (it is not among the wheels on PyPI), or set them to ''"
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

    def between_cameras(self, target: str, source: str) -> RigidTransform | None:
        """Of points in the source frame to points in the target frame, the newest; None where tf does not know it."""
        try:
            return from_msg(self._buffer.lookup_transform(target, source, Time(), Duration())).rigid()
        except (tf2_ros.TransformException, FrameLookupError):
            return None

    def clear(self) -> None:
        """Forgets all transforms, for a clock that was set back."""
        self._buffer.clear()

    def close(self) -> None:
        self._listener.unregister()


class TransformLookup:
    """Transforms of a node that are listened to from the first question on, or from the beginning if `needed`.

    Raises ConfigError where they are needed and tf2_ros cannot be imported.
    """

    def __init__(self, node: Node, needed: bool) -> None:
        self._node = node
        self._transforms = Transforms(node) if needed else None

    def transform(self, header: Header, frame_id: str, timeout_s: float) -> Transform:
        """See Transforms.transform. Raises FrameLookupError, ConfigError."""
        if self._transforms is None:
            self._transforms = Transforms(self._node)
        return self._transforms.transform(header, frame_id, timeout_s)

    def between_cameras(self, target: str, source: str) -> RigidTransform | None:
        """See Transforms.between_cameras; None also where tf2_ros is not installed."""
        if self._transforms is None and tf2_ros is not None:
            self._transforms = Transforms(self._node)
        return None if self._transforms is None else self._transforms.between_cameras(target, source)

    def clear(self) -> None:
        if self._transforms is not None:
            self._transforms.clear()

    def close(self) -> None:
        if self._transforms is not None:
            self._transforms.close()
