"""What each operator does: functions from a running plan and one step to ids. The table at the end names them all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ..errors import MissingDataError
from ..twin.types import Instance
from . import contact, grouping, history, keys, piles, regions, spatial, temporal
from .keys import key_value
from .language import NOT, Step, plan_word
from .numbers import Quantity, parse_quantity
from .operators import KEYS, REFERENCES
from .printed import named_by_text
from .run import Ids, Meaning, Run, fits_picture
from .space import View

MIGHT_BE = "nothing is called so; might be this"
PRINTED = "by what is printed on it"
PICTURED = "by its picture; no label says so"


def _matches(view: View, i: Instance, step: Step) -> bool:
    for key, values in step.filters:
        if key == "visible":
            continue
        if key == "label":
            has = (plan_word(i.label),)
        elif key == "pose":
            has = keys.poses(view, i)
        elif key == "accent":
            has = tuple(c.term for c in i.colors if c.term != i.color)
        elif key == "tone":
            has = tuple(c.tone for c in i.colors if c.term == i.color)
        else:
            has = (getattr(i, key),)
        if not _fits(has, values):
            return False
    return True


def _fits(has: tuple[str | None, ...], values: tuple[str, ...]) -> bool:
    """Whether it has one of the values, and none that stands after "not"."""
    wanted = [v for v in values if not v.startswith(NOT)]
    if wanted and not any(v in wanted for v in has):
        return False
    return len(wanted) == len(values) or not any(f"{NOT}{v}" in values for v in has)


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


def _ordered(run: Run, name: str, key: str) -> list[int]:
    """Members by rising value (falling with a minus); those without a value are left out and noted."""
    sign = -1.0 if key.startswith("-") else 1.0
    key = key.removeprefix("-")
    members = run.values[name]
    valued = [(v, k) for k in members if (v := key_value(run.view, k, key)) is not None]
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
        if quantity := parse_quantity(ref):
            return _beyond_quantity(run, x, key, sign, quantity)
        members, refs = spatial.members_and_references(run, x, ref, of_one_set=True)
        values = {k: sign * v for k in {*members, *refs} if (v := key_value(run.view, k, key)) is not None}
        known, known_refs = ([k for k in ids if k in values] for ids in (members, refs))
        if members and refs and not (known and known_refs):
            raise MissingDataError(f"no {key} is known to compare; it needs a depth camera or more frames")
        if len(known) < len(members):
            run.note = f"{len(members) - len(known)} without {key} left out"
        slack = keys.key_slack(run.view, key)
        edge = spatial.largest_other(values, known, known_refs)
        return tuple(k for k in known if values[k] > edge[k] + slack)

    return operation


def _beyond_quantity(run: Run, x: str, key: str, sign: float, quantity: Quantity) -> Ids:
    """Members whose value is larger (sign 1) or smaller (-1) than a quantity; those without a value are left out."""
    members = run.values[x]
    if members and not keys.is_measured(run.view, key):
        raise MissingDataError(f"{key} is not known in {KEYS[key].unit}; it needs a depth camera")
    order = _ordered(run, x, key)
    return tuple(k for k in order if sign * (key_value(run.view, k, key) or 0.0) > sign * quantity.value)


def _any(run: Run, step: Step) -> Ids:
    return run.values[step.args[0]][: int(step.args[1])]


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
    if printed := set(named_by_text(text, members, run.meaning)):
        run.note = PRINTED
        return tuple(i.id for i in members if i.id in printed and _matches(run.view, i, step))
    fitting = run.meaning.matching(text, labels) if labels else frozenset()
    found = tuple(i.id for i in members if i.label in fitting and _matches(run.view, i, step))
    if not found and text not in REFERENCES:
        pictured = set(fits_picture(run.meaning, text, members))
        if found := tuple(i.id for i in members if i.id in pictured and _matches(run.view, i, step)):
            run.note = PICTURED
    if not found and text in REFERENCES:
        run.referred[step.name] = text
        run.note = f"the {text} itself"
    elif not found and run.alternative_labels and (found := _might_be(run, step, text, run.meaning, members)):
        run.note = MIGHT_BE
    return found


def _might_be(run: Run, step: Step, text: str, meaning: Meaning, members: Iterable[Instance]) -> Ids:
    """Those of whom another word than the first fits, as likely a one as there is: second words before third ones."""
    members = [i for i in members if i.alternative_labels and _matches(run.view, i, step)]
    words = tuple(dict.fromkeys(word for i in members for word in i.alternative_labels))
    fitting = meaning.matching(text, words) if words else frozenset()
    ranks = {
        i.id: rank for i in members for rank, word in reversed([*enumerate(i.alternative_labels)]) if word in fitting
    }
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
    "same": grouping.same,
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
    "otherwise": lambda r, s: r.values[s.args[0]] or r.values[s.args[1]],
    "any": _any,
    "unique": grouping.unique,
    "most_common": grouping.most_common,
    "one_each": grouping.one_each,
    "row": regions.row,
    "carries": spatial.stored(lambda view, k, r: k in view.all_supports(r)),
    "contained": piles.contained,
    "pile": piles.pile,
    "base": piles.base,
    "top_of": piles.top_of,
    "clear": lambda r, s: tuple(k for k in r.values[s.args[0]] if not r.view.carried(k)),
    "touching": contact.touching,
    "within": contact.within,
    "isolated": contact.isolated,
    "blocking": contact.blocking,
    "part": regions.part,
    "heading": temporal.heading,
    "fell": history.fell,
    "lifted": history.lifted,
    "was": history.was,
    "in_place_of": history.in_place_of,
}
