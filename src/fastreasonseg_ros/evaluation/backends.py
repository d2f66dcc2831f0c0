"""From the command line's backend options to something that perceives and something that answers."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from ..perception import make_perceiver
from ..perception.protocol import Perceiver
from ..pipeline import reason
from ..reasoning import make_language_model, make_word_meaning
from ..reasoning.protocol import LanguageModel, WordMeaning
from ..twin.types import Answer, DigitalTwin, Query
from .evaluate import Ask


def perceiver_of(args: Namespace) -> Perceiver:
    """Raises ConfigError for an unknown perceiver or setting, ModelError where it cannot be loaded."""
    return make_perceiver(args.perception, args.perception_config, args.perception_set)


def load_reasoner(backend: str, config: str | None, overrides: Sequence[str]) -> tuple[LanguageModel, WordMeaning]:
    """Language model and word meaning, seconds each. Raises ConfigError, ModelError."""
    return make_language_model(backend, config, overrides), make_word_meaning()


def asker_of(args: Namespace) -> Ask:
    """What answers with both models, loaded now. Raises ConfigError, ModelError."""
    model, meaning = load_reasoner(args.model, args.model_config, args.model_set)

    def ask(twin: DigitalTwin, query: Query) -> Answer:
        return reason(twin, query, model, meaning)

    return ask
