"""Object model: painted meshes for rendering, convex solids for collisions."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64

from .materials import Paint
from .shapes import Mesh, Points, rotation

UPRIGHT = np.eye(3)
LYING = rotation("y", 90)


@dataclass(frozen=True)
class Solid:
    """A convex primitive. size as MuJoCo takes it: half sizes of a box; radius and half length of a cylinder."""

    kind: str
    size: tuple[float, ...]
    at: tuple[float, float, float] = (0.0, 0.0, 0.0)
    orientation: Float64[np.ndarray, "3 3"] = field(default_factory=lambda: np.eye(3))


@dataclass(frozen=True)
class Hollow:
    """Cavity of a container: a cylinder from floor to rim, metres above the model's origin."""

    radius_m: float
    floor_m: float
    rim_m: float


@dataclass(frozen=True)
class ObjectModel:
    """An object; origin at the centre of its underside, z up, metres.

    stands: rotations of stable poses. top: height and radius of a flat top that supports another object.
    """

    pieces: tuple[tuple[Mesh, Paint], ...]
    solids: tuple[Solid, ...]
    mass_kg: float = 0.2
    stands: tuple[Float64[np.ndarray, "3 3"], ...] = (UPRIGHT,)
    hollow: Hollow | None = None
    top: tuple[float, float] | None = None

    def vertices(self) -> Float64[np.ndarray, "n 3"]:
        """All surface points in the object frame, metres."""
        return np.concatenate([mesh.vertices for mesh, _ in self.pieces])

    def reach(self, orientation: np.ndarray) -> tuple[float, float, float]:
        """Radius about the vertical, lowest and highest point after a rotation; metres."""
        points = self.vertices() @ orientation.T
        return float(np.hypot(points[:, 0], points[:, 1]).max()), float(points[:, 2].min()), float(points[:, 2].max())


def block(size: Points, at: Points = (0, 0, 0), orientation: np.ndarray | None = None) -> Solid:
    """A box of full sizes."""
    x, y, z = (float(s) / 2 for s in size)
    return Solid("box", (x, y, z), _triple(at), np.eye(3) if orientation is None else orientation)


def cylinder(radius: float, bottom: float, top: float, at: Points = (0, 0)) -> Solid:
    """A cylinder along z from bottom to top."""
    return Solid("cylinder", (radius, (top - bottom) / 2), (float(at[0]), float(at[1]), (bottom + top) / 2))


def rod(start: Points, end: Points, radius: float) -> Solid:
    """A capsule from start to end."""
    a, b = np.asarray(start, float), np.asarray(end, float)
    return Solid("capsule", (radius, float(np.linalg.norm(b - a)) / 2), _triple((a + b) / 2), _along(b - a))


def wall(bottom: Points, top: Points, thickness: float, sides: int = 12) -> tuple[Solid, ...]:
    """Wall of a container as a ring of slabs between two (radius, z) points of its outside."""
    (r0, z0), (r1, z1) = bottom, top
    slope, length = np.degrees(np.arctan2(r1 - r0, z1 - z0)), float(np.hypot(r1 - r0, z1 - z0))
    middle = (r0 + r1) / 2 - thickness / 2
    width = 2 * max(r0, r1) * np.tan(np.pi / sides)
    slabs = []
    for k in range(sides):
        around = rotation("z", 360 * k / sides)
        at = around @ np.array([middle, 0, (z0 + z1) / 2])
        slabs.append(block((thickness, width, length), at, around @ rotation("y", slope)))
    return tuple(slabs)


def _along(direction: np.ndarray) -> np.ndarray:
    """A rotation that takes z to the direction."""
    z = direction / np.linalg.norm(direction)
    x = np.cross([0.0, 1.0, 0.0] if abs(z[1]) < 0.9 else [1.0, 0.0, 0.0], z)
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z], axis=1)


def _triple(at: Points) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in at)
    return x, y, z
