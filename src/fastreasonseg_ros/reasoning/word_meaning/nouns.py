"""The knowledge table: one noun per line in nouns/*.jsonl, written by hand for this project."""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path

from ...errors import DatasetError
from .word_forms import singulars

FOLDER = Path(__file__).parent / "nouns"
CLASSES = Path(__file__).parent / "lexicon" / "classes.txt"


@dataclass(frozen=True)
class Noun:
    """A noun of the knowledge table.

    is_a: hypernyms, nearest first, complete under lexicon/classes.txt. uses: verb phrases of its purpose. needs:
    sentences of a person who needs it, without its name. size: typical width, height, depth in metres.
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
    """All nouns by name, with all of their hypernyms. Entries of the same noun in several files are merged.

    Raises DatasetError naming file and line.
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
    used = {word for noun in nouns.values() for word in (noun.category, *noun.is_a)}
    used |= {parent for above in _classes()[0].values() for parent in above}
    return {name: replace(noun, is_a=_complete(noun, used)) for name, noun in nouns.items()}


def _complete(noun: Noun, used: Set[str]) -> tuple[str, ...]:
    """Its hypernyms with all of theirs; synonyms of a class only if they are used in the table."""
    found = dict.fromkeys((*noun.is_a, noun.category))
    for word in (noun.noun, noun.category, *noun.is_a):
        found |= {wider: None for wider in wider_classes(word) if wider in used}
    own = {noun.noun, *noun.synonyms, ""}
    return tuple(word for word in found if word not in own)


@cache
def wider_classes(word: str) -> tuple[str, ...]:
    """All hypernyms of a class or noun by lexicon/classes.txt, and the synonyms of it and of them."""
    parents, same = _classes()
    found: dict[str, None] = {}
    queue = [word]
    for word_now in queue:
        for near in (*same.get(word_now, ()), *parents.get(word_now, ())):
            if near not in found and near != word:
                found[near] = None
                queue.append(near)
    return tuple(found)


def other_class_words(word: str) -> tuple[str, ...]:
    """Synonyms of a class: 'beverage' -> ('drink',)."""
    return _classes()[1].get(word, ())


@cache
def class_words() -> frozenset[str]:
    """All words of lexicon/classes.txt for a class with members or synonyms."""
    parents, same = _classes()
    return frozenset(same) | {p for above in parents.values() for p in above}


@cache
def _classes() -> tuple[Mapping[str, tuple[str, ...]], Mapping[str, tuple[str, ...]]]:
    """Parents and synonyms of each class."""
    parents: dict[str, tuple[str, ...]] = {}
    same: dict[str, tuple[str, ...]] = {}
    for line in CLASSES.read_text(encoding="utf-8").splitlines():
        left, _, right = line.partition("#")[0].partition("<")
        name, equals, others = left.partition("=")
        names = _split(f"{name},{others}") if equals else ()
        for word in names:
            same[word] = tuple(dict.fromkeys((*same.get(word, ()), *(w for w in names if w != word))))
        for child in names[:1] or _split(left):
            parents[child] = tuple(dict.fromkeys((*parents.get(child, ()), *_split(right))))
    return parents, same


def _split(words: str) -> tuple[str, ...]:
    return tuple(w.strip() for w in words.split(",") if w.strip())


def _joined(a: Noun, b: Noun) -> Noun:
    lists = ("is_a", "synonyms", "uses", "needs", "colors", "tags", "places")
    return replace(a, **{name: tuple(dict.fromkeys(getattr(a, name) + getattr(b, name))) for name in lists})


def find_noun(label: str, folder: Path = FOLDER) -> Noun | None:
    """The noun of a label: by name, synonym, singular, or by its longest known suffix.

    An unknown "olive oil bottle" is tried as "oil bottle", then as "bottle".
    """
    index = _index(folder)
    words = " ".join(label.lower().replace("_", " ").split()).split(" ")
    for start in range(len(words)):
        text = " ".join(words[start:])
        for form in (text, *singulars(text)):
            if form in index:
                return index[form]
    return None


@cache
def _index(folder: Path) -> Mapping[str, Noun]:
    nouns = load_nouns(folder)
    index = {synonym.lower(): noun for noun in reversed(nouns.values()) for synonym in noun.synonyms}
    return {**index, **{name.lower(): noun for name, noun in nouns.items()}}
