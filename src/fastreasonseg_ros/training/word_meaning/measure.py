"""How well the labels that fit a phrase are told from those that nearly fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from jaxtyping import Float32

from .judgements import Judgement


class Chances(Protocol):
    """The chance of each label to fit a phrase."""

    def chances(self, phrase: str, labels: Sequence[str]) -> Float32[np.ndarray, "labels"]: ...


def measure(reader: Chances, judgements: Sequence[Judgement], precision: float = 0.9) -> dict[str, float]:
    """accuracy and cross_entropy of the chances, recall at that precision, and recall and precision from 0.5 on.

    exact_set: share of the phrases of whose labels just those that fit have a chance from 0.5 on.
    """
    by_phrase = [reader.chances(j.phrase, (*j.yes, *j.no)) for j in judgements]
    exact = [
        (p[: len(j.yes)] >= 0.5).all() and (p[len(j.yes) :] < 0.5).all()
        for p, j in zip(by_phrase, judgements, strict=True)
    ]
    chances = np.concatenate(by_phrase).astype(np.float64)
    fits = np.concatenate([[1] * len(j.yes) + [0] * len(j.no) for j in judgements])
    found = fits[np.argsort(-chances, kind="stable")]
    right = np.cumsum(found)
    sure = np.flatnonzero(right / np.arange(1, len(found) + 1) >= precision)
    clipped = np.clip(chances, 1e-6, 1 - 1e-6)
    said = chances >= 0.5
    return {
        "phrases": len(judgements),
        "judgements": len(fits),
        "exact_set": round(float(np.mean(exact)), 4),
        "accuracy": round(float((said == fits).mean()), 4),
        "cross_entropy": round(float(-np.where(fits, np.log(clipped), np.log(1 - clipped)).mean()), 4),
        f"recall_at_precision_{precision}": round(float(right[sure[-1]] / fits.sum()), 4) if len(sure) else 0.0,
        "precision": round(float(fits[said].mean()), 4) if said.any() else 0.0,
        "recall": round(float(said[fits == 1].mean()), 4),
    }
