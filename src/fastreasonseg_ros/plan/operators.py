"""The plan language in one table: every operator, what it takes, what it means, and an example.

A step is `name = operator(arguments)`; each name holds an ordered set of instance ids. Two sets always exist: `all`
(what is in view) and `gone` (what left the view). `camera` and `table` may stand where a reference set is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..twin.types import COLORS, SHAPES

ArgKind = Literal["set", "ref", "count", "key", "text", "attribute", "noun"]
Needs = Literal["nothing", "place", "size", "motion", "history", "meaning"]

# Keys by which instances are ordered, with their unit and direction.
KEYS = {
    "width": "m, along x",
    "height": "m, upwards",
    "length": "m, the longest side",
    "volume": "m3, of the bounding box",
    "depth": "m from the camera",
    "x": "m, to the right",
    "y": "m, height of the centre above the support, or above the lowest thing in view",
    "z": "m along the ground away from the camera",
    "speed": "m/s",
    "path": "m travelled",
    "first_seen": "s",
    "last_seen": "s",
    "score": "0..1",
}
ATTRIBUTES = ("label", "color", "shape", "size")
POSES = ("upright", "lying")
FILTERS = {"label": None, "color": COLORS, "shape": SHAPES, "pose": POSES, "visible": ("yes", "no", "any")}
SETS: tuple[str, ...] = ("all", "gone")
REFERENCES = ("camera", "table")
# In which things can be put to a destination: `place(a, inside, b)`.
RELATIONS = ("on", "inside", "left_of", "right_of", "in_front_of", "behind", "near", "under")


@dataclass(frozen=True)
class Operator:
    """One row: the kinds of its positional arguments, whether it takes filters, what it needs from the twin."""

    name: str
    args: tuple[ArgKind, ...]
    meaning: str
    example: str
    filters: bool = False
    references: tuple[str, ...] = ()
    needs: Needs = "nothing"


def _space(name: str, meaning: str, example: str, references: tuple[str, ...] = (), needs: Needs = "place") -> Operator:
    return Operator(name, ("set", "ref"), meaning, example, references=references, needs=needs)


_ROWS = (
    Operator("find", (), "instances in view with these words", "find(label=mug|cup, color=red)", filters=True),
    Operator("filter", ("set",), "members with these words", "filter(a, color=red|blue)", filters=True),
    Operator("same", ("set", "ref", "attribute"), "members that share it with the reference", "same(all, a, color)"),
    Operator("union", ("set", "set"), "members of either", "union(a, b)"),
    Operator("intersect", ("set", "set"), "members of both", "intersect(a, b)"),
    Operator("minus", ("set", "set"), "members of the first only", "minus(all, a)"),
    Operator("max", ("set", "key"), "the one with the largest value", "max(a, height)"),
    Operator("min", ("set", "key"), "the one with the smallest value", "min(a, x)"),
    Operator("nth", ("set", "count", "key"), "k-th by rising value; falling with a minus", "nth(a, 2, -height)"),
    Operator("top", ("set", "count", "key"), "the k largest; the k smallest with a minus", "top(a, 2, volume)"),
    Operator("middle", ("set", "key"), "the one in the middle of the order, or the two", "middle(a, x)"),
    Operator("more", ("set", "key", "ref"), "with a larger value than every (other) reference", "more(all, height, a)"),
    Operator("less", ("set", "key", "ref"), "with a smaller value than every (other) reference", "less(all, z, a)"),
    _space("left_of", "left of every (other) reference, by more than 1 cm", "left_of(all, a)", ("camera",)),
    _space("right_of", "right of every reference, by more than 1 cm", "right_of(all, a)", ("camera",)),
    _space("above", "centre higher than every reference's, by more than 2 cm", "above(all, a)"),
    _space("below", "centre lower than every reference's, by more than 2 cm", "below(all, a)"),
    _space("in_front_of", "nearer than every reference, and near the line of sight of one", "in_front_of(all, a)"),
    _space("behind", "farther than every reference, and near the line of sight of one", "behind(all, a)"),
    _space("near", "gap below 15 cm, or below the reference's longest side", "near(all, a)"),
    _space(
        "on", "rests directly on a reference; on the table: on no other object", "on(all, a)", ("table",), "nothing"
    ),
    _space("under", "what a reference rests on", "under(all, a)", needs="nothing"),
    _space(
        "supported_by",
        "rests on or in a reference, directly or through others",
        "supported_by(all, a)",
        needs="nothing",
    ),
    _space("inside", "lies in a reference", "inside(all, a)", needs="nothing"),
    _space("contains", "holds a reference", "contains(all, a)", needs="nothing"),
    Operator(
        "between", ("set", "ref", "ref"), "close to the line between the two", "between(all, a, b)", needs="place"
    ),
    _space("nearest", "the one closest to a reference, centre to centre", "nearest(a, camera)", ("camera",)),
    _space("farthest", "the one farthest from the references", "farthest(a, camera)", ("camera",)),
    Operator("moving", ("set",), "faster than 3 cm/s", "moving(all)", needs="motion"),
    Operator("still", ("set",), "slower than 3 cm/s", "still(a)", needs="motion"),
    Operator("moved", ("set",), "travelled more than 5 cm while tracked", "moved(all)", needs="motion"),
    Operator("entered", ("set",), "first seen after the scene began", "entered(all)", needs="history"),
    Operator("left_view", ("set",), "no longer in view; all stands for gone", "left_view(all)", needs="history"),
    _space(
        "approaching",
        "closing in on the reference by more than 3 cm/s",
        "approaching(all, camera)",
        ("camera",),
        "motion",
    ),
    _space("receding", "drawing away by more than 3 cm/s", "receding(all, a)", ("camera",), "motion"),
    Operator(
        "like",
        ("set", "text"),
        "whose label fits the words: a kind, a synonym, a use, a property",
        'like(all, "something to beat eggs")',
        filters=True,
        needs="meaning",
    ),
    Operator("look_for", ("noun",), "asks perception to find a new word; those of that label", "look_for(corkscrew)"),
)

OPERATORS = {row.name: row for row in _ROWS}

# Words that cannot name a step. The single-letter keys x, y and z are free: a key never stands where a set does.
RESERVED = frozenset(
    word
    for word in (*SETS, *REFERENCES, *OPERATORS, *FILTERS, *KEYS, *ATTRIBUTES, "none", "place", "take")
    if len(word) > 1
)


def table() -> str:
    """The language as text, one operator a line: for prompts, for `--help` and for the README."""
    return "\n".join(f"{row.example:38}{row.meaning}" for row in _ROWS)
