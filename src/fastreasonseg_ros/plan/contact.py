"""Operators about contact, distance in metres, and what is in the way."""

from __future__ import annotations

from ..errors import MissingDataError
from .keys import poses
from .language import Step
from .numbers import parse_quantity
from .run import Ids, Run
from .space import View
from .spatial import different, members_and_references

TOUCH = 0.1  # of the view's slack for nearness: 1.5 cm
ISOLATED = 1.0  # the same for isolated: 15 cm


def touching(run: Run, step: Step) -> Ids:
    """Members in contact with a reference.

    One rests directly on or in the other, or the gap of their boxes is below 1.5 cm.
    """
    x, ref = step.args
    view = run.view
    if ref == "table":
        return tuple(k for k in run.values[x] if not view.supports(k))
    members, refs = members_and_references(run, x, ref, of_one_set=True)
    asked = set(refs)
    touched = {k for k in members if asked & (view.supports(k) | view.carried(k))}
    members, refs = run.placed(members), run.placed(refs)
    if members and refs:
        close = (view.gaps(members, refs) <= TOUCH * view.slack[2]) & different(members, refs)
        touched |= {k for k, found in zip(members, close.any(axis=1), strict=True) if found}  # pyright: ignore[reportArgumentType]
    return tuple(k for k in run.values[x] if k in touched)


def within(run: Run, step: Step) -> Ids:
    """Members at most so far away: gap of the boxes to a reference, distance from the camera, or gap to the table."""
    x, ref, distance = step.args
    view = run.view
    if run.values[x] and not view.metric:
        raise MissingDataError("no distance is known in metres; it needs a depth camera")
    quantity = parse_quantity(distance)
    reach = quantity.value if quantity else 0.0
    if ref == "camera":
        return tuple(k for k in run.placed(run.values[x]) if view.camera_distance(k) <= reach)
    if ref == "table":
        members = run.instances(run.values[x])
        known = [i for i in members if i.elevation_m is not None]
        if members and not known:
            raise MissingDataError("no height above the table is known; it needs a depth camera and a table in view")
        return tuple(i.id for i in known if i.elevation_m and i.elevation_m[0] <= reach)
    members, refs = map(run.placed, members_and_references(run, x, ref, of_one_set=True))
    if not members or not refs:
        return ()
    close = (view.gaps(members, refs) <= reach) & different(members, refs)
    return tuple(k for k, found in zip(members, close.any(axis=1), strict=True) if found)  # pyright: ignore[reportArgumentType]


def isolated(run: Run, step: Step) -> Ids:
    """Members with no other visible thing within 15 cm, but for what they rest on or in, and what rests on them."""
    view = run.view
    members = run.placed(run.values[step.args[0]])
    others = tuple(k for k in run.values["all"] if view.is_placed(k))
    if not members or not others:
        return members
    close = (view.gaps(members, others) <= ISOLATED * view.slack[2]) & different(members, others)
    return tuple(
        k
        for k, row in zip(members, close, strict=True)
        if not any(found and not _rest(view, k, other) for other, found in zip(others, row, strict=True))
    )


def blocking(run: Run, step: Step) -> Ids:
    """Members that have to be moved before a reference can be taken.

    That is what lies on it, with all that this carries; what leans on it; and what stands before it in the line of
    sight and hides a part of it. What it rests on and what is inside it are not in the way.
    """
    view = run.view
    members, refs = members_and_references(run, *step.args[:2])  # pyright: ignore[reportArgumentType]
    found: set[int] = set()
    for r in refs:
        on_top = {k for k in view.carried(r) if view.related(k, "on", r)}
        found |= on_top.union(*(view.all_carried(k) for k in on_top))
    placed = run.placed(members)
    leaning = [k for k in placed if "leaning" in poses(view, view.by_id[k])]
    for r in (r for r in refs if placed and view.is_placed(r)):
        in_the_way = {k for k, hides in zip(placed, view.hiding(placed, r), strict=True) if hides}
        in_the_way |= {k for k in leaning if view.gap(k, r) <= TOUCH * view.slack[2]}
        found |= in_the_way - view.all_supports(r) - view.all_carried(r)
    return tuple(k for k in members if k in found)


def _rest(view: View, a: int, b: int) -> bool:
    """Whether one of the two rests on or in the other, at any depth."""
    return a in view.all_supports(b) or b in view.all_supports(a)
