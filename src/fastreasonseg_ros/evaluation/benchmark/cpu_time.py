"""Processor time of models and of evaluation, measured separately. Unlike wall time it does not depend on the load."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any


class ModelClock:
    """Accumulates in `cpu_s` the processor time (seconds, all threads) that the process spends within `with clock:`.

    excluded: returns the processor time (seconds so far) of threads that do unrelated work meanwhile; it is subtracted.
    """

    def __init__(self, excluded: Callable[[], float] = lambda: 0.0) -> None:
        self.cpu_s = 0.0
        self._excluded = excluded
        self._start = 0.0

    def __enter__(self) -> None:
        self._start = time.process_time() - self._excluded()

    def __exit__(self, *_: object) -> None:
        self.cpu_s += max(0.0, time.process_time() - self._excluded() - self._start)


def cpu_report(total_s: float, models_s: float, reading_s: float, viewers_s: float) -> dict[str, Any]:
    """Processor time for the row of a bag: cpu_s by part, seconds, and evaluation_cpu_share.

    total_s: of the process, from the first picture until everything is drawn and written. `evaluation` is the time
    that is neither models nor reading the bag; it includes the viewers and libraries' own threads.
    evaluation_cpu_share: its ratio to the models' time, None if that is 0.
    """
    evaluation_s = max(0.0, total_s - models_s - reading_s)
    parts = {"models": models_s, "reading": reading_s, "evaluation": evaluation_s, "viewers": viewers_s}
    cpu_s = {name: round(seconds, 3) for name, seconds in parts.items()}
    return {"cpu_s": cpu_s, "evaluation_cpu_share": cpu_share([cpu_s])}


def cpu_share(bags: Iterable[Mapping[str, float]]) -> float | None:
    """Evaluation time / models' time, summed over the `cpu_s` of all bags; None if the models took no time."""
    models_s = evaluation_s = 0.0
    for cpu_s in bags:
        models_s, evaluation_s = models_s + cpu_s["models"], evaluation_s + cpu_s["evaluation"]
    return round(evaluation_s / models_s, 4) if models_s else None
