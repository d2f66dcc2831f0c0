"""Which labels fit some words: cosine of sentence embeddings with a label, its gloss, its uses and its wider words.

"These carrots should become thin strips" is far from the word "grater", but near to "shred carrots", which the
knowledge table lists among a grater's uses. Settings were fitted on the table's own `needs`, which are in no index; see
README.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32

from ...errors import ModelError
from ..cache import cached, known_sha256
from ..protocol import Hint
from . import lexicon
from .grounding import Grounder
from .likeness import Likeness, fit
from .minilm import MiniLM, minilm_folder
from .nouns import find_noun, load_nouns

_KEPT_TEXTS = 4096
HINT_LABELS = 3  # that a prompt names
# Below this cosine a label is hardly meant: of 1,070 generated needs that something in view meets 17 % have nothing
# nearer than this, of 95 that nothing meets 73 %.
FAR_COSINE = 0.3
Compared = Callable[[str], tuple[str, ...]]


@dataclass(frozen=True)
class MeaningConfig:
    """Settings of word meaning.

    similarity = 1 / (1 + exp(-slope (cosine - middle))); cosines with wider words count `wider` less. A label matches
    when its similarity is at least `threshold` (`surely` where the text names a known thing that is not in view) and
    its odds at least the best label's divided by `odds`. A label that the table does not hold has the kinds, tags and
    materials of which it is like the members by at least `likely` (likeness.py).
    """

    threads: int = 2
    slope: float = 15.0
    middle: float = 0.53
    wider: float = 0.15
    threshold: float = 0.16
    odds: float = 4.0
    likely: float = 0.3
    surely: float = 0.9


def fitting(similarity: Float32[np.ndarray, "n"], threshold: float, odds: float) -> Bool[np.ndarray, "n"]:
    """Which are at least `threshold`, and have at least the best one's odds p / (1 - p) divided by `odds`."""
    if not len(similarity):
        return np.zeros(0, bool)
    exact = np.clip(similarity.astype(np.float64), 1e-7, 1 - 1e-7)
    ratio = exact / (1 - exact)
    return (similarity >= threshold) & (ratio >= ratio.max() / odds)


def ranked(labels: Sequence[str], cosines: Float32[np.ndarray, "labels"], count: int = HINT_LABELS) -> Hint:
    """The `count` labels with the largest cosines, best first, near and far ones apart."""
    order = np.argsort(-cosines, kind="stable")[:count]
    near = int((cosines[order] >= FAR_COSINE).sum())
    names = tuple(labels[k] for k in order)
    return Hint(names[:near], names[near:])


