"""Fits the decision which labels a text means, from the reader and sentence embeddings together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...reasoning.calibration import Calibration
from ...reasoning.word_meaning.decision import EVIDENCE, write_decision
from ...reasoning.word_meaning.grounding import Grounder
from ...reasoning.word_meaning.meaning import MeaningConfig, SentenceMeaning
from ..logistic import fit_logistic
from .judgements import Judgement


def fit_decision(reader: Path, judgements: Sequence[Judgement], made: str) -> SentenceMeaning:
    """Fits the weights on phrases for which word lists find nothing, writes them beside the reader, and returns word
    meaning with both.
    """
    write_decision(Calibration(0.0, dict.fromkeys(EVIDENCE, 0.0)), reader.parent)
    config = replace(MeaningConfig(), reader=str(reader))
    meaning, grounder = SentenceMeaning(config), Grounder()
    rows, fits = [], []
    for one in judgements:
        labels = (*one.yes, *one.no)
        if labels and not grounder.ground(one.phrase, labels).labels:
            rows.append(meaning.evidence(one.phrase, labels))
            fits += [1.0] * len(one.yes) + [0.0] * len(one.no)
    intercept, found = fit_logistic(np.concatenate(rows), np.array(fits))
    weights = {name: round(float(w), 5) for name, w in zip(EVIDENCE, found, strict=True)}
    write_decision(Calibration(round(intercept, 5), weights, f"{made}: {len(rows)} phrases"), reader.parent)
    return SentenceMeaning(config)


def exact_share(meaning: SentenceMeaning, judgements: Sequence[Judgement]) -> float:
    """Share of the phrases of whose labels just those that fit are matched."""
    found = [meaning.matching(j.phrase, (*j.yes, *j.no)) == frozenset(j.yes) for j in judgements]
    return round(float(np.mean(found)), 4)
