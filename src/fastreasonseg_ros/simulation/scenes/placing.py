"""Initial placement of objects: sparse, touching, stacked or in a heap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.spatial.transform import Rotation

from ..objects.household import SimObject
from ..objects.object_model import UPRIGHT, ObjectModel
from ..objects.shapes import rotation

Rng = np.random.Generator
CLUTTER = ("sparse", "touching", "stacked", "heap")
GAP_M = {"sparse": 0.03, "touching": 0.001, "stacked": 0.01}


@dataclass(frozen=True)
class Placement:
    """An object with rotation `orientation`, the centre of its underside at `at` (table frame, z up, metres)."""

    object: SimObject
    at: tuple[float, float, float]
    orientation: Float64[np.ndarray, "3 3"]

    def origin(self) -> Float64[np.ndarray, "3"]:
        """Position of the object's origin, metres."""
        points = self.object.geometry.vertices() @ self.orientation.T
        low, high = points.min(axis=0), points.max(axis=0)
        return np.asarray(self.at) - np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])

    def spread(self) -> tuple[float, float]:
        """Radius of its bounding circle around `at`, and its height; metres."""
        points = self.object.geometry.vertices() @ self.orientation.T
        low, high = points.min(axis=0), points.max(axis=0)
        return float(np.hypot(*(points - (low + high) / 2)[:, :2].T).max()), float(high[2] - low[2])


def arrange(objects: Sequence[SimObject], clutter: str, rng: Rng, radius_m: float) -> list[Placement]:
    """Placements of the objects within about radius_m of the centre, in the given order."""
    if clutter == "heap":
        return _heap(objects, rng)
    placed: list[Placement] = []
    for obj in objects:
        if clutter == "stacked" and placed and rng.random() < 0.65:
            upper = _stack_on(obj, placed, rng)
            if upper is not None:
                placed.append(upper)
                continue
        placed.append(_beside(obj, placed, rng, radius_m, clutter))
    return placed


def standing(obj: SimObject, rng: Rng) -> Float64[np.ndarray, "3 3"]:
    """Random stable rotation, with random rotation about the vertical."""
    stands = obj.geometry.stands
    return rotation("z", rng.uniform(0, 360)) @ stands[int(rng.integers(len(stands)))]


def flat_top(body: ObjectModel, orientation: np.ndarray) -> tuple[float, float] | None:
    """Height and radius of the flat top of a rotated object, metres; None without one."""
    only = body.solids[0]
    if len(body.solids) == 1 and only.kind == "box":
        up = int(np.argmax(np.abs(orientation[2])))
        height = 2 * only.size[up]
        rest = sorted(2 * s for k, s in enumerate(only.size) if k != up)
        return (height, rest[0] / 2) if height < 2.5 * rest[0] else None
    return body.top if np.allclose(orientation[2], (0, 0, 1)) else None


def on_top(obj: SimObject, base: Placement, rng: Rng) -> Placement:
    """Placement on the flat top of another object, or in its cavity, 6 mm above contact."""
    hollow = base.object.geometry.hollow
    flat = flat_top(base.object.geometry, base.orientation)
    height = hollow.floor_m if hollow and not flat else flat[0] if flat else base.spread()[1]
    return Placement(obj, (base.at[0], base.at[1], base.at[2] + height + 0.006), standing(obj, rng))


def _stack_on(obj: SimObject, placed: list[Placement], rng: Rng) -> Placement | None:
    """Placement on or in a random free object with sufficient room; None without one."""
    taken = {(p.at[0], p.at[1]) for p in placed if p.at[2] > 0}
    for k in rng.permutation(len(placed)):
        base = placed[int(k)]
        if (base.at[0], base.at[1]) in taken and base.at[2] == 0:
            continue
        upper = on_top(obj, base, rng)
        radius, height = upper.spread()
        hollow, flat = base.object.geometry.hollow, flat_top(base.object.geometry, base.orientation)
        if hollow and radius < hollow.radius_m and np.allclose(base.orientation[2], (0, 0, 1)):
            return upper
        # A tower of two or three is stable if each object is well within the one below.
        if flat and radius < 1.7 * flat[1] and upper.at[2] + height < 0.45:
            return upper
    return None


def _beside(obj: SimObject, placed: list[Placement], rng: Rng, radius_m: float, clutter: str) -> Placement:
    """Free position on the table, for touching next to another object; the search radius grows with the attempts."""
    gap = GAP_M[clutter]
    orientation = standing(obj, rng)
    own = Placement(obj, (0, 0, 0), orientation).spread()[0]
    circles = [(p.at[0], p.at[1], p.spread()[0]) for p in placed if p.at[2] == 0]
    for attempt in range(2000):
        reach = radius_m * (1 + attempt / 600)
        angle = rng.uniform(0, 2 * np.pi)
        if clutter == "touching" and circles:
            x0, y0, r0 = circles[int(rng.integers(len(circles)))]
            away = r0 + own + 1.01 * gap
        else:
            x0, y0, away = 0.0, 0.0, max(reach - own, 0.0) * np.sqrt(rng.random())
        x, y = x0 + away * np.cos(angle), y0 + away * np.sin(angle)
        if np.hypot(x, y) < reach and all(np.hypot(x - a, y - b) > r + own + gap for a, b, r in circles):
            return Placement(obj, (float(x), float(y), 0.0), orientation)
    return Placement(obj, (float(reach), 0.0, 0.0), orientation)


def _heap(objects: Sequence[SimObject], rng: Rng) -> list[Placement]:
    """Objects above each other in random orientation, by decreasing size, to fall on a heap."""
    order = sorted(range(len(objects)), key=lambda k: -float(np.ptp(objects[k].geometry.vertices(), axis=0).prod()))
    found: dict[int, Placement] = {}
    height = 0.01
    for k in order:
        orientation = (
            np.asarray(Rotation.random(random_state=rng).as_matrix()) if found else rotation("z", 30) @ UPRIGHT
        )
        x, y = rng.normal(scale=0.05, size=2)
        found[k] = Placement(objects[k], (float(x), float(y), height), orientation)
        height += found[k].spread()[1] + 0.01
    return [found[k] for k in range(len(objects))]
