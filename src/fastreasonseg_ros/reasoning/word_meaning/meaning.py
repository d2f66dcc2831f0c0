"""Which labels a text means: word lists where they find any (grounding.py), else a trained reader and embeddings.

Sentence embeddings of the text are compared with a label, its gloss, its uses and its hypernyms: "these carrots should
become thin strips" is not similar to the word "grater", but to "shred carrots", which is one of its uses in the
knowledge table. The prompt's hint ranks labels by them. decision.py weighs both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64

from ...cache import cached, known_sha256
from ...errors import ModelError
from ...twin.types import NO_LABEL, PictureEmbedding
from ..protocol import Hint
from . import lexicon
from .decision import EVIDENCE, evidence, read_decision
from .grounding import Grounder
from .likeness import Likeness, fit
from .minilm import MiniLM, minilm_folder
from .nouns import find_noun, load_nouns
from .picture_words import PictureWords
from .reader import Reader, reader_file

_KEPT_TEXTS = 4096
HINT_LABELS = 3  # labels in the prompt's hint
# Below this cosine a label is unlikely: of 1,070 generated needs that an object in view meets, 17 % have no label above
# it, of 95 needs that none meets 73 %.
FAR_COSINE = 0.3
Compared = Callable[[str], tuple[str, ...]]


@dataclass(frozen=True)
class MeaningConfig:
    """Settings of word meaning. reader: weights of the reader; empty: those that ship.

    similarity = 1 / (1 + exp(-slope (cosine - middle))); `wider` is subtracted from cosines with hypernyms. Where word
    lists find nothing, a label matches if its chance (decision.py) is at least `fits`. A label that is not in the
    table gets the classes, tags and materials with a score of at least `likely` (likeness.py).
    """

    threads: int = 2
    reader: str = ""
    slope: float = 15.0
    middle: float = 0.53
    wider: float = 0.15
    fits: float = 0.6
    likely: float = 0.3


def ranked(labels: Sequence[str], cosines: Float32[np.ndarray, "labels"], count: int = HINT_LABELS) -> Hint:
    """The `count` labels with the largest cosines, best first, split at FAR_COSINE."""
    order = np.argsort(-cosines, kind="stable")[:count]
    near = int((cosines[order] >= FAR_COSINE).sum())
    names = tuple(labels[k] for k in order)
    return Hint(names[:near], names[near:])


class SentenceMeaning:
    """A `WordMeaning` by all-MiniLM-L6-v2 on the CPU: 6 ms for a new text, microseconds for a cached one."""

    def __init__(self, config: MeaningConfig = MeaningConfig()) -> None:
        """Loads the model: 1 s, and 20 s once to embed the knowledge table into the cache. Raises ModelError."""
        self.config = config
        self._model = MiniLM(threads=config.threads)
        weights = Path(config.reader) if config.reader else reader_file()
        self._reader, self._decision = Reader(weights, config.threads), read_decision(weights.parent)
        self._rows, self._table, self._likeness = self._knowledge()
        self._grounder = Grounder(guess=self._guess)
        self._pictures = PictureWords()
        self._matched: dict[tuple[str, tuple[str, ...]], frozenset[str]] = {}
        self._kept: dict[tuple[str, ...], Float32[np.ndarray, "texts 384"]] = {}

    def similarity(self, text: str, labels: Sequence[str]) -> Float32[np.ndarray, "labels"]:
        """Similarity of each label to the text, 0..1; 0.5 = equally likely to match or not among about ten labels."""
        distance = self._wide_cosines(text, labels) - self.config.middle
        return (1.0 / (1.0 + np.exp(-self.config.slope * distance))).astype(np.float32)

    def _wide_cosines(self, text: str, labels: Sequence[str]) -> Float32[np.ndarray, "labels"]:
        """For each label the larger of its cosine, and that of wider words less `wider`."""
        narrow, wide = self._cosines(text, labels, phrases), self._cosines(text, labels, wider_words)
        return np.maximum(narrow, wide - self.config.wider)

    def matching(self, text: str, labels: Sequence[str]) -> frozenset[str]:
        """The labels that match the text, possibly none; by word lists (grounding.py), else by the reader."""
        key = (text, tuple(labels))
        found = self._matched.get(key)
        if found is None:
            if len(self._matched) >= _KEPT_TEXTS:
                self._matched.clear()
            found = self._matched[key] = self._match(text, labels)
        return found

    def pictured(self, text: str, pictures: Sequence[PictureEmbedding | None]) -> tuple[bool, ...]:
        """Whether the text fits each picture (picture_words.py)."""
        return self._pictures.fitting(text, pictures)

    def _match(self, text: str, labels: Sequence[str]) -> frozenset[str]:
        grounding = self._grounder.ground(text, labels)
        if grounding.labels or grounding.why == "nothing":
            return grounding.labels
        return self.read(text, labels)

    def read(self, text: str, labels: Sequence[str]) -> frozenset[str]:
        """The labels that fit the text by the reader and sentence embeddings, without word lists."""
        named = [label for label in labels if label != NO_LABEL]
        if not named:
            return frozenset()
        chances = self._decision.chances(self.evidence(text, named), EVIDENCE)
        return frozenset(label for label, chance in zip(named, chances, strict=True) if chance >= self.config.fits)

    def evidence(self, text: str, labels: Sequence[str]) -> Float64[np.ndarray, "labels 4"]:
        """What decides whether each label fits the text (decision.py)."""
        return evidence(self._reader.chances(text, labels), self._wide_cosines(text, labels))

    def nearest(self, text: str, labels: Sequence[str], count: int = 3) -> tuple[str, ...]:
        """The labels most similar to the text, best first."""
        hint = ranked(labels, self._cosines(text, labels, phrases), count)
        return hint.near + hint.far

    def hint(self, text: str, labels: Sequence[str]) -> Hint:
        """The prompt's hint of the labels nearest to the text, as in training/student/corpus/hints.py."""
        return ranked(labels, self._cosines(text, labels, phrases)) if labels else Hint()

    def _cosines(self, text: str, labels: Sequence[str], compared: Compared) -> Float32[np.ndarray, "labels"]:
        """For each label the largest cosine over its compared texts; -1 if it has none."""
        query = self._embedded((text,))[0]
        found = ((self._embedded(texts) @ query).max() if (texts := compared(label)) else -1.0 for label in labels)
        return np.fromiter(found, np.float32, len(labels))

    def _embedded(self, texts: tuple[str, ...]) -> Float32[np.ndarray, "texts 384"]:
        """Unit vectors of texts, cached, from the knowledge table, or computed."""
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
        """Predicted classes, tags and materials of a label that is not in the table. perhaps: half the threshold."""
        least = self.config.likely / 2 if perhaps else self.config.likely
        return self._likeness.of(label, self._embedded((label,))[0], least)

    def _knowledge(self) -> tuple[dict[str, int], np.ndarray, Likeness]:
        """Row of each phrase of the knowledge table, their vectors (half precision), and the fitted model; cached."""
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
    """The texts that represent a label: itself, its gloss, and its uses."""
    label = " ".join(label.lower().replace("_", " ").split())
    noun = find_noun(label)
    return (label, f"{label}: {noun.gloss}", *noun.uses) if noun else (label,)


@lru_cache(_KEPT_TEXTS)
def wider_words(label: str) -> tuple[str, ...]:
    """Synonyms and hypernyms of a label."""
    noun = find_noun(label)
    return (*noun.synonyms, *noun.is_a, noun.category) if noun else ()
