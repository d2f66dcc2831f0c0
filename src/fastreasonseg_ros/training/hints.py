"""Hints for training prompts: the labels nearest to a question, with or without what the knowledge table adds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from ..reasoning.meaning import phrases
from ..reasoning.minilm import MiniLM


class HintIndex:
    """Ranks as SentenceMeaning.nearest does; embeddings of labels and glosses are kept."""

    def __init__(self, threads: int = 1) -> None:
        self._model = MiniLM(threads=threads)
        self._kept: dict[str, np.ndarray] = {}

    def _vectors(self, texts: Sequence[str]) -> Float32[np.ndarray, "texts 384"]:
        new = [t for t in dict.fromkeys(texts) if t not in self._kept]
        if new:
            self._kept.update(zip(new, self._model.embed(new), strict=True))
        return np.stack([self._kept[t] for t in texts])

    def nearest(self, texts: Sequence[str], labels: Sequence[str], glosses: bool, count: int = 3) -> list[list[str]]:
        """For each text the labels most similar to it, best first.

        glosses=False leaves out the table's glosses and uses: that is how labels look that the table does not know.
        """
        if not texts:
            return []
        queries = self._model.embed(list(texts))
        columns = []
        for label in labels:
            compared = phrases(label) if glosses else phrases(label)[:1]
            columns.append((queries @ self._vectors(compared).T).max(axis=1))
        order = np.argsort(-np.stack(columns, axis=1), axis=1, kind="stable")[:, :count]
        return [[labels[k] for k in row] for row in order]
