"""What each operator does: functions from a running plan and one step to ids. The table at the end names them all."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from ..errors import MissingDataError
from ..twin.types import Instance
from . import spatial, temporal
from .language import Step, plan_word
from .operators import REFERENCES
from .run import Ids, Meaning, Run
from .space import View

MIGHT_BE = "nothing is called so; might be this"


def _matches(view: View, i: Instance, step: Step) -> bool:
    for key, values in step.filters:
        if key == "label":
            if plan_word(i.label) not in values:
                return False
        elif key == "pose":
            upright = view.is_upright(i)
            if upright is None or ("upright" if upright else "lying") not in values:
                return False
        elif key != "visible" and getattr(i, key) not in values:
            return False
    return True


def _find(run: Run, step: Step) -> Ids:
    visible = dict(step.filters).get("visible", ("yes",))[0]
    wanted = run.view.twin.instances
    if visible != "any":
        wanted = tuple(i for i in wanted if i.visible == (visible == "yes"))
    return tuple(i.id for i in wanted if _matches(run.view, i, step))


def _filter(run: Run, step: Step) -> Ids:
    visible = dict(step.filters).get("visible", ("any",))[0]
    members = run.instances(run.values[step.args[0]])
    return tuple(
        i.id for i in members if (visible == "any" or i.visible == (visible == "yes")) and _matches(run.view, i, step)
    )


def _same(run: Run, step: Step) -> Ids:
    members, refs = run.values[step.args[0]], run.values[step.args[1]]
    attribute = step.args[2]
    if attribute == "size":
        sizes = [v for r in refs if (v := run.view.key(r, "volume"))]
        return tuple(
            k
            for k in members
            if k not in refs and any(0.7 < (run.view.key(k, "volume") or 0) / s < 1.43 for s in sizes)
        )
    words = {getattr(i, attribute) for i in run.instances(refs)} - {None}
    return tuple(i.id for i in run.instances(members) if i.id not in refs and getattr(i, attribute) in words)


def _ordered(run: Run, name: str, key: str) -> list[int]:
    """Members by rising value (falling with a minus); those without a value are left out and noted."""
    sign = -1.0 if key.startswith("-") else 1.0
    key = key.removeprefix("-")
    members = run.values[name]
    valued = [(v, k) for k in members if (v := run.view.key(k, key)) is not None]
    if members and not valued:
        raise MissingDataError(f"no {key} is known for any of them; it needs a depth camera or more frames")
    if len(valued) < len(members):
        run.note = f"{len(members) - len(valued)} without {key} left out"
    return [k for _, k in sorted(valued, key=lambda pair: sign * pair[0])]


def _extreme(last: bool) -> Callable[[Run, Step], Ids]:
    def operation(run: Run, step: Step) -> Ids:
        order = _ordered(run, step.args[0], step.args[1])
        return tuple(order[-1:] if last else order[:1])

    return operation


def _nth(run: Run, step: Step) -> Ids:
    order = _ordered(run, step.args[0], step.args[2])
    k = int(step.args[1])
    return tuple(order[k - 1 : k])


def _middle(run: Run, step: Step) -> Ids:
    """The member in the middle of the order; the two of an even number."""
    order = _ordered(run, *step.args)
    return tuple(order[(len(order) - 1) // 2 : len(order) // 2 + 1])


def _compared(more: bool) -> Callable[[Run, Step], Ids]:
    """`more` and `less`; values of places must differ by the view's slack. A minus before the key swaps the two."""

    def operation(run: Run, step: Step) -> Ids:
        x, key, ref = step.args
        sign = 1.0 if more != key.startswith("-") else -1.0
        key = key.removeprefix("-")
        members, refs = spatial.members_and_references(run, x, ref, of_one_set=True)
        values = {k: sign * v for k in {*members, *refs} if (v := run.view.key(k, key)) is not None}
        known, known_refs = ([k for k in ids if k in values] for ids in (members, refs))
        if members and refs and not (known and known_refs):
            raise MissingDataError(f"no {key} is known to compare; it needs a depth camera or more frames")
        if len(known) < len(members):
            run.note = f"{len(members) - len(known)} without {key} left out"
        slack = run.view.key_slack(key)
        edge = {k: max((values[r] for r in known_refs if r != k), default=math.inf) for k in known}
        return tuple(k for k in known if values[k] > edge[k] + slack)

    return operation


