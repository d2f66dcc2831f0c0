"""Rigid transforms between frames, and the tree of static ones (/tf_static)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from ..errors import FrameError


@dataclass(frozen=True, eq=False)
class RigidTransform:
    """From a source frame to a target frame: p_target = rotation @ p_source + translation_m.

    Raises FrameError unless rotation is a rotation matrix and all numbers are finite.
    """

    rotation: Float[np.ndarray, "3 3"]
    translation_m: Float[np.ndarray, "3"]

    def __post_init__(self) -> None:
        rotation, translation = np.asarray(self.rotation, np.float64), np.asarray(self.translation_m, np.float64)
        finite = np.isfinite(rotation).all() and np.isfinite(translation).all()
        if rotation.shape != (3, 3) or translation.shape != (3,) or not finite:
            raise FrameError(f"a transform is a finite 3x3 rotation and 3 metres, got {rotation.shape}: correct tf")
        if np.abs(rotation @ rotation.T - np.eye(3)).max() > 1e-3 or np.linalg.det(rotation) < 0:
            raise FrameError("the rotation of a transform is none (its rows are not orthonormal): correct tf")
        object.__setattr__(self, "rotation", rotation)
        object.__setattr__(self, "translation_m", translation)

    def inverse(self) -> RigidTransform:
        """From the target to the source."""
        return RigidTransform(self.rotation.T, -self.rotation.T @ self.translation_m)

    def after(self, first: RigidTransform) -> RigidTransform:
        """The composition: `first`, then this."""
        return RigidTransform(self.rotation @ first.rotation, self.rotation @ first.translation_m + self.translation_m)

    def is_identity(self, within_m: float = 1e-3, within_rad: float = 2e-3) -> bool:
        """Whether it is the identity within tolerances, by default 1 mm and 0.1 degrees."""
        angle = float(np.arccos(np.clip((np.trace(self.rotation) - 1) / 2, -1.0, 1.0)))
        return float(np.linalg.norm(self.translation_m)) <= within_m and angle <= within_rad


IDENTITY = RigidTransform(np.eye(3), np.zeros(3))


def transform_from_quaternion(
    translation_m: tuple[float, float, float], quaternion_xyzw: tuple[float, float, float, float]
) -> RigidTransform:
    """The transform of a geometry_msgs/Transform. Raises FrameError for a quaternion of length 0."""
    q = np.asarray(quaternion_xyzw, np.float64)
    length = float(np.linalg.norm(q))
    if not length > 1e-6:
        raise FrameError(f"a transform has the quaternion {tuple(quaternion_xyzw)}, which is no rotation: correct tf")
    x, y, z, w = q / length
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    return RigidTransform(rotation, np.asarray(translation_m, np.float64))


class StaticTransforms:
    """The transforms of /tf_static; of each child frame the newest is used."""

    def __init__(self) -> None:
        self._parents: dict[str, tuple[str, RigidTransform]] = {}  # child -> (parent, child to parent)

    def add(self, messages: Iterable[Any]) -> None:
        """Adds geometry_msgs/TransformStamped messages. Raises FrameError for an invalid one."""
        for message in messages:
            t, q = message.transform.translation, message.transform.rotation
            to_parent = transform_from_quaternion((t.x, t.y, t.z), (q.x, q.y, q.z, q.w))
            self._parents[plain_frame(message.child_frame_id)] = plain_frame(message.header.frame_id), to_parent

    def lookup(self, target: str, source: str) -> RigidTransform | None:
        """The transform from source to target frame; None if they are not connected."""
        target, source = plain_frame(target), plain_frame(source)
        steps: dict[str, list[tuple[str, RigidTransform]]] = {}
        for child, (parent, to_parent) in self._parents.items():
            steps.setdefault(child, []).append((parent, to_parent))
            steps.setdefault(parent, []).append((child, to_parent.inverse()))
        found, queue = {source: IDENTITY}, deque([source])
        while queue and target not in found:
            frame = queue.popleft()
            for other, step in steps.get(frame, ()):
                if other not in found:
                    found[other] = step.after(found[frame])
                    queue.append(other)
        return found.get(target)


def plain_frame(frame_id: str) -> str:
    """A frame's name without the leading slash of ROS 1."""
    return frame_id.lstrip("/")
