"""A digital twin from a written layout and a seed: filled, solved, seen by a camera, with a history."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

import numpy as np

from ....twin.resting import RestingPlace
from ....twin.types import COLORS, TONES, ColorShare, DigitalTwin, Instance, Relation, Vector
from ..questions.english import is_held_out
from .bodies import Body
from .camera import View, fit, id_image, seen_box, surface_depth
from .filling import fill
from .history import Past, histories
from .layout import Layout
from .loading import load_layouts, load_splits

_ATTEMPTS = 4  # fillings tried, the one with most things in view is taken
_LEAST_SHARE, _LEAST_PIXELS = 0.12, 12  # of a thing, to be an instance


@dataclass(frozen=True)
class Scene:
    """A twin with what it does not say itself.

    poses: upright, lying, upside_down, on_edge or leaning, of things for which a pose means something. fixed: ids of
    what is held by something that is no instance: a wall, a worktop that fills the picture, a hand.
    """

    layout: str
    twin: DigitalTwin
    poses: Mapping[int, str] = field(default_factory=dict)
    fixed: frozenset[int] = frozenset()


def layout_scene(rng: Random, layout: Layout, allowed: Callable[[str], bool] = lambda label: True) -> Scene:
    """One scene of the layout; the same state of `rng` gives the same scene. allowed: labels that slots may use."""
    best: tuple[int, list[Body], View] | None = None
    pitch, closer = layout.pitch + rng.uniform(-4, 4), rng.uniform(0.97, 1.15)
    shift = rng.uniform(-0.02, 0.02)
    for _ in range(_ATTEMPTS):
        bodies = fill(rng, layout, allowed)
        view = fit(bodies, max(0.0, pitch), closer, shift)
        bodies, hidden = _without_hidden(bodies, view)
        if best is None or len(bodies) - 2 * hidden > best[0]:
            best = len(bodies) - 2 * hidden, bodies, view
        if not hidden:
            break
    assert best is not None
    _, bodies, view = best
    stamp, pasts = histories(rng, layout, bodies, view)
    return _scene(rng, layout.name, bodies, pasts, view, stamp)


def random_scene(rng: Random, split: str) -> Scene:
    """A scene of a layout of that split (train, validation, held_out), see splits.yaml.

    Only held_out has nouns that training never sees; furniture is in all. Raises KeyError for another split.
    """
    names = {"train": [], "validation": [], "held_out": []}
    for name, its in load_splits().items():
        names[its].append(name)
    layout = load_layouts()[rng.choice(sorted(names[split]))]
    if split == "held_out":
        return layout_scene(rng, layout)
    return layout_scene(rng, layout, lambda label: not is_held_out("noun " + label))


def _without_hidden(bodies: list[Body], view: View) -> tuple[list[Body], int]:
    """Without what the camera hardly sees, nor what stands on that; and how many were taken away."""
    image, alone = id_image(view, bodies)
    counts = np.bincount(image.ravel(), minlength=len(bodies) + 1)[1:]
    gone: set[Body] = set()
    for n, body in enumerate(bodies):
        shown = counts[n] >= max(_LEAST_PIXELS, _LEAST_SHARE * alone[n])
        # A rack or a table may be covered by what it carries: that it is there is plain.
        if not (shown or (body.carries and counts[n] >= _LEAST_PIXELS)) or _sunk(body, view):
            gone.add(body)
    for body in bodies:
        if any(a in gone for a in body.ancestors()):
            gone.add(body)
    for body in gone:
        if body.support is not None and body in body.support.carries:
            body.support.carries.remove(body)
    return [b for b in bodies if b not in gone], len(gone)


def _sunk(body: Body, view: View) -> bool:
    """Whether the near wall of a container hides what is in it."""
    box = body.support
    if box is None or body.predicate != "inside" or box.open:
        return False
    front = box.footprint[2]
    _, eye_y, eye_z = view.at_m
    if front <= eye_z or body.z <= front:
        return False
    # Height at which the line from the eye to the far upper edge of the thing passes the near wall.
    share = (front - eye_z) / (body.footprint[3] - eye_z)
    return eye_y + share * (body.top - eye_y) < box.top


def _scene(
    rng: Random, name: str, bodies: Sequence[Body], pasts: Mapping[Body, Past], view: View, stamp: float
) -> Scene:
    present = [b for b in bodies if pasts[b].left_s is None]
    image, _ = id_image(view, present)
    boxes = {b: seen_box(image, n) for n, b in enumerate(present)}
    for body in bodies:
        if pasts[body].left_s is not None:
            boxes[body] = seen_box(id_image(view, [body])[0], 0)
    named = [b for b in bodies if b.named and boxes[b] is not None]
    ids = dict(zip(named, rng.sample(range(1, len(named) + 8), len(named)), strict=True))
    order = sorted(named, key=lambda b: ids[b])
    instances = tuple(
        replace(
            _instance(rng, ids[b], b, pasts[b], boxes[b][0], view, stamp),  # type: ignore[index]
            colors=_colors(rng, b), pose=b.pose or None, past=_past(b, pasts[b], view, ids),
        )
        for b in order
    )  # fmt: skip
    relations = tuple(
        Relation(ids[b], b.predicate, ids[b.support], round(rng.uniform(0.8, 0.98), 2))
        for b in order
        if b.support in ids and pasts[b].left_s is None
    )
    twin = DigitalTwin(instances, relations, stamp, plane=view.plane, begun_s=0.0)
    poses = {ids[b]: b.pose for b in order if b.pose}
    fixed = frozenset(ids[b] for b in order if b.fixed or (b.support is not None and b.support not in ids))
    return Scene(name, twin, poses, fixed)


def _instance(
    rng: Random, id: int, body: Body, past: Past, box: tuple[float, float, float, float], view: View, stamp: float
) -> Instance:
    w, h, d = body.size
    mean, std = surface_depth(view, body)
    gone = past.left_s is not None
    return Instance(
        id, body.label, round(rng.uniform(0.5, 0.97), 2), body.color, body.kind.shape, box,
        round(mean, 3), round(std, 3), _rounded(view.centre(body)),
        _rounded(np.abs(view.rotation) @ np.array([w, h, d])), (round(body.y, 3), round(body.top, 3)),
        None if gone else _rounded(view.rotation @ np.asarray(past.velocity)), past.path_m,
        past.first_seen_s, past.left_s if past.left_s is not None else stamp, not gone,
    )  # fmt: skip


def _past(body: Body, past: Past, view: View, ids: Mapping[Body, int]) -> tuple[RestingPlace, ...]:
    """Where it rested, oldest first, with the present place of what is at rest."""
    places = []
    if past.before is not None:
        places.append((past.first_seen_s, past.before))
    if past.left_s is None and not any(past.velocity):
        places.append((past.first_seen_s if past.moved_s is None else past.moved_s, body))
    return tuple(
        RestingPlace(
            at, _rounded(view.centre(b)), ids.get(b.support) if b.support is not None else None, b.pose or None
        )
        for at, b in places
    )


def _colors(rng: Random, body: Body) -> tuple[ColorShare, ...]:
    """Its colour, light or dark now and then, and a second one on a quarter of the things."""
    if body.color is None:
        return ()
    tone = rng.choice(TONES) if body.color not in ("black", "white") and rng.random() < 0.4 else ""
    if rng.random() > 0.25:
        return (ColorShare(body.color, 1.0, tone),)
    share = round(rng.uniform(0.15, 0.4), 2)
    second = rng.choice([c for c in COLORS if c != body.color])
    return ColorShare(body.color, round(1 - share, 2), tone), ColorShare(second, share)


def _rounded(vector: np.ndarray) -> Vector:
    x, y, z = (round(float(v), 4) + 0.0 for v in vector)
    return x, y, z
