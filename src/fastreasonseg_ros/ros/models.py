"""The two models of reasoning_node: loaded side by side in configure, or, after a kill, behind what is known already.

A node that was killed has plans on disk that need no model. If they were made by the very model that it is to load,
whose files are whole, it need not wait for that: its questions are answered again seconds sooner.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Thread
from typing import Any

from ..reasoning import make_language_model, make_word_meaning, prepared_name
from ..reasoning.protocol import Hint, LanguageModel, WordMeaning, plan_language
from .settings import ReasoningSettings

Models = tuple[LanguageModel, WordMeaning]


def load_models(settings: ReasoningSettings) -> Models:
    """Raises ConfigError, ModelError; at once where the language model is missing, though the other still loads."""
    s, beside = settings, ThreadPoolExecutor(1)
    try:
        meaning = beside.submit(make_word_meaning)
        model = make_language_model(s.language_model, s.language_model_config or None, s.language_model_overrides)
        return model, meaning.result()
    finally:
        beside.shutdown(wait=False)


def late_models(
    settings: ReasoningSettings, wanted: Collection[str], failed: Callable[[Exception], None]
) -> Models | None:
    """Models that load while they are used, if the name of the one to load is among `wanted`; else None.

    failed: told, in another thread, why one cannot be loaded after all. Raises ConfigError, ModelError.
    """
    s = settings
    name = prepared_name(s.language_model, s.language_model_config or None, s.language_model_overrides)
    if name is None or name not in wanted:
        return None
    loading: Future[Models] = Future()

    def load() -> None:
        try:
            loading.set_result(load_models(settings))
        except Exception as error:
            loading.set_exception(error)
            failed(error)

    Thread(target=load, name="load", daemon=True).start()
    return LateModel(name, loading), LateMeaning(loading)


class LateModel:
    """A `LanguageModel` that is waited for when it is first asked. Raises what loading raised."""

    def __init__(self, name: str, loading: Future[Models]) -> None:
        self.name, self._loading = name, loading

    @property
    def plan_language(self) -> int:
        return plan_language(self._loading.result()[0])

    def generate(self, prompt: str, grammar: str, on_text: Callable[[str], bool] | None = None) -> str:
        return self._loading.result()[0].generate(prompt, grammar, on_text)


class LateMeaning:
    """A `WordMeaning` alike."""

    def __init__(self, loading: Future[Models]) -> None:
        self._loading = loading

    def similarity(self, text: str, labels: Sequence[str]) -> Any:
        return self._loading.result()[1].similarity(text, labels)

    def matching(self, text: str, labels: Sequence[str]) -> frozenset[str]:
        return self._loading.result()[1].matching(text, labels)

    def nearest(self, text: str, labels: Sequence[str], count: int = 3) -> tuple[str, ...]:
        return self._loading.result()[1].nearest(text, labels, count)

    def hint(self, text: str, labels: Sequence[str]) -> Hint:
        return self._loading.result()[1].hint(text, labels)
