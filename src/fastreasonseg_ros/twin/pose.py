"""Where a camera is in a frame that stands still, and what its own motion does to places seen before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ..errors import FrameError


@dataclass(frozen=True, eq=False)
class Pose:
    """Of a camera's optical frame in a frame that stands still (tf: map or odom): p_world = R p_camera + t.

    rotation: the matrix R; translation: t, metres. Raises FrameError for a matrix that is no rotation, or numbers that
    are not finite.
    """

    rotation: Float[np.ndarray, "3 3"]
    translation: Float[np.ndarray, "3"]

    def __post_init__(self) -> None:
        rotation, translation = np.asarray(self.rotation, np.float64), np.asarray(self.translation, np.float64)
        finite = np.isfinite(rotation).all() and np.isfinite(translation).all()
        if rotation.shape != (3, 3) or translation.shape != (3,) or not finite:
            raise FrameError(
                "a camera pose is a finite 3x3 rotation and 3 metres, got "
                f"{rotation.shape} and {translation.shape}: correct tf"
            )
        if np.abs(rotation @ rotation.T - np.eye(3)).max() > 1e-3 or np.linalg.det(rotation) < 0:
            raise FrameError("the rotation of the camera pose is none (its rows are not orthonormal): correct tf")
        object.__setattr__(self, "rotation", rotation)
        object.__setattr__(self, "translation", translation)

    def from_older(self, older: Pose) -> Pose:
        """Takes points in the older camera's frame to this camera's: the older camera's pose in this one's frame."""
        return Pose(self.rotation.T @ older.rotation, self.rotation.T @ (older.translation - self.translation))

    def after(self, first: Pose) -> Pose:
        """First `first`, then this."""
        return Pose(self.rotation @ first.rotation, self.rotation @ first.translation + self.translation)

    def points(self, points: Float[np.ndarray, "... 3"]) -> Float[np.ndarray, "... 3"]:
        """Points of the camera's frame in the other one, metres."""
        return points @ self.rotation.T + self.translation

    @property
    def angle_rad(self) -> float:
        """How far it turns."""
        return float(np.arccos(np.clip((np.trace(self.rotation) - 1) / 2, -1.0, 1.0)))

    @property
    def distance_m(self) -> float:
        return float(np.linalg.norm(self.translation))


STILL = Pose(np.eye(3), np.zeros(3))


def direction(up: Sequence[float]) -> tuple[float, float, float]:
    """A direction in the camera's frame as a unit vector. Raises FrameError for what is none, or not about 1 long."""
    length = float(np.linalg.norm(up))
    if len(up) != 3 or not 0.5 < length < 2.0:
        raise FrameError(
            f"up is a unit vector (x, y, z) in the camera's frame, such as 0, 1, 0 for upside down, got {up}: "
            "divide the acceleration that an IMU measures at rest by its length"
        )
    x, y, z = (float(v) / length for v in up)
    return x, y, z
