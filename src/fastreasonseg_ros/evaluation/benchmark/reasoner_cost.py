"""Latency and memory of the reasoner alone, for new questions and for kept plans, measured in a separate process.

The process loads the language model and the word meaning, but no perception, training or ROS, so that its resident
memory is the reasoner's. Questions are asked one at a time, as on a robot.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from ...errors import ModelError
from ...pipeline import StandingQuestion
from ...reasoning.protocol import LanguageModel, WordMeaning
from ...twin.types import DigitalTwin, Query
from ..metrics.masks import percentiles
from .machine import peak_rss_mb, rss_mb

Load = Callable[[], tuple[LanguageModel, WordMeaning]]
Questions = Sequence[tuple[DigitalTwin, str]]
KEPT_ANSWERS = 20  # answers timed together for one kept plan: a single one is too short to time


def reasoner_cost(load: Load, questions: Questions, **settings: Any) -> dict[str, Any]:
    """model_name; loading_s; new_question, prompt, model, kept_plan: p50 and p95 in ms; objects: median number;
    doubtful: questions for which several plans were drawn (reasoning/choosing.py), which is part of new_question;
    rss_mb and load_average (of the machine): at the end; peak_rss_mb. settings: of StandingQuestion. load must be
    picklable.

    Raises what loading raises, and ModelError if the process ends.
    """
    context = multiprocessing.get_context("spawn")  # a fork would inherit this process's memory
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        try:
            return pool.submit(measure, load, list(questions), settings).result()
        except BrokenProcessPool as error:
            raise ModelError("the reasoner's process ended while it was measured; is there memory enough?") from error


def measure(load: Load, questions: Questions, settings: dict[str, Any]) -> dict[str, Any]:
    """The result of reasoner_cost, measured in this process."""
    start = time.perf_counter()
    model, meaning = load()
    loading_s = time.perf_counter() - start
    doubtful = 0
    times: dict[str, list[float]] = {"new_question": [], "prompt": [], "model": [], "kept_plan": []}
    for twin, text in questions:
        question = StandingQuestion(Query(text), model, meaning, **settings)
        latency = question.answer(twin, closest=True).latency_ms  # as one that is asked once
        times["new_question"].append(latency["total"])
        for stage in ("prompt", "model"):
            times[stage].append(latency.get(stage, 0.0))
        doubtful += "choice" in latency
        if question.rollout is not None:
            start = time.perf_counter()
            for _ in range(KEPT_ANSWERS):
                question.answer(twin)
            times["kept_plan"].append((time.perf_counter() - start) * 1000 / KEPT_ANSWERS)
    objects = sorted(len(twin.instances) for twin, _ in questions)
    return {
        "model_name": model.name,
        "loading_s": round(loading_s, 2),
        "questions": len(questions),
        "doubtful": doubtful,
        "objects": objects[len(objects) // 2] if objects else 0,
        **{stage: percentiles(values) for stage, values in times.items()},
        "rss_mb": rss_mb(),
        "peak_rss_mb": peak_rss_mb(),
        "load_average": round(os.getloadavg()[0], 2),
    }
