"""Operators about piles: what stands on or in what, at any depth, from the twin's stored relations.

Relations may form cycles where perception is wrong; every operator ends all the same.
"""

from __future__ import annotations

from collections.abc import Callable

from .language import Step
from .run import Ids, Run


def pile(run: Run, step: Step) -> Ids:
    """The members, all that they rest on and all that rests on them; not what stands beside them on the same base."""
    view, members = run.view, run.values[step.args[0]]
    found = dict.fromkeys(members)
    for k in members:
        found.update(dict.fromkeys(sorted(view.all_supports(k) | view.all_carried(k))))
    return tuple(found)


def base(run: Run, step: Step) -> Ids:
    """For each member the things below it that rest on nothing; itself where it rests on nothing."""
    view = run.view
    return _ends(run, step, lambda k: {b for b in view.all_supports(k) if not view.supports(b)}, view.supports)


def top_of(run: Run, step: Step) -> Ids:
    """For each member the things at any depth on top of it on which nothing lies; itself where nothing lies on it.

    What is inside a thing is not on top of it: the top of a pile of bowls is a bowl, not the spoon in it.
    """
    view = run.view
    lies_on: dict[int, set[int]] = {}
    for relation in view.twin.relations:
        if relation.predicate == "on":
            lies_on.setdefault(relation.object, set()).add(relation.subject)

    def above(id: int) -> set[int]:
        found: set[int] = set()
        todo = [id]
        while todo:
            for k in lies_on.get(todo.pop(), ()):
                if k not in found:
                    found.add(k)
                    todo.append(k)
        return {k for k in found if k not in lies_on}

    return _ends(run, step, above, lambda k: lies_on.get(k, set()))


def _ends(run: Run, step: Step, ends: Callable[[int], set[int]], next_of: Callable[[int], set[int]]) -> Ids:
    """The ends of every member's pile in one direction, each once; a member with nothing that way is its own end."""
    found: dict[int, None] = {}
    for k in run.values[step.args[0]]:
        found.update(dict.fromkeys(sorted(ends(k)) if next_of(k) else (k,)))
    return tuple(found)


def contained(run: Run, step: Step) -> Ids:
    """Members inside a reference, or resting at any depth on or in what is inside it; not what lies on top of it."""
    view = run.view
    refs = run.values[step.args[1]]
    within = {r.subject for r in view.twin.relations if r.predicate == "inside" and r.object in set(refs)}
    return tuple(k for k in run.values[step.args[0]] if k in within or view.all_supports(k) & within)
