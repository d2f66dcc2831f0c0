"""Synonyms and hypernyms for comparing predicted labels with annotated ones: the table synonyms.txt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ...errors import DatasetError

FILE = Path(__file__).parent / "synonyms.txt"


@dataclass(frozen=True)
class Synonyms:
    """names: word -> the canonical word of its synonyms. wider: canonical word -> all of its hypernyms."""

    names: Mapping[str, str]
    wider: Mapping[str, frozenset[str]]

    def name(self, word: str) -> str:
        """The canonical word of a word's synonyms; the word itself if it is not in the table."""
        return self.names.get(word, word)

    def agree(self, predicted: str, known: str) -> bool:
        """Whether both are synonyms, or one is a hypernym of the other; words in lower case, singular."""
        a, b = self.name(predicted), self.name(known)
        return a == b or b in self.wider.get(a, ()) or a in self.wider.get(b, ())

    def kinds_of(self, wide: str) -> frozenset[str]:
        """All words of the table that are synonyms or hyponyms of the given one."""
        name = self.name(wide)
        words = {*self.names, *self.wider}
        return frozenset(w for w in words if self.name(w) == name or name in self.wider.get(self.name(w), ()))


@cache
def load_synonyms(path: Path = FILE) -> Synonyms:
    """Reads the table. Raises DatasetError naming file and line."""
    names: dict[str, str] = {}
    above: dict[str, set[str]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        left, _, parents = text.partition("<")
        head, equals, others = left.partition("=")
        words = [w.strip() for w in head.split(",")]
        if not all(words) or (equals and len(words) > 1) or not (equals or parents.strip()):
            raise DatasetError(f"{path}:{number}: expected 'word = others', 'words < wider' or both, got {line!r}")
        for word in words:
            names.setdefault(word, word)
            above.setdefault(word, set()).update(p.strip() for p in parents.split(",") if p.strip())
        for other in filter(None, (w.strip() for w in others.split(","))):
            if other in names:
                raise DatasetError(f"{path}:{number}: {other!r} has a meaning in a line above; a word can have one")
            names[other] = words[0]
    table = {names.get(word, word): frozenset() for word in names} | {w: _hypernyms(w, above, names) for w in above}
    return Synonyms(names, table)


def _hypernyms(word: str, above: Mapping[str, set[str]], names: Mapping[str, str]) -> frozenset[str]:
    """All hypernyms of a word: the transitive closure of `above`."""
    found: set[str] = set()
    queue = [word]
    for now in queue:
        for wide in (names.get(w, w) for w in above.get(now, ())):
            if wide not in found:
                found.add(wide)
                queue.append(wide)
    return frozenset(found)
