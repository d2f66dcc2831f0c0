"""Operators that compare the members of a set by what they share: label, colour, shape or size."""

from __future__ import annotations

from collections.abc import Hashable

from .keys import key_value
from .language import Step
from .run import Ids, Run

SAME_SIZE = 1.43  # ratio of volumes below which two sizes are the same


def same(run: Run, step: Step) -> Ids:
    """Members that share the attribute with a reference other than they are.

    References are no members of the result, but where every member is a reference, each is compared with the others:
    "the two of the same colour".
    """
    x, ref, attribute = step.args
    members, refs = run.values[x], run.values[ref]
    of_one_set = set(members) <= set(refs)
    if not of_one_set:
        members = tuple(k for k in members if k not in refs)
    if attribute == "size":
        sizes = [(key_value(run.view, r, "volume") or 0.0, r) for r in refs]
        return tuple(k for k in members if _has_same_size(run, k, sizes))
    words: dict[Hashable, set[int]] = {}
    for i in run.instances(refs):
        words.setdefault(getattr(i, attribute), set()).add(i.id)
    return tuple(
        i.id
        for i in run.instances(members)
        if (value := getattr(i, attribute)) is not None and words.get(value, set()) - {i.id}
    )


def unique(run: Run, step: Step) -> Ids:
    """Members that share the attribute with no other: the odd one out, the only one of its kind."""
    groups = _groups(run, *step.args)
    alone = {group[0] for group in groups if len(group) == 1}
    return tuple(k for k in run.values[step.args[0]] if k in alone)


def most_common(run: Run, step: Step) -> Ids:
    """Members whose value of the attribute most members have; of several such values all."""
    groups = _groups(run, *step.args)
    most = max(map(len, groups), default=0)
    chosen = {k for group in groups if len(group) == most for k in group}
    return tuple(k for k in run.values[step.args[0]] if k in chosen)


def one_each(run: Run, step: Step) -> Ids:
    """The first member of every value of the attribute."""
    return tuple(group[0] for group in _groups(run, *step.args))


def _groups(run: Run, x: str, attribute: str) -> list[list[int]]:
    """Members with the same value, in order; those without a value are left out and noted.

    Sizes: each member belongs to the first group whose first member has its size.
    """
    members = run.values[x]
    groups: dict[Hashable, list[int]] = {}
    firsts: list[tuple[float, int]] = []
    for i in run.instances(members):
        if attribute == "size":
            volume = key_value(run.view, i.id, "volume")
            value = next((k for v, k in firsts if _same_size(volume or 0.0, v)), i.id) if volume else None
            if value == i.id:
                firsts.append((volume or 0.0, i.id))
        else:
            value = getattr(i, attribute)
        if value is not None:
            groups.setdefault(value, []).append(i.id)
    if missing := len(members) - sum(map(len, groups.values())):
        run.note = f"{missing} without {attribute} left out"
    return list(groups.values())


def _has_same_size(run: Run, id: int, sizes: list[tuple[float, int]]) -> bool:
    volume = key_value(run.view, id, "volume") or 0.0
    return any(r != id and _same_size(volume, size) for size, r in sizes)


def _same_size(a: float, b: float) -> bool:
    return b > 0 and 1 / SAME_SIZE < a / b < SAME_SIZE
