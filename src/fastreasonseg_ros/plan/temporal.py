"""Operators about motion and history: speed, path, entering and leaving, approaching and receding."""

from __future__ import annotations

import math
from collections.abc import Callable

from ..errors import MissingDataError
from ..twin.types import Instance, Vector
from .keys import key_value
from .language import Step
from .run import Ids, Run
from .spatial import members_and_references

SPEED_M_S = 0.03
MOVED_M = 0.05
ENTERED_S = 0.4
BEGINNING_UNKNOWN = "when the scene began is not known; counted from the first object in it"

_ORIGIN: Vector = (0.0, 0.0, 0.0)


def speed(faster: bool) -> Callable[[Run, Step], Ids]:
    """Members faster (or not faster) than 3 cm/s; those without a velocity are left out."""

    def operation(run: Run, step: Step) -> Ids:
        members = run.values[step.args[0]]
        speeds = {k: key_value(run.view, k, "speed") for k in members}
        if members and all(v is None for v in speeds.values()):
            raise MissingDataError("no velocity is known; it needs depth and at least two frames")
        return tuple(k for k, v in speeds.items() if v is not None and (v > SPEED_M_S) == faster)

    return operation


def moved(run: Run, step: Step) -> Ids:
    paths = {k: key_value(run.view, k, "path") for k in run.values[step.args[0]]}
    if paths and all(v is None for v in paths.values()):
        raise MissingDataError("no path is known; it needs depth and at least two frames")
    return tuple(k for k, v in paths.items() if (v or 0.0) > MOVED_M)


def entered(run: Run, step: Step) -> Ids:
    """Members first seen more than 0.4 s after the twin began; where that is not known, after its first object."""
    twin = run.view.twin
    seen = [i.first_seen_s for i in twin.instances if i.first_seen_s is not None]
    if not seen:
        raise MissingDataError("no history is kept; ask after more than one frame")
    begun_s = twin.begun_s
    if begun_s is None:
        begun_s, run.note = min(seen), BEGINNING_UNKNOWN
    members = run.instances(run.values[step.args[0]])
    return tuple(i.id for i in members if i.first_seen_s is not None and i.first_seen_s > begun_s + ENTERED_S)


def left_view(run: Run, step: Step) -> Ids:
    ids = run.values["gone" if step.args[0] == "all" else step.args[0]]
    return tuple(i.id for i in run.instances(ids) if not i.visible)


def closing(sign: float) -> Callable[[Run, Step], Ids]:
    """`approaching` (sign 1) and `receding` (-1).

    The distance to the reference shrinks (grows) by more than 3 cm/s, and the member's own motion has a part of more
    than 3 cm/s that way: what stands still does not approach what comes to it, nor does what is caught up with. The
    camera, and a reference whose velocity is not known, count as standing still. Members without place or velocity are
    left out; MissingDataError where that is all of them.
    """

    def operation(run: Run, step: Step) -> Ids:
        if step.args[1] == "camera":
            members, targets = run.values[step.args[0]], [(_ORIGIN, _ORIGIN)]
        else:
            members, refs = members_and_references(run, *step.args[:2])  # pyright: ignore[reportArgumentType]
            targets = [(i.center_m, i.velocity or _ORIGIN) for i in run.instances(refs) if i.center_m is not None]
            if refs and not targets:
                raise MissingDataError("motion towards something needs to know where that is: use a depth camera")
        known = [i for i in run.instances(members) if i.velocity is not None and i.center_m is not None]
        if members and not known:
            raise MissingDataError("motion towards something needs depth and at least two frames")
        if len(known) < len(members):
            run.note = f"{len(members) - len(known)} without a known velocity left out"
        return tuple(i.id for i in known if any(_closes(i, at, velocity, sign) for at, velocity in targets))

    return operation


def _closes(i: Instance, target: Vector, target_velocity: Vector, sign: float) -> bool:
    assert i.center_m is not None
    assert i.velocity is not None
    line = [t - c for t, c in zip(target, i.center_m, strict=True)]
    norm = math.hypot(*line) or 1.0
    own = sum(v * d for v, d in zip(i.velocity, line, strict=True)) / norm
    target_part = sum(v * d for v, d in zip(target_velocity, line, strict=True)) / norm
    return sign * own > SPEED_M_S and sign * (own - target_part) > SPEED_M_S


def heading(run: Run, step: Step) -> Ids:
    """Members that move that way by more than 3 cm/s, with at least half of their speed (within 60 degrees of it).

    across: to the left or right, more than to or from the camera and more than up or down.
    """
    members, direction = run.instances(run.values[step.args[0]]), step.args[1]
    known = [i for i in members if i.velocity is not None]
    if members and not known:
        raise MissingDataError("no velocity is known; it needs depth and at least two frames")
    if len(known) < len(members):
        run.note = f"{len(members) - len(known)} without a known velocity left out"
    return tuple(i.id for i in known if _heads(run.view.motion(i.velocity or _ORIGIN), direction))


def _heads(motion: tuple[float, float, float], direction: str) -> bool:
    right, up, forward = motion
    if direction == "across":
        return abs(right) > max(SPEED_M_S, abs(forward), abs(up))
    part = {"left": -right, "right": right, "up": up, "down": -up, "towards": -forward, "away": forward}[direction]
    return part > SPEED_M_S and part >= 0.5 * math.hypot(right, up, forward)
