"""Where things stand before physics lets go of them: apart, touching, stacked or in a heap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.spatial.transform import Rotation

from ..objects.household import Thing
from ..objects.object_model import UPRIGHT, Body
from ..objects.shapes import rotation

Rng = np.random.Generator
CLUTTER = ("sparse", "touching", "stacked", "heap")
GAP_M = {"sparse": 0.03, "touching": 0.001, "stacked": 0.01}


@dataclass(frozen=True)
class Placement:
    """A thing, turned, with the middle of its underside at a point of the table's frame (z up, 0 = table top)."""

    thing: Thing
    at: tuple[float, float, float]
    turn: Float64[np.ndarray, "3 3"]

    def origin(self) -> Float64[np.ndarray, "3"]:
        """Where the body's own origin goes."""
        points = self.thing.body.vertices() @ self.turn.T
        low, high = points.min(axis=0), points.max(axis=0)
        return np.asarray(self.at) - np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])

    def spread(self) -> tuple[float, float]:
        """Radius of the circle about `at` that it covers, and its height; metres."""
        points = self.thing.body.vertices() @ self.turn.T
        low, high = points.min(axis=0), points.max(axis=0)
        return float(np.hypot(*(points - (low + high) / 2)[:, :2].T).max()), float(high[2] - low[2])


def arrange(things: Sequence[Thing], clutter: str, rng: Rng, radius_m: float) -> list[Placement]:
    """Places for the things, within about radius_m of the middle; in the order given."""
    if clutter == "heap":
        return _heap(things, rng)
    placed: list[Placement] = []
    for thing in things:
        if clutter == "stacked" and placed and rng.random() < 0.65:
            upper = _upon(thing, placed, rng)
            if upper is not None:
                placed.append(upper)
                continue
        placed.append(_beside(thing, placed, rng, radius_m, clutter))
    return placed


def standing(thing: Thing, rng: Rng) -> Float64[np.ndarray, "3 3"]:
    """One of the ways in which it rests, turned about the vertical."""
    stands = thing.body.stands
    return rotation("z", rng.uniform(0, 360)) @ stands[int(rng.integers(len(stands)))]


def carries(body: Body, turn: np.ndarray) -> tuple[float, float] | None:
    """Height and radius of the flat top that a body has when turned so, or None."""
    only = body.solids[0]
    if len(body.solids) == 1 and only.kind == "box":
        up = int(np.argmax(np.abs(turn[2])))
        height = 2 * only.size[up]
        rest = sorted(2 * s for k, s in enumerate(only.size) if k != up)
        return (height, rest[0] / 2) if height < 2.5 * rest[0] else None
    return body.top if np.allclose(turn[2], (0, 0, 1)) else None


def on_top(thing: Thing, base: Placement, rng: Rng) -> Placement:
    """On the flat top of another thing, or inside it if it is hollow; a few millimetres above, to fall."""
    hollow = base.thing.body.hollow
    flat = carries(base.thing.body, base.turn)
    height = hollow.floor_m if hollow and not flat else flat[0] if flat else base.spread()[1]
    return Placement(thing, (base.at[0], base.at[1], base.at[2] + height + 0.006), standing(thing, rng))


def _upon(thing: Thing, placed: list[Placement], rng: Rng) -> Placement | None:
    """On or in a random one that has room, and nothing on it yet."""
    taken = {(p.at[0], p.at[1]) for p in placed if p.at[2] > 0}
    for k in rng.permutation(len(placed)):
        base = placed[int(k)]
        if (base.at[0], base.at[1]) in taken and base.at[2] == 0:
            continue
        upper = on_top(thing, base, rng)
        radius, height = upper.spread()
        hollow, flat = base.thing.body.hollow, carries(base.thing.body, base.turn)
        if hollow and radius < hollow.radius_m and np.allclose(base.turn[2], (0, 0, 1)):
            return upper
        # A tower of two or three stands if each storey rests well within the one below.
        if flat and radius < 1.7 * flat[1] and upper.at[2] + height < 0.45:
            return upper
    return None


def _beside(thing: Thing, placed: list[Placement], rng: Rng, radius_m: float, clutter: str) -> Placement:
    """A free place on the table: anywhere, or next to one that is there; the circle grows until one is found."""
    gap = GAP_M[clutter]
    turn = standing(thing, rng)
    own = Placement(thing, (0, 0, 0), turn).spread()[0]
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
            return Placement(thing, (float(x), float(y), 0.0), turn)
    return Placement(thing, (float(reach), 0.0, 0.0), turn)


def _heap(things: Sequence[Thing], rng: Rng) -> list[Placement]:
    """Above one another in any attitude, to fall on a heap; the big ones first."""
    order = sorted(range(len(things)), key=lambda k: -float(np.ptp(things[k].body.vertices(), axis=0).prod()))
    found: dict[int, Placement] = {}
    height = 0.01
    for k in order:
        turn = np.asarray(Rotation.random(random_state=rng).as_matrix()) if found else rotation("z", 30) @ UPRIGHT
        x, y = rng.normal(scale=0.05, size=2)
        found[k] = Placement(things[k], (float(x), float(y), height), turn)
        height += found[k].spread()[1] + 0.01
    return [found[k] for k in range(len(things))]
