"""Perception measured beside the answers: segmentation without classes, and words where labels.jsonl tells them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from jaxtyping import UInt16

from ..twin.types import DigitalTwin
from .datasets import Words
from .perception_metrics import SegmentationScore, match_ids, mean_score, score_segmentation

FOUND = 0.5  # overlap F from which an object counts as found, so that its words can be right or wrong
SPELLINGS = {"grey": "gray"}


class PerceptionReport:
    """update() once a picture, compute() for the whole: the keys of DESIGN 7, shares 0..1.

    label_accuracy and color_accuracy: share of the found objects with a known word that have that very word;
    label_head_accuracy compares last words only ("tea box" and "box" agree). found: share of labelled objects.
    """

    def __init__(self) -> None:
        self._scores: list[SegmentationScore] = []
        self._right = {"label": 0, "label_head": 0, "color": 0}
        self._asked = {"label": 0, "label_head": 0, "color": 0}
        self._labelled = self._found = 0

    def update(
        self,
        twin: DigitalTwin,
        predicted: UInt16[np.ndarray, "h w"],
        truth: UInt16[np.ndarray, "h w"],
        words: Words,
    ) -> None:
        self._scores.append(score_segmentation(predicted, truth))
        instances = {i.id: i for i in twin.instances}
        present = {int(i) for i in np.unique(truth)}
        self._labelled += len(present & set(words.labels))
        for true_id, (predicted_id, f) in match_ids(predicted, truth).items():
            instance = instances.get(predicted_id)
            if f < FOUND or instance is None:
                continue
            if label := _plain(words.labels.get(true_id)):
                self._found += 1
                said = _plain(instance.label)
                self._count("label", said == label)
                self._count("label_head", said.split()[-1:] == label.split()[-1:])
            if color := _plain(words.colors.get(true_id)):
                self._count("color", _plain(instance.color) == color)

    def compute(self) -> dict[str, Any]:
        """Empty where no picture had ground truth."""
        if not self._scores:
            return {}
        result: dict[str, Any] = {**asdict(mean_score(self._scores)), "pictures": len(self._scores)}
        for word, asked in self._asked.items():
            if asked:
                result[f"{word}_accuracy"] = self._right[word] / asked
        if self._labelled:
            result["found"] = self._found / self._labelled
        return result

    def _count(self, word: str, right: bool) -> None:
        self._asked[word] += 1
        self._right[word] += right


def _plain(word: str | None) -> str:
    word = " ".join((word or "").lower().replace("_", " ").split())
    return SPELLINGS.get(word, word)
