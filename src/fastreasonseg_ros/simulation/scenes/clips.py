"""Clips with events: objects are pushed, enter, leave or are occluded; ids are those of the scene."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ...errors import ConfigError
from ...twin.types import Frame
from .scene import STEP_S, Scene, make_scene

EVENTS = ("push", "enter", "leave", "cover")
AWAY_M = 0.45  # beyond the picture's edge on the table
LIFT_M = 0.16
Point = tuple[float, float]
Mover = Callable[[float], None]


@dataclass(frozen=True)
class Event:
    """An event of object `id` from start_s to end_s of the clip.

    push: slides to `to`, pushing other objects. enter: out of view until start_s, then carried to `to`. leave:
    carried out of the image to the side. cover: placed between the camera and object `over`. `to` is x, y in metres in
    the table's frame (x to the right, y away from the camera, 0 in the middle).
    """

    kind: str
    id: int
    start_s: float
    end_s: float
    to: Point | None = None
    over: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in EVENTS:
            raise ConfigError(f"event {self.kind!r} is not known; it is one of {', '.join(EVENTS)}")
        if not 0 <= self.start_s < self.end_s:
            raise ConfigError(f"event {self.kind} of object {self.id} ends at {self.end_s} s, before {self.start_s} s")
        needed = {"push": self.to, "enter": self.to, "cover": self.over, "leave": ()}[self.kind]
        if needed is None:
            raise ConfigError(f"event {self.kind} of object {self.id} lacks {'over' if self.kind == 'cover' else 'to'}")


def make_clip(
    seed: int,
    events: Sequence[Event] | None = None,
    duration_s: float = 10.0,
    fps: float = 10.0,
    *,
    noise: str = "structured_light",
    n_objects: int | None = None,
    kinds: Sequence[str] | None = None,
    clutter: str = "sparse",
    size: tuple[int, int] = (640, 480),
) -> Iterator[Frame]:
    """Frames of a random scene with the events; None: one of each kind, as far as there are enough objects."""
    with make_scene(seed, n_objects=n_objects, clutter=clutter, kinds=kinds, size=size) as scene:
        yield from play(scene, default_events(scene, duration_s) if events is None else events, duration_s, fps, noise)


def play(
    scene: Scene, events: Sequence[Event], duration_s: float, fps: float, noise: str = "structured_light"
) -> Iterator[Frame]:
    """Runs a settled scene under the events; one frame every 1 / fps seconds, the first at 0."""
    for event in events:
        for id in (event.id, event.over):
            if id is not None and id not in scene.objects:
                raise ConfigError(f"event {event.kind} names object {id}; the scene has 1 to {len(scene.objects)}")
    for _ in run([_MOVERS[event.kind](scene, event) for event in events], scene, duration_s, fps):
        yield scene.render(noise)


def run(movers: Sequence[Mover], scene: Scene, duration_s: float, fps: float) -> Iterator[None]:
    """Advances physics and movers to the time of each frame; yields at every frame, the first at 0."""
    scene.time_s = 0.0
    for number in range(round(duration_s * fps)):
        while scene.time_s < number / fps - STEP_S / 2:
            for mover in movers:
                mover(scene.time_s)
            scene.step(STEP_S)
        for mover in movers:
            mover(scene.time_s)
        scene.refresh()
        yield


def default_events(scene: Scene, duration_s: float) -> tuple[Event, ...]:
    """One event of each kind in sequence, on objects selected by the scene's seed."""
    rng = np.random.default_rng([scene.seed, 11])
    ids = [int(k) for k in rng.permutation([k for k in scene.objects if scene.place(k)[2] > -0.1])]
    quarter = duration_s / 4.5
    events: list[Event] = []
    for k, kind in enumerate(EVENTS):
        if not ids or (kind == "cover" and len(ids) < 2):
            break
        if kind == "cover":
            up = np.asarray(scene.plane.normal)
            ids.sort(key=lambda k: float(np.ptp(scene.surface(k) @ up)))
        id = ids.pop()
        start_s = 0.3 * quarter + k * quarter
        to = (float(rng.uniform(-0.2, 0.2)), float(rng.uniform(-0.2, 0.2)))
        events.append(Event(kind, id, start_s, start_s + 0.8 * quarter, to, ids[-1] if kind == "cover" else None))
    return tuple(events)


def _ease(share: float) -> float:
    """Smoothstep from 0 to 1."""
    s = min(max(share, 0.0), 1.0)
    return s * s * (3 - 2 * s)


