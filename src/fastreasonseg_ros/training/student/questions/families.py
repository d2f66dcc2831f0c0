"""Families of questions: what each returns, the register that holds them all, and what they share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .composer import Composer, NounPhrase

KEY_WORDS = {  # key with sign of max: superlatives, comparatives
    "height": (("tallest", "highest"), ("taller", "higher")),
    "-height": (("shortest", "lowest", "least tall"), ("shorter", "lower")),
    "volume": (("biggest", "largest", "bulkiest", "most massive"), ("bigger", "larger")),
    "-volume": (("smallest", "tiniest", "littlest"), ("smaller", "littler")),
    "length": (("longest",), ("longer",)),
    "width": (("widest", "broadest"), ("wider", "broader")),
    "-width": (("narrowest", "slimmest"), ("narrower", "slimmer")),
    "y": (("highest up", "topmost", "uppermost"), ("higher up",)),
    "-y": (("lowest down", "lowermost", "bottommost"), ("lower down",)),
    "x": (("rightmost", "furthest right"), ("more to the right", "further right")),
    "-x": (("leftmost", "furthest left"), ("more to the left", "further left")),
    "-depth": (("closest", "nearest", "frontmost"), ("closer", "nearer", "closer to us", "closer to the camera")),
    "depth": (("farthest", "most distant", "furthest"), ("farther away", "further away", "farther from the camera")),
}


@dataclass(frozen=True)
class Said:
    """What a family returns: words, the value that is the answer (or None for none), and the reasoning."""

    text: str
    answer: str | None
    reason: str
    level: int
    may_be_empty: bool = False


Family = Callable[[Composer], Said]
FAMILIES: dict[str, tuple[str, float, Family]] = {}


def family(category: str, weight: float) -> Callable[[Family], Family]:
    """Registers a family under its function name."""

    def register(function: Family) -> Family:
        FAMILIES[function.__name__] = (category, weight, function)
        return function

    return register


def one_or_many(c: Composer, x: NounPhrase, one: str, many: str) -> str:
    """A form that asks for one or for several, as many as there are."""
    return c.form(one if len(x.ids) == 1 else many, x)


def extreme(c: Composer, name: str, key: str) -> str:
    """The member with the largest value of the key, the smallest where the key has a minus."""
    return c.step(f"min({name}, {key[1:]})" if key.startswith("-") else f"max({name}, {key})")
