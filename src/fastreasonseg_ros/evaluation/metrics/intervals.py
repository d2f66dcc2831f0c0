"""Bootstrap confidence intervals of ratios of sums: means (sum / count), cIoU (intersections / unions), differences.

Questions about one scene are not independent, so scenes are drawn with replacement, not questions (cluster
bootstrap; Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 and 13: percentile intervals). The
draws follow from the seed alone; a paired interval draws the same scenes for both sides.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from jaxtyping import Float64

CONFIDENCE = 0.95
RESAMPLES = 2000
FEWEST = 5  # scenes; with fewer a bootstrap interval is not meaningful
BLOCK = 100  # resamples at a time, to bound memory for data sets of many thousand scenes

Interval = tuple[float, float]


def ratio_interval(
    numerators: Sequence[float], denominators: Sequence[float], groups: Sequence[Hashable], seed: int = 0
) -> Interval | None:
    """Interval of sum(numerators) / sum(denominators), one entry a question; None for fewer than five groups."""
    sums = _by_group([numerators, denominators], groups)
    if sums.shape[1] < FEWEST:
        return None
    return _percentiles(np.concatenate([_ratio(*drawn) for drawn in _draws(sums, seed)]))


def paired_interval(
    first: tuple[Sequence[float], Sequence[float]],
    second: tuple[Sequence[float], Sequence[float]],
    groups: Sequence[Hashable],
    seed: int = 0,
) -> Interval | None:
    """Interval of ratio(first) - ratio(second), each (numerators, denominators) of the same questions in one order."""
    sums = _by_group([*first, *second], groups)
    if sums.shape[1] < FEWEST:
        return None
    return _percentiles(np.concatenate([_ratio(*d[:2]) - _ratio(*d[2:]) for d in _draws(sums, seed)]))


def _by_group(columns: Sequence[Sequence[float]], groups: Sequence[Hashable]) -> Float64[np.ndarray, "columns groups"]:
    order = {group: index for index, group in enumerate(dict.fromkeys(groups))}
    of = [order[group] for group in groups]
    return np.stack([np.bincount(of, weights=column, minlength=len(order)) for column in columns])


def _draws(sums: Float64[np.ndarray, "columns groups"], seed: int):
    """Yields sums over the drawn groups, blocks of shape (columns, BLOCK)."""
    generator = np.random.default_rng(seed)
    count = sums.shape[1]
    for _ in range(RESAMPLES // BLOCK):
        yield sums[:, generator.integers(count, size=(BLOCK, count))].sum(axis=-1)


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """numerator / denominator; 0 / 0 is 1, as for the IoU of two empty masks."""
    return np.divide(numerator, denominator, out=np.ones_like(numerator, dtype=float), where=denominator != 0)


def _percentiles(values: np.ndarray) -> Interval:
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(values, [tail, 100 - tail])
    return float(low), float(high)
