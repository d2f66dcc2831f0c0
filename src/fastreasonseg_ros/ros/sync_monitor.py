"""Which topic is missing or out of step, and by how much. No ROS in here; thread-safe.

A synchroniser that finds no partner for a picture is silent; this says what it lacks.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

REMEMBERED = 30  # stamps of a topic: two seconds at 15 Hz
SET_BACK_S = 0.5  # stamps that go back by more mean that time began anew; less is a picture that came late
OTHER_CLOCK_S = 5.0  # stamps that are further apart come from different clocks
RATE_S = 5.0


class _Topic:
    """What came on one topic: stamps in seconds, and when each arrived."""

    def __init__(self) -> None:
        self.stamps: deque[float] = deque(maxlen=REMEMBERED)
        self.arrivals: deque[float] = deque(maxlen=1000)
        self.count = 0


@dataclass(frozen=True)
class SyncReport:
    """complaint: empty where all is well. missing: whether a topic does not come at all. values: for /diagnostics."""

    complaint: str
    missing: bool
    values: Mapping[str, str]


class SyncMonitor:
    """The first topic is the one that others are compared with.

    slop_s: largest difference of stamps in a set. patience_s: how long a topic or a set may be missing.
    """

    def __init__(
        self, topics: Sequence[str], slop_s: float, patience_s: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.slop_s, self.patience_s = slop_s, patience_s
        self._now, self._lock = now, Lock()
        self._topics = {name: _Topic() for name in topics}
        self._started, self._last_set, self._sets = now(), now(), 0

    def came(self, name: str, stamp_s: float) -> float:
        """One message; returns the seconds by which its stamp goes back where time began anew, else 0."""
        with self._lock:
            topic = self._topics[name]
            back_s = topic.stamps[-1] - stamp_s if topic.stamps else 0.0
            if back_s > SET_BACK_S:
                topic.stamps.clear()
            topic.stamps.append(stamp_s)
            topic.arrivals.append(self._now())
            topic.count += 1
        return back_s if back_s > SET_BACK_S else 0.0

    def matched(self) -> None:
        """One set of pictures that belong together."""
        with self._lock:
            self._sets, self._last_set = self._sets + 1, self._now()

    def report(self) -> SyncReport:
        with self._lock:
            now = self._now()
            silent = {n: now - (t.arrivals[-1] if t.count else self._started) for n, t in self._topics.items()}
            missing = [n for n, seconds in silent.items() if seconds > self.patience_s]
            values = {"sets": str(self._sets), "slop (s)": f"{self.slop_s:.3f}"}
            offsets = {n: self._offset_s(n) for n in list(self._topics)[1:]}
            for name, topic in self._topics.items():
                rate = sum(t > now - RATE_S for t in topic.arrivals) / RATE_S
                values[f"{name} rate (Hz)"] = f"{rate:.1f}"
                if (offset := offsets.get(name)) is not None:
                    values[f"{name} offset (s)"] = f"{offset:+.4f}"
            if missing:
                parts = [
                    f"{n}: nothing for {silent[n]:.1f} s" if self._topics[n].count else f"{n}: nothing has come yet"
                    for n in missing
                ]
                hint = "is it published, under this name, with a compatible QoS?"
                return SyncReport(f"{'; '.join(parts)}: {hint}", True, values)
            if now - self._last_set > self.patience_s:
                return SyncReport(self._out_of_step(offsets), False, values)
            return SyncReport("", False, values)

    def _offset_s(self, name: str) -> float | None:
        """Smallest difference of a stamp of this topic to one of the first; positive: it is later."""
        first, other = next(iter(self._topics.values())).stamps, self._topics[name].stamps
        return min((s - f for s in other for f in first), key=abs, default=None)

    def _out_of_step(self, offsets: Mapping[str, float | None]) -> str:
        first = next(iter(self._topics))
        known = {n: o for n, o in offsets.items() if o is not None}
        if not known:
            return f"no set of pictures for {self.patience_s:.1f} s"
        name = max(known, key=lambda n: abs(known[n]))
        offset_s = known[name]
        if abs(offset_s) <= self.slop_s:
            return f"no set of pictures for {self.patience_s:.1f} s though stamps agree: raise sync_queue"
        side = "older" if offset_s < 0 else "newer"
        message = f"{name} is {abs(offset_s):.3f} s {side} than {first} at best, allowed are {self.slop_s:.3f} s"
        if abs(offset_s) > OTHER_CLOCK_S:
            return f"{message}: they are stamped by different clocks (use_sim_time?)"
        return f"{message}: raise sync_slop_s, or correct the driver's stamps"
