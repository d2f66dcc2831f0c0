"""Which version of the plan language a plan needs: what a student trained on it may be offered."""

from __future__ import annotations

from .language import NOT, Plan, Step
from .numbers import parse_quantity
from .operators import KEYS, MAX_STEPS, OPERATORS

_POSES_OF_1 = frozenset(("upright", "lying"))


def language_of(plan: Plan) -> int:
    """The least version in which the plan can be written.

    >>> from .parser import parse_plan
    >>> language_of(parse_plan("a = max(all, height)")), language_of(parse_plan("a = more(all, height, 0.4 m)"))
    (1, 2)
    """
    if plan.destination or len(plan.steps) > MAX_STEPS[1]:
        return 2
    return max((_of_step(step) for step in plan.steps), default=1)


def _of_step(step: Step) -> int:
    row = OPERATORS[step.operator]
    versions = [row.since]
    for kind, arg in zip(row.args, step.args, strict=True):
        if kind == "key":
            versions.append(KEYS[arg.removeprefix("-")].since)
        elif (kind == "ref" and arg in row.new_references) or (kind == "value" and parse_quantity(arg)):
            versions.append(2)
    for key, values in step.filters:
        new_pose = key == "pose" and not _POSES_OF_1.issuperset(values)
        if key in ("accent", "tone") or new_pose or any(v.startswith(NOT) for v in values):
            versions.append(2)
    return max(versions)
