"""Scenes other than a table: floor, shelf, bin, two levels, held object, view from above.

Each is a Scene with ground truth; furniture and walls are background.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...errors import ConfigError
from ..objects.household import SimObject, make_object
from ..objects.materials import Paint
from .placing import Placement, arrange, standing
from .scene import Scene
from .world import FRONT_M, Slab, View, World, random_world, view_from

Rng = np.random.Generator
KINDS = ("mug", "can", "bottle", "tea box", "cereal box", "apple", "bowl", "tin", "carton", "ball", "toy block", "jar")
GRAY, DARK, PALE = Paint((0.6, 0.6, 0.62)), Paint((0.25, 0.25, 0.28)), Paint((0.85, 0.82, 0.75))
SKIN = Paint((0.8, 0.6, 0.5), glossy=0.0)


@dataclass(frozen=True)
class Setting:
    """Contents of a scene. falls: whether physics runs until the objects settle."""

    placements: Sequence[Placement]
    world: World
    view: View
    falls: bool = True


def make_place(name: str, seed: int, size: tuple[int, int] = (320, 240)) -> Scene:
    """A settled scene of that place; the same arguments give the same one. Raises ConfigError for an unknown name."""
    if name not in PLACES:
        raise ConfigError(f"there is no place {name!r}; there are: {', '.join(PLACES)}")
    rng = np.random.default_rng([seed, 23])
    setting = PLACES[name](rng, 570.0 * size[0] / 640)
    scene = Scene(seed, setting.placements, setting.world, setting.view, size)
    if setting.falls:
        scene.settle()
    return scene


def _objects(rng: Rng, count: int, kinds: Sequence[str] = KINDS) -> list[SimObject]:
    return [make_object(str(k), rng) for k in rng.choice(kinds, count, replace=count > len(kinds))]


def _row(rng: Rng, spots: Sequence[tuple[float, float, float]], kinds: Sequence[str] = KINDS) -> list[Placement]:
    """An object on each of the spots (x, y, z of the surface it stands on)."""
    objects = _objects(rng, len(spots), kinds)
    return [
        Placement(t, (x + dx, y + dy, z + 0.002), standing(t, rng))
        for t, (x, y, z), (dx, dy) in zip(
            objects, spots, rng.uniform(-0.02, 0.02, (len(objects), 2)).tolist(), strict=True
        )
    ]


def _floor(rng: Rng, focal_px: float) -> Setting:
    """As a mobile robot sees it: from 0.45 m above the ground, a wall behind."""
    objects = arrange(_objects(rng, 6), "sparse", rng, 0.36)
    world = replace(random_world(rng), table_size=(5.0, 5.0), wall_y_m=float(rng.uniform(1.0, 1.6)))
    before = Slab((5.0, 2.0, 0.04), (0.0, -1.0 - FRONT_M, -0.02), world.table)
    world = replace(world, extras=(before,))
    return Setting(objects, world, view_from(1.05, float(rng.uniform(24, 34)), float(rng.uniform(-20, 20)), focal_px))


def _shelf(rng: Rng, focal_px: float) -> Setting:
    """Three boards before a back wall between two sides, seen from the front."""
    wide, deep, apart = 0.9, 0.3, 0.36
    y = deep / 2 - FRONT_M
    boards = [Slab((wide, deep, 0.02), (0, y, apart * k - 0.01), PALE) for k in (1, 2)]
    sides = [Slab((0.02, deep, 2 * apart), (s * (wide / 2 + 0.01), y, apart), PALE) for s in (-1, 1)]
    back = Slab((wide + 0.04, 0.02, 3 * apart), (0, y + deep / 2 + 0.01, apart), PALE)
    world = replace(random_world(rng), table_size=(wide, deep), extras=(*boards, *sides, back))
    low = ("mug", "can", "tea box", "apple", "tin", "ball", "toy block", "jar", "bowl")
    spots = [(x, y - 0.04, apart * k) for k in (0, 1) for x in (-0.27, 0.0, 0.27)]
    view = view_from(1.15, float(rng.uniform(16, 24)), float(rng.uniform(-8, 8)), focal_px, aim=(0, y, 0.32))
    return Setting(_row(rng, spots, low), world, view)


def _bin(rng: Rng, focal_px: float) -> Setting:
    """A heap between four walls, seen from steeply above."""
    x, y, high = 0.42, 0.32, 0.13
    walls = [Slab((x + 0.02, 0.01, high), (0, s * y / 2, high / 2), DARK) for s in (-1, 1)]
    walls += [Slab((0.01, y, high), (s * x / 2, 0, high / 2), DARK) for s in (-1, 1)]
    world = replace(random_world(rng), extras=tuple(walls))
    kinds = ("mug", "can", "tea box", "apple", "tin", "ball", "toy block", "orange", "cup")
    objects = arrange(_objects(rng, 6, kinds), "heap", rng, 0.1)
    return Setting(objects, world, view_from(0.95, float(rng.uniform(60, 75)), float(rng.uniform(-10, 10)), focal_px))


def _levels(rng: Rng, focal_px: float) -> Setting:
    """A table with a wide step on it; objects on both."""
    high = float(rng.uniform(0.1, 0.16))
    step = Slab((0.8, 0.26, high), (0, 0.22, high / 2), GRAY)
    world = replace(random_world(rng), extras=(step,))
    spots = [(x, 0.2, high) for x in (-0.25, 0.0, 0.25)] + [(x, -0.1, 0.0) for x in (-0.22, 0.02, 0.24)]
    low = ("mug", "can", "tea box", "apple", "tin", "ball", "toy block", "jar", "bowl")
    view = view_from(1.0, float(rng.uniform(32, 45)), float(rng.uniform(-12, 12)), focal_px, aim=(0, 0.06, 0.05))
    return Setting(_row(rng, spots, low), world, view)


def _held(rng: Rng, focal_px: float) -> Setting:
    """One object held by an arm from the side, in front of a horizontal camera, without a support."""
    obj = _objects(rng, 1, ("mug", "can", "bottle", "tea box", "apple", "cereal box", "carton"))[0]
    at = (float(rng.uniform(-0.05, 0.05)), 0.0, 1.0)
    reach = obj.geometry.reach(np.eye(3))
    arm = Slab((0.5, 0.05, 0.05), (at[0] + reach[0] + 0.25, 0.03, 1.0 + reach[2] / 2), SKIN)
    world = replace(random_world(rng), wall_y_m=2.6, extras=(arm,))
    aim = (0.0, 0.0, 1.0 + reach[2] / 2)
    return Setting([Placement(obj, at, np.eye(3))], world, view_from(0.75, 4.0, 0.0, focal_px, aim=aim), falls=False)


def _no_surface(rng: Rng, focal_px: float) -> Setting:
    """Objects without any surface in view; the background is beyond the sensor's range."""
    spots = ((-0.2, 0.05, 1.0), (0.02, -0.05, 1.05), (0.22, 0.0, 0.95))
    world = replace(random_world(rng), wall_y_m=5.5)
    view = view_from(0.85, 2.0, 0.0, focal_px, aim=(0, 0, 1.08))
    return Setting(_row(rng, spots, ("mug", "can", "tea box", "apple", "bottle")), world, view, falls=False)


def _above(rng: Rng, focal_px: float) -> Setting:
    """A table seen from straight above."""
    objects = arrange(_objects(rng, 6), "sparse", rng, 0.3)
    view = view_from(1.0, float(rng.uniform(87, 90)), 0.0, focal_px, roll_deg=float(rng.uniform(-40, 40)))
    return Setting(objects, random_world(rng), view)


PLACES: dict[str, Callable[[Rng, float], Setting]] = {
    "floor": _floor,
    "shelf": _shelf,
    "bin": _bin,
    "two levels": _levels,
    "from above": _above,
    "in a hand": _held,
    "no surface": _no_surface,
}
