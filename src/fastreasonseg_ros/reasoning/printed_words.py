"""Words of a question that are printed on a thing in view, or fit its picture alone, put into a plan that lacks them.

Language models here see neither print nor pictures (their prompts hold labels and colours), so that for "the Weetabix"
one writes what it takes for likely: find(label=cereal box). The words themselves are the better condition.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from ..plan.language import Plan, Step
from ..plan.operators import REFERENCES
from ..plan.printed import is_printed, named_by_text, words_of
from ..plan.run import fits_picture
from ..twin.types import DigitalTwin, Instance
from .general_words import PLAIN_WORDS
from .protocol import WordMeaning
from .word_meaning.word_forms import WEAK, clean, word_set

# Words between the noun phrases of a question.
_BETWEEN = re.compile(
    r"\b(?:left|right|top|front|back|side|next|beside|behind|near|nearest|closest|farthest|furthest|between|above|below|"
    r"under|underneath|on|onto|in|into|inside|at|than|and|or|over|off)\b(?: (?:of|to|from)\b)?"
)
_ON_IT = re.compile(r"\b(?:on|in) (?:it|them|top|the front|the side|its front|its side)\b")
_VERB_AFTER = word_set("to can could i you we")  # before a verb: "something to open"
_MIN_LETTERS = 4  # of all printed words of a question together


def with_printed(plan: Plan, question: str, twin: DigitalTwin, meaning: WordMeaning | None) -> Plan:
    """The plan with `like` steps for what the question names by print, or by words that fit a picture and no label.

    The same plan where there is no such phrase.

    A step that picks by a label is replaced where its label is in that phrase, or nowhere in the question.
    """
    here = [i for i in twin.instances if i.visible]
    phrases = _phrases(question) if any(i.text or i.picture is not None for i in here) else []
    asked = [
        p
        for p in phrases
        if (_says_enough(p, here) and named_by_text(p, here, meaning)) or _only_pictured(p, here, meaning)
    ]
    for phrase in asked:
        words = words_of(phrase)
        if any(step.operator == "like" and _overlap(words, words_of(step.args[1])) for step in plan.steps):
            continue
        others = {word for other in phrases if other != phrase for word in words_of(other)}
        place = next((n for n, step in enumerate(plan.steps) if _is_stray(step, others)), None)
        if place is not None:
            steps = [*plan.steps]
            steps[place] = _by_text(steps[place], phrase)
            plan = replace(plan, steps=tuple(steps))
        elif plan.is_none and len(phrases) == 1:
            plan = replace(plan, steps=(Step("a", "like", ("all", f'"{phrase}"')),), answer="a")
    return plan


def printed_in(question: str, twin: DigitalTwin) -> frozenset[str]:
    """The question's words that are printed on things in view, in quotes: so they are none of the labels."""
    texts = tuple(i.text for i in twin.instances if i.visible and i.text)
    return _printed_in(question, texts) if texts else frozenset()


@lru_cache(512)
def _printed_in(question: str, texts: tuple[str, ...]) -> frozenset[str]:
    words = {word for phrase in _phrases(question) for word in words_of(phrase)}
    return frozenset(f'"{word}"' for word in words if any(is_printed(word, text) for text in texts))


def _phrases(question: str) -> list[str]:
    """The question's noun phrases without words for place, order and requests, as far as they have others."""
    parts = _BETWEEN.split(_ON_IT.sub(" ", clean(question)))
    return [phrase for part in parts if (phrase := _content(part.split()))]


def _content(words: Sequence[str]) -> str:
    before = ["", *words]
    kept = [
        word
        for word, last in zip(words, before, strict=False)
        if word not in WEAK and word not in PLAIN_WORDS and last not in _VERB_AFTER
    ]
    kept = [word for word in kept if words_of(word)]
    return " ".join(kept)


def _says_enough(phrase: str, here: Sequence[Instance]) -> bool:
    """Whether the words of it that are printed on one thing are more than a syllable."""
    found = (sum(len(w) for w in words_of(phrase) if is_printed(w, i.text)) for i in here if i.text)
    return max(found, default=0) >= _MIN_LETTERS


def _only_pictured(phrase: str, here: Sequence[Instance], meaning: WordMeaning | None) -> bool:
    """Whether a phrase fits a thing's picture, and no label in view."""
    if meaning is None or phrase in REFERENCES:
        return False
    labels = tuple(dict.fromkeys(i.label for i in here))
    return not meaning.matching(phrase, labels) and bool(fits_picture(meaning, phrase, here))


def _is_stray(step: Step, others: set[str]) -> bool:
    """Whether a step picks by words that no other phrase of the question has."""
    if step.operator not in ("find", "filter", "like"):
        return False
    picked = [value for key, values in step.filters if key == "label" for value in values]
    picked += [step.args[1]] if step.operator == "like" else []
    return bool(picked) and not any(_overlap(words_of(value), others) for value in picked)


def _by_text(step: Step, phrase: str) -> Step:
    filters = tuple(f for f in step.filters if f[0] not in ("label", "visible"))
    return Step(step.name, "like", (step.args[0] if step.args else "all", f'"{phrase}"'), filters)


def _overlap(a: Sequence[str], b: Sequence[str] | set[str]) -> bool:
    return bool({w.removesuffix("s") for w in a} & {w.removesuffix("s") for w in b})
