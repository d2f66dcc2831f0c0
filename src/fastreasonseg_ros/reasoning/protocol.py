"""What the pipeline asks of reasoning: text out of a prompt, and the meaning of words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32


class Hint(NamedTuple):
    """The labels most similar to a question, best first: those that may well be meant, and those that hardly are.

    A prompt carries it, so that a small model need not know what every word means; it may ignore it.
    """

    near: tuple[str, ...] = ()
    far: tuple[str, ...] = ()


NO_HINT = Hint()


@runtime_checkable
class LanguageModel(Protocol):
    """A causal language model that continues a prompt inside a grammar.

    One that was trained on a later version of the plan language than 1 has an attribute `plan_language` that says so.
    """

    name: str

    def generate(self, prompt: str, grammar: str, on_text: Callable[[str], bool] | None = None) -> str:
        """The continuation of `prompt`, a sentence of `grammar` (EBNF as plan/grammar.py writes it).

        on_text gets each new piece of text and returns True to stop (cancel). Raises ModelError.
        """
        ...


class Scored(NamedTuple):
    """A continuation, and the natural logarithm of the chance that the model gives it without the grammar; None: not
    known.
    """

    text: str
    log_probability: float | None = None


@runtime_checkable
class ScoresReplies(Protocol):
    """A language model that says how likely its reply was, as confidence in answers needs it (confidence.py)."""

    def generate_scored(self, prompt: str, grammar: str, on_text: Callable[[str], bool] | None = None) -> Scored:
        """As `LanguageModel.generate`, with its chance."""
        ...


def generate_scored(
    model: LanguageModel, prompt: str, grammar: str, on_text: Callable[[str], bool] | None = None
) -> Scored:
    """The reply with its chance, where the model knows it."""
    if isinstance(model, ScoresReplies):
        return model.generate_scored(prompt, grammar, on_text)
    return Scored(model.generate(prompt, grammar, on_text))


def plan_language(model: LanguageModel) -> int:
    """The version of the plan language that the model writes: its attribute `plan_language`, or 1 where it has none."""
    return int(getattr(model, "plan_language", 1))


@runtime_checkable
class WordMeaning(Protocol):
    """Sentence embeddings, behind the operator `like`."""

    def similarity(self, text: str, labels: Sequence[str]) -> Float32[np.ndarray, "labels"]:
        """How well each label, or its gloss, fits the text: calibrated to 0..1, 0.5 = as likely as not."""
        ...

    def matching(self, text: str, labels: Sequence[str]) -> frozenset[str]:
        """The labels that fit: above the threshold and within a margin of the best; empty when none does."""
        ...

    def nearest(self, text: str, labels: Sequence[str], count: int = 3) -> tuple[str, ...]:
        """The labels most similar to the text, best first."""
        ...

    def hint(self, text: str, labels: Sequence[str]) -> Hint:
        """The nearest labels for a prompt; nothing where there are no labels."""
        ...
