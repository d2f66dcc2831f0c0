"""Hints for training prompts: the labels nearest to a question, with or without the knowledge table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float32

from ....reasoning.protocol import Hint
from ....reasoning.word_meaning.meaning import phrases, ranked
from ....reasoning.word_meaning.minilm import MiniLM


class HintIndex:
    """Ranks labels like SentenceMeaning.nearest; embeddings of labels and glosses are cached."""

    def __init__(self, threads: int = 1) -> None:
        self._model = MiniLM(threads=threads)
        self._kept: dict[str, np.ndarray] = {}

    def _vectors(self, texts: Sequence[str]) -> Float32[np.ndarray, "texts 384"]:
        new = [t for t in dict.fromkeys(texts) if t not in self._kept]
        if new:
            self._kept.update(zip(new, self._model.embed(new), strict=True))
        return np.stack([self._kept[t] for t in texts])

    def hints(self, texts: Sequence[str], labels: Sequence[str], glosses: bool) -> list[Hint]:
        """For each text the labels most similar to it.

        glosses=False: without the table's glosses and uses, as for labels that are not in the table.
        """
        if not texts:
            return []
        queries = self._model.embed(list(texts))
        columns = []
        for label in labels:
            compared = phrases(label) if glosses else phrases(label)[:1]
            columns.append((queries @ self._vectors(compared).T).max(axis=1))
        return [ranked(labels, row) for row in np.stack(columns, axis=1)]


def hint_of(question: Mapping[str, Any]) -> Hint:
    """The hint of a question of a rollout file; older files have no `far` labels."""
    return Hint(tuple(question["near"]), tuple(question.get("far", ())))
