"""What a node counts while it works: rate, times of its stages, drops, errors by kind. No ROS in here; thread-safe."""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from threading import Lock

import numpy as np

WINDOW = 200  # times of a stage that its percentiles are taken from
RATE_S = 5.0  # a rate is that of the last seconds


class Meter:
    """`values()` is what /diagnostics shows: names and numbers as text."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._lock = now, Lock()
        self._done: deque[float] = deque(maxlen=1000)
        self._stages: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=WINDOW))
        self._counts: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()
        self._last_error = ""
        self._last_error_at = -np.inf

    def done(self, latency_ms: Mapping[str, float]) -> None:
        """One more result, and what each stage of it took."""
        with self._lock:
            self._done.append(self._now())
            for stage, milliseconds in latency_ms.items():
                self._stages[stage].append(milliseconds)

    def count(self, what: str, number: int = 1) -> None:
        with self._lock:
            self._counts[what] += number

    def error(self, kind: str, message: str) -> None:
        """kind: a short word; the errors of a kind are counted together."""
        with self._lock:
            self._errors[kind] += 1
            self._last_error, self._last_error_at = message, self._now()

    def recent_error(self, within_s: float = RATE_S) -> str:
        """The last error, if it came lately; else nothing."""
        with self._lock:
            return self._last_error if self._now() - self._last_error_at <= within_s else ""

    @property
    def rate_hz(self) -> float:
        with self._lock:
            since = self._now() - RATE_S
            return sum(t > since for t in self._done) / RATE_S

    def values(self) -> dict[str, str]:
        rate_hz = self.rate_hz
        with self._lock:
            values = {"rate (Hz)": f"{rate_hz:.1f}"}
            for stage, times in self._stages.items():
                middle, late = np.percentile(times, [50, 95])
                values[f"{stage} p50 (ms)"] = f"{middle:.1f}"
                values[f"{stage} p95 (ms)"] = f"{late:.1f}"
            values |= {what: str(number) for what, number in sorted(self._counts.items())}
            values["errors"] = str(sum(self._errors.values()))
            values |= {f"errors: {kind}": str(number) for kind, number in sorted(self._errors.items())}
            if self._last_error:
                values["last error"] = self._last_error
        return values
