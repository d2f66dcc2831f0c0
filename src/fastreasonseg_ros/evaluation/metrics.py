"""Measures of answers: gIoU, cIoU, exact sets; J, F and J&F over frames; each also by category and by level.

Every metric has update(...) and compute() -> dict; `Grouped` keeps one for all questions and one for each group.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool

from ..twin.masks import boundary, dilate, iou

Mask = Bool[np.ndarray, "h w"]
BOUNDARY_TOLERANCE = 0.008  # radius of the disk as a share of the image diagonal (Perazzi et al., DAVIS, CVPR 2016)


@runtime_checkable
class Metric(Protocol):
    def update(self, *prediction_and_target: Any) -> None: ...

    def compute(self) -> dict[str, Any]: ...


class MaskMetric:
    """gIoU: mean over questions of the IoU (empty on empty = 1); cIoU: sum of intersections / sum of unions."""

    def __init__(self) -> None:
        self._ious: list[float] = []
        self._intersection = self._union = 0

    def update(self, predicted: Sequence[Mask], target: Sequence[Mask]) -> None:
        """Masks of one question, one a frame; its IoU is the mean over its frames."""
        self._ious.append(region_j(predicted, target))
        for p, t in zip(predicted, target, strict=True):
            self._intersection += int(np.count_nonzero(p & t))
            self._union += int(np.count_nonzero(p | t))

    def compute(self) -> dict[str, Any]:
        if not self._ious:
            return {"giou": None, "ciou": None, "n": 0}
        ciou = self._intersection / self._union if self._union else 1.0
        return {"giou": float(np.mean(self._ious)), "ciou": ciou, "n": len(self._ious)}


class ExactSetMetric:
    """Share of questions whose predicted ids are the target ids, in any order."""

    def __init__(self) -> None:
        self._right = self._n = 0

    def update(self, predicted: Iterable[int], target: Iterable[int]) -> None:
        self._right += set(predicted) == set(target)
        self._n += 1

    def compute(self) -> dict[str, Any]:
        return {"exact": self._right / self._n if self._n else None, "n": self._n}


class VideoMetric:
    """J (mean IoU over frames), F (boundary) and their mean J&F, each averaged over questions."""

    def __init__(self) -> None:
        self._j: list[float] = []
        self._f: list[float] = []

    def update(self, predicted: Sequence[Mask | None], target: Sequence[Mask]) -> None:
        """Masks of one question, one a frame; None is a missing frame and counts as an empty prediction."""
        masks = [np.zeros_like(t) if p is None else p for p, t in zip(predicted, target, strict=True)]
        self._j.append(region_j(masks, target))
        self._f.append(float(np.mean([boundary_f(p, t) for p, t in zip(masks, target, strict=True)])))

    def compute(self) -> dict[str, Any]:
        if not self._j:
            return {"j": None, "f": None, "j_and_f": None, "n": 0}
        j, f = float(np.mean(self._j)), float(np.mean(self._f))
        return {"j": j, "f": f, "j_and_f": (j + f) / 2, "n": len(self._j)}


def region_j(predicted: Sequence[Mask], target: Sequence[Mask]) -> float:
    """Mean IoU over frames, 0..1; a frame where both are empty counts 1."""
    return float(np.mean([iou(p, t) for p, t in zip(predicted, target, strict=True)]))


def boundary_f(predicted: Mask, target: Mask) -> float:
    """F of the boundaries within 0.008 of the image diagonal, 0..1 (Perazzi et al., DAVIS, CVPR 2016, section 5.1).

    Both empty = 1, one of them empty = 0.
    """
    if not predicted.any() or not target.any():
        return float(predicted.any() == target.any())
    radius_px = float(math.ceil(BOUNDARY_TOLERANCE * math.hypot(*target.shape)))
    edge_p, edge_t = boundary(predicted), boundary(target)
    precision = np.count_nonzero(edge_p & dilate(edge_t, radius_px)) / np.count_nonzero(edge_p)
    recall = np.count_nonzero(edge_t & dilate(edge_p, radius_px)) / np.count_nonzero(edge_t)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


class Grouped:
    """One metric over all questions, one for each category and one for each level."""

    def __init__(self, new: Callable[[], Metric]) -> None:
        self._new = new
        self._all = new()
        self._groups: dict[str, dict[str, Metric]] = {"by_category": {}, "by_level": {}}

    def update(self, category: str | None, level: int | None, predicted: Any, target: Any) -> None:
        """Questions without a category or level count in the whole only."""
        self._all.update(predicted, target)
        for name, value in (("by_category", category), ("by_level", level)):
            if value is not None:
                self._groups[name].setdefault(str(value), self._new()).update(predicted, target)

    def compute(self) -> dict[str, Any]:
        groups = {name: {k: m.compute() for k, m in sorted(group.items())} for name, group in self._groups.items()}
        return self._all.compute() | groups


def percentiles(milliseconds: Sequence[float]) -> dict[str, float | None]:
    """p50 and p95, None without measurements."""
    if not milliseconds:
        return {"p50": None, "p95": None}
    p50, p95 = np.percentile(milliseconds, [50, 95])
    return {"p50": round(float(p50), 3), "p95": round(float(p95), 3)}
