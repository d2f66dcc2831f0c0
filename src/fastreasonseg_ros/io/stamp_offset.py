"""How far apart the stamps of two streams are: the offset to name when pictures find no partner."""

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
    """Differences from each stamp of a reference stream to the nearest of another one, in seconds.

    median_s: positive where the other stream is later. spread_s: from the 10th to the 90th percentile. largest_s: the
    95th percentile of their sizes. pairs: how many stamps were compared.
    """

    median_s: float
    spread_s: float
    largest_s: float
    pairs: int

    @property
    def needed_slop_s(self) -> float:
        """A slop, in whole steps of 10 ms, that is larger than the difference of 95 % of the stamps."""
        return round((math.floor(round(self.largest_s / SLOP_STEP_S, 6)) + 1) * SLOP_STEP_S, 2)

    def describe(self, other: str, reference: str) -> str:
        """As "depth is 120 ms later than colour (median of 30; 4 ms spread)"."""
        side = "later" if self.median_s >= 0 else "earlier"
        return (
            f"{other} is {_milliseconds(abs(self.median_s))} {side} than {reference} "
            f"(median of {self.pairs}, spread {_milliseconds(self.spread_s)})"
        )


def stamp_offset(reference_s: Iterable[float], other_s: Iterable[float]) -> StampOffset | None:
    """Offset of the other stream against the reference; stamps in seconds, in any order. None where one is empty.

    The nearest stamp is taken, so that an offset of more than half a period cannot be told from one that is smaller.
    Reference stamps outside of the time that the other stream covers count only where nothing else does: a stream that
    begins late has no offset before.
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
