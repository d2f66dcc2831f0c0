"""Noun phrases of commands: their head, their number, and what does not belong to them."""

from __future__ import annotations

import re

from . import words as w

ONE = re.compile(r"\bones?\b", re.I)


def without_particles(phrase: str) -> str:
    """The phrase without adverbs at its end ("the cup back", "the lid down")."""
    phrase, before = phrase.strip(" ,"), ""
    while phrase != before:
        before = phrase
        phrase = w.PARTICLE.sub("", phrase).strip(" ,")
    return phrase


def with_noun(phrase: str, noun: str) -> str:
    """The phrase with a noun in place of "one"; "the one on the tray" alike."""
    return ONE.sub(noun, phrase, count=1) if noun and not re.match(r"(?:any |every )?one\b", phrase, re.I) else phrase


def head(phrase: str) -> str:
    """The noun of a noun phrase: its last word before a preposition or a relative clause.

    >>> head("the small plate that is on the tray")
    'plate'
    """
    end = min(
        (m.start() for pattern in (w.PREPOSITION, w.RELATIVE) if (m := pattern.search(phrase)) and m.start()),
        default=len(phrase),
    )
    parts = phrase[:end].strip(" ,").split()
    while parts and re.fullmatch(
        r"standing|sitting|lying|leaning|hanging|resting|closest|nearest|farthest|furthest", parts[-1]
    ):
        parts.pop()
    return parts[-1] if parts else ""


def is_singular(phrase: str) -> bool:
    """Whether a noun phrase speaks of one thing ("the cup", "the cup nearest the plates")."""
    noun = head(phrase).lower()
    return not w.PLURAL.match(phrase) and not (noun.endswith("s") and not noun.endswith(("ss", "us", "is")))


def names_support(phrase: str) -> bool:
    """Whether a destination is the surface that everything stands on, where the twin has no object for it."""
    parts = phrase.lower().split()
    return len(parts) <= 3 and bool(parts) and parts[-1] in w.SUPPORT
