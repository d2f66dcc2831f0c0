"""The words by which things are named from their pictures: probabilities, the most specific sure word, and others.

The softmax over a vocabulary says which word fits best; a phrase that is no word of it competes with all others that do
not say the same, which needs no threshold on cosines that differ from model to model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Bool, Float32

from ..errors import ModelError

UNSURE = "object"
OTHERS = 3  # words beside the first that a thing keeps
MIN_ALTERNATIVE = 0.05
WIDEST = 0.1  # a wider word that stands for a larger share of the vocabulary says too little to be a name
_NAMES = ("labels", "wide")


@dataclass(frozen=True)
class Entry:
    """A word of a vocabulary. synonyms: whose embeddings are averaged with its own. wider: its hypernyms."""

    label: str
    synonyms: tuple[str, ...] = ()
    wider: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """The label, and its synonyms."""
        return (self.label, *self.synonyms)


@dataclass(frozen=True)
class Names:
    """What a thing may be called: the label with its probability, and others, likeliest first."""

    label: str
    score: float
    others: tuple[str, ...] = ()
    other_scores: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Labels with unit vectors of their texts. members[i, j]: label i is a kind of wide word j, or that word itself."""

    labels: tuple[str, ...]
    vectors: Float32[np.ndarray, "labels k"]
    wide: tuple[str, ...]
    members: Bool[np.ndarray, "labels wide"]

    @staticmethod
    def load(path: Path) -> Vocabulary:
        """Raises ModelError naming the file."""
        try:
            with np.load(path, allow_pickle=False) as data:
                labels, wide = (tuple(map(str, data[name])) for name in _NAMES)
                vectors, members = data["vectors"].astype(np.float32), data["members"]
            if vectors.ndim != 2 or members.shape != (len(labels), len(wide)) or len(vectors) != len(labels):
                raise ValueError("its parts do not fit each other")
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise ModelError(
                f"{path}: is missing or corrupt ({error}); remove it and run `fastreasonseg models install` again"
            ) from error
        return Vocabulary(labels, vectors, wide, members)

    def with_words(self, words: Mapping[str, Float32[np.ndarray, "k"]]) -> Vocabulary:
        """Also with these words, in place of labels that say the same."""
        if not words:
            return self
        kept = np.array([not any(same_words(label, word) for word in words) for label in self.labels], bool)
        return replace(
            self,
            labels=(*(label for label, keep in zip(self.labels, kept, strict=True) if keep), *words),
            vectors=np.concatenate([self.vectors[kept], np.stack([*words.values()])]).astype(np.float32),
            members=np.concatenate([self.members[kept], np.zeros((len(words), len(self.wide)), bool)]),
        )

    def names(self, picture: Float32[np.ndarray, "k"], scale: float, min_score: float) -> Names:
        """What a picture's thing may be called; UNSURE where neither a label nor a wider word reaches min_score.

        scale: of the model's logits. A wider word is said where only the sum of its kinds is enough: knife, for carving
        knife or bread knife; the narrowest such word.
        """
        odds = softmax(scale * (self.vectors @ picture))
        order = np.argsort(-odds, kind="stable")[: OTHERS + 1]
        best = int(order[0])
        label, score = UNSURE, float(odds[best])
        if odds[best] >= min_score:
            label = self.labels[best]
        elif len(self.wide):
            sums = odds @ self.members
            enough = np.flatnonzero(sums >= min_score)
            if len(enough):
                narrowest = int(enough[np.argmin(self.members[:, enough].sum(axis=0))])
                label, score = self.wide[narrowest], float(sums[narrowest])
        others = [k for k in order if odds[k] >= MIN_ALTERNATIVE and self.labels[k] != label][:OTHERS]
        return Names(label, score, tuple(self.labels[k] for k in others), tuple(float(odds[k]) for k in others))

    def chance(
        self, phrase: str, vector: Float32[np.ndarray, "k"], picture: Float32[np.ndarray, "k"], scale: float
    ) -> float:
        """Probability of a phrase (with its vector) against all labels that do not say the same in part."""
        own = scale * float(vector @ picture)
        rivals = np.array([not shares_word(label, phrase) for label in self.labels], bool)
        logits = np.append(scale * (self.vectors[rivals] @ picture), own)
        return float(softmax(logits)[-1])


def save_vocabulary(path: Path, entries: Sequence[Entry], vector_of: Callable[[str], np.ndarray]) -> None:
    """Writes what `Vocabulary.load` reads; the vector of a label is the mean of its words'."""
    labels = tuple(entry.label for entry in entries)
    index = {label: k for k, label in enumerate(labels)}
    kinds: dict[str, set[int]] = {}
    for k, entry in enumerate(entries):
        for word in entry.wider:
            kinds.setdefault(word, set()).add(k)
    for word in kinds:
        kinds[word] |= {index[word]} if word in index else set()
    most = max(2, int(WIDEST * len(labels)))
    wide = tuple(sorted(word for word, members in kinds.items() if 2 <= len(members) <= most and word != UNSURE))
    members = np.zeros((len(labels), len(wide)), bool)
    for j, word in enumerate(wide):
        members[sorted(kinds[word]), j] = True
    vectors = np.stack([np.mean([vector_of(word) for word in entry.words], axis=0) for entry in entries])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    np.savez_compressed(
        path,
        labels=np.array(labels, str),
        wide=np.array(wide, str),
        vectors=vectors.astype(np.float16),
        members=members,
    )


def softmax(logits: np.ndarray) -> np.ndarray:
    """Over one axis, without overflow."""
    odds = np.exp(logits - logits.max())
    return odds / odds.sum()


def same_words(a: str, b: str) -> bool:
    """Whether two labels are the same but for the number: "peanut", "peanuts"."""
    return a.removesuffix("s") == b.removesuffix("s")


def shares_word(label: str, phrase: str) -> bool:
    """Whether a label's last word is in the phrase, or the phrase's last word in the label, in any number.

    >>> shares_word("peanut", "the salted peanuts"), shares_word("nut", "the peanuts")
    (True, False)
    """
    first, second = ([word.removesuffix("s") for word in text.lower().split()] for text in (label, phrase))
    return bool(first and second) and (first[-1] in second or second[-1] in first)
