"""Processor time, models and evaluation apart: unlike seconds on the clock, it means the same on a busy machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any


class ModelClock:
    """Seconds of processor time that the process spends within `with clock:`, all its threads together.

    aside: seconds of processor time so far of threads that work for somebody else meanwhile; they are taken off.
    """

    def __init__(self, aside: Callable[[], float] = lambda: 0.0) -> None:
        self.cpu_s = 0.0
        self._aside = aside
        self._start = 0.0

    def __enter__(self) -> None:
        self._start = time.process_time() - self._aside()

    def __exit__(self, *_: object) -> None:
        self.cpu_s += max(0.0, time.process_time() - self._aside() - self._start)


def cpu_report(total_s: float, models_s: float, reading_s: float, viewers_s: float) -> dict[str, Any]:
    """What a bag's row says. total_s: of the process, from the first picture until all is drawn and written.

    evaluation is all that is neither models nor reading the bag, hence with the viewers and whatever libraries do in
    threads of their own; evaluation_cpu_share: it as a share of the models' time, None where these took none.
    """
    evaluation_s = max(0.0, total_s - models_s - reading_s)
    parts = {"models": models_s, "reading": reading_s, "evaluation": evaluation_s, "viewers": viewers_s}
    cpu_s = {name: round(seconds, 3) for name, seconds in parts.items()}
    return {"cpu_s": cpu_s, "evaluation_cpu_share": cpu_share([cpu_s])}


def cpu_share(bags: Iterable[Mapping[str, float]]) -> float | None:
    """Of the evaluation in the models' time, over the `cpu_s` of all bags."""
    models_s = evaluation_s = 0.0
    for cpu_s in bags:
        models_s, evaluation_s = models_s + cpu_s["models"], evaluation_s + cpu_s["evaluation"]
    return round(evaluation_s / models_s, 4) if models_s else None
