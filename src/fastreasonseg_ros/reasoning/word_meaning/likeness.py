"""Predicts classes, tags and materials of labels that are not in the knowledge table.

Kernel ridge regression over the nouns of the table. The kernel is the sum of the cosine of label embeddings, the
similarity of WordNet hypernyms (weighted by inverse frequency among the nouns), and a constant for the same last word.
All three are inner products, so the model is one weight matrix from features to outputs. Accuracy: see README.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float32

from . import lexicon
from .nouns import Noun
from .paraphrases import MATERIALS, TAGS, has_material
from .word_forms import singulars

_LEAST_MEMBERS = 3
_RIDGE = 1.0
_SAME_HEAD = 0.2
MATERIAL = "made of "
TAG = "tag "
Embed = Callable[[Sequence[str]], Float32[np.ndarray, "texts 384"]]


def outputs_of(noun: Noun) -> set[str]:
    """The outputs to learn of a noun: hypernyms, 'tag ...', 'made of ...'."""
    kinds = {*noun.is_a, noun.category}
    tags = {TAG + tag for tag in noun.tags if tag in TAGS}
    return kinds | tags | {MATERIAL + m for m in MATERIALS if has_material(m, noun.material)}


def word_features(label: str) -> dict[str, float]:
    """Binary features: WordNet hypernyms of the label, or of its longest known suffix, and its last word."""
    words = singulars(label)[0].split() or [""]
    forms = (lexicon.known_form(" ".join(words[k:])) for k in range(len(words)))
    form = next((f for f in forms if f), None)
    above = lexicon.wider(lexicon.senses(form)[0]) if form else ()
    return {**{str(n): 1.0 for n in above}, "head " + words[-1]: 1.0}


@dataclass(frozen=True)
class Likeness:
    """The fitted model. weights: rows = 384 embedding dimensions, then `features`, scaled by rarity (log inverse
    frequency); columns = `outputs`."""

    outputs: tuple[str, ...]
    features: tuple[str, ...]
    rarity: Float32[np.ndarray, "features"]
    weights: Float32[np.ndarray, "rows outputs"]

    def arrays(self) -> dict[str, np.ndarray]:
        """As NumPy arrays for np.savez, weights in half precision."""
        weights = self.weights.astype(np.float16)
        return {"outputs": np.array(self.outputs), "features": np.array(self.features), "rarity": self.rarity} | {
            "weights": weights
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Likeness:
        """The inverse of arrays(). Raises KeyError for a missing array."""
        outputs, features = arrays["outputs"].tolist(), arrays["features"].tolist()
        return cls(tuple(outputs), tuple(features), arrays["rarity"], arrays["weights"].astype(np.float32))

    @cached_property
    def _place(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.features)}

    def of(self, label: str, vector: Float32[np.ndarray, "384"], least: float) -> frozenset[str]:
        """The outputs with a score of at least `least`; 1 is the training target of members."""
        scores = self.row(label, vector) @ self.weights
        return frozenset(self.outputs[k] for k in np.flatnonzero(scores >= least))

    def row(self, label: str, vector: Float32[np.ndarray, "384"]) -> Float32[np.ndarray, "rows"]:
        """The feature vector of a label: its embedding, the unit vector of hypernyms, and its last word."""
        place = self._place
        words = np.zeros(len(self.features), np.float32)
        head = np.zeros(len(self.features), np.float32)
        for name in word_features(label):
            if name in place:
                (head if name.startswith("head ") else words)[place[name]] = self.rarity[place[name]]
        norm = float(np.linalg.norm(words))
        return np.concatenate([vector, words / norm if norm else words, head]).astype(np.float32)


def fit(nouns: Mapping[str, Noun], embed: Embed) -> Likeness:
    """Fits the model to a table of nouns; takes 0.5 s plus the embeddings."""
    stated = [outputs_of(noun) for noun in nouns.values()]
    outputs = Counter(o for one in stated for o in one)
    features = Counter(f for name in nouns for f in word_features(name))
    kept = tuple(sorted(o for o, count in outputs.items() if count >= _LEAST_MEMBERS))
    names = tuple(sorted(f for f, count in features.items() if count >= 2))
    rarity = np.array(
        [_SAME_HEAD**0.5 if f.startswith("head ") else np.log(len(nouns) / features[f]) for f in names], np.float32
    )
    empty = Likeness(kept, names, rarity, np.zeros((0, 0), np.float32))
    rows = np.stack([empty.row(name, v) for name, v in zip(nouns, embed(list(nouns)), strict=True)]).astype(np.float64)
    has = np.array([[o in one for o in kept] for one in stated], np.float64)
    kernel = rows @ rows.T + _RIDGE * np.eye(len(rows))
    return Likeness(kept, names, rarity, (rows.T @ np.linalg.solve(kernel, has)).astype(np.float32))
