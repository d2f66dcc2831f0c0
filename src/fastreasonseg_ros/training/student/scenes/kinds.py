"""Real sizes of things as they usually stand or lie: labels/*.yaml first, then the project's knowledge table.

    enamel mug: 0.09 0.08 0.09 cylinder white blue red
    chair: 0.45 0.9 0.5 irregular brown black deck=0.45 open

Width, height, depth in metres, shape, colours. deck: height of the part that things are put on. open: what is inside
or behind can be seen from the side (wire, glass, legs).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from ....errors import DatasetError
from ....reasoning.word_meaning.nouns import Noun, load_nouns
from ....twin.types import COLORS, SHAPES, Vector

FOLDER = Path(__file__).parent / "labels"
_UPRIGHT_LAST = {"vehicle", "farm animal", "pet", "wild animal", "bird", "farm bird", "tree", "plant", "plant part",
                 "street furniture", "building", "shelter", "machine", "farm machine", "wood"}  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """One kind of thing: size as it usually stands or lies (width, height, depth, metres), shape and colours."""

    label: str
    size: Vector
    shape: str
    colors: tuple[str, ...]
    deck_m: float | None = None
    open: bool = False
    person: bool = False
    alive: bool = False


def kind_of(label: str) -> Kind:
    """The kind of a label. Raises DatasetError if neither the label files nor the knowledge table know its size."""
    kind = _written().get(label)
    if kind is not None:
        return kind
    noun = load_nouns().get(label)
    if noun is None or len(noun.size) != 3:
        raise DatasetError(f"no size is known for the label {label!r}: write it into {FOLDER.name}/*.yaml")
    return _from_noun(noun)


def is_person(label: str) -> bool:
    """Whether the label is known as that of a human being."""
    kind = _written().get(label)
    noun = load_nouns().get(label)
    return kind.person if kind is not None else noun is not None and "person" in noun.tags


@cache
def _from_noun(noun: Noun) -> Kind:
    """The knowledge table's sizes are in no fixed order of axes: people and what grows or drives have height last."""
    a, b, c = noun.size
    person = "person" in noun.tags
    if person:
        depth, width, height = sorted(noun.size)
    elif noun.category in _UPRIGHT_LAST or ((a == b) != (b == c) and a == b):
        width, height, depth = a, c, b
    elif noun.shape in ("elongated", "flat"):
        height, depth, width = sorted(noun.size)
    else:
        width, height, depth = a, b, c
    return Kind(
        noun.noun, (width, height, depth), noun.shape, tuple(noun.colors), None, False, person, "alive" in noun.tags
    )


@cache
def _written(folder: Path = FOLDER) -> Mapping[str, Kind]:
    found: dict[str, Kind] = {}
    for path in sorted(folder.glob("*.yaml")):
        for label, text in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).items():
            if label in found:
                raise DatasetError(f"{path.name}: {label} stands in the label files twice; take one away")
            try:
                found[label] = _parsed(label, text.split())
            except (ValueError, AttributeError, IndexError) as error:
                raise DatasetError(f"{path.name}: {label}: {error}; see kinds.py for the form") from error
    return found


def _parsed(label: str, words: list[str]) -> Kind:
    width, height, depth = (float(w) for w in words[:3])
    shape, rest = words[3], words[4:]
    colors = tuple(w for w in rest if w in COLORS)
    deck = next((float(w.partition("=")[2]) for w in rest if w.startswith("deck=")), None)
    unknown = [
        w for w in rest if w not in COLORS and w not in ("open", "person", "alive") and not w.startswith("deck=")
    ]
    if unknown or shape not in SHAPES:
        raise ValueError(f"{' '.join(unknown) or shape} is no shape, colour or flag")
    person = "person" in rest
    return Kind(label, (width, height, depth), shape, colors, deck, "open" in rest, person, person or "alive" in rest)
