"""One question with its rollout over a twin: draws a family, lets it speak, and checks the executed answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from ..plan.language import Plan, Rollout
from ..plan.parser import parse_plan
from ..reasoning.nouns import Noun
from ..twin.types import DigitalTwin
from . import ask_order, ask_space, ask_things, ask_time, english  # noqa: F401  (families register on import)
from .composer import Composer, Unsuitable
from .families import FAMILIES


@dataclass(frozen=True)
class Question:
    """A question about a twin with the rollout that answers it and the ids that executing it gives."""

    text: str
    rollout: Rollout
    target_ids: tuple[int, ...]
    category: str
    level: int
    family: str


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
    reason = "; ".join(dict.fromkeys([*composer.inferred, said.reason]))
    reason = " ".join(reason.replace("=", " ").replace("<", " ").replace(">", " ").split())[:150]
    reason = reason[0].upper() + reason[1:] + "."
    return Question(english.rough(rng, said.text), Rollout(reason, plan), ids, category, said.level, name)
