"""The nouns of WordNet 3.0 for physical entities: senses and hypernyms of words.

The file is made by scripts/make_lexicon.py; 53,000 words in 34,000 synsets, about 8 MB in memory, loaded at first use.
Source: Miller, WordNet: A Lexical Database for English, CACM 38 (1995). Licence beside the file.
"""

from __future__ import annotations

import gzip
from bisect import bisect_left
from functools import cache, lru_cache
from pathlib import Path

from ...errors import ModelError
from .word_forms import clean, singulars, word_set

FILE = Path(__file__).parent / "lexicon" / "wordnet.txt.gz"
# Hypernyms of nearly everything.
TOO_WIDE = word_set(
    "entity|physical entity|object|physical object|whole|unit|artifact|artefact|thing|matter|substance|"
    "instrumentality|instrumentation|causal agent|cause|causal agency|living thing|animate thing|solid|part|piece|"
    "unit|commodity|trade good|good|goods|article|creation|product|ware|merchandise|surface|"
    "natural object|physical entity|body part|organism|being",
    "|",
)


@cache
def _tables() -> tuple[list[bytes], list[bytes]]:
    """Synset lines by number, and sorted lemma lines. Raises ModelError."""
    try:
        synsets, _, lemmas = gzip.decompress(FILE.read_bytes()).partition(b"\n\n")
    except (OSError, EOFError) as error:
        raise ModelError(f"{FILE}: cannot be read ({error}); install this package again") from error
    return synsets.split(b"\n"), lemmas.split(b"\n")


@lru_cache(4096)
def senses(word: str) -> tuple[int, ...]:
    """Synset numbers of the physical senses of exactly this word, most frequent first, at most three."""
    return tuple(int(n) for n in _line(word).lstrip(b"-").split())


@lru_cache(4096)
def is_mostly_abstract(word: str) -> bool:
    """Whether the most frequent sense of the word is not physical ("volume", "carton" as a measure)."""
    return _line(word).startswith(b"-")


def _line(word: str) -> bytes:
    lemmas, start = _tables()[1], word.encode() + b"\t"
    at = bisect_left(lemmas, start)
    return lemmas[at][len(start) :] if at < len(lemmas) and lemmas[at].startswith(start) else b""


def synsets() -> range:
    """The numbers of all synsets."""
    return range(len(_tables()[0]))


@lru_cache(4096)
def synset(number: int) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The words of a synset, and the numbers of its direct hypernyms."""
    words, _, wider = _tables()[0][number].partition(b"\t")
    return tuple(words.decode().split("|")), tuple(int(n) for n in wider.split())


@lru_cache(4096)
def known_form(text: str) -> str | None:
    """The text or its singular, if it is a word of the lexicon; else None."""
    text = clean(text)
    return next((form for form in (*singulars(text)[:-1], text) if senses(form)), None) if text else None


@lru_cache(4096)
def wider(number: int) -> dict[int, int]:
    """All hypernyms of a synset, itself included, with the number of steps. Cached: do not modify the result."""
    steps = {number: 0}
    queue = [number]
    for now in queue:
        for up in synset(now)[1]:
            if up not in steps:
                steps[up] = steps[now] + 1
                queue.append(up)
    return steps


def is_kind(label: str, word: str, label_senses: int = 1, word_senses: int = 2) -> bool | None:
    """Whether the label, in one of its most frequent senses, is a hyponym of the word; None if a word is unknown."""
    label_form, word_form = known_form(label), known_form(word)
    if label_form is None or word_form is None:
        return None
    wanted = {n for n in senses(word_form)[:word_senses] if not TOO_WIDE.intersection(synset(n)[0])}
    return any(wanted & wider(n).keys() for n in senses(label_form)[:label_senses])


def words_above(number: int) -> tuple[str, ...]:
    """The words of the synset and of its hypernyms, nearest first, without TOO_WIDE."""
    near_first = sorted(wider(number).items(), key=lambda item: item[1])
    return tuple(w for n, _ in near_first for w in synset(n)[0] if w not in TOO_WIDE)