class SentenceMeaning:
    """A `WordMeaning` by all-MiniLM-L6-v2 on the CPU: 6 ms for a new text, microseconds for one it has seen."""

    def __init__(self, config: MeaningConfig = MeaningConfig()) -> None:
        """Loads the model: 1 s, and 20 s once to embed the knowledge table into the cache. Raises ModelError."""
        self.config = config
        self._model = MiniLM(threads=config.threads)
        self._rows, self._table, self._likeness = self._knowledge()
        self._grounder = Grounder(guess=self._guess)
        self._matched: dict[tuple[str, tuple[str, ...]], frozenset[str]] = {}
        self._kept: dict[tuple[str, ...], Float32[np.ndarray, "texts 384"]] = {}

    def similarity(self, text: str, labels: Sequence[str]) -> Float32[np.ndarray, "labels"]:
        """How well each label fits the text, 0..1: 0.5 = as likely as not among some ten labels."""
        narrow, wide = self._cosines(text, labels, phrases), self._cosines(text, labels, wider_words)
        cosines = np.maximum(narrow, wide - self.config.wider)
        return (1.0 / (1.0 + np.exp(-self.config.slope * (cosines - self.config.middle)))).astype(np.float32)

    def matching(self, text: str, labels: Sequence[str]) -> frozenset[str]:
        """The labels that fit the text; may be none. First what word lists know (grounding.py), then by similarity."""
        key = (text, tuple(labels))
        found = self._matched.get(key)
        if found is None:
            if len(self._matched) >= _KEPT_TEXTS:
                self._matched.clear()
            found = self._matched[key] = self._match(text, labels)
        return found

    def _match(self, text: str, labels: Sequence[str]) -> frozenset[str]:
        grounding = self._grounder.ground(text, labels)
        if grounding.labels or grounding.why in ("property", "nothing"):
            return grounding.labels
        return self._similar(text, labels, self.config.surely if grounding.sure else self.config.threshold)

    def _similar(self, text: str, labels: Sequence[str], threshold: float | None = None) -> frozenset[str]:
        """By similarity alone."""
        least = self.config.threshold if threshold is None else threshold
        chosen = fitting(self.similarity(text, labels), least, self.config.odds)
        return frozenset(label for label, fits in zip(labels, chosen, strict=True) if fits)

    def nearest(self, text: str, labels: Sequence[str], count: int = 3) -> tuple[str, ...]:
        """The labels most similar to the text, best first."""
        hint = ranked(labels, self._cosines(text, labels, phrases), count)
        return hint.near + hint.far

    def hint(self, text: str, labels: Sequence[str]) -> Hint:
        """What a prompt says of the labels nearest to the text, as training/student/corpus/hints.py has it."""
        return ranked(labels, self._cosines(text, labels, phrases)) if labels else Hint()

    def _cosines(self, text: str, labels: Sequence[str], compared: Compared) -> Float32[np.ndarray, "labels"]:
        """The best cosine over what is compared with each label; -1 where there is nothing."""
        query = self._embedded((text,))[0]
        found = ((self._embedded(texts) @ query).max() if (texts := compared(label)) else -1.0 for label in labels)
        return np.fromiter(found, np.float32, len(labels))

    def _embedded(self, texts: tuple[str, ...]) -> Float32[np.ndarray, "texts 384"]:
        """Unit vectors from memory, from the knowledge table, or anew."""
        vectors = self._kept.get(texts)
        if vectors is None:
            new = [t for t in texts if t not in self._rows]
            made = dict(zip(new, self._model.embed(new), strict=True)) if new else {}
            vectors = np.stack([made[t] if t in made else self._table[self._rows[t]] for t in texts]).astype(np.float32)
            if len(self._kept) >= _KEPT_TEXTS:
                self._kept.clear()
            self._kept[texts] = vectors
        return vectors

    def _guess(self, label: str, perhaps: bool = False) -> frozenset[str]:
        """Kinds, tags and materials that a label which the table does not hold probably has, or perhaps."""
        least = self.config.likely / 2 if perhaps else self.config.likely
        return self._likeness.of(label, self._embedded((label,))[0], least)

    def _knowledge(self) -> tuple[dict[str, int], np.ndarray, Likeness]:
        """Row of each phrase of the knowledge table, the vectors (half precision), what is learnt; made once."""
        nouns = load_nouns()
        texts = sorted({phrase for noun in nouns for phrase in phrases(noun) + wider_words(noun)})
        parts = (known_sha256(minilm_folder() / "model.safetensors"), known_sha256(lexicon.FILE), repr(nouns), *texts)
        key = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

        def build(target: Path) -> None:
            vectors = self._model.embed(texts)
            rows = {text: row for row, text in enumerate(texts)}
            learnt = fit(nouns, lambda names: vectors[[rows[name] for name in names]])
            np.save(target / "vectors.npy", vectors.astype(np.float16))
            np.savez(target / "likeness.npz", **learnt.arrays())

        folder = cached(f"meaning-{key}", build)
        try:
            table = np.load(folder / "vectors.npy")
            with np.load(folder / "likeness.npz") as arrays:
                learnt = Likeness.from_arrays(arrays)
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(f"{folder}: cannot be read ({error}); remove this folder, it is made anew") from error
        return {text: row for row, text in enumerate(texts)}, table, learnt


@lru_cache(_KEPT_TEXTS)
def phrases(label: str) -> tuple[str, ...]:
    """What is compared with a text for a label: the label itself, its gloss, and what it is used for."""
    label = " ".join(label.lower().replace("_", " ").split())
    noun = find_noun(label)
    return (label, f"{label}: {noun.gloss}", *noun.uses) if noun else (label,)


@lru_cache(_KEPT_TEXTS)
def wider_words(label: str) -> tuple[str, ...]:
    """Other words for a label, and words for the kinds of things that it is one of."""
    noun = find_noun(label)
    return (*noun.synonyms, *noun.is_a, noun.category) if noun else ()
