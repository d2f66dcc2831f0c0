"""A time series in bounded memory: means over equal spans of time, which are doubled when there are too many."""

from __future__ import annotations

MAX_POINTS = 120


class Curve:
    """put() takes values in order of time; points() returns (middle of the span in seconds, mean)."""

    def __init__(self, span_s: float = 0.1) -> None:
        self.span_s = span_s
        self._spans: dict[int, tuple[float, int]] = {}  # number of the span -> sum, count

    def put(self, t_s: float, value: float) -> None:
        index = int(t_s / self.span_s + 1e-6)
        total, count = self._spans.get(index, (0.0, 0))
        self._spans[index] = total + value, count + 1
        while len(self._spans) > MAX_POINTS:
            halved: dict[int, tuple[float, int]] = {}
            for i, (total, count) in self._spans.items():
                before = halved.get(i // 2, (0.0, 0))
                halved[i // 2] = before[0] + total, before[1] + count
            self._spans, self.span_s = halved, 2 * self.span_s

    def points(self) -> list[list[float]]:
        return [
            [round((i + 0.5) * self.span_s, 3), round(total / count, 4)] for i, (total, count) in self._spans.items()
        ]
