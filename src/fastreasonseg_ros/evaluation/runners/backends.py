"""Creates the perceiver and the reasoner from the command line's backend options."""

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
    """The perceiver. Raises ConfigError for an unknown perceiver or setting, ModelError if it cannot be loaded."""
    return make_perceiver(args.perception, args.perception_config, args.perception_set)


def load_reasoner(backend: str, config: str | None, overrides: Sequence[str]) -> tuple[LanguageModel, WordMeaning]:
    """Loads language model and word meaning (takes seconds). Raises ConfigError, ModelError."""
    return make_language_model(backend, config, overrides), make_word_meaning()


@dataclass(frozen=True)
class Asker:
    """Answers questions: called for one twin, or stand() for a standing question whose plan is made once.

    look_for: whether plans may ask perception to look for words.
    """

    model: LanguageModel
    meaning: WordMeaning
    look_for: bool = False

    def __call__(self, twin: DigitalTwin, query: Query) -> Answer:
        return reason(twin, query, self.model, self.meaning, look_for=self.look_for)

    def stand(self, query: Query) -> Callable[[DigitalTwin], Answer]:
        return StandingQuestion(query, self.model, self.meaning, look_for=self.look_for).answer


def asker_of(args: Namespace) -> Asker:
    """An Asker with both models loaded. Raises ConfigError, ModelError."""
    look_for = getattr(args, "perception", "") in OPEN_VOCABULARY
    return Asker(*load_reasoner(args.model, args.model_config, args.model_set), look_for)