def _push(scene: Scene, event: Event) -> Mover:
    dof, span = scene.joints[event.id], event.end_s - event.start_s

    def move(time_s: float) -> None:
        if not event.start_s <= time_s <= event.end_s or event.to is None:
            return
        left_s = max(event.end_s - time_s, 0.1)
        # Velocity that covers the remaining distance in the remaining time, ramped up at the start.
        ramp = min(1.0, (time_s - event.start_s) / (0.2 * span) + 0.1)
        velocity = (np.asarray(event.to) - scene.place(event.id)[:2]) / left_s
        scene.data.qvel[dof : dof + 2] = ramp * velocity
        scene.data.qvel[dof + 3 : dof + 6] = 0

    return move


def carried(scene: Scene, id: int, start_s: float, end_s: float, path: Callable[[], np.ndarray]) -> Mover:
    """Moves an object along a path of its origin (table frame, metres), and releases it at the end."""
    at, dof = scene.places[id], scene.joints[id]
    orientation = scene.data.qpos[at + 3 : at + 7].copy()
    points: list[np.ndarray] = []

    def move(time_s: float) -> None:
        if not start_s <= time_s <= end_s:
            return
        if not points:
            points.extend(path())
        share = _ease((time_s - start_s) / (end_s - start_s))
        lengths = np.concatenate([[0], np.cumsum([np.linalg.norm(b - a) for a, b in pairwise(points)])])
        along = share * lengths[-1]
        scene.data.qpos[at : at + 3] = [np.interp(along, lengths, [p[k] for p in points]) for k in range(3)]
        scene.data.qpos[at + 3 : at + 7] = orientation
        scene.data.qvel[dof : dof + 6] = 0

    return move


def _enter(scene: Scene, event: Event) -> Mover:
    x, y = event.to or (0.0, 0.0)
    side = side_of(scene, x, y)
    rest = np.array([x, y, scene.standing_height(event.id)])
    up = np.array([0, 0, LIFT_M])
    outside = np.array([side, y, rest[2]]) + up
    bring = carried(scene, event.id, event.start_s, event.end_s, lambda: np.array([outside, rest + up, rest]))
    at, dof = scene.places[event.id], scene.joints[event.id]

    def move(time_s: float) -> None:
        if time_s < event.start_s:
            scene.data.qpos[at : at + 3] = outside + np.array([np.sign(side) * 2, 0, 0])
            scene.data.qvel[dof : dof + 6] = 0
        bring(time_s)

    return move


def _leave(scene: Scene, event: Event) -> Mover:
    def path() -> np.ndarray:
        here, up = scene.place(event.id), np.array([0, 0, LIFT_M])
        return np.array([here, here + up, np.array([side_of(scene, here[0], here[1]), here[1], here[2]]) + up])

    take = carried(scene, event.id, event.start_s, event.end_s, path)
    at, dof = scene.places[event.id], scene.joints[event.id]

    def move(time_s: float) -> None:
        take(time_s)
        if time_s > event.end_s:
            scene.data.qpos[at : at + 3] = [3.0 * np.sign(side_of(scene, *scene.place(event.id)[:2])), 0, 0.3]
            scene.data.qvel[dof : dof + 6] = 0

    return move


def _cover(scene: Scene, event: Event) -> Mover:
    def path() -> np.ndarray:
        here, there = scene.place(event.id), scene.place(event.over or event.id)
        toward = np.asarray(scene.view.at)[:2] - there[:2]
        toward /= np.linalg.norm(toward)
        gap = 0.01 + scene.extent(event.over or event.id, toward) + scene.extent(event.id, -toward)
        end = np.append(there[:2] + gap * toward, here[2])
        up = np.array([0, 0, LIFT_M])
        return np.array([here, here + up, end + up, end])

    return carried(scene, event.id, event.start_s, event.end_s, path)


def side_of(scene: Scene, x: float, y: float) -> float:
    """x (metres) beyond the nearer side of the image, at y on the table."""
    away = float(np.linalg.norm(np.asarray(scene.view.at) - np.array([x, y, 0])))
    reach = away * scene.size[0] / 2 / scene.view.focal_px + AWAY_M
    return reach if x >= 0 else -reach


_MOVERS: dict[str, Callable[[Scene, Event], Mover]] = {"push": _push, "enter": _enter, "leave": _leave, "cover": _cover}
