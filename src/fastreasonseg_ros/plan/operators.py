"""The plan language in one table: every operator, what it takes, what it means, and an example.

A step is `name = operator(arguments)`; each name holds an ordered set of instance ids. Two sets always exist: `all`
(what is in view) and `gone` (what left the view). `camera` and `table` may stand where a reference set is asked for.

The language has versions: a model is only offered words of the one that it was trained on (`since`). Every version is
executed by the same executor, and what a plan of an older version means does not change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..twin.types import COLORS, POSES, SHAPES, TONES

LANGUAGE_VERSION = 2
MAX_STEPS = {1: 6, 2: 8}  # that a model may write, by version of the language

# "value" is a set or a quantity with the unit of the key before it, "distance" a quantity in metres.
ArgKind = Literal[
    "set", "ref", "count", "key", "text", "attribute", "noun", "value", "distance", "region", "direction", "relation"
]
Needs = Literal["nothing", "place", "size", "motion", "history", "meaning"]


@dataclass(frozen=True)
class Key:
    """What instances are ordered by and compared in. unit: "" for counts, ratios and shares."""

    unit: str
    meaning: str
    since: int = 1


KEYS = {
    "width": Key("m", "along x"),
    "height": Key("m", "upwards"),
    "length": Key("m", "the longest side"),
    "volume": Key("m3", "of the bounding box"),
    "depth": Key("m", "distance from the camera"),
    "x": Key("m", "to the right"),
    "y": Key("m", "height of the centre above the support, or above the lowest thing in view"),
    "z": Key("m", "along the ground away from the camera"),
    "speed": Key("m/s", "over the ground, or relative to the camera"),
    "path": Key("m", "travelled while tracked"),
    "first_seen": Key("s", "stamp of the first frame with it"),
    "last_seen": Key("s", "stamp of the last frame with it"),
    "score": Key("", "confidence, 0 to 1"),
    "thickness": Key("m", "the shortest side", 2),
    "footprint": Key("m2", "width times depth, seen from above", 2),
    "aspect": Key("", "the longest side over the next longest", 2),
    "load": Key("", "number of things on or in it, at any depth", 2),
    "pile_height": Key("m", "from its bottom to the top of what it carries", 2),
    "age": Key("s", "since it was first seen", 2),
    "absence": Key("s", "since it was last seen", 2),
    "rest": Key("s", "since it came to rest; unknown while it moves", 2),
}
UNITS = tuple(dict.fromkeys(key.unit for key in KEYS.values()))
ATTRIBUTES = ("label", "color", "shape", "size")
# Values of find and filter; "not" before a value excludes it: find(color=not red|not blue).
FILTERS = {
    "label": None,
    "color": COLORS,
    "shape": SHAPES,
    "pose": POSES,
    "visible": ("yes", "no", "any"),
    "accent": COLORS,
    "tone": TONES,
}
SETS: tuple[str, ...] = ("all", "gone")
REFERENCES = ("camera", "table")
# In which things can be put to a destination: `place(a, inside, b)`.
RELATIONS = ("on", "inside", "left_of", "right_of", "in_front_of", "behind", "near", "under")
DESTINATIONS = (*REFERENCES, "before")  # "before": where each of the things rested before
# In which things stood to a reference before: `was(all, under, a)`. "at": on the spot where the reference stands now.
PAST_RELATIONS = (*RELATIONS, "at")
REGIONS = (
    "left", "right", "front", "back", "middle", "edge", "corner",
    "front_left", "front_right", "back_left", "back_right",
)  # fmt: skip
DIRECTIONS = ("left", "right", "up", "down", "towards", "away", "across")


@dataclass(frozen=True)
class Operator:
    """One row: the kinds of its positional arguments, whether it takes filters, what it needs from the twin.

    references: of REFERENCES, what may stand for a reference set. new_references: such as came with version 2. since:
    the version of the language that it came with.
    """

    name: str
    args: tuple[ArgKind, ...]
    meaning: str
    example: str
    filters: bool = False
    references: tuple[str, ...] = ()
    needs: Needs = "nothing"
    new_references: tuple[str, ...] = ()
    since: int = 1

    def takes(self, language: int = LANGUAGE_VERSION) -> tuple[str, ...]:
        """Words that may stand for a reference set in that version of the language."""
        return self.references + (self.new_references if language > 1 else ())


def _new(name: str, args: tuple[ArgKind, ...], meaning: str, example: str, needs: Needs = "nothing") -> Operator:
    return Operator(name, args, meaning, example, needs=needs, since=2)


def _space(name: str, meaning: str, example: str, references: tuple[str, ...] = (), needs: Needs = "place") -> Operator:
    return Operator(name, ("set", "ref"), meaning, example, references=references, needs=needs)


_ROWS = (
    Operator("find", (), "instances in view with these words", "find(label=mug|cup, color=red)", filters=True),
    Operator("filter", ("set",), "members with these words", "filter(a, color=red|blue)", filters=True),
    Operator(
        "same",
        ("set", "ref", "attribute"),
        "members that share it with a reference other than they are",
        "same(all, a, color)",
    ),
    Operator("union", ("set", "set"), "members of either", "union(a, b)"),
    Operator("intersect", ("set", "set"), "members of both", "intersect(a, b)"),
    Operator("minus", ("set", "set"), "members of the first only", "minus(all, a)"),
    Operator("max", ("set", "key"), "the one with the largest value", "max(a, height)"),
    Operator("min", ("set", "key"), "the one with the smallest value", "min(a, x)"),
    Operator("nth", ("set", "count", "key"), "k-th by rising value; falling with a minus", "nth(a, 2, -height)"),
    Operator("top", ("set", "count", "key"), "the k largest; the k smallest with a minus", "top(a, 2, volume)"),
    Operator("middle", ("set", "key"), "the one in the middle of the order, or the two", "middle(a, x)"),
    Operator(
        "more",
        ("set", "key", "value"),
        "with a larger value than every (other) reference, or than a quantity: more(all, length, 0.4 m)",
        "more(all, height, a)",
    ),
    Operator(
        "less",
        ("set", "key", "value"),
        "with a smaller value than every (other) reference, or than a quantity: less(all, age, 5 s)",
        "less(all, z, a)",
    ),
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
    Operator(
        "nearest",
        ("set", "ref"),
        "the one closest to a reference, centre to centre; nearest(a, a): the two closest to each other",
        "nearest(a, camera)",
        references=("camera",),
        needs="place",
        new_references=("table",),
    ),
    Operator(
        "farthest",
        ("set", "ref"),
        "the one farthest from the references",
        "farthest(a, camera)",
        references=("camera",),
        needs="place",
        new_references=("table",),
    ),
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
    # Version 2: choice and counting.
    _new("otherwise", ("set", "set"), "the first set, or where it is empty the second", "otherwise(a, b)"),
    _new("any", ("set", "count"), "so many of them, the first of the set", "any(a, 2)"),
    _new("unique", ("set", "attribute"), "members that share it with no other member", "unique(a, color)"),
    _new("most_common", ("set", "attribute"), "members with the most frequent value of it", "most_common(a, label)"),
    _new("one_each", ("set", "attribute"), "one member for every value of it", "one_each(all, label)"),
    _new("row", ("set", "count", "key"), "k-th row by rising x, y, z or depth; falling with a minus", "row(a, 1, -z)"),
    # Piles: what stands on or in what, at any depth.
    _new("carries", ("set", "ref"), "on or in which a reference rests, directly or through others", "carries(all, a)"),
    _new("contained", ("set", "ref"), "in a reference, or on what is in it; not what lies on top", "contained(all, a)"),
    _new("pile", ("set",), "the members, what they rest on and what rests on them", "pile(a)"),
    _new("base", ("set",), "the lowest thing of each member's pile", "base(a)"),
    _new("top_of", ("set",), "what lies on top of each member's pile", "top_of(a)"),
    _new("clear", ("set",), "members with nothing on or in them", "clear(all)"),
    # Contact, distance and regions.
    Operator(
        "touching",
        ("set", "ref"),
        "in contact with a reference, gap below 1.5 cm; the table: resting on it",
        "touching(all, a)",
        new_references=("table",),
        needs="place",
        since=2,
    ),
    Operator(
        "within",
        ("set", "ref", "distance"),
        "gap to a reference, or distance from the camera or the table, of so much at most",
        "within(all, a, 0.5 m)",
        new_references=("camera", "table"),
        needs="place",
        since=2,
    ),
    _new("isolated", ("set",), "nothing within 15 cm but what they rest on or carry", "isolated(all)", "place"),
    _new(
        "blocking",
        ("set", "ref"),
        "in the way of taking a reference: rests or leans on it, or stands before it in the line of sight",
        "blocking(all, a)",
        "place",
    ),
    Operator(
        "part",
        ("set", "ref", "region"),
        "in that half, corner (outer thirds), edge or middle third of what they rest on, of the table or the view",
        "part(all, a, back_left)",
        new_references=("camera", "table"),
        needs="place",
        since=2,
    ),
    # Motion and history.
    _new("heading", ("set", "direction"), "moving that way by more than 3 cm/s", "heading(all, left)", "motion"),
    _new("fell", ("set",), "lying, and upright where they rested before", "fell(all)", "history"),
    _new("lifted", ("set",), "more than 5 cm higher than where they rested before", "lifted(all)", "history"),
    _new("was", ("set", "relation", "ref"), "stood so to a reference before they moved", "was(all, on, a)", "history"),
    _new("in_place_of", ("set", "ref"), "stand where a reference rested before", "in_place_of(all, a)", "history"),
)

OPERATORS = {row.name: row for row in _ROWS}

# Words that cannot name a step. The single-letter keys x, y and z are free: a key never stands where a set does.
RESERVED = frozenset(
    word
    for word in (
        *SETS, *DESTINATIONS, *OPERATORS, *FILTERS, *KEYS, *ATTRIBUTES, *REGIONS, *DIRECTIONS, *PAST_RELATIONS,
        "none", "place", "take", "not",
    )
    if len(word) > 1
)  # fmt: skip


def table(language: int = LANGUAGE_VERSION) -> str:
    """The language as text, one operator a line: for prompts, for `--help` and for the README."""
    return "\n".join(f"{row.example:38}{row.meaning}" for row in _ROWS if row.since <= language)


def words_text() -> str:
    """Keys, filters and other words of the language as text, one kind a line: for prompts."""
    keys = ", ".join(f"{name} ({row.unit})" if row.unit else name for name, row in KEYS.items())
    filters = "; ".join(f"{name}={'|'.join(values)}" for name, values in FILTERS.items() if values)
    lines = {
        "Keys (a minus before one turns the order round)": keys,
        "Filters of find and filter (`not` before a value excludes it)": f"label=labels of the scene; {filters}",
        "Attributes": ", ".join(ATTRIBUTES),
        "Regions of part": ", ".join(REGIONS),
        "Directions of heading": ", ".join(DIRECTIONS),
        "A command to put things somewhere ends with the line place(a, RELATION, b), RELATION": ", ".join(RELATIONS),
    }
    return "\n".join(f"{name}: {text}" for name, text in lines.items())
