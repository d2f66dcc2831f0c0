"""Operators about place: sides, in front and behind, near, between, on and inside."""

from __future__ import annotations

import math
from collections.abc import Callable

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
        edge = {k: max((along[r] for r in refs if r != k), default=math.inf) for k in members}
        return tuple(k for k in members if along[k] > edge[k] + slack)

    return operation


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
    reach = {r: max(slack, *view.place(r).extent) for r in refs}
    return tuple(k for k in members if any(view.gap(k, r) <= reach[r] for r in refs if r != k))


def nearest(last: bool) -> Operation:
    """The member with the least (last: the largest) distance to the camera or to the closest reference."""

    def operation(run: Run, step: Step) -> Ids:
        view = run.view
        if step.args[1] == "camera":
            scored = [(view.camera_distance(k), k) for k in run.placed(run.values[step.args[0]])]
        else:
            members, refs = map(run.placed, members_and_references(run, *step.args))
            scored = [(min(view.distance(k, r) for r in refs), k) for k in members] if refs else []
        if not scored:
            return ()
        return ((max if last else min)(scored)[1],)

    return operation


def between(run: Run, step: Step) -> Ids:
    x, a, b = (run.placed(run.values[name]) for name in step.args)
    if step.args[1] == step.args[2]:  # between two members of one set
        pairs = [(p, q) for n, p in enumerate(a) for q in a[n + 1 :]]
    else:
        pairs = [(p, q) for p in a for q in b if p != q]
    return tuple(k for k in x if any(k not in pair and run.view.between(k, *pair) for pair in pairs))


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
