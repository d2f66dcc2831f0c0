"""Consistency of track ids over a video: IDF1 and id switches.

- IDF1 (Ristani et al., Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking, ECCV Workshops
  2016): complete trajectories are matched one to one so that most detections agree; F of the agreeing detections.
- Id switches (Bernardin and Stiefelhagen, Evaluating Multiple Object Tracking Performance, 2008): objects are matched
  frame by frame, keeping the matches of the previous frame that are still valid; a switch is an object with another
  id than when it was last matched.

A prediction may match an object in a frame where the IoU of their masks is at least 0.5.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from jaxtyping import Float64, UInt16
from scipy.optimize import linear_sum_assignment

IdImage = UInt16[np.ndarray, "h w"]
MATCH_IOU = 0.5  # least IoU of a match


class TrackingMetric:
    """Call update() for every frame in order, then counts(). Counts of several videos may be summed."""

    def __init__(self) -> None:
        self._together: Counter[tuple[int, int]] = Counter()  # (true id, predicted id) -> frames in which they agree
        self._true = self._predicted = self._switches = 0
        self._current: dict[int, int] = {}  # true id -> predicted id of the frame before
        self._last: dict[int, int] = {}  # true id -> predicted id when it was last matched

    def update(self, predicted: IdImage | None, truth: IdImage) -> None:
        """Adds one frame; predicted: None if perception raised an error (counts as empty)."""
        predicted = np.zeros_like(truth) if predicted is None else predicted
        true_ids, predicted_ids, ious = overlaps(predicted, truth)
        self._true += len(true_ids)
        self._predicted += len(predicted_ids)
        candidates = {(t, p): ious[i, j] for i, t in enumerate(true_ids) for j, p in enumerate(predicted_ids)}
        candidates = {pair: value for pair, value in candidates.items() if value >= MATCH_IOU}
        self._together.update(candidates.keys())
        kept = {t: p for t, p in self._current.items() if (t, p) in candidates}
        free = {k: v for k, v in candidates.items() if k[0] not in kept and k[1] not in kept.values()}
        matched = kept | _match(free)
        self._switches += sum(self._last.get(t, p) != p for t, p in matched.items())
        self._current = matched
        self._last |= matched

    def counts(self) -> dict[str, int]:
        """id_true_positives, id_detections (true + predicted), id_switches."""
        agreed = sum(self._together[pair] for pair in _match(dict(self._together)).items())
        return {
            "id_true_positives": agreed,
            "id_detections": self._true + self._predicted,
            "id_switches": self._switches,
        }


def idf1(true_positives: int, detections: int) -> float:
    """2 IDTP / (true + predicted detections), 0..1; 1 without detections."""
    return 2 * true_positives / detections if detections else 1.0


def overlaps(predicted: IdImage, truth: IdImage) -> tuple[list[int], list[int], Float64[np.ndarray, "true predicted"]]:
    """True ids, predicted ids, and the matrix of IoUs of their masks."""
    true_ids, t = np.unique(truth, return_inverse=True)
    predicted_ids, p = np.unique(predicted, return_inverse=True)
    size = (len(true_ids), len(predicted_ids))
    both = np.bincount(t.ravel() * size[1] + p.ravel(), minlength=size[0] * size[1]).reshape(size)
    either = both.sum(axis=1, keepdims=True) + both.sum(axis=0, keepdims=True) - both
    rows, columns = np.flatnonzero(true_ids), np.flatnonzero(predicted_ids)
    return true_ids[rows].tolist(), predicted_ids[columns].tolist(), (both / either)[np.ix_(rows, columns)]


def _match(weights: dict[tuple[int, int], float]) -> dict[int, int]:
    """Optimal one-to-one assignment that maximises the sum of weights; pairs without a weight are never matched."""
    rows, columns = (sorted({pair[k] for pair in weights}) for k in (0, 1))
    matrix = np.array([[weights.get((r, c), 0.0) for c in columns] for r in rows]).reshape(len(rows), len(columns))
    pairs = zip(*linear_sum_assignment(-matrix), strict=True)
    return {rows[i]: columns[j] for i, j in pairs if matrix[i, j] > 0}
