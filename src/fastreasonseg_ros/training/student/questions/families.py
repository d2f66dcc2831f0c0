"""Families of questions: their result type, the registry, and common helpers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .composer import Composer, NounPhrase

KEY_WORDS = {  # key, with "-" for the minimum: superlatives, comparatives
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
class ComposedQuestion:
    """Result of a family: text, name of the answer's plan value (None: empty answer), and the reason."""

    text: str
    answer: str | None
    reason: str
    level: int
    may_be_empty: bool = False


Family = Callable[[Composer], ComposedQuestion]
FAMILIES: dict[str, tuple[str, float, Family]] = {}


def family(category: str, weight: float) -> Callable[[Family], Family]:
    """Registers a family under its function name."""

    def register(function: Family) -> Family:
        FAMILIES[function.__name__] = (category, weight, function)
        return function

    return register


def one_or_many(c: Composer, x: NounPhrase, one: str, many: str) -> str:
    """A singular or plural form, by the number of objects of x."""
    return c.form(one if len(x.ids) == 1 else many, x)


def extreme(c: Composer, name: str, key: str) -> str:
    """Adds a step for the member with the largest value of the key, or the smallest if the key has a minus."""
    return c.step(f"min({name}, {key[1:]})" if key.startswith("-") else f"max({name}, {key})")
