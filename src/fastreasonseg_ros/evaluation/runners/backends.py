"""From the command line's backend options to something that perceives and something that answers."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...perception import OPEN_VOCABULARY, make_perceiver
from ...perception.protocol import Perceiver
from ...pipeline import StandingQuestion, reason
from ...reasoning import make_language_model, make_word_meaning
from ...reasoning.protocol import LanguageModel, WordMeaning
from ...twin.types import Answer, DigitalTwin, Query


def perceiver_of(args: Namespace) -> Perceiver:
    """Raises ConfigError for an unknown perceiver or setting, ModelError where it cannot be loaded."""
    return make_perceiver(args.perception, args.perception_config, args.perception_set)


def load_reasoner(backend: str, config: str | None, overrides: Sequence[str]) -> tuple[LanguageModel, WordMeaning]:
    """Language model and word meaning, seconds each. Raises ConfigError, ModelError."""
    return make_language_model(backend, config, overrides), make_word_meaning()


@dataclass(frozen=True)
class Asker:
    """What answers: called for one twin, or standing over many, the plan being made once.

    look_for: whether plans may ask perception for words.
    """

    model: LanguageModel
    meaning: WordMeaning
    look_for: bool = False

    def __call__(self, twin: DigitalTwin, query: Query) -> Answer:
        return reason(twin, query, self.model, self.meaning, look_for=self.look_for)

    def stand(self, query: Query) -> Callable[[DigitalTwin], Answer]:
        return StandingQuestion(query, self.model, self.meaning, look_for=self.look_for).answer


def asker_of(args: Namespace) -> Asker:
    """What answers with both models, loaded now. Raises ConfigError, ModelError."""
    look_for = getattr(args, "perception", "") in OPEN_VOCABULARY
    return Asker(*load_reasoner(args.model, args.model_config, args.model_set), look_for)
