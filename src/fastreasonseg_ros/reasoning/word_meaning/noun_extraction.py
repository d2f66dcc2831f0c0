"""Extracts nouns of a question that perception can look for and that no label in view means."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from ...twin.types import COLORS
from ..protocol import WordMeaning
from . import lexicon
from .grounding import Grounder
from .word_forms import ALL_WORDS, WEAK, clean, singulars, word_set

MOST_WORDS = 6  # of one question
_TOO_MANY = 40  # nouns that serve a need, from which it is too general
_LONGEST = 3  # words of a noun
# Words that come directly before a noun; "to" and "can" come before verbs.
_LEADING = word_set(
    "a an the any some my your his her our their this that these those all every each of with without and or near "
    "nearest closest next beside behind under below above over on onto in into inside between from for at by like "
    "big small large little tall short long old new nice empty full whole single other same "
    "one two three four five six"
)
# Nouns for places and for the picture itself, which are not objects to look for.
_NOT_OBJECTS = word_set(
    "left right top bottom front back side end middle center centre corner edge row line rest view picture image "
    "scene camera robot table floor ground place position color colour size shape way kind use job work time thing "
    "object item one first second last person's part pair set group number"
)
_OBJECTS = word_set("me us it them him her you a an the my your our that this all every some any")


def words_of(
    question: str, texts: Sequence[str], labels: Sequence[str], meaning: WordMeaning | None
) -> tuple[str, ...]:
    """At most six nouns to look for, without those that a label in view means already.

    texts: phrases of the plan's `like` steps without a match. Nouns of these are used; else nouns that serve the need
    in the question; else nouns in the question. meaning: sorts nouns that serve a need by similarity.
    """
    found = [w for text in texts for w in (_as_noun(text) or named(text) or serving(f"something to {text}", meaning))]
    found = found or [*serving(question, meaning)] or [*named(question)]
    new = (w for w in dict.fromkeys(found) if not _grounder().ground(w, labels).labels)
    return tuple(new)[:MOST_WORDS]


def named(text: str) -> tuple[str, ...]:
    """Nouns for physical objects in a text, the longest from each word on, in the singular."""
    words, found, at = clean(text).split(), [], 0
    while at < len(words):
        for length in range(min(_LONGEST, len(words) - at), 0, -1):
            noun = _noun(" ".join(words[at : at + length])) if _may_begin(words, at, length) else None
            if noun:
                found.append(noun)
                at += length - 1
                break
        at += 1
    return tuple(dict.fromkeys(found))


def serving(text: str, meaning: WordMeaning | None) -> tuple[str, ...]:
    """Nouns of the knowledge table for a need ("something to open wine"), most similar first; else empty."""
    fitting = sorted(_grounder().serving(text, tuple(_grounder().knowledge.nouns)))
    if len(fitting) > _TOO_MANY:
        return ()
    if meaning is not None and len(fitting) > 1:
        likeness = dict(zip(fitting, meaning.similarity(text, fitting), strict=True))
        fitting.sort(key=lambda label: -likeness[label])
    return tuple(fitting[:MOST_WORDS])


def _as_noun(text: str) -> tuple[str, ...]:
    """The noun, if the text without leading words is one."""
    words = clean(text).split()
    while words and (words[0] in _LEADING or words[0] in COLORS):
        words = words[1:]
    noun = _noun(" ".join(words)) if words else None
    return (noun,) if noun else ()


def _may_begin(words: Sequence[str], at: int, length: int) -> bool:
    """Whether a noun is possible there: "the hammer", not "to hammer", nor "hand me"."""
    after = words[at + length] if at + length < len(words) else ""
    if at == 0:
        return after not in _OBJECTS
    return words[at - 1] in _LEADING or words[at - 1] in COLORS or words[at - 1] in ("is", "are", "no")


def _noun(words: str) -> str | None:
    """The singular of a noun of the knowledge table, or of one whose main sense in WordNet is physical; else None."""
    parts = words.split()
    if any(p in WEAK or p in ALL_WORDS for p in parts) or {*singulars(words)} & _NOT_OBJECTS:
        return None
    if parts[0] in _LEADING or parts[0] in COLORS or len(words) < 3:
        return None
    knowledge = _grounder().knowledge
    if noun := knowledge.noun(words):
        return next((form for form in singulars(words) if knowledge.noun(form) is noun), noun.noun)
    form = lexicon.known_form(words)
    return None if form is None or form in COLORS or lexicon.is_mostly_abstract(form) else form


@cache
def _grounder() -> Grounder:
    return Grounder()
