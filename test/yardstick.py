"""What work costs, told in a measure that means the same on a slow machine and on one that does other things."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

STEPS = 20_000


def python_steps(work: Callable[[], object], repeats: int = 40) -> float:
    """How many steps of a small Python loop take as long as `work`; 20,000 take about a millisecond of a desktop.

    The median of turns taken about, in processor time of this thread: what slows one slows the other.
    """
    took: list[tuple[float, float]] = []
    for _ in range(repeats):
        begun = time.thread_time()
        work()
        between = time.thread_time()
        sum(i * i for i in range(STEPS))
        took.append((between - begun, time.thread_time() - between))
    ours, loops = np.median(took, axis=0)
    return float(STEPS * ours / loops)
