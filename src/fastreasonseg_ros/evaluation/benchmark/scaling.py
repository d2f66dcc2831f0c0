"""`fastreasonseg bench --scaling`: cost against frame size, number of instances, and number of standing questions.

Frames are synthetic (scene.py), so that two machines are compared on the same work. Each measurement follows a warm-up
that does not count. Memory is the process's resident memory at the end of a measurement.
"""

from __future__ import annotations

import itertools
import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from ...errors import ModelError
from ...perception.protocol import Perceiver
from ...pipeline import StandingQuestion, observe
from ...twin.types import DigitalTwin, Query
from ..metrics.masks import percentiles
from .machine import rss_mb
from .reasoner_cost import Load, measure
from .scene import table_of_balls

FORMS = ("the {}", "which {} is nearest to the camera?", "the biggest {}", "what is left of the {}?")


@dataclass(frozen=True)
class ScalingPlan:
    """The values to measure. sizes: (width, height) in pixels, each with the median number of instances.

    frames, questions: number of timed ones in each measurement, after `warmup` frames and one question.
    """

    sizes: tuple[tuple[int, int], ...] = ((320, 240), (640, 480), (1280, 720))
    instances: tuple[int, ...] = (5, 15, 40)
    standing: tuple[int, ...] = (1, 10, 100)
    frames: int = 20
    questions: int = 4
    warmup: int = 3


def scaling(perceiver: Perceiver, load: Load, plan: ScalingPlan = ScalingPlan()) -> dict[str, Any]:
    """frame_size, instances, standing_questions: a list of measurements each, in ms (p50, p95), with rss_mb.

    Raises FrameError, ModelError.
    """
    middle = plan.instances[len(plan.instances) // 2]
    usual = plan.sizes[len(plan.sizes) // 2]
    work = [(middle, size) for size in plan.sizes] + [(count, usual) for count in plan.instances]
    measured: dict[tuple[int, tuple[int, int]], tuple[DigitalTwin, dict[str, Any]]] = {}
    for count, size in tqdm(list(dict.fromkeys(work)), unit="scene", dynamic_ncols=True):
        measured[count, size] = _perception(perceiver, count, size, plan)
    twins = [measured[count, usual][0] for count in plan.instances]
    context = multiprocessing.get_context("spawn")  # a separate process, so that its memory is that of reasoning alone
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        try:
            reasoning = pool.submit(measure_reasoning, load, twins, plan).result()
        except BrokenProcessPool as error:
            raise ModelError("the reasoner's process ended while it was measured; is there memory enough?") from error
    return {
        "frame_size": [{"size": list(size), **measured[middle, size][1]} for size in plan.sizes],
        "instances": [
            {"true": count, **measured[count, usual][1], **asked}
            for count, asked in zip(plan.instances, reasoning["instances"], strict=True)
        ],
        "standing_questions": reasoning["standing_questions"],
    }


def scaling_table(result: dict[str, Any]) -> str:
    """The measurements as lines of text."""
    lines = ["", "frame size              a frame p50 / p95 ms   objects found     memory MiB"]
    for row in result["frame_size"]:
        size = "{}x{}".format(*row["size"])
        lines.append(f"  {size:<20}{_pair(row['frame'])}{row['objects']:>16}{row['rss_mb']:>15.0f}")
    lines += ["instances               a frame p50 / p95 ms   a new question         a kept plan"]
    for row in result["instances"]:
        costs = (row["frame"], row["new_question"], row["kept_plan"])
        lines.append(f"  {row['true']:<20}" + "".join(map(_pair, costs)))
    lines += ["standing questions      all of them, a frame    memory MiB"]
    for row in result["standing_questions"]:
        lines.append(f"  {row['questions']:<20}{_pair(row['frame'])}{row['rss_mb']:>12.0f}")
    return "\n".join(lines)


def _pair(p: dict[str, float | None]) -> str:
    return f"{'-':>22}" if p["p50"] is None else f"{p['p50']:>11.2f} /{p['p95']:>9.2f}"


def _perception(
    perceiver: Perceiver, count: int, size: tuple[int, int], plan: ScalingPlan
) -> tuple[DigitalTwin, dict[str, Any]]:
    """The last twin, and for one scene: frame (p50, p95 of observe(), ms), objects, rss_mb."""
    twin, times = DigitalTwin(image_size=size), []
    frame = table_of_balls(count, *size)
    for number in range(plan.warmup + plan.frames):
        shown = type(frame)(frame.color, frame.depth_m, frame.intrinsics, number / 30, frame.frame_id, frame.truth)
        start = time.perf_counter()
        twin = observe(twin, shown, perceiver)
        times.append((time.perf_counter() - start) * 1000)
    return twin, {"frame": percentiles(times[plan.warmup :]), "objects": len(twin.instances), "rss_mb": rss_mb()}


def measure_reasoning(load: Load, twins: Sequence[DigitalTwin], plan: ScalingPlan) -> dict[str, Any]:
    """instances: new questions and kept plans about every twin; standing_questions: kept plans about the middle one."""
    model, meaning = load()
    StandingQuestion(Query("the ball"), model, meaning).answer(twins[0])  # the first question warms up
    instances = []
    for twin in twins:
        cost = measure(lambda: (model, meaning), [(twin, text) for text in _texts(twin, plan.questions)], {})
        instances.append({key: cost[key] for key in ("new_question", "kept_plan")})
    twin = twins[len(twins) // 2]
    planned = [StandingQuestion(Query(text), model, meaning) for text in _texts(twin, plan.questions)]
    for question in planned:
        question.answer(twin)
    planned = [question for question in planned if question.rollout is not None]  # without a plan the model runs again
    standing = []
    for count in plan.standing:
        asked, times = list(itertools.islice(itertools.cycle(planned), count)), []
        for _ in range(plan.warmup + plan.frames):
            start = time.perf_counter()
            for question in asked:
                question.answer(twin)
            times.append((time.perf_counter() - start) * 1000)
        standing.append({"questions": count, "frame": percentiles(times[plan.warmup :]), "rss_mb": rss_mb()})
    return {"instances": instances, "standing_questions": standing}


def _texts(twin: DigitalTwin, count: int) -> list[str]:
    """Up to `count` different questions about the labels in the twin."""
    labels = sorted({i.label for i in twin.instances}) or ["thing"]
    return [form.format(label) for form in FORMS for label in labels][:count]
