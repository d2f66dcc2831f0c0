"""Short clips for the evaluation of tracking, each with one kind of event or a moving camera.

Every frame has the amodal ground-truth position and size of every object, in the table frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import ConfigError
from ...twin.types import Frame, Vector
from .clips import LIFT_M, Event, Mover, _push, carried, run, side_of
from .scene import Scene, make_scene
from .truth import true_twin
from .world import view_from

FPS, DURATION_S = 10.0, 4.5
TALL = ("cereal box", "bottle", "carton", "canister", "soap dispenser")
SMALL = ("mug", "can", "apple", "ball", "toy block", "tin", "cup", "orange", "teacup", "candle")
BASES = ("book", "tea box", "box")
BEHIND = (*TALL, *SMALL, "bowl", "teapot", "pot", "tea box", "banana", "sponge")
BACK = ((-0.27, 0.24), (0.0, 0.25), (0.27, 0.24))  # x, y of the static objects
LEFT, RIGHT, MIDDLE = (-0.24, -0.12), (0.24, -0.12), (0.0, 0.06)


@dataclass(frozen=True)
class TrueObject:
    """at_m: origin of the object, table frame. size_m: amodal size along the camera axes, metres."""

    at_m: Vector
    size_m: Vector
    visible_px: int


@dataclass(frozen=True)
class SimulatedFrame:
    """A frame with ground truth and camera pose, and the visible objects by id."""

    frame: Frame
    objects: dict[int, TrueObject]


@dataclass(frozen=True)
class Scenario:
    """kinds: candidates per moving object, by id from 1; spots: their initial x, y in the table frame, metres."""

    kinds: tuple[tuple[str, ...], ...]
    spots: tuple[tuple[float, float], ...]
    movers: Callable[[Scene], list[Mover]]
    camera_moves: bool = False


def simulate(
    name: str, seed: int, size: tuple[int, int] = (320, 240), noise: str = "structured_light"
) -> Iterator[SimulatedFrame]:
    """Frames of one clip, 4.5 s at 10 Hz; deterministic for the same arguments.

    name: one of SCENARIOS. Depth is that of a sensor of 640 pixels, whatever the size. Raises ConfigError for another.
    """
    if name not in SCENARIOS:
        raise ConfigError(f"there is no scenario {name!r}; there are: {', '.join(SCENARIOS)}")
    scenario = SCENARIOS[name]
    rng = np.random.default_rng([seed, 17])
    kinds = [str(rng.choice(group)) for group in scenario.kinds] + [
        str(k) for k in rng.choice(BEHIND, 3, replace=False)
    ]
    # Kinds and colours may repeat.
    with make_scene(seed, kinds=kinds, size=size) as scene:
        _stand(scene, [*scenario.spots, *BACK], rng)
        around, tilt, away = float(rng.uniform(-12, 12)), float(rng.uniform(32, 48)), float(rng.uniform(0.85, 1.0))
        focal_px = 570.0 * size[0] / 640
        phase = float(rng.uniform(0, 2 * np.pi))

        def look(time_s: float) -> None:
            swing = np.sin(phase + 2 * np.pi * time_s / DURATION_S) - np.sin(phase) if scenario.camera_moves else 0.0
            aim = (0, 0.04, 0.03)
            scene.look(view_from(away - 0.05 * swing, tilt + 4 * swing, around + 10 * swing, focal_px, aim=aim))

        look(0.0)
        movers = scenario.movers(scene)
        for _ in run(movers, scene, DURATION_S, FPS):
            look(scene.time_s)
            frame = scene.render(noise, 640 / size[0])
            twin = true_twin(scene, frame)
            pixels = np.bincount(twin.ids.ravel(), minlength=len(scene.objects) + 1)  # type: ignore[union-attr]
            objects = {
                i.id: TrueObject(_triple(scene.place(i.id)), i.size_m or (0, 0, 0), int(pixels[i.id]))
                for i in twin.instances
            }
            yield SimulatedFrame(frame, objects)


def _stand(scene: Scene, spots: Sequence[tuple[float, float]], rng: np.random.Generator) -> None:
    """Places the objects upright on the spots and settles them."""
    for id, (x, y) in zip(scene.objects, spots, strict=True):
        at, angle = scene.places[id], rng.uniform(0, np.pi)
        scene.data.qpos[at + 3 : at + 7] = [np.cos(angle / 2), 0, 0, np.sin(angle / 2)]
        scene.refresh()
        scene.data.qpos[at : at + 3] = [*np.add((x, y), rng.uniform(-0.015, 0.015, 2)), scene.standing_height(id)]
    scene.settle()


def _slide(scene: Scene, id: int, start_s: float, end_s: float, to: tuple[float, float], lift_m: float = 0.0) -> Mover:
    """Moves an object from its current position to another, on the table or lifted by lift_m."""

    def path() -> np.ndarray:
        here = scene.place(id)
        end = np.array([*to, scene.standing_height(id)])
        up = np.array([0, 0, lift_m])
        return np.array([here, end]) if not lift_m else np.array([here, here + up, end + up, end])

    return carried(scene, id, start_s, end_s, path)


def _away_and_back(scene: Scene, id: int, to: tuple[float, float]) -> Mover:
    """Moves an object out of view for over a second, then back to another position."""
    at, dof = scene.places[id], scene.joints[id]
    up = np.array([0, 0, LIFT_M])
    outside: list[np.ndarray] = []

    def out() -> np.ndarray:
        here = scene.place(id)
        outside.append(np.array([side_of(scene, here[0], here[1]), here[1], here[2]]) + up)
        return np.array([here, here + up, outside[0]])

    def back() -> np.ndarray:
        end = np.array([*to, scene.standing_height(id)])
        return np.array([outside[0], end + up, end])

    away, home = carried(scene, id, 0.4, 1.7, out), carried(scene, id, 2.4, 3.7, back)

    def move(time_s: float) -> None:
        away(time_s)
        if 1.7 < time_s < 2.4:
            scene.data.qpos[at : at + 3] = outside[0]
            scene.data.qvel[dof : dof + 6] = 0
        home(time_s)

    return move


def _beside(scene: Scene, id: int, other: int) -> tuple[float, float]:
    """Position (x, y) where an object touches the other from its left."""
    x, y, _ = scene.place(other)
    right = np.array([1.0, 0.0])
    gap = scene.extent(other, -right) + scene.extent(id, right) + 0.003
    return float(x - gap), float(y)


def _before(scene: Scene, id: int, other: int) -> tuple[float, float]:
    """Position (x, y) where an object occludes the other."""
    x, y, _ = scene.place(other)
    toward = np.asarray(scene.view.at)[:2] - (x, y)
    toward /= np.linalg.norm(toward)
    gap = 0.015 + scene.extent(other, toward) + scene.extent(id, -toward)
    return float(x + gap * toward[0]), float(y + gap * toward[1])


def _stack_on(scene: Scene, id: int, base: int) -> Mover:
    """Moves an object onto the top of another and releases it."""

    def path() -> np.ndarray:
        here, there = scene.place(id), scene.place(base)
        top = scene.objects[base].geometry.reach(scene.orientation(base))[2] + there[2]
        end = np.array([there[0], there[1], top + scene.standing_height(id) + 0.002])
        up = np.array([0, 0, 0.1])
        return np.array([here, [here[0], here[1], end[2] + 0.1], end + up, end])

    return carried(scene, id, 0.4, 1.9, path)


def _pushed(scene: Scene) -> list[Mover]:
    events = (
        Event("push", 1, 0.3, 1.6, to=(0.02, -0.15)),
        Event("push", 2, 1.4, 2.8, to=(0.12, 0.05)),
        Event("push", 3, 2.6, 4.0, to=(-0.16, 0.04)),
    )
    return [_push(scene, event) for event in events]


def _moved_under_a_moving_camera(scene: Scene) -> list[Mover]:
    return [_slide(scene, 1, 0.5, 2.2, (0.0, -0.14)), _slide(scene, 2, 2.0, 3.8, (-0.2, -0.06), LIFT_M)]


_PAIR, _CAMERA = ((SMALL, SMALL), (LEFT, RIGHT)), (LEFT, (0.24, -0.02))
SCENARIOS: dict[str, Scenario] = {
    "crossing": Scenario(
        *((SMALL, SMALL), ((-0.25, -0.13), (0.25, 0.04))),
        lambda s: [_slide(s, 1, 0.4, 3.2, (0.25, -0.13)), _slide(s, 2, 0.6, 3.6, (-0.25, 0.04))],
    ),
    "touching": Scenario(
        *_PAIR,
        lambda s: [_slide(s, 1, 0.4, 1.8, _beside(s, 1, 2)), _slide(s, 1, 3.0, 4.2, (-0.1, -0.1))],
    ),
    "short occlusion": Scenario(
        *((TALL, SMALL), ((-0.26, -0.14), MIDDLE)), lambda s: [_slide(s, 1, 0.5, 2.9, (0.26, -0.14))]
    ),
    "long occlusion": Scenario(
        *((TALL, SMALL), ((-0.26, -0.12), MIDDLE)),
        lambda s: [_slide(s, 1, 0.2, 1.2, _before(s, 1, 2), LIFT_M), _slide(s, 1, 3.4, 4.3, (0.24, -0.12), LIFT_M)],
    ),
    "leaving and coming back": Scenario(*_PAIR, lambda s: [_away_and_back(s, 1, (0.0, -0.1))]),
    "carried": Scenario(
        *_PAIR,
        lambda s: [_slide(s, 1, 0.3, 2.2, (0.05, -0.02), LIFT_M), _slide(s, 2, 2.0, 4.0, (-0.22, -0.1), LIFT_M)],
    ),
    "pushed": Scenario(
        (("tea box", "can", "tin", "toy block"), ("mug", "carton", "jar"), ("box", "canister", "cup")),
        ((-0.24, -0.12), (0.24, -0.13), (0.0, 0.06)),
        _pushed,
    ),
    "stacked": Scenario(
        *((SMALL, BASES), (LEFT, (0.12, -0.04))),
        lambda s: [_stack_on(s, 1, 2), _slide(s, 1, 3.0, 4.3, (-0.16, -0.1), LIFT_M)],
    ),
    "moving camera": Scenario((SMALL, SMALL), _CAMERA, _moved_under_a_moving_camera, camera_moves=True),
    "moving camera, pose unknown": Scenario((SMALL, TALL), _CAMERA, _moved_under_a_moving_camera, camera_moves=True),
}


def _triple(v: np.ndarray) -> Vector:
    x, y, z = (float(c) for c in v)
    return x, y, z
