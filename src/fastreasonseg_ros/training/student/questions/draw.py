"""Generates one question with its rollout about a twin: draws a family, composes, and checks the executed answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from ....plan.language import Plan, Rollout
from ....plan.parser import parse_plan
from ....reasoning.word_meaning.nouns import Noun
from ....reasoning.word_meaning.word_forms import edit_distance, quotable
from ....twin.types import DigitalTwin
from . import (  # noqa: F401  (families register on import)
    compositions,
    descriptions,
    english,
    objects,
    order,
    space,
    time_and_motion,
)
from .composer import Composer, KnownMeaning, Unsuitable
from .families import FAMILIES


@dataclass(frozen=True)
class Question:
    """A question about a twin with its rollout and the ids of the executed answer.

    steps: the ids of each step. meaning: the labels for the texts of its `like` steps.
    """

    text: str
    rollout: Rollout
    target_ids: tuple[int, ...]
    category: str
    level: int
    family: str
    steps: tuple[tuple[int, ...], ...] = ()
    meaning: KnownMeaning = field(default_factory=KnownMeaning, compare=False)


def make_question(rng: Random, twin: DigitalTwin, nouns: Mapping[str, Noun], held_out: bool = False) -> Question | None:
    """One question about the twin, or None if the drawn family does not suit it."""
    name = rng.choices(list(FAMILIES), [weight for _, weight, _ in FAMILIES.values()])[0]
    category, _, function = FAMILIES[name]
    composer = Composer(rng, twin, nouns, held_out)
    try:
        composed = function(composer)
        plan = parse_plan(composer.plan_text(), composed.answer) if composed.answer else Plan()
        ids = composer.ids(composed.answer) if composed.answer else ()
    except Unsuitable:
        return None
    if composed.answer and not composer.steps:
        return None
    everything = len(composer.visible)
    if not ids and composed.answer and not composed.may_be_empty:
        return None
    if composed.answer and len(ids) == everything and everything > 2 and rng.random() < 0.8:
        return None  # answers of all objects are of little use for training
    reason = "; ".join(dict.fromkeys([*composer.first, composed.reason]))
    reason = " ".join(reason.replace("=", " ").replace("<", " ").replace(">", " ").split())[:150]
    reason = reason[0].upper() + reason[1:] + "."
    steps = tuple(composer.ids(step.name) for step in plan.steps)
    text = english.rough(rng, composed.text)
    quoted = _quoting(plan, text, composer.meaning)
    if quoted is None:
        return None
    return Question(text, Rollout(reason, quoted), ids, category, composed.level, name, steps, composer.meaning)


def _quoting(plan: Plan, text: str, meaning: KnownMeaning) -> Plan | None:
    """The plan with the texts of its `like` steps in the words of the question, including its spelling errors.

    None if a word is not in the question.
    """
    words = quotable(text)
    steps = []
    for step in plan.steps:
        if step.operator == "like":
            phrase = step.args[1].strip('"')
            written = [_as_typed(word, words) for word in phrase.split()]
            if None in written:
                return None
            typed = " ".join(w for w in written if w)
            meaning.labels[typed] = meaning.labels[phrase]
            step = replace(step, args=(step.args[0], f'"{typed}"'))
        steps.append(step)
    return replace(plan, steps=tuple(steps))


def _as_typed(word: str, words: Sequence[str]) -> str | None:
    if word in words:
        return word
    distance, nearest = min((edit_distance(word, w), w) for w in words)
    return nearest if distance <= min(2, len(word) // 2 + 1) else None
