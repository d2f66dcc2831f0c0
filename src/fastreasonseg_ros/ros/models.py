"""The two models of reasoning_node, loaded side by side: a node that was killed is back a second earlier."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from ..reasoning import make_language_model, make_word_meaning
from ..reasoning.protocol import LanguageModel, WordMeaning
from .settings import ReasoningSettings


def load_models(settings: ReasoningSettings) -> tuple[LanguageModel, WordMeaning]:
    """Raises ConfigError, ModelError; at once where the language model is missing, though the other still loads."""
    s, beside = settings, ThreadPoolExecutor(1)
    try:
        meaning = beside.submit(make_word_meaning)
        model = make_language_model(s.language_model, s.language_model_config or None, s.language_model_overrides)
        return model, meaning.result()
    finally:
        beside.shutdown(wait=False)
