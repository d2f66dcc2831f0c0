"""Time to execute kept plans without a language model: fixed plans on a scene of fixed size."""

from __future__ import annotations

import time
from collections.abc import Sequence

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

# As many steps as the language has, of every family of operators.
EIGHT_STEPS = (
    """\
a = find(label=mug, color=not blue)
b = max(a, height)
c = more(all, depth, 1.2 m)
d = minus(a, c)
e = near(d, a)
f = same(e, e, color)
g = row(f, 1, z)
h = otherwise(g, b)""",
    """\
a = find(label=plate)
b = pile(a)
c = clear(b)
d = touching(c, all)
e = isolated(all)
f = union(d, e)
g = part(f, table, left)
h = nearest(all, g)""",
    """\
a = find(label=mug)
b = min(a, x)
c = max(a, x)
d = minus(a, b)
e = minus(d, c)
f = blocking(all, e)
g = between(all, b, c)
h = intersect(g, f)""",
    """\
a = moving(all)
b = heading(a, left)
c = less(all, age, 5 s)
d = unique(all, size)
e = union(b, c)
f = union(e, d)
g = left_of(f, camera)
h = top(g, 3, -depth)""",
)


def plan_cost(repeats: int = REPEATS, plans: Sequence[str] = (FIVE_STEPS,)) -> dict[str, float | None]:
    """p50 and p95 in milliseconds of one execution of the plans, in turn, over 50 instances with place and size."""
    parsed, twin = [parse_plan(plan) for plan in plans], scene(OBJECTS)
    times = []
    for n in range(repeats):
        start = time.perf_counter()
        execute(parsed[n % len(parsed)], twin)
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
                velocity=(0.1 * (k % 3 - 1), 0.0, 0.0),
                first_seen_s=0.0,
                last_seen_s=float(k),
            )
            for k in range(objects)
        ),
        stamp_s=float(objects),
    )
