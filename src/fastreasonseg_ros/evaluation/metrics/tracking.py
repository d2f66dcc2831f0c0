"""How well ids keep to objects over a video: IDF1 and id switches.

- IDF1 (Ristani et al., Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking, ECCV Workshops
2016):   whole trajectories are matched one to one so that most detections agree; F of the detections that then agree.
- Id switches (Bernardin and Stiefelhagen, Evaluating Multiple Object Tracking Performance, 2008): frame by frame
objects   are matched, a match of the frame before being kept while it lasts; a switch is an object that gets another
id than   it had when it was last matched.

A prediction may match an object in a frame where the IoU of their masks is at least 0.5.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from jaxtyping import Float64, UInt16
from scipy.optimize import linear_sum_assignment

IdImage = UInt16[np.ndarray, "h w"]
SAME = 0.5  # IoU from which a prediction can be an object


class TrackingMetric:
    """update() once a frame, in order; counts() for the video. Counts of several videos may be added up."""

    def __init__(self) -> None:
        self._together: Counter[tuple[int, int]] = Counter()  # (true id, predicted id) -> frames in which they agree
        self._true = self._predicted = self._switches = 0
        self._current: dict[int, int] = {}  # true id -> predicted id of the frame before
        self._last: dict[int, int] = {}  # true id -> predicted id when it was last matched

    def update(self, predicted: IdImage | None, truth: IdImage) -> None:
        """One frame; None where perception gave nothing."""
        predicted = np.zeros_like(truth) if predicted is None else predicted
        true_ids, predicted_ids, ious = overlaps(predicted, truth)
        self._true += len(true_ids)
        self._predicted += len(predicted_ids)
        able = {(t, p): ious[i, j] for i, t in enumerate(true_ids) for j, p in enumerate(predicted_ids)}
        able = {pair: value for pair, value in able.items() if value >= SAME}
        self._together.update(able.keys())
        kept = {t: p for t, p in self._current.items() if (t, p) in able}
        matched = kept | _match({k: v for k, v in able.items() if k[0] not in kept and k[1] not in kept.values()})
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
    """2 IDTP / (true + predicted detections), 0..1; nothing out of nothing is 1."""
    return 2 * true_positives / detections if detections else 1.0


def overlaps(predicted: IdImage, truth: IdImage) -> tuple[list[int], list[int], Float64[np.ndarray, "true predicted"]]:
    """True ids, predicted ids, and the IoU of their masks."""
    true_ids, t = np.unique(truth, return_inverse=True)
    predicted_ids, p = np.unique(predicted, return_inverse=True)
    size = (len(true_ids), len(predicted_ids))
    both = np.bincount(t.ravel() * size[1] + p.ravel(), minlength=size[0] * size[1]).reshape(size)
    either = both.sum(axis=1, keepdims=True) + both.sum(axis=0, keepdims=True) - both
    rows, columns = np.flatnonzero(true_ids), np.flatnonzero(predicted_ids)
    return true_ids[rows].tolist(), predicted_ids[columns].tolist(), (both / either)[np.ix_(rows, columns)]


def _match(weights: dict[tuple[int, int], float]) -> dict[int, int]:
    """One to one, so that the sum of weights is greatest; pairs without a weight are never matched."""
    rows, columns = (sorted({pair[k] for pair in weights}) for k in (0, 1))
    matrix = np.array([[weights.get((r, c), 0.0) for c in columns] for r in rows]).reshape(len(rows), len(columns))
    pairs = zip(*linear_sum_assignment(-matrix), strict=True)
    return {rows[i]: columns[j] for i, j in pairs if matrix[i, j] > 0}