def _top(run: Run, step: Step) -> Ids:
    key = step.args[2]
    order = _ordered(run, step.args[0], key.removeprefix("-") if key.startswith("-") else "-" + key)
    return tuple(order[: int(step.args[1])])


def _like(run: Run, step: Step) -> Ids:
    if run.meaning is None:
        raise MissingDataError(
            "no word-meaning model is loaded; set reasoning.meaning, or `fastreasonseg models install`"
        )
    members = run.instances(run.values[step.args[0]])
    labels = tuple(dict.fromkeys(i.label for i in members))
    text = step.args[1].strip('"')
    fitting = run.meaning.matching(text, labels) if labels else frozenset()
    found = tuple(i.id for i in members if i.label in fitting and _matches(run.view, i, step))
    if not found and text in REFERENCES:
        run.referred[step.name] = text
        run.note = f"the {text} itself"
    elif not found and run.also and (found := _might_be(run, step, text, run.meaning, members)):
        run.note = MIGHT_BE
    return found


def _might_be(run: Run, step: Step, text: str, meaning: Meaning, members: Iterable[Instance]) -> Ids:
    """Those of whom another word than the first fits, as likely a one as there is: second words before third ones."""
    members = [i for i in members if i.also and _matches(run.view, i, step)]
    words = tuple(dict.fromkeys(word for i in members for word in i.also))
    fitting = meaning.matching(text, words) if words else frozenset()
    ranks = {i.id: rank for i in members for rank, word in reversed([*enumerate(i.also)]) if word in fitting}
    return tuple(id for id, rank in ranks.items() if rank == min(ranks.values()))


def _look_for(run: Run, step: Step) -> Ids:
    noun = step.args[0]
    found = tuple(i.id for i in run.view.twin.instances if i.visible and plan_word(i.label) == noun)
    if not found:
        run.look_for.append(noun)
        run.note = f"perception is asked to look for {noun}"
    return found


OPERATIONS: Mapping[str, Callable[[Run, Step], Ids]] = {
    "find": _find,
    "filter": _filter,
    "same": _same,
    "union": lambda r, s: tuple(dict.fromkeys(r.values[s.args[0]] + r.values[s.args[1]])),
    "intersect": lambda r, s: tuple(k for k in r.values[s.args[0]] if k in set(r.values[s.args[1]])),
    "minus": lambda r, s: tuple(k for k in r.values[s.args[0]] if k not in set(r.values[s.args[1]])),
    "max": _extreme(last=True),
    "min": _extreme(last=False),
    "nth": _nth,
    "top": _top,
    "middle": _middle,
    "more": _compared(more=True),
    "less": _compared(more=False),
    "left_of": spatial.beyond(0, -1.0),
    "right_of": spatial.beyond(0, 1.0),
    "above": spatial.beyond(1, 1.0),
    "below": spatial.beyond(1, -1.0),
    "in_front_of": spatial.in_line(-1.0),
    "behind": spatial.in_line(1.0),
    "near": spatial.near,
    "on": spatial.on,
    "under": spatial.stored(lambda view, k, r: view.related(r, "on", k)),
    "supported_by": spatial.stored(lambda view, k, r: r in view.all_supports(k)),
    "inside": spatial.stored(lambda view, k, r: view.related(k, "inside", r)),
    "contains": spatial.stored(lambda view, k, r: view.related(r, "inside", k)),
    "between": spatial.between,
    "nearest": spatial.nearest(last=False),
    "farthest": spatial.nearest(last=True),
    "moving": temporal.speed(faster=True),
    "still": temporal.speed(faster=False),
    "moved": temporal.moved,
    "entered": temporal.entered,
    "left_view": temporal.left_view,
    "approaching": temporal.closing(1.0),
    "receding": temporal.closing(-1.0),
    "like": _like,
    "look_for": _look_for,
}
