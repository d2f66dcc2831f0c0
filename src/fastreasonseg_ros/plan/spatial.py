"""Operators about place: sides, in front and behind, near, between, on and inside."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Bool

from .language import Step
from .run import Ids, Run
from .space import View

OFF_LINE_OF_SIGHT = "nothing is near the line of sight; anywhere nearer or farther"

Operation = Callable[[Run, Step], Ids]


def members_and_references(run: Run, x: str, ref: str, of_one_set: bool = False) -> tuple[Ids, Ids]:
    """The members of the value x without the references, and the references.

    of_one_set: where every member is a reference, the members stay in: each is then compared with the others.
    """
    members, refs = run.values[x], run.values[ref]
    others = tuple(k for k in members if k not in refs)
    return (members if of_one_set and not others else others), refs


def beyond(axis: int, sign: float) -> Operation:
    """Members farther than every (other) reference along right (0), up (1) or forward (2), by the view's slack."""

    def operation(run: Run, step: Step) -> Ids:
        view = run.view
        slack = view.slack[1 if axis == 1 else 0]
        if step.args[1] == "camera":  # left or right half of the view
            middle = 0.0 if view.metric else view.twin.image_size[0] / 2
            return tuple(
                k for k in run.placed(run.values[step.args[0]]) if sign * (view.place(k).right - middle) > slack
            )
        members, refs = map(run.placed, members_and_references(run, *step.args, of_one_set=True))
        along = {k: sign * view.place(k).point[axis] for k in {*members, *refs}}
        edge = largest_other(along, members, refs)
        return tuple(k for k in members if along[k] > edge[k] + slack)

    return operation


def largest_other(values: Mapping[int, float], members: Ids | list[int], refs: Ids | list[int]) -> dict[int, float]:
    """For every member the largest value of the references other than it; infinite where there is none."""
    first, second, largest = -math.inf, -math.inf, None
    for r in dict.fromkeys(refs):
        if values[r] > first:
            first, second, largest = values[r], first, r
        elif values[r] > second:
            second = values[r]
    edge = {k: second if k == largest else first for k in members}
    return {k: math.inf if v == -math.inf else v for k, v in edge.items()}


def in_line(sign: float) -> Operation:
    """`behind` (sign 1) and `in_front_of` (-1): beyond every reference, and near the line of sight of one of them.

    The line of sight does not count where the run takes the step widely, nor within one set: "the box behind the other
    one" is the farther of the two.
    """
    farther = beyond(2, sign)

    def operation(run: Run, step: Step) -> Ids:
        found = farther(run, step)
        if run.wide:
            run.note = OFF_LINE_OF_SIGHT
            return found
        members, refs = (run.values[name] for name in step.args)
        if set(members) <= set(refs):
            return found
        placed = [r for r in refs if run.view.is_placed(r)]
        return tuple(k for k in found if any(run.view.in_line_of_sight(k, r) for r in placed))

    return operation


def near(run: Run, step: Step) -> Ids:
    view, slack = run.view, run.view.slack[2]
    members, refs = map(run.placed, members_and_references(run, *step.args, of_one_set=True))
    if not members or not refs:
        return ()
    reach = np.array([max(slack, *view.place(r).extent) for r in refs])
    close = (view.gaps(members, refs) <= reach) & different(members, refs)
    return tuple(k for k, found in zip(members, close.any(axis=1), strict=True) if found)  # pyright: ignore[reportArgumentType]


def different(members: Ids, refs: Ids) -> Bool[np.ndarray, "members refs"]:
    """Which member and reference are not the same thing."""
    return np.array(members)[:, None] != np.array(refs)


def nearest(last: bool) -> Operation:
    """The member with the least (last: the largest) distance to the camera, the table or the closest reference.

    Where every member is a reference, each is compared with the others: the two that are closest to each other, or the
    one farthest from all others.
    """

    def operation(run: Run, step: Step) -> Ids:
        view, (x, ref) = run.view, step.args
        members, refs = run.placed(run.values[x]), ()
        if ref == "camera":
            distances = [view.camera_distance(k) for k in members]
        elif ref == "table":
            distances = [view.bottom(k) for k in members]
        else:
            members, refs = map(run.placed, members_and_references(run, x, ref, of_one_set=True))
            if not members or len(refs) < 1 + (members == refs):
                return ()
            distances = view.distances(members, refs).min(axis=1).tolist()
        scored = list(zip(distances, members, strict=True))
        if not scored:
            return ()
        best = (max if last else min)(scored)
        if last or not set(members) <= set(refs):
            return (best[1],)
        return tuple(k for d, k in scored if d == best[0])[:2]

    return operation


def between(run: Run, step: Step) -> Ids:
    x, a, b = (run.placed(run.values[name]) for name in step.args)
    if step.args[1] == step.args[2]:  # between two members of one set
        pairs = [(p, q) for n, p in enumerate(a) for q in a[n + 1 :]]
    else:
        pairs = [(p, q) for p in a for q in b if p != q]
    return tuple(k for k, found in zip(x, run.view.between(x, pairs), strict=True) if found)


def on(run: Run, step: Step) -> Ids:
    if step.args[1] == "table":
        return tuple(k for k in run.values[step.args[0]] if not run.view.supports(k))
    refs = run.values[step.args[1]]  # no object rests on itself, so a set may be asked about itself
    return tuple(k for k in run.values[step.args[0]] if any(run.view.related(k, "on", r) for r in refs))


def stored(test: Callable[[View, int, int], bool]) -> Operation:
    """Members for which the test of (view, member, reference) holds with any reference."""

    def operation(run: Run, step: Step) -> Ids:
        refs = run.values[step.args[1]]
        return tuple(k for k in run.values[step.args[0]] if any(test(run.view, k, r) for r in refs))

    return operation
