"""Words that a question brings: nouns that perception can look for and that nothing in view is called by."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from ...twin.types import COLORS
from ..protocol import WordMeaning
from . import lexicon
from .grounding import Grounder
from .word_forms import ALL_WORDS, WEAK, clean, singulars, word_set

MOST_WORDS = 6  # that one question brings
_TOO_MANY = 40  # things that fit a need: then it says too little about what to look for
_LONGEST = 3  # words of a noun
# Between these words and a noun stands nothing else; "to" and "can" come before verbs.
_LEADING = word_set(
    "a an the any some my your his her our their this that these those all every each of with without and or near "
    "nearest closest next beside behind under below above over on onto in into inside between from for at by like "
    "big small large little tall short long old new nice empty full whole single other same "
    "one two three four five six"
)
# Places and words about the picture itself: nouns of a dictionary that nobody looks for.
_NO_THINGS = word_set(
    "left right top bottom front back side end middle center centre corner edge row line rest view picture image "
    "scene camera robot table floor ground place position color colour size shape way kind use job work time thing "
    "object item one first second last person's part pair set group number"
)
_OBJECTS = word_set("me us it them him her you a an the my your our that this all every some any")


def words_of(
    question: str, texts: Sequence[str], labels: Sequence[str], meaning: WordMeaning | None
) -> tuple[str, ...]:
    """At most six nouns to look for, none of which a label in view means already.

    texts: what the plan asked for in words and did not find (of `like`). First these; else things that serve the need
    that the question tells; else things that it names. meaning: orders things that serve a need by likeness.
    """
    found = [w for text in texts for w in (_as_noun(text) or named(text) or serving(f"something to {text}", meaning))]
    found = found or [*serving(question, meaning)] or [*named(question)]
    new = (w for w in dict.fromkeys(found) if not _grounder().ground(w, labels).labels)
    return tuple(new)[:MOST_WORDS]


def named(text: str) -> tuple[str, ...]:
    """Nouns for physical things in a text, the longest that begin at each word, in the singular."""
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
    """Things of the knowledge table for a need ("something to open wine"), likest first; else none."""
    fitting = sorted(_grounder().serving(text, tuple(_grounder().things.nouns)))
    if len(fitting) > _TOO_MANY:
        return ()
    if meaning is not None and len(fitting) > 1:
        likeness = dict(zip(fitting, meaning.similarity(text, fitting), strict=True))
        fitting.sort(key=lambda label: -likeness[label])
    return tuple(fitting[:MOST_WORDS])


def _as_noun(text: str) -> tuple[str, ...]:
    """The text where all of it is one noun, whatever comes before a noun left out."""
    words = clean(text).split()
    while words and (words[0] in _LEADING or words[0] in COLORS):
        words = words[1:]
    noun = _noun(" ".join(words)) if words else None
    return (noun,) if noun else ()


def _may_begin(words: Sequence[str], at: int, length: int) -> bool:
    """Whether a noun may stand there: "the hammer", not "to hammer", nor "hand me"."""
    after = words[at + length] if at + length < len(words) else ""
    if at == 0:
        return after not in _OBJECTS
    return words[at - 1] in _LEADING or words[at - 1] in COLORS or words[at - 1] in ("is", "are", "no")


def _noun(words: str) -> str | None:
    """The singular of what the knowledge table has, or WordNet as a physical thing above all."""
    parts = words.split()
    if any(p in WEAK or p in ALL_WORDS for p in parts) or {*singulars(words)} & _NO_THINGS:
        return None
    if parts[0] in _LEADING or parts[0] in COLORS or len(words) < 3:
        return None
    things = _grounder().things
    if noun := things.noun(words):
        return next((form for form in singulars(words) if things.noun(form) is noun), noun.noun)
    form = lexicon.known_form(words)
    return None if form is None or form in COLORS or lexicon.is_mostly_abstract(form) else form


@cache
def _grounder() -> Grounder:
    return Grounder()
