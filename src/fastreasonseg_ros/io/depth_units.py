"""Converts depth counts to metres, and checks whether the depth range is plausible for a robot.

REP-118: 16UC1 holds millimetres with 0 = unknown, 32FC1 metres with NaN = unknown. Not every driver follows it: a
RealSense D405 publishes 0.1 mm in 16UC1, simulators and data sets have other units.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float32, Shaped

from ..errors import ConfigError

INTEGER_UNIT_M, FLOAT_UNIT_M = 0.001, 1.0
NEAR_M, FAR_M = 0.2, 20.0
QUANTILE = 0.95  # share of the known depth that must be implausible
UNITS_M = (0.001, 0.0001, 1.0, 0.01, 0.00025, 0.005)  # units used in practice, most common first


def check_depth_unit(depth_unit_m: float | None) -> float | None:
    """The unit itself. Raises ConfigError unless it is None or positive and finite."""
    if depth_unit_m is not None and not (math.isfinite(depth_unit_m) and depth_unit_m > 0):
        raise ConfigError(
            f"depth unit {depth_unit_m!r}: expected metres a count greater than 0, as 0.001 (millimetres) or 0.0001"
        )
    return depth_unit_m


def to_metres(counts: Shaped[np.ndarray, "h w"], depth_unit_m: float | None = None) -> Float32[np.ndarray, "h w"]:
    """Metres, NaN where a count is 0, negative or not finite.

    counts: uint16 or float32. depth_unit_m: metres per count; None: millimetres for integers, metres for floats.
    """
    integer = np.issubdtype(counts.dtype, np.integer)
    unit = check_depth_unit(depth_unit_m) or (INTEGER_UNIT_M if integer else FLOAT_UNIT_M)
    depth_m = counts.astype(np.float32)
    depth_m[~(depth_m > 0) if integer else ~(np.isfinite(depth_m) & (depth_m > 0))] = np.nan
    if unit != 1.0:
        depth_m *= np.float32(unit)
    return depth_m


def depth_range_warning(depth_m: Float32[np.ndarray, "h w"], depth_unit_m: float | None = None) -> str:
    """A warning about an implausible depth range, with the likely unit; empty if it is plausible.

    Implausible: 95 % of the known pixels are nearer than 0.2 m (95th percentile), or 95 % are beyond 20 m (5th
    percentile). About 20,000 pixels on a regular grid are checked.

    depth_unit_m: the unit that was used, for the message; None: unknown.
    """
    height, width = depth_m.shape
    stride = max(1, math.isqrt(height * width // 20_000))
    sample = depth_m[::stride, ::stride]
    known = sample[np.isfinite(sample)]
    if known.size == 0:
        return ""
    near, median, far = (float(v) for v in np.quantile(known, (1 - QUANTILE, 0.5, QUANTILE)))
    if far >= NEAR_M and near <= FAR_M:
        return ""
    where = f"nearer than {NEAR_M:g} m" if far < NEAR_M else f"beyond {FAR_M:g} m"
    read_as = "" if depth_unit_m is None else f" with {depth_unit_m:g} m a count"
    message = f"depth is implausible: {QUANTILE:.0%} of it lies {where} (median {median:.3g} m){read_as}"
    return f"{message}: set the depth unit{_suggestion(median, depth_unit_m)}"


class DepthRangeMonitor:
    """Checks the depth range of a stream; single implausible images (a hand before the camera) are tolerated."""

    def __init__(self, depth_unit_m: float | None = None) -> None:
        self._depth_unit_m = depth_unit_m
        self._pictures = self._implausible = 0
        self._newest = ""

    def add(self, depth_m: Float32[np.ndarray, "h w"]) -> None:
        """Adds one depth image, metres."""
        self._pictures += 1
        if message := depth_range_warning(depth_m, self._depth_unit_m):
            self._implausible, self._newest = self._implausible + 1, message

    @property
    def warning(self) -> str:
        """The newest warning if more than half of the images were implausible; else empty."""
        return self._newest if 2 * self._implausible > self._pictures else ""


def _suggestion(median_m: float, depth_unit_m: float | None) -> str:
    """Suggests the first unit of UNITS_M for which the median is between 0.2 and 20 m."""
    if depth_unit_m is None:
        return " (metres a count) to what the driver publishes"
    counts = median_m / depth_unit_m
    fitting = [u for u in UNITS_M if u != depth_unit_m and NEAR_M <= counts * u <= FAR_M]
    return f"; {fitting[0]:g} m a count would give {counts * fitting[0]:.3g} m" if fitting else ""
