"""What happened before now: things come, go, are carried off and moved; times, paths and velocities agree.

The scene began at 0 s and is looked at `stamp_s` later. A thing that moves now came from the edge of the picture or
started in it; a thing that is gone was last seen at the edge. What rides on a moving thing moves with it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from ....twin.types import Vector
from .bodies import Body
from .camera import CAMERA, View
from .layout import MOVES, Layout

STILL: Vector = (0.0, 0.0, 0.0)
_CARRIED_M = 0.45  # longest side of what a hand carries off
_HAND_SPEED = (0.25, 0.8)  # m/s


@dataclass(frozen=True)
class Past:
    """Of one thing: velocity now (m/s, frame of the layout), metres travelled, seconds; left_s: when it left view.

    before: the thing as it rested before someone moved it; moved_s: when it came to rest where it is now.
    """

    velocity: Vector = STILL
    path_m: float = 0.0
    first_seen_s: float = 0.0
    left_s: float | None = None
    before: Body | None = None
    moved_s: float | None = None


def histories(rng: Random, layout: Layout, bodies: Sequence[Body], view: View) -> tuple[float, dict[Body, Past]]:
    """The time of the scene (seconds after it began) and the past of every body; moves what left to where it left."""
    stamp = round(rng.uniform(4.0, 60.0), 1)
    pasts = {b: Past() for b in bodies}
    belt = {m: (rng.choice((-1, 1)), rng.uniform(*MOVES[m])) for m in MOVES}
    for body in bodies:
        moves = body.slot.moves if body.slot is not None else ""
        if not moves or pasts[body] != Past():
            continue
        if moves == "conveyor":
            direction, speed = belt[moves]
            pasts[body] = _moving(rng, body, (direction * speed, 0.0, 0.0), view, stamp, entering=0.9)
        else:
            pasts[body] = _by_itself(rng, body, moves, view, stamp)
        _ride(body, pasts)
    if layout.living and rng.random() < 0.75:
        _by_hand(rng, bodies, pasts, view, stamp)
    return stamp, pasts


def _by_itself(rng: Random, body: Body, moves: str, view: View, stamp: float) -> Past:
    chance = rng.random()
    if chance < 0.25:  # at rest, and was so
        return Past()
    if chance < 0.37:  # came in, and stands now
        entered = rng.uniform(0.15, 0.8) * stamp
        speed = rng.uniform(*MOVES[moves])
        way = min(_to_edge(body, view, rng.choice((-1, 1))), speed * (stamp - entered) * 0.9)
        return Past(STILL, round(way, 2), round(entered, 1))
    if chance < 0.5 and not body.carries:  # has left the picture
        direction = rng.choice((-1, 1))
        speed = rng.uniform(*MOVES[moves])
        left = rng.uniform(0.4, 0.95) * stamp
        way = min(_to_edge(body, view, direction), speed * left * 0.9)
        _to_the_edge(body, view, direction)
        return Past(STILL, round(way, 2), 0.0, round(left, 1))
    speed = rng.uniform(*MOVES[moves])
    angle = rng.choice((0.0, math.pi, 0.0, math.pi, math.pi / 2, -math.pi / 2, rng.uniform(-math.pi, math.pi)))
    return _moving(rng, body, (speed * math.cos(angle), 0.0, speed * math.sin(angle)), view, stamp)


def _moving(rng: Random, body: Body, velocity: Vector, view: View, stamp: float, entering: float = 0.4) -> Past:
    """On its way now, since it came in or since it started."""
    speed = math.hypot(*velocity)
    depth = float(view.centre(body)[2])
    way = _to_edge(body, view, -1 if velocity[0] > 0 else 1)
    if abs(velocity[0]) < abs(velocity[2]):
        way = 0.5 * depth
    if rng.random() < entering and way / speed < stamp - 0.5:
        return Past(velocity, round(way, 2), round(stamp - way / speed, 1))
    way = min(way, speed * stamp) * rng.uniform(0.3, 0.9)
    return Past(velocity, round(way, 2), 0.0)


def _ride(body: Body, pasts: dict[Body, Past]) -> None:
    for rider in body.carries:
        pasts[rider] = pasts[body]
        _ride(rider, pasts)


def _by_hand(rng: Random, bodies: Sequence[Body], pasts: dict[Body, Past], view: View, stamp: float) -> None:
    """Someone sets something down, moves it, or carries it off."""
    light = [
        b for b in bodies
        if b.named and not b.carries and not b.fixed and max(b.size) < _CARRIED_M and pasts[b] == Past()
        and not (b.slot and b.slot.moves) and not b.kind.alive
    ]  # fmt: skip
    rng.shuffle(light)
    for body in light[: rng.choice((1, 1, 2, 2, 3))]:
        speed, event = rng.uniform(*_HAND_SPEED), rng.random()
        if event < 0.4:  # set down
            path = rng.uniform(0.2, 0.9)
            seen = rng.uniform(0.1, 0.85) * (stamp - path / speed)
            seen = round(max(0.3, seen), 1)
            pasts[body] = Past(STILL, round(path, 2), seen, moved_s=round(seen + path / speed, 1))
        elif event < 0.72:  # moved to where it is now
            before = _earlier(rng, body, bodies)
            if before is not None:
                way = math.dist((before.x, before.y, before.z), (body.x, body.y, body.z)) * rng.uniform(1.02, 1.4)
                moved = round(rng.uniform(0.2, 0.95) * stamp, 1)
                pasts[body] = Past(STILL, round(way, 2), 0.0, before=before, moved_s=moved)
        elif len(light) > 3:  # carried off
            direction = rng.choice((-1, 1))
            path = _to_edge(body, view, direction)
            left = max(rng.uniform(0.3, 0.95) * stamp, path / speed + 0.5)
            if left < stamp - 0.2:
                before = replace(body, carries=[])
                _lifted(rng, body, view, direction)
                pasts[body] = Past(STILL, round(path, 2), 0.0, round(left, 1), before)


def _earlier(rng: Random, body: Body, bodies: Sequence[Body]) -> Body | None:
    """The thing on another one that carries things, or elsewhere on what it rests on; None where no room is found."""
    others = [b for b in bodies if b is not body]
    decks = [
        b for b in others
        if b.named and b.holds == "on" and b.carries and not b.upright
        and b.size[0] > body.size[0] and b.size[2] > body.size[2]
    ]  # fmt: skip
    for _ in range(12):
        if decks and rng.random() < 0.5:
            support = rng.choice(decks)
            x0, x1, z0, z1 = support.footprint
            w, _, d = body.size
            x, z = rng.uniform(x0 + w / 2, x1 - w / 2), rng.uniform(z0 + d / 2, z1 - d / 2)
            place = replace(body, x=x, y=support.deck, z=z, support=support, carries=[])
        else:
            way, angle = rng.uniform(0.08, 0.4), rng.uniform(-math.pi, math.pi)
            place = replace(body, x=body.x + way * math.cos(angle), z=body.z + way * math.sin(angle), carries=[])
            if body.support is not None and not _over(place, body.support):
                continue
        if math.dist((place.x, place.y, place.z), (body.x, body.y, body.z)) < 0.07:
            continue
        if not any(place.overlaps(b, 0.0) for b in others if b is not place.support and b not in place.ancestors()):
            return _fallen(rng, place)
    return None


def _over(body: Body, support: Body) -> bool:
    x0, x1, z0, z1 = support.footprint
    return x0 <= body.x <= x1 and z0 <= body.z <= z1


def _fallen(rng: Random, before: Body) -> Body:
    """What lies now has now and then stood upright before."""
    return replace(before, pose="upright") if before.pose == "lying" and rng.random() < 0.6 else before


def _lifted(rng: Random, body: Body, view: View, direction: int) -> None:
    """To the edge of the picture, in a hand."""
    if body.support is not None:
        body.support.carries.remove(body)
    body.support, body.fixed = None, True
    body.y += rng.uniform(0.05, 0.25)
    _to_the_edge(body, view, direction)


def _to_the_edge(body: Body, view: View, direction: int) -> None:
    z = float(view.centre(body)[2])
    body.x = view.at_m[0] + direction * (CAMERA.width / 2 / CAMERA.fx) * z * 0.98


def _to_edge(body: Body, view: View, direction: int) -> float:
    """Metres sideways to where its centre crosses the edge of the picture."""
    z = float(view.centre(body)[2])
    edge = view.at_m[0] + direction * (CAMERA.width / 2 / CAMERA.fx) * z
    return max(0.05, abs(edge - body.x))
