"""Operators about where things rested before: Instance.past, as twin/resting.py keeps it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from ..errors import MissingDataError
from ..twin.resting import ELSEWHERE_M, RestingPlace, earlier_place
from ..twin.types import DigitalTwin, Instance, Vector
from . import spatial
from .keys import extents, poses
from .language import Step
from .run import Ids, Run
from .space import View

UNKNOWN_BEFORE = "no earlier resting place of any of them is known; it needs depth, and a watch while they were moved"

# Relations of `was` that are told from places, as operators of the same name tell them from present ones.
_BY_PLACE: Mapping[str, Callable[[Run, Step], Ids]] = {
    "left_of": spatial.beyond(0, -1.0),
    "right_of": spatial.beyond(0, 1.0),
    "in_front_of": spatial.in_line(-1.0),
    "behind": spatial.in_line(1.0),
    "near": spatial.near,
}


def _earlier(run: Run, ids: Ids) -> dict[int, RestingPlace]:
    """The place before the present one of those that have one. MissingDataError where no thing's places are known."""
    members = run.instances(ids)
    if members and not any(i.past for i in members):
        raise MissingDataError(UNKNOWN_BEFORE)
    return {i.id: place for i in members if (place := earlier_place(i)) is not None}


def fell(run: Run, step: Step) -> Ids:
    """Members that lie now and stood upright at an earlier resting place, wherever that was."""
    members = run.instances(run.values[step.args[0]])
    if members and not any(i.past for i in members):
        raise MissingDataError(UNKNOWN_BEFORE)
    lying = [i for i in members if "lying" in poses(run.view, i)]
    return tuple(i.id for i in lying if any(p.pose == "upright" for p in i.past))


def lifted(run: Run, step: Step) -> Ids:
    """Members more than 5 cm higher than at the last resting place before."""
    places = _earlier(run, run.values[step.args[0]])
    return tuple(k for k, p in places.items() if _rise_m(run.view, run.view.by_id[k], p) > ELSEWHERE_M)


def _rise_m(view: View, i: Instance, place: RestingPlace) -> float:
    assert i.center_m is not None  # otherwise there is no earlier place
    return view.motion(_difference(i.center_m, place.center_m))[1]


def _difference(a: Vector, b: Vector) -> Vector:
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


def was(run: Run, step: Step) -> Ids:
    """Members that stood so to a reference before they moved.

    on, inside: what they stood on or in was a reference. under: a reference stood on or in them. at: they stood where a
    reference stands now. The others compare a member's earlier place with the present one of the references.
    """
    x, relation, ref = step.args
    members, refs = spatial.members_and_references(run, x, ref)
    if relation == "under":
        supports = {place.on for place in _earlier(run, refs).values()}
        return tuple(k for k in members if k in supports)
    places = _earlier(run, members)
    if relation in ("on", "inside"):
        return tuple(k for k, place in places.items() if place.on in refs)
    if relation == "at":
        now = [run.view.by_id[r] for r in refs]
        return tuple(k for k, place in places.items() if any(_stands_at(run.view, i, place) for i in now))
    return _by_place(run, relation, places, refs)


def in_place_of(run: Run, step: Step) -> Ids:
    """Members that stand where a reference rested before it moved."""
    members, refs = spatial.members_and_references(run, *step.args[:2])  # pyright: ignore[reportArgumentType]
    places = _earlier(run, refs).values()
    return tuple(i.id for i in run.instances(members) if any(_stands_at(run.view, i, place) for place in places))


def _stands_at(view: View, i: Instance, place: RestingPlace) -> bool:
    """Whether the place is in the thing, or less than 5 cm beside, above or below it, and not upon it."""
    if i.center_m is None or i.id == place.on:
        return False
    right, up, forward = view.motion(_difference(place.center_m, i.center_m))
    width, height, depth = extents(view, i) or (0.0, 0.0, 0.0)
    beside = math.hypot(right, forward) - max(width, depth) / 2
    return max(beside, abs(up) - height / 2) <= ELSEWHERE_M


def _by_place(run: Run, relation: str, places: Mapping[int, RestingPlace], refs: Ids) -> Ids:
    """Runs the operator on a twin of the references and of the members as they stood before."""
    twin = run.view.twin
    before = [replace(run.view.by_id[k], center_m=p.center_m, elevation_m=None) for k, p in places.items()]
    then = Run(DigitalTwin((*before, *run.instances(refs)), plane=twin.plane, image_size=twin.image_size), None)
    then.values |= {"members": tuple(places), "refs": refs}
    found = _BY_PLACE[relation](then, Step("a", relation, ("members", "refs")))
    run.note = then.note
    return found
