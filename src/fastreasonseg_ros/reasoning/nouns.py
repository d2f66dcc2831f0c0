"""What the project knows about things: one line a noun in nouns/*.jsonl, written by hand for this project."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path

from ..errors import DatasetError

FOLDER = Path(__file__).parent / "nouns"


@dataclass(frozen=True)
class Noun:
    """One kind of thing.

    is_a: wider words, nearest first. uses: verb phrases, what it is for. needs: sentences of somebody who needs it,
    which do not name it. size: width, height, depth of a usual one in metres.
    """

    noun: str
    category: str = ""
    is_a: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    gloss: str = ""
    uses: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    material: str = ""
    colors: tuple[str, ...] = ()
    shape: str = ""
    size: tuple[float, ...] = ()
    tags: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


_LISTS = tuple(f.name for f in fields(Noun) if str(f.type).startswith("tuple"))


@cache
def load_nouns(folder: Path = FOLDER) -> Mapping[str, Noun]:
    """Every noun by its name. A noun that stands in two files is one noun with the lists of both.

    Raises DatasetError that names file and line.
    """
    nouns: dict[str, Noun] = {}
    for path in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                noun = Noun(**{k: tuple(v) if k in _LISTS else v for k, v in row.items()})
            except (ValueError, TypeError, AttributeError) as error:
                raise DatasetError(f"{path}:{number}: is no noun ({error}); see Noun in {__name__}") from error
            nouns[noun.noun] = _joined(nouns[noun.noun], noun) if noun.noun in nouns else noun
    return nouns


def _joined(a: Noun, b: Noun) -> Noun:
    lists = ("is_a", "synonyms", "uses", "needs", "colors", "tags", "places")
    return replace(a, **{name: tuple(dict.fromkeys(getattr(a, name) + getattr(b, name))) for name in lists})


def find_noun(label: str, folder: Path = FOLDER) -> Noun | None:
    """The noun that a label speaks of: by name, by synonym, in the singular, or by its last words.

    An unknown "olive oil bottle" is first an "oil bottle", then a "bottle".
    """
    index = _index(folder)
    words = " ".join(label.lower().replace("_", " ").split()).split(" ")
    for start in range(len(words)):
        text = " ".join(words[start:])
        for form in (text, *_singular(text)):
            if form in index:
                return index[form]
    return None


def _singular(text: str) -> tuple[str, ...]:
    if text.endswith("ies"):
        return (text[:-3] + "y",)
    if text.endswith("ves"):
        return text[:-3] + "f", text[:-3] + "fe", text[:-1]
    if text.endswith("es"):
        return text[:-1], text[:-2]
    return (text[:-1],) if text.endswith("s") and not text.endswith("ss") else ()


@cache
def _index(folder: Path) -> Mapping[str, Noun]:
    nouns = load_nouns(folder)
    index = {synonym.lower(): noun for noun in reversed(nouns.values()) for synonym in noun.synonyms}
    return {**index, **{name.lower(): noun for name, noun in nouns.items()}}
