"""What each operator does: functions from a running plan and one step to ids. The table at the end names them all."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from ..errors import MissingDataError
from ..twin.types import Instance
from .language import Step, plan_word
from .operators import REFERENCES
from .run import Ids, Meaning, Run
from .space import View

SPEED_M_S = 0.03
MOVED_M = 0.05
ENTERED_S = 0.4
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


def _ordered(run: Run, name: str, key: str, need: int = 2) -> list[int]:
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


def _top(run: Run, step: Step) -> Ids:
    key = step.args[2]
    order = _ordered(run, step.args[0], key.removeprefix("-") if key.startswith("-") else "-" + key)
    return tuple(order[: int(step.args[1])])


def _members_and_refs(run: Run, step: Step, of_one_set: bool = False) -> tuple[Ids, Ids]:
    """The references are no members; with of_one_set, they are where all members are references: 'the other one'."""
    members, refs = run.values[step.args[0]], run.values[step.args[1]]
    others = tuple(k for k in members if k not in refs)
    return (members if of_one_set and not others else others), refs


def _directional(axis: int, sign: float) -> Callable[[Run, Step], Ids]:
    def operation(run: Run, step: Step) -> Ids:
        view = run.view
        slack = view.slack[1 if axis == 1 else 0]
        if step.args[1] == "camera":  # left or right half of the view
            middle = 0.0 if view.metric else view.twin.image_size[0] / 2
            return tuple(
                k for k in run.placed(run.values[step.args[0]]) if sign * (view.place(k).right - middle) > slack
            )
        members, refs = map(run.placed, _members_and_refs(run, step, of_one_set=True))
        along = {k: sign * view.place(k).point[axis] for k in {*members, *refs}}
        edge = {k: max((along[r] for r in refs if r != k), default=math.inf) for k in members}
        return tuple(k for k in members if along[k] > edge[k] + slack)

    return operation


def _near(run: Run, step: Step) -> Ids:
    view, slack = run.view, run.view.slack[2]
    members, refs = map(run.placed, _members_and_refs(run, step, of_one_set=True))
    reach = {r: max(slack, *view.place(r).extent) for r in refs}
    return tuple(k for k in members if any(view.gap(k, r) <= reach[r] for r in refs if r != k))


def _nearest(last: bool) -> Callable[[Run, Step], Ids]:
    def operation(run: Run, step: Step) -> Ids:
        view = run.view
        if step.args[1] == "camera":
            scored = [(view.camera_distance(k), k) for k in run.placed(run.values[step.args[0]])]
        else:
            members, refs = map(run.placed, _members_and_refs(run, step))
            scored = [(min(view.distance(k, r) for r in refs), k) for k in members] if refs else []
        if not scored:
            return ()
        return ((max if last else min)(scored)[1],)

    return operation


def _between(run: Run, step: Step) -> Ids:
    x, a, b = (run.placed(run.values[name]) for name in step.args)
    if step.args[1] == step.args[2]:  # between two members of one set
        pairs = [(p, q) for n, p in enumerate(a) for q in a[n + 1 :]]
    else:
        pairs = [(p, q) for p in a for q in b if p != q]
    return tuple(k for k in x if any(k not in pair and run.view.between(k, *pair) for pair in pairs))


def _on(run: Run, step: Step) -> Ids:
    if step.args[1] == "table":
        return tuple(k for k in run.values[step.args[0]] if not run.view.supports(k))
    refs = run.values[step.args[1]]  # no object rests on itself, so a set may be asked about itself
    return tuple(k for k in run.values[step.args[0]] if any(run.view.related(k, "on", r) for r in refs))


def _stored(test: Callable[[View, int, int], bool]) -> Callable[[Run, Step], Ids]:
    def operation(run: Run, step: Step) -> Ids:
        refs = run.values[step.args[1]]
        return tuple(k for k in run.values[step.args[0]] if any(test(run.view, k, r) for r in refs))

    return operation


def _speed(faster: bool) -> Callable[[Run, Step], Ids]:
    def operation(run: Run, step: Step) -> Ids:
        members = run.values[step.args[0]]
        speeds = {k: run.view.key(k, "speed") for k in members}
        if members and all(v is None for v in speeds.values()):
            raise MissingDataError("no velocity is known; it needs depth and at least two frames")
        return tuple(k for k, v in speeds.items() if v is not None and (v > SPEED_M_S) == faster)

    return operation


def _moved(run: Run, step: Step) -> Ids:
    paths = {k: run.view.key(k, "path") for k in run.values[step.args[0]]}
    if paths and all(v is None for v in paths.values()):
        raise MissingDataError("no path is known; it needs depth and at least two frames")
    return tuple(k for k, v in paths.items() if (v or 0.0) > MOVED_M)


def _entered(run: Run, step: Step) -> Ids:
    begun = [i.first_seen_s for i in run.view.twin.instances if i.first_seen_s is not None]
    if not begun:
        raise MissingDataError("no history is kept; ask after more than one frame")
    start = min(begun)
    members = run.instances(run.values[step.args[0]])
    return tuple(i.id for i in members if i.first_seen_s is not None and i.first_seen_s > start + ENTERED_S)


def _left_view(run: Run, step: Step) -> Ids:
    ids = run.values["gone" if step.args[0] == "all" else step.args[0]]
    return tuple(i.id for i in run.instances(ids) if not i.visible)


def _closing(sign: float) -> Callable[[Run, Step], Ids]:
    def operation(run: Run, step: Step) -> Ids:
        if step.args[1] == "camera":
            members, refs = run.values[step.args[0]], (None,)
        else:
            members, refs = _members_and_refs(run, step)
        return tuple(k for k in members if any(sign * run.view.closing_speed(k, r) > SPEED_M_S for r in refs))

    return operation


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
    "left_of": _directional(0, -1.0),
    "right_of": _directional(0, 1.0),
    "above": _directional(1, 1.0),
    "below": _directional(1, -1.0),
    "in_front_of": _directional(2, -1.0),
    "behind": _directional(2, 1.0),
    "near": _near,
    "on": _on,
    "under": _stored(lambda view, k, r: view.related(r, "on", k)),
    "supported_by": _stored(lambda view, k, r: r in view.all_supports(k)),
    "inside": _stored(lambda view, k, r: view.related(k, "inside", r)),
    "contains": _stored(lambda view, k, r: view.related(r, "inside", k)),
    "between": _between,
    "nearest": _nearest(last=False),
    "farthest": _nearest(last=True),
    "moving": _speed(faster=True),
    "still": _speed(faster=False),
    "moved": _moved,
    "entered": _entered,
    "left_view": _left_view,
    "approaching": _closing(1.0),
    "receding": _closing(-1.0),
    "like": _like,
    "look_for": _look_for,
}
