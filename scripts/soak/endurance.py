"""Camera rate for minutes: resident memory of each process and the latency of the masks, over time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from .robot import Crowd, Robot, percentiles

MOST_GROWTH, MOST_DRIFT = 0.05, 0.25
TEXTS = ("the red mug", "the blue mug", "what is moving?", "the bowl", "what is inside the bowl?")


def endurance(folder: Path, minutes: float = 30.0, settle_s: float = 60.0) -> dict[str, Any]:
    """All nodes, three standing questions, and a question every two seconds.

    Growth is that of the median of the last fifth against that of the first fifth after `settle_s`, so that a line is
    told from noise; drift likewise of the median age of a picture when its mask comes.
    """
    with Robot(folder) as robot:
        robot.start()
        for number, text in enumerate(TEXTS[:3]):
            robot.client.watch(text, 60.0, f"stand{number}")
        with Crowd(robot, TEXTS, clients=1, pause_s=2.0) as crowd:
            time.sleep(settle_s)
            start, memory = time.monotonic(), []
            while time.monotonic() - start < minutes * 60:
                time.sleep(2.0)
                robot.nodes.check()
                memory.append(robot.rss_mb())
            took_s = time.monotonic() - start
        masks = [(t, age) for t, age in list(robot.masks) if t >= start]
        asked, failed = crowd.asked, crowd.failed
    fifth = max(1, len(memory) // 5)
    growth = {}
    for name in memory[0]:
        first, last = (float(np.median([m[name] for m in part])) for part in (memory[:fifth], memory[-fifth:]))
        growth[name] = {
            "from (MB)": round(first),
            "to (MB)": round(last),
            "growth (%)": round(100 * (last / first - 1), 2),
        }
    ages = [[age * 1e3 for t, age in masks if a <= (t - start) / took_s < b] for a, b in ((0.0, 0.2), (0.8, 1.01))]
    early, late = (float(np.median(part)) if part else float("nan") for part in ages)
    return {
        "minutes": round(took_s / 60, 1),
        "resident memory": growth,
        "masks (Hz)": round(len(masks) / took_s, 2),
        "picture stamp to mask (ms)": percentiles([age * 1e3 for _, age in masks]),
        "picture stamp to mask, p50 of the first and last fifth (ms)": [round(early), round(late)],
        "questions": {"asked": asked, "without a reply": failed},
        "checks": {
            f"resident memory of each process grows < {MOST_GROWTH:.0%}": all(
                g["growth (%)"] < 100 * MOST_GROWTH for g in growth.values()
            ),
            f"the median latency does not drift (< {MOST_DRIFT:.0%})": late < early * (1 + MOST_DRIFT),
            "every question gets a reply": failed == 0,
        },
    }
