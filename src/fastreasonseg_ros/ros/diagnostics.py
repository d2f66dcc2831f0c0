"""What a node counts while it works, and the standard message on /diagnostics.

The conventions are those of diagnostic_updater, which the ROS 2 wheels on PyPI lack: name "node: part", hardware_id
what the part runs on, values as text.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from .qos import OVERRIDES, reliable

OK, WARN, ERROR, STALE = (
    DiagnosticStatus.OK,
    DiagnosticStatus.WARN,
    DiagnosticStatus.ERROR,
    DiagnosticStatus.STALE,
)
WINDOW = 200  # latencies of a stage that its percentiles are taken from
RATE_S = 5.0  # a rate is that of the last seconds


@dataclass(frozen=True)
class Health:
    """State of one part of a node. level: one of the constants above."""

    level: bytes = OK
    message: str = "ok"
    values: Mapping[str, str] = field(default_factory=dict)
    hardware_id: str = "none"


class Diagnostics:
    """Publishes `parts()`, a name and a Health each, in every period; by the steady clock, so also while simulated
    time stands still.
    """

    def __init__(self, node: Node, period_s: float, parts: Callable[[], Sequence[tuple[str, Health]]]) -> None:
        self._node, self._parts = node, parts
        self._publisher = node.create_publisher(
            DiagnosticArray, "/diagnostics", reliable(), qos_overriding_options=OVERRIDES
        )
        self._timer = node.create_timer(
            period_s,
            self.publish,
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    def publish(self) -> None:
        array = DiagnosticArray()
        array.header.stamp = self._node.get_clock().now().to_msg()
        name = self._node.get_fully_qualified_name().lstrip("/")
        array.status = [_status(f"{name}: {part}", health) for part, health in self._parts()]
        self._publisher.publish(array)

    def close(self) -> None:
        self._timer.cancel()


def _status(name: str, health: Health) -> DiagnosticStatus:
    return DiagnosticStatus(
        level=health.level,
        name=name,
        message=health.message,
        hardware_id=health.hardware_id,
        values=[KeyValue(key=k, value=v) for k, v in health.values.items()],
    )


class Meter:
    """Rate, latency per stage, counts, and errors by kind; `values()` is what /diagnostics shows. Thread-safe."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._lock = now, Lock()
        self._done: deque[float] = deque(maxlen=1000)
        self._stages: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=WINDOW))
        self._counts: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()
        self._last_error = ""
        self._last_error_at = -np.inf

    def done(self, latency_ms: Mapping[str, float]) -> None:
        """One more result, with the milliseconds of each of its stages."""
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
        """The last error, if it came within the last `within_s` seconds; else an empty text."""
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
