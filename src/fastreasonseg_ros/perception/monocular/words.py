"""From scores of the detector's classes to the word for a thing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from ...twin.votes import OTHERS
from ..attributes.names import UNSURE

SURFACES = ("table", "desk")  # what things stand on is no thing, as for the tabletop perceiver
# Classes of Open Images that mean one word to a person; the detector takes most mugs for coffee cups.
WORDS = {
    "coffee cup": "cup",
    "mug": "cup",
    "computer monitor": "monitor",
    "stationary bicycle": "exercise bike",
    "footwear": "shoe",
    "high heels": "shoe",
    "cattle": "cow",
}
ALSO = {"cup": "mug"}  # what such a word may as well be called
LEAST = 0.1  # score from which another class is an alternative


class Word(NamedTuple):
    """score: of the label, 0 to 1; 0.5 for "object", as elsewhere. alternatives: likeliest first."""

    label: str
    score: float
    alternatives: tuple[str, ...]


def word_of(classes: tuple[str, ...], scores: Float32[np.ndarray, "classes"], label_score: float) -> Word:
    """The word of the best class if it has `label_score`, else "object" with the best classes as alternatives."""
    words: dict[str, float] = {}
    for name, score in zip(classes, scores.tolist(), strict=True):
        if name not in SURFACES:
            word = WORDS.get(name, name)
            words[word] = max(words.get(word, 0.0), score)
    ordered = sorted(words, key=lambda word: -words[word])
    label = ordered[0] if words[ordered[0]] >= label_score else UNSURE
    likely = [word for word in ordered if word != label and words[word] >= LEAST]
    also = [ALSO[label]] if label in ALSO else []
    return Word(label, words[label] if label != UNSURE else 0.5, tuple((also + likely)[:OTHERS]))
