"""An answer in words, for questions that ask for a number, a yes or no, a colour or a place.

    how many cups are there?  "3 cups"          is there a spoon?       "yes, 2"
    which colour is the cup?  "green"           where is the spoon?     "on the tray, left of the bowl"

Computed from the ids that the plan gave and from the twin; the language model writes none of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from ..plan.space import View
from ..twin.types import DigitalTwin, Instance

_HOW_MANY = re.compile(r"\b(?:how many|count|the number of|what number of)\b", re.I)
_COLOR = re.compile(r"\b(?:which|what) colou?r\b|\bwhat is the colou?r\b|\bcolou?r (?:is|are|of|does|do)\b", re.I)
_COLOR_OF_OTHERS = re.compile(
    r"\b(?:which|what) colou?r(?:ed)? (?!is\b|are\b|was\b|were\b|does\b|do\b|has\b|have\b)\w", re.I
)
_WHERE = re.compile(
    r"^(?:(?:and|so|hey|please|ok|tell me|do you know|can you tell me|show me)[ ,]+)*where(?:'s|s)?\b", re.I
)


def sentence(question: str, ids: Sequence[int], twin: DigitalTwin, asks_whether: bool) -> str:
    """The answer in words; empty where the question asks for things themselves, or the twin does not know.

    asks_whether: whether it asks if there is such a thing.
    """
    found = [i for i in twin.instances if i.id in set(ids)]
    if _HOW_MANY.search(question):
        return _counted(found)
    if asks_whether:
        return f"yes, {len(found)}" if found else "no"
    if not found:
        return ""
    if _COLOR.search(question) and not _COLOR_OF_OTHERS.search(question):
        colors = [i.color for i in found if i.color]
        return " and ".join(dict.fromkeys(colors)) if len(colors) == len(found) else ""
    if _WHERE.search(question):
        return "; ".join(filter(None, (_where(i, twin) for i in found)))
    return ""


def _counted(found: Sequence[Instance]) -> str:
    """For example "3 cups", "1 cup", "2 cups and 1 bowl", "none"."""
    counts = Counter(i.label for i in found)
    parts = [f"{n} {label if n == 1 else plural(label)}" for label, n in counts.most_common()]
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]])) or "none"


def plural(label: str) -> str:
    """The plural of a label.

    >>> plural("cup"), plural("box"), plural("berry"), plural("knife"), plural("scissors")
    ('cups', 'boxes', 'berries', 'knives', 'scissors')
    """
    for ending, cut, more in (("s", 0, ""), ("knife", 2, "ves"), ("shelf", 1, "ves"), ("leaf", 1, "ves")):
        if label.endswith(ending) and not label.endswith(("ss", "us")):
            return label[: len(label) - cut] + more
    if label.endswith(("ss", "us", "x", "z", "ch", "sh")):
        return label + "es"
    if re.search(r"[^aeiou]y$", label):
        return label[:-1] + "ies"
    return label + "s"


def _where(instance: Instance, twin: DigitalTwin) -> str:
    """What it rests on or in, and the side of the nearest thing beside it; "out of view" where it left."""
    by_id = {i.id: i for i in twin.instances}
    held = next((r for r in twin.relations if r.subject == instance.id and r.object in by_id), None)
    parts = [] if instance.visible else ["out of view"]
    if held is not None:
        parts.append(f"{'in' if held.predicate == 'inside' else 'on'} the {by_id[held.object].label}")
    view = View(twin)
    connected = {instance.id} | view.all_supports(instance.id)
    others = [
        i.id
        for i in twin.instances
        if i.visible and i.id not in connected and view.is_placed(i.id) and instance.id not in view.all_supports(i.id)
    ]
    if others and view.is_placed(instance.id):
        nearest = min(others, key=lambda k: view.distance(instance.id, k))
        parts.append(f"{_side(instance.id, nearest, view)} the {by_id[nearest].label}")
    return ", ".join(parts)


def _side(id: int, reference: int, view: View) -> str:
    """left of, right of, in front of or behind: along the axis on which the two are farthest apart."""
    p, q = view.place(id), view.place(reference)
    across, along = p.right - q.right, p.forward - q.forward
    if abs(across) >= abs(along):
        return "left of" if across < 0 else "right of"
    return "in front of" if along < 0 else "behind"
