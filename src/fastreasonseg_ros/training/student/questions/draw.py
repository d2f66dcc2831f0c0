"""One question with its rollout over a twin: draws a family, lets it speak, and checks the executed answer."""

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
    """A question about a twin with the rollout that answers it and the ids that executing it gives.

    steps: the ids that each step gave. meaning: the labels that the texts of its `like` steps mean.
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
    """One question over the twin, or None when the family drawn does not suit it."""
    name = rng.choices(list(FAMILIES), [weight for _, weight, _ in FAMILIES.values()])[0]
    category, _, function = FAMILIES[name]
    composer = Composer(rng, twin, nouns, held_out)
    try:
        said = function(composer)
        plan = parse_plan(composer.plan_text(), said.answer) if said.answer else Plan()
        ids = composer.ids(said.answer) if said.answer else ()
    except Unsuitable:
        return None
    if said.answer and not composer.steps:
        return None
    everything = len(composer.visible)
    if not ids and said.answer and not said.may_be_empty:
        return None
    if said.answer and len(ids) == everything and everything > 2 and rng.random() < 0.8:
        return None  # an answer that takes all teaches little
    reason = "; ".join(dict.fromkeys([*composer.first, said.reason]))
    reason = " ".join(reason.replace("=", " ").replace("<", " ").replace(">", " ").split())[:150]
    reason = reason[0].upper() + reason[1:] + "."
    steps = tuple(composer.ids(step.name) for step in plan.steps)
    text = english.rough(rng, said.text)
    quoted = _quoting(plan, text, composer.meaning)
    if quoted is None:
        return None
    return Question(text, Rollout(reason, quoted), ids, category, said.level, name, steps, composer.meaning)


def _quoting(plan: Plan, text: str, meaning: KnownMeaning) -> Plan | None:
    """The plan with the texts of its `like` steps in words that stand in the question, slips of the keyboard included.

    None where one does not stand there at all.
    """
    words = quotable(text)
    steps = []
    for step in plan.steps:
        if step.operator == "like":
            said = step.args[1].strip('"')
            written = [_as_typed(word, words) for word in said.split()]
            if None in written:
                return None
            typed = " ".join(w for w in written if w)
            meaning.labels[typed] = meaning.labels[said]
            step = replace(step, args=(step.args[0], f'"{typed}"'))
        steps.append(step)
    return replace(plan, steps=tuple(steps))


def _as_typed(word: str, words: Sequence[str]) -> str | None:
    if word in words:
        return word
    distance, nearest = min((edit_distance(word, w), w) for w in words)
    return nearest if distance <= min(2, len(word) // 2 + 1) else None
