"""From the command line's backend options to something that perceives and something that answers."""

from __future__ import annotations

from argparse import Namespace

from ..perception import make_perceiver
from ..perception.protocol import Perceiver
from ..pipeline import reason
from ..reasoning import make_language_model, make_word_meaning
from ..twin.types import Answer, DigitalTwin, Query
from .evaluate import Ask


def perceiver_of(args: Namespace) -> Perceiver:
    """Raises ConfigError for an unknown perceiver or setting, ModelError where it cannot be loaded."""
    return make_perceiver(args.perception, args.perception_config, args.perception_set)


def asker_of(args: Namespace) -> Ask:
    """Loads language model and word meaning, seconds each. Raises ConfigError, ModelError."""
    model = make_language_model(args.model, args.model_config, args.model_set)
    meaning = make_word_meaning()

    def ask(twin: DigitalTwin, query: Query) -> Answer:
        return reason(twin, query, model, meaning)

    return ask
