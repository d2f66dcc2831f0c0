"""Offset between the stamps of two streams, for messages when images cannot be synchronized."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..errors import ConfigError

SPREAD = (10, 90)  # percentiles
SLOP_STEP_S = 0.01
DEFAULT_SLOP_S = 0.02  # of bags: less than half a period at 25 Hz


@dataclass(frozen=True)
class StampOffset:
    """Statistics of the differences from each stamp of a reference stream to the nearest of another one, seconds.

    median_s: positive if the other stream is later. spread_s: 10th to 90th percentile. largest_s: 95th percentile of
    the absolute differences. pairs: number of compared stamps.
    """

    median_s: float
    spread_s: float
    largest_s: float
    pairs: int

    @property
    def needed_slop_s(self) -> float:
        """The least multiple of 10 ms that is larger than 95 % of the differences."""
        return round((math.floor(round(self.largest_s / SLOP_STEP_S, 6)) + 1) * SLOP_STEP_S, 2)

    def describe(self, other: str, reference: str) -> str:
        """As "depth is 120 ms later than colour (median of 30, spread 4 ms)"."""
        side = "later" if self.median_s >= 0 else "earlier"
        return (
            f"{other} is {_milliseconds(abs(self.median_s))} {side} than {reference} "
            f"(median of {self.pairs}, spread {_milliseconds(self.spread_s)})"
        )


def stamp_offset(reference_s: Iterable[float], other_s: Iterable[float]) -> StampOffset | None:
    """Offset of the other stream to the reference; stamps in seconds, in any order. None if one is empty.

    Offsets are to the nearest stamp, so that those of more than half a period are ambiguous. Reference stamps outside
    of the other stream's time span are used only if there are no others.
    """
    reference, other = np.sort(np.fromiter(reference_s, float)), np.sort(np.fromiter(other_s, float))
    if reference.size == 0 or other.size == 0:
        return None
    period = float(np.median(np.diff(other))) if other.size > 1 else 0.0
    common = reference[(reference >= other[0] - period) & (reference <= other[-1] + period)]
    reference = common if common.size else reference
    after = np.clip(np.searchsorted(other, reference), 1, max(1, other.size - 1))
    later, earlier = other[np.minimum(after, other.size - 1)] - reference, other[after - 1] - reference
    offsets = np.where(np.abs(later) < np.abs(earlier), later, earlier)
    low, high = np.percentile(offsets, SPREAD)
    return StampOffset(
        float(np.median(offsets)), float(high - low), float(np.percentile(np.abs(offsets), 95)), int(offsets.size)
    )


def check_slop(slop_s: float) -> float:
    """The slop itself. Raises ConfigError unless it is finite and not negative."""
    if not (math.isfinite(slop_s) and slop_s >= 0):
        raise ConfigError(f"slop {slop_s!r}: expected seconds, 0 or more, as 0.02")
    return slop_s


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms" if seconds < 10 else f"{seconds:.1f} s"
