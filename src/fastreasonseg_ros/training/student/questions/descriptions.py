"""Questions that identify objects among others of their kind by two descriptions."""

from __future__ import annotations

from dataclasses import dataclass

from .composer import Composer, Unsuitable
from .families import ComposedQuestion, extreme, family
from .space import REF_KINDS, WHERE

_FRAMES = (
    "the {}", "the {}, please", "bring me the {}", "I want the {}", "fetch the {}", "which is the {}?", "take the {}",
    "point at the {}", "I'm looking for the {}", "where is the {}?", "I'd like the {}", "show me the {}", "find the {}",
    "could you hand me the {}?", "give me the {}", "pick up the {}", "I need the {}", "which one is the {}?",
)  # fmt: skip
_POSES = {  # before the noun, after it
    "upright": (
        ("upright", "standing"),
        ("that is upright", "that is still upright", "standing upright", "that has been stood up"),
    ),
    "lying": (
        ("lying", "flat-lying"),
        ("lying on its side", "that is lying down", "that was laid down", "that lies flat"),
    ),
}
_PLACES = {  # key with the sign of max: before the noun, after it
    "-x": (("left", "leftmost"), ("the one on the left", "the left one", "the one further to the left")),
    "x": (("right", "rightmost"), ("the one on the right", "the right one", "the one further to the right")),
    "-depth": (("front", "nearest"), ("the one in front", "the one nearer to us", "the front one", "the closest one")),
    "depth": (("back", "farthest"), ("the one at the back", "the one farther away", "the rear one")),
    "volume": (("big", "large", "biggest"), ("the biggest one", "the large one")),
    "-volume": (("small", "little", "smallest"), ("the smallest one", "the little one")),
    "height": (("tall", "tallest"), ("the tallest one", "the tall one")),
    "-height": (("short", "lowest"), ("the lowest one", "the low one")),
}
_OF_ONE = frozenset({"is", "has", "lies", "stands", "its"})  # words that require a singular
_BESIDE = ("left_of", "right_of", "in_front_of", "behind", "near", "on")


@dataclass(frozen=True)
class Part:
    """One description: words before and after the noun (one of them empty), and its part of the reason."""

    before: str
    after: str
    reason: str
    last: bool = False


def _pose(c: Composer, name: str, _: tuple[int, ...]) -> tuple[str, Part]:
    pose = c.rng.choice(list(_POSES))
    found = c.step(f"filter({name}, pose={pose})" if name != "all" else f"find(pose={pose})")
    before, after = _POSES[pose]
    wording = (c.rng.choice(before), "") if c.rng.random() < 0.4 else ("", c.rng.choice(after))
    return found, Part(*wording, pose)


def _beside(c: Composer, name: str, avoid: tuple[int, ...]) -> tuple[str, Part]:
    if c.rng.random() < 0.25:  # 'the lying bottle'
        of = c.phrase("many", kinds=("label", "class", "head", "color"))
        ref, part = _pose(c, of.name, ())
        ids, words = c.ids(ref), f"{of.words} {part.after}" if part.after else f"{part.before} {of.words}"
    else:
        phrase = c.phrase("one", kinds=REF_KINDS, avoid=avoid if len(avoid) < 2 else ())
        ref, ids, words = phrase.name, phrase.ids, phrase.words
    if len(ids) != 1:
        raise Unsuitable("not one")
    relation = c.rng.choice(_BESIDE)
    where = c.rng.choice(WHERE[relation])
    if c.rng.random() < 0.3 and not where.startswith(("standing", "lying", "sitting")):
        where = f"that is {where}"
    return c.step(f"{relation}({name}, {ref})"), Part(
        "", f"{where} the {words}", f"{relation.replace('_', ' ')} the {words}"
    )


def _place(c: Composer, name: str, _: tuple[int, ...]) -> tuple[str, Part]:
    key = c.rng.choice(list(_PLACES))
    before, after = _PLACES[key]
    wording = (c.rng.choice(before), "") if c.rng.random() < 0.4 else ("", f", {c.rng.choice(after)}")
    return extreme(c, name, key), Part(*wording, f"then the {before[-1]} one", last=True)


@family("compositional", 160)
def described(c: Composer) -> ComposedQuestion:
    """'the upright bottle near the sink', 'the mug that is upright, the one farther away'."""
    x = c.phrase("many", kinds=("label", "class", "head", "color", "thing"))
    if x.name == "all" and c.rng.random() < 0.7:
        raise Unsuitable("rather things of a kind")
    first, second = c.rng.choice(
        [(_pose, _beside), (_beside, _pose), (_pose, _place), (_beside, _place), (_beside, _beside)]
    )
    found, one = first(c, x.name, x.ids)
    among = c.ids(found)
    if not among or len(among) == len(x.ids) or (second is _place and len(among) < 2):
        raise Unsuitable("tells nothing apart")
    name, two = second(c, found, among)
    ids = c.ids(name)
    if not ids or (second is not _place and len(ids) == len(among)):
        raise Unsuitable("tells nothing more apart")
    many = len(ids) > 1
    noun = x.plural if many else x.words
    if many and _OF_ONE & set(f"{one.after} {two.after}".split()):
        raise Unsuitable("said of one")
    parts = (two, one) if second is _pose else (one, two)  # 'lying by the box': by the box, nothing else need lie
    joined = " and " if first is second else " "
    after = joined.join(p.after for p in parts if p.after).replace(" ,", ",")
    before = " ".join(p.before for p in reversed(parts) if p.before)
    words = f"{before} {noun} {after}".replace(" ,", ",").strip()
    frames = [f for f in _FRAMES if not many or " is " not in f]
    return ComposedQuestion(
        c.rng.choice(frames).format(words),
        name,
        f"the {x.plural} {one.reason}, {'' if two.last else 'and '}{two.reason}",
        3,
    )
