"""Camera rate for minutes: resident memory of each process and the latency of the masks, over time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from .robot import Crowd, Robot, percentiles

MOST_GROWTH, MOST_DRIFT = 0.05, 0.25
NEW = ("the mug", "the bowl", "the camera", "the box", "the can", "the plate", "the red things", "the left one")
TEXTS = ("the red mug", "the blue mug", "what is moving?", "the bowl", "what is inside the bowl?")


def endurance(folder: Path, minutes: float = 30.0, settle_s: float = 60.0, rate_hz: float = 15.0) -> dict[str, Any]:
    """All nodes, three standing questions, and a question every two seconds.

    The language model's prefix cache fills up to its `context_tokens` with the first questions, by 220 MB: new ones are
    asked until it is full, and growth is measured from then on.
    rate_hz: of the camera; on a busy machine one that it can hold, since a load that changes would look like drift.
    Growth is that of the median of the last third against that of the first after `settle_s`, so that a line is told
    from noise; drift likewise of the median age of a picture when its mask comes.
    """
    with Robot(folder) as robot:
        robot.start(camera={"rate_hz": rate_hz})
        for number, text in enumerate(TEXTS[:3]):
            robot.client.watch(text, 60.0, f"stand{number}")
        full = _fill_prefix_cache(robot)
        with Crowd(robot, TEXTS, clients=1, pause_s=2.0) as crowd:
            time.sleep(settle_s)
            start, memory = time.monotonic(), []
            while time.monotonic() - start < minutes * 60:
                time.sleep(2.0)
                robot.nodes.check()
                memory.append(robot.rss_mb())
            took_s = time.monotonic() - start
        masks = [(t - start, age * 1e3) for t, age in list(robot.masks) if t >= start]
        asked, failed = crowd.asked, crowd.failed
    thirds = [[m for k, m in enumerate(memory) if 3 * k // len(memory) == part] for part in range(3)]
    resident = {name: [round(float(np.median([m[name] for m in part])), 1) for part in thirds] for name in memory[0]}
    growth = {name: round(100 * (last / first - 1), 2) for name, (first, _, last) in resident.items()}
    ages = [[age for t, age in masks if part <= 3 * t / took_s < part + 1] for part in range(3)]
    early, _, late = (float(np.median(part)) if part else float("nan") for part in ages)
    tenths = [round(sum(m.values())) for m in memory[:: max(1, len(memory) // 10)]]
    return {
        "minutes": round(took_s / 60, 1),
        "camera (Hz)": rate_hz,
        "resident memory, medians of the thirds (MB)": resident,
        "growth, first to last third (%)": growth,
        "all processes, each tenth of the time (MB)": tenths,
        "reasoning_node, first answer and prefix cache full (MB)": full,
        "masks (Hz)": round(len(masks) / took_s, 2),
        "masks by thirds (Hz)": [round(3 * len(part) / took_s, 2) for part in ages],
        "picture stamp to mask (ms)": percentiles([age for _, age in masks]),
        "picture stamp to mask by thirds (ms)": {
            name: percentiles(part) for name, part in zip(("first", "second", "last"), ages, strict=True)
        },
        "questions": {"asked": asked, "without a reply": failed},
        "checks": {
            f"resident memory of each process grows < {MOST_GROWTH:.0%}": max(growth.values()) < 100 * MOST_GROWTH,
            f"the median latency does not drift (< {MOST_DRIFT:.0%})": late < early * (1 + MOST_DRIFT),
            "every question gets a reply": failed == 0,
        },
    }


def _fill_prefix_cache(robot: Robot, most: int = 60, step: int = 5) -> list[int]:
    """Asks questions that are new, until reasoning_node grows by less than 1 % with five of them."""
    sizes = [robot.rss_mb()["reasoning_node"]]
    for number in range(most):
        robot.client.ask(f"number {number}: what lies between {NEW[number % 7]} and {NEW[-1 - number % 5]}?", 60.0)
        if number % step == step - 1:
            sizes.append(robot.rss_mb()["reasoning_node"])
            if len(sizes) > 3 and sizes[-1] < 1.01 * sizes[-2]:
                break
    return [round(sizes[0]), round(sizes[-1])]
