"""Cluttered scenes for training of segmentation: eight arrangements, random views.

Building a scene costs as much as about twenty small images, so each is rendered from several views, and objects are
removed in between, which lets the others fall.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from ...errors import ConfigError
from ...twin.types import Frame, Plane
from ..objects.household import KINDS, SimObject, make_object
from ..objects.shapes import rotation
from ..rendering.depth_noise import SENSORS
from .placing import Placement, Rng, arrange, on_top, standing
from .scene import STEP_S, Scene, gather
from .world import View, random_world, view_from

ARRANGEMENTS = ("single", "sparse", "touching", "leaning", "stacked", "heap", "container", "thin")
_OBJECT_COUNTS = {
    "single": (1, 2), "sparse": (3, 9), "touching": (5, 15), "leaning": (4, 11), "stacked": (5, 13),
    "heap": (8, 24), "container": (4, 11), "thin": (3, 11),
}  # fmt: skip
_CONTAINERS = ("bowl", "pot", "pan", "plate", "bowl", "pot")
_SMALL = (
    "apple", "orange", "lemon", "pear", "tomato", "banana", "carrot", "egg", "toy block", "ball", "spoon", "marker",
    "sponge", "candle", "salt shaker", "tape", "cup",
)  # fmt: skip
_THIN = (
    "plate", "book", "phone", "remote control", "spoon", "fork", "knife", "spatula", "screwdriver", "wrench",
    "scissors", "marker", "sponge", "tape", "hammer", "flashlight", "tea box",
)  # fmt: skip
_BOXES = ("cereal box", "tea box", "box", "carton", "book", "sponge", "toy block", "can", "tin", "canister")
_TALL = ("cereal box", "book", "box", "tea box", "carton", "bottle", "plate", "pan", "spatula", "phone", "tin")
_AWAY_M = 5.0  # below the floor's edge, out of every view


def make_clutter(seed: int, arrangement: str, size: tuple[int, int] = (320, 240)) -> Scene:
    """A settled scene without shadows; the same arguments give the same one. Raises ConfigError."""
    placements, rng = _random_placements(seed, arrangement)
    scene = Scene(seed, placements, random_world(rng), random_look(rng, size), size, shadows=False)
    scene.model.opt.timestep = 2 * STEP_S  # coarse physics suffices for settling
    if arrangement in ("touching", "leaning") or (arrangement == "thin" and rng.random() < 0.5):
        gather(scene, seconds=0.6, look_every=6)
    scene.settle(1.2)
    return scene


def placements_of(seed: int, arrangement: str) -> list[Placement]:
    """Initial placements of the objects of a scene, by id, before settling. Raises ConfigError."""
    return _random_placements(seed, arrangement)[0]


def _random_placements(seed: int, arrangement: str) -> tuple[list[Placement], Rng]:
    if arrangement not in ARRANGEMENTS:
        raise ConfigError(f"arrangement {arrangement!r} is not known; it is one of {', '.join(ARRANGEMENTS)}")
    rng = np.random.default_rng([seed, 40])
    low, high = _OBJECT_COUNTS[arrangement]
    return _place(arrangement, int(rng.integers(low, high + 1)), rng), rng


def frames_of(
    seed: int, arrangement: str, views: int, per_state: int = 5, size: tuple[int, int] = (320, 240)
) -> Iterator[tuple[Frame, Plane]]:
    """`views` frames with ground truth and the table plane, from random views.

    After every `per_state` frames some objects are removed. Raises ConfigError.
    """
    rng = np.random.default_rng([seed, 41])
    with make_clutter(seed, arrangement, size) as scene:
        for number in range(views):
            if number and number % per_state == 0 and len(scene.objects) > 2:
                _remove_objects(scene, rng)
            scene.look(random_look(rng, size))
            noise = "none" if rng.random() < 0.06 else str(rng.choice(sorted(SENSORS)))
            yield scene.render(noise, sharpness=float(rng.uniform(1.0, 2.2))), scene.plane


def random_look(rng: Rng, size: tuple[int, int]) -> View:
    """From 0.45 to 1.4 m away, from almost level to straight down, anywhere round the front of the table."""
    tilt = rng.uniform(75, 90) if rng.random() < 0.15 else rng.triangular(12, 42, 80)
    return view_from(
        distance_m=float(rng.triangular(0.45, 0.75, 1.4)),
        tilt_deg=float(tilt),
        around_deg=float(rng.uniform(-70, 70)),
        roll_deg=float(rng.normal(scale=4.0)),
        aim=(float(rng.normal(scale=0.06)), float(rng.normal(scale=0.06)), float(rng.uniform(0.0, 0.1))),
        focal_px=float(rng.uniform(480, 640)) * size[0] / 640,
    )


def _place(arrangement: str, count: int, rng: Rng) -> list[Placement]:
    radius_m = 0.1 + 0.06 * float(np.sqrt(count))
    if arrangement == "container":
        return _filled(count, rng, radius_m)
    if arrangement == "leaning":
        return _leaning(count, rng, radius_m)
    kinds: Sequence[str] = list(KINDS)
    if arrangement == "thin":
        kinds = _THIN
    elif rng.random() < 0.3:  # adjacent boxes and tins are the hardest case for depth
        kinds = _BOXES
    objects = _objects(kinds, count, rng)
    plain = {"single": "sparse", "thin": str(rng.choice(["sparse", "touching"]))}
    return arrange(objects, plain.get(arrangement, arrangement), rng, radius_m)


def _objects(kinds: Sequence[str], count: int, rng: Rng) -> list[SimObject]:
    return [make_object(str(kind), rng) for kind in rng.choice(list(kinds), size=count)]


def _filled(count: int, rng: Rng, radius_m: float) -> list[Placement]:
    """Containers with small objects dropped into them; a third of the objects lies beside."""
    vessels = _objects(_CONTAINERS, int(rng.integers(1, 4)), rng)
    small = _objects(_SMALL, count, rng)
    beside = [obj for obj in small if rng.random() < 0.33]
    placed = arrange([*vessels, *beside], "touching", rng, radius_m)
    level = [0.0] * len(vessels)
    for obj in (t for t in small if all(t is not b for b in beside)):
        k = int(rng.integers(len(vessels)))
        drop = on_top(obj, placed[k], rng)
        x, y = rng.normal(scale=0.012, size=2)
        placed.append(replace(drop, at=(drop.at[0] + float(x), drop.at[1] + float(y), drop.at[2] + level[k])))
        level[k] += drop.spread()[1] + 0.01
    return placed


def _leaning(count: int, rng: Rng, radius_m: float) -> list[Placement]:
    """Standing objects, with tall and flat ones leaning against them."""
    stand = arrange(_objects(list(KINDS), max(2, count // 2), rng), "sparse", rng, radius_m)
    placed = list(stand)
    for obj in _objects(_TALL, count - len(stand), rng):
        base = stand[int(rng.integers(len(stand)))]
        angle, tip_deg = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(12, 40))
        toward = rotation("z", float(np.degrees(angle)))
        orientation = toward @ rotation("y", -tip_deg) @ toward.T @ standing(obj, rng)
        tipped = Placement(obj, (0.0, 0.0, 0.0), orientation)
        away = 0.9 * base.spread()[0] + 0.5 * tipped.spread()[0]
        at = (base.at[0] + away * float(np.cos(angle)), base.at[1] + away * float(np.sin(angle)), 0.004)
        placed.append(replace(tipped, at=at))
    return placed


def _remove_objects(scene: Scene, rng: Rng) -> None:
    """Moves one to three objects out of view, and lets the others settle."""
    here = [k for k in scene.objects if scene.place(k)[2] > -0.1]
    if len(here) < 3:
        return
    for id in rng.choice(here, size=min(int(rng.integers(1, 4)), len(here) - 2), replace=False):
        at, dof = scene.places[int(id)], scene.joints[int(id)]
        scene.data.qpos[at : at + 3] = (_AWAY_M, _AWAY_M, -0.5 - 0.3 * float(id))
        scene.data.qvel[dof : dof + 6] = 0
    scene.settle(0.5)
