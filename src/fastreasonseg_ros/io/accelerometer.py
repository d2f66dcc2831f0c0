"""The direction away from the earth from an accelerometer, which measures it at rest (REP-145: +9.81 m/s2 upwards)."""

from __future__ import annotations

import numpy as np

from ..twin.types import Vector

STANDARD_GRAVITY = 9.80665  # m/s2
TOLERANCE = 0.05  # a length that differs by more from gravity is that of a sensor that is being moved
TIME_CONSTANT_S = 0.5  # of the low-pass filter
LONGEST_GAP_S = 1.0  # after a longer one the filter begins anew


class AccelerometerFilter:
    """Low-pass filter (first order) over the samples that are taken at rest. For one thread."""

    def __init__(self) -> None:
        self._mean: np.ndarray | None = None
        self._stamp_s = 0.0

    def add(self, stamp_s: float, acceleration: Vector) -> bool:
        """One sample, m/s2 in the sensor's frame; False if it was not taken at rest and is passed over.

        At rest: its length is gravity's within 5 %. A gap of over 1 s, or a stamp that goes back, begins anew.
        """
        sample = np.asarray(acceleration, np.float64)
        length = float(np.linalg.norm(sample))
        if not abs(length - STANDARD_GRAVITY) <= TOLERANCE * STANDARD_GRAVITY:  # false for NaN
            return False
        step_s = stamp_s - self._stamp_s
        if self._mean is None or not 0 <= step_s <= LONGEST_GAP_S:
            self._mean = sample
        else:
            self._mean = self._mean + (1 - np.exp(-step_s / TIME_CONSTANT_S)) * (sample - self._mean)
        self._stamp_s = stamp_s
        return True

    @property
    def up(self) -> Vector | None:
        """Unit vector away from the earth in the sensor's frame; None before the first sample at rest."""
        length = 0.0 if self._mean is None else float(np.linalg.norm(self._mean))
        if self._mean is None or length < STANDARD_GRAVITY / 2:  # samples that contradict each other
            return None
        x, y, z = (float(v) for v in self._mean / length)
        return x, y, z
