"""Segmentation without classes: overlap and boundary precision, recall, F after Hungarian matching.

As in Xie, Xiang, Mousavian, Fox: Unseen Object Instance Segmentation for Robotic Environments, T-RO 2021: predicted
and true objects are matched one to one so that the sum of their F is greatest; pixels of unmatched objects count as
wrong. Boundaries match within 0.3 % of the image diagonal.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import UInt16
from scipy.optimize import linear_sum_assignment

from ..twin import masks

IdImage = UInt16[np.ndarray, "h w"]


@dataclass(frozen=True)
class SegmentationScore:
    """Shares, 0..1. share75: objects of the truth whose overlap F is at least 0.75; objects: how many there are."""

    overlap_precision: float
    overlap_recall: float
    overlap_f: float
    boundary_precision: float
    boundary_recall: float
    boundary_f: float
    share75: float
    objects: int


def match_ids(predicted: IdImage, truth: IdImage) -> dict[int, tuple[int, float]]:
    """For every matched true id its predicted id and their overlap F (2 x intersection / sum of areas), F > 0."""
    predicted_ids = [int(i) for i in np.unique(predicted) if i]
    true_ids = [int(i) for i in np.unique(truth) if i]
    if not predicted_ids or not true_ids:
        return {}
    f = _overlap_f(predicted, truth, predicted_ids, true_ids)
    rows, columns = linear_sum_assignment(-f)
    return {true_ids[c]: (predicted_ids[r], float(f[r, c])) for r, c in zip(rows, columns, strict=True) if f[r, c] > 0}


def score_segmentation(predicted: IdImage, truth: IdImage, tolerance: float = 0.003) -> SegmentationScore:
    """Score of one picture; ids are 0 for background and need not agree. tolerance: share of the image diagonal."""
    if predicted.shape != truth.shape:
        raise ValueError(f"prediction is {predicted.shape}, truth {truth.shape}: both must be id images of one picture")
    true_ids = [int(i) for i in np.unique(truth) if i]
    predicted_ids = [int(i) for i in np.unique(predicted) if i]
    matches = match_ids(predicted, truth)
    radius = float(math.ceil(tolerance * math.hypot(*truth.shape)))
    edge_p = {i: masks.boundary(predicted == i) for i in predicted_ids}
    edge_t = {i: masks.boundary(truth == i) for i in true_ids}
    inter = near_p = near_t = 0
    for true_id, (predicted_id, _) in matches.items():
        inter += np.count_nonzero((predicted == predicted_id) & (truth == true_id))
        near_p += np.count_nonzero(edge_p[predicted_id] & masks.dilate(edge_t[true_id], radius))
        near_t += np.count_nonzero(edge_t[true_id] & masks.dilate(edge_p[predicted_id], radius))
    op, orc = _ratio(inter, np.count_nonzero(predicted)), _ratio(inter, np.count_nonzero(truth))
    bp = _ratio(near_p, sum(np.count_nonzero(e) for e in edge_p.values()))
    br = _ratio(near_t, sum(np.count_nonzero(e) for e in edge_t.values()))
    good = sum(f >= 0.75 for _, f in matches.values())
    return SegmentationScore(op, orc, _f(op, orc), bp, br, _f(bp, br), _ratio(good, len(true_ids)), len(true_ids))


def mean_score(scores: Iterable[SegmentationScore]) -> SegmentationScore:
    """Mean over pictures, as published; share75 and objects over all objects together."""
    scores = list(scores)
    if not scores:
        raise ValueError("no picture to average over")
    means = {f.name: float(np.mean([getattr(s, f.name) for s in scores])) for f in fields(SegmentationScore)}
    objects = sum(s.objects for s in scores)
    means["share75"] = _ratio(sum(s.share75 * s.objects for s in scores), objects)
    return SegmentationScore(**means | {"objects": objects})


def _overlap_f(predicted: IdImage, truth: IdImage, rows: list[int], columns: list[int]) -> np.ndarray:
    row_of, column_of = np.zeros(int(predicted.max()) + 1, int), np.zeros(int(truth.max()) + 1, int)
    row_of[rows], column_of[columns] = np.arange(1, len(rows) + 1), np.arange(1, len(columns) + 1)
    width = len(columns) + 1
    counts = np.bincount((row_of[predicted] * width + column_of[truth]).ravel(), minlength=(len(rows) + 1) * width)
    counts = counts.reshape(len(rows) + 1, width)
    return 2 * counts[1:, 1:] / (counts.sum(axis=1)[1:, None] + counts.sum(axis=0)[None, 1:])


def _ratio(part: float, whole: float) -> float:
    """part / whole; nothing out of nothing is perfect."""
    return float(part / whole) if whole else 1.0


def _f(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
