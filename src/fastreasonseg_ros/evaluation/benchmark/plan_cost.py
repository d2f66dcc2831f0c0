"""Time to execute a plan without a language model: a fixed plan of five steps on a scene of 50 instances."""

from __future__ import annotations

import time

from ...plan.executor import execute
from ...plan.parser import parse_plan
from ...twin.types import DigitalTwin, Instance
from ..metrics.masks import percentiles

OBJECTS = 50
REPEATS = 500
FIVE_STEPS = """\
a = find(label=mug)
b = find(label=plate)
c = nearest(a, b)
d = left_of(all, c)
e = max(d, height)"""


def plan_cost(repeats: int = REPEATS) -> dict[str, float | None]:
    """p50 and p95 in milliseconds of one execution of FIVE_STEPS over 50 instances with place and size."""
    plan, twin = parse_plan(FIVE_STEPS), scene(OBJECTS)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        execute(plan, twin)
        times.append((time.perf_counter() - start) * 1e3)
    return percentiles(times)


def scene(objects: int) -> DigitalTwin:
    """A twin of alternating mugs and plates on a diagonal from near left to far right, camera frame, metres."""
    return DigitalTwin(
        tuple(
            Instance(
                k + 1,
                "mug" if k % 2 else "plate",
                color="red",
                center_m=(k * 0.01, 0.1, 1 + k * 0.02),
                size_m=(0.1, 0.1, 0.1),
            )
            for k in range(objects)
        )
    )
