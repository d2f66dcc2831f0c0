"""Words and pictures: the vocabulary by which things are named from pictures, and words that fit a picture itself.

The vocabulary is the knowledge table's nouns up to ONE_METRE, with kinds of the smaller ones from WordNet: about two
thousand words. "The peanuts" is found where no label says so, if it fits the thing's picture better than what the
vocabulary has for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path

from ...errors import ModelError
from ...image_text.model import PROMPT, LazyTextEncoder, Settings, find_words
from ...image_text.vocabulary import Entry, Vocabulary
from ...twin.types import PictureEmbedding
from . import lexicon
from .grounding import is_need
from .nouns import Noun, load_nouns
from .word_forms import ALL_WORDS, clean, without_article

ONE_METRE, HAND_M = 1.0, 0.6  # longest side of nouns of the vocabulary, and of those whose kinds are in it
SYNONYMS = 2
LONGEST = 24  # letters of a kind's word
NO_KINDS_OF = frozenset(("living thing", "animal", "plant", "person", "organism"))
FITS = 0.3  # probability from which on a phrase fits a picture
NEARLY = 2.3  # by which its logit may lie below the best picture's for another one to fit too: a tenth of the odds


@cache
def picture_vocabulary() -> tuple[Entry, ...]:
    """The words by which things are named, each with its hypernyms in the knowledge table."""
    nouns = {clean(n.noun): n for n in load_nouns().values() if not n.size or max(n.size) <= ONE_METRE}
    entries = {name: Entry(name, _synonyms(noun, nouns), _wider(noun)) for name, noun in nouns.items()}
    taken = {word for entry in entries.values() for word in entry.words} | {*load_nouns()}
    below = _kinds_below()
    for name, noun in nouns.items():
        sense = next(iter(lexicon.senses(name)), None)
        small = noun.size and max(noun.size) <= HAND_M
        if sense is None or not small or lexicon.is_mostly_abstract(name) or NO_KINDS_OF & {*noun.is_a, noun.category}:
            continue
        for kind in below.get(sense, ()):
            word = lexicon.synset(kind)[0][0]
            if word not in taken and len(word) <= LONGEST and lexicon.senses(word)[:1] == (kind,):
                entries[word] = Entry(word, (), (name, *_wider(noun)))
                taken.add(word)
    return tuple(entries[word] for word in sorted(entries))


def _synonyms(noun: Noun, nouns: dict[str, Noun]) -> tuple[str, ...]:
    return tuple(word for s in noun.synonyms if (word := clean(s)) not in nouns)[:SYNONYMS]


def _wider(noun: Noun) -> tuple[str, ...]:
    return tuple(dict.fromkeys(w for w in noun.is_a if w not in lexicon.TOO_WIDE))


def _kinds_below() -> dict[int, list[int]]:
    """Direct hyponyms of every synset."""
    below: dict[int, list[int]] = {}
    for number in lexicon.synsets():
        for wider in lexicon.synset(number)[1]:
            below.setdefault(wider, []).append(number)
    return below


class PictureWords:
    """Compares phrases with pictures of things. The text encoder is loaded when the first phrase comes."""

    def fitting(self, phrase: str, pictures: Sequence[PictureEmbedding | None]) -> tuple[bool, ...]:
        """Whether a noun phrase fits each picture: those that fit it best; none where there is no picture.

        A need ("something to drill with") or "not ..." fits none: such phrases say nothing that is seen. Pictures whose
        model is gone from the cache fit nothing. Raises ModelError for damaged files.
        """
        words = without_article(clean(phrase))
        plain = all(word in ALL_WORDS for word in words.split())
        if plain or words.startswith("not ") or is_need(words) or not any(p is not None for p in pictures):
            return (False,) * len(pictures)
        compared = [_compare(words, picture) for picture in pictures]
        best = max(logit for _, logit in compared)
        return tuple(chance >= FITS and logit >= best - NEARLY for chance, logit in compared)


@lru_cache(1024)  # a standing question compares the same pictures on every frame
def _compare(words: str, picture: PictureEmbedding | None) -> tuple[float, float]:
    """Probability of the words against the vocabulary, and the model's logit without its bias."""
    files = None if picture is None else _files(picture.model)
    if picture is None or files is None:
        return 0.0, -math.inf
    vocabulary, texts, scale = files
    vector = texts.embed(PROMPT.format(words))
    return vocabulary.chance(words, vector, picture.vector, scale), scale * float(vector @ picture.vector)


@lru_cache(2)
def _files(exported: str) -> tuple[Vocabulary, LazyTextEncoder, float] | None:
    folder = Path(exported)
    try:
        return Vocabulary.load(find_words(folder)), LazyTextEncoder(folder), Settings.read(folder).scale
    except ModelError:
        if folder.is_dir():
            raise
        return None
