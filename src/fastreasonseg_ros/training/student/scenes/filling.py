"""Fills a layout's slots: which things, how many, in which colour, size and pose; `placing` finds them room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from ....twin.types import COLORS, Vector
from .bodies import Body, Deck, decks_of
from .kinds import Kind, kind_of
from .layout import Layout, Slot, Surface
from .placing import hang, heap, line_up, place, set_beside

_LIMIT_M = 99.0
_COLORS = ("white", "brown", "gray")  # of furniture that names none


def fill(rng: Random, layout: Layout, allowed: Callable[[str], bool] = lambda label: True) -> list[Body]:
    """The bodies of one scene, supports before what they carry. allowed: whether a label may be used in slots."""
    w, d = layout.ground
    ground = Deck(None, -w / 2, w / 2, 0.0, d, 0.0)
    members: dict[str, list[Body]] = {}
    bodies: list[Body] = []
    for name, surface in layout.surfaces:
        body = _furniture(rng, surface, layout.ground)
        members[name] = [body]
        bodies.append(body)
    for slot in layout.slots:
        members.setdefault(slot.name, [])
        if rng.random() > slot.p:
            continue
        labels = tuple(label for label in slot.of if allowed(label))
        if labels:
            members[slot.name] += _fill_slot(rng, slot, labels, members, ground, bodies)
    return bodies


def _furniture(rng: Random, surface: Surface, ground: tuple[float, float]) -> Body:
    label = rng.choice(surface.label) if surface.label else ""
    height = surface.size[1]
    colors = surface.colors or _COLORS
    kind = Kind(label, surface.size, surface.shape, colors)
    top = height if surface.top is None else surface.top
    x, z = (surface.at[0] - 0.5) * ground[0], surface.at[1] * ground[1]
    return Body(
        kind, surface.size, x, top - height, z, rng.choice(colors),
        fixed=top - height > 0.01, upright=surface.front, deck_m=surface.deck, levels=surface.levels,
        holds=surface.holds, open=surface.legs or bool(surface.levels) or surface.holds == "inside", named=bool(label),
    )  # fmt: skip


def _fill_slot(
    rng: Random, slot: Slot, labels: tuple[str, ...], members: dict[str, list[Body]], ground: Deck, bodies: list[Body]
) -> list[Body]:
    name, _, level = slot.target.partition(".")
    targets = members[name] if name in members else [b for b in bodies if b.label == name]
    if name != "ground" and not targets:
        return []
    if slot.each:
        return [
            body
            for target in targets
            for body in _put(rng, slot, _make(rng, slot, labels, rng.randint(*slot.n)), target, 0, ground, bodies)
        ]
    made = _make(rng, slot, labels, rng.randint(*slot.n))
    if not targets:
        return _put(rng, slot, made, None, 0, ground, bodies)
    placed: list[Body] = []
    for target in sorted(targets, key=lambda t: (len(t.carries), rng.random())):  # the next one when this one is full
        placed += _put(rng, slot, made, target, int(level or 0), ground, bodies)
        made = [body for body in made if body not in placed]
        if not made or (slot.pile and placed):
            break
    return placed


def _put(
    rng: Random, slot: Slot, made: list[Body], target: Body | None, level: int, ground: Deck, bodies: list[Body]
) -> list[Body]:
    """Places what was made; returns, and adds to `bodies`, what found room."""
    if slot.relation == "beside" and target is not None:
        done = []
        for body in made:
            if set_beside(rng, body, target, slot, bodies):
                done.append(body)
                bodies.append(body)
        return done
    decks = [ground] if target is None else decks_of(target, slot.relation, level)
    if slot.pose == "hang" and target is not None and not decks[0].upright:
        done = [body for body in made[:1] if hang(rng, body, target, bodies)]
        bodies += done
        return done
    if slot.pile or slot.nest:
        made.sort(key=lambda b: -b.size[0] * b.size[2])
        for n, base in enumerate(made):
            if place(rng, base, decks, slot, bodies):
                bodies.append(base)
                limit = _ceiling(base, decks)
                done = [base, *heap(rng, base, made[n + 1 :], slot.nest, limit, bodies)]
                bodies += done[1:]
                return done
        return []
    if slot.row:
        done = line_up(rng, made, rng.choice(decks), slot, bodies)
        bodies += done
        return done
    done = []
    for n, body in enumerate(made):
        if place(rng, body, decks, slot, bodies, n):
            done.append(body)
            bodies.append(body)
    return done


def _ceiling(base: Body, decks: list[Deck]) -> float:
    """Height above which a pile on that deck would reach into the next board."""
    return min((d.y + d.clearance for d in decks if abs(d.y - base.y) < 0.01), default=_LIMIT_M)


def _make(rng: Random, slot: Slot, labels: tuple[str, ...], count: int) -> list[Body]:
    if slot.distinct:
        chosen = rng.sample(labels, min(count, len(labels)))
    elif slot.same:
        chosen = [rng.choice(labels)] * count
    else:
        chosen = []
        for _ in range(count):
            chosen.append(chosen[-1] if chosen and rng.random() < 0.4 else rng.choice(labels))
    factors: dict[str, float] = {}
    made = []
    for label in chosen:
        kind = kind_of(label)
        factor = factors.setdefault(label, rng.uniform(0.93, 1.07))
        if slot.vary:
            factor = rng.uniform(1 - slot.vary, 1 + slot.vary)
        size, pose = posed(rng, kind, slot.pose)
        size = (max(0.001, size[0] * factor), max(0.001, size[1] * factor), max(0.001, size[2] * factor))
        if slot.turned:
            size = (size[2], size[1], size[0])
        colors = slot.colors or kind.colors or COLORS
        seated = slot.pose == "sit" and kind.person
        deck = None if kind.deck_m is None else kind.deck_m * factor
        made.append(
            Body(
                replace(kind, size=size),
                size,
                0.0,
                0.0,
                0.0,
                rng.choice(colors),
                slot,
                pose=pose,
                deck_m=deck,
                open=kind.open or seated,
            )
        )
    return made


def posed(rng: Random, kind: Kind, pose: str) -> tuple[Vector, str]:
    """Size along the axes in that pose, and the pose that a twin may tell of (empty where none means anything)."""
    w, h, d = kind.size
    low, mid, high = sorted(kind.size)
    if kind.person:
        if pose == "sit":
            return (w, 0.52 * h, min(1.4 * d, 0.42)), "upright"
        return ((h, d, w), "lying") if pose == "lie" else (kind.size, "upright")
    if pose in ("stand", "edge"):
        return (low, high, mid), "on_edge" if pose == "edge" else "upright" if high > 1.2 * mid else ""
    if pose == "lie":
        size = (high, low, mid) if rng.random() < 0.65 else (mid, low, high)
        return size, "lying" if high > 1.3 * low else ""
    if pose == "lean":
        return (mid, 0.96 * high, low + 0.15 * high), "leaning"
    if pose == "hang":
        folds = 0.65 if kind.shape == "irregular" else 1.0  # a coat on a hook falls together
        return (folds * mid, high, low / folds), ""
    if pose == "upside_down":
        return kind.size, "upside_down"
    if kind.shape in ("sphere", "flat", "bowl") or kind.alive:
        return kind.size, ""
    across = max(w, d)
    return (
        kind.size,
        "upright" if h > 1.3 * across else "lying" if h < 0.6 * across and kind.shape == "elongated" else "",
    )
