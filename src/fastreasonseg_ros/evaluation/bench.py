"""`fastreasonseg bench`: what perception and reasoning cost on this machine, stage by stage."""

from __future__ import annotations

import itertools
import json
import time
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tqdm import tqdm

from ..errors import DatasetError
from ..perception.protocol import Perceiver
from ..pipeline import StandingQuestion, observe
from ..reasoning import make_language_model, make_word_meaning
from ..reasoning.protocol import LanguageModel, WordMeaning
from ..twin.types import DigitalTwin, Frame, Query
from .backends import perceiver_of
from .machine import machine, peak_rss_mb
from .metrics import percentiles
from .report import write_text
from .sources import frames_of

# Asked of every thing in view, so that no two questions are the same.
FORMS = ("the {}", "which {} is nearest to the camera?", "what is left of the {}?", "hand me the biggest {}")


def run(args: Namespace) -> int:
    perceiver = perceiver_of(args)
    frames = list(itertools.islice(frames_of(args.source), args.frames))
    if not frames:
        raise DatasetError(f"{args.source}: holds no frame; give a scene folder or a bag with colour and depth")
    began = time.perf_counter()
    model, meaning = make_language_model(args.model, args.model_config, args.model_set), make_word_meaning()
    loading_s = time.perf_counter() - began
    twin, perception = bench_perception(itertools.islice(itertools.cycle(frames), args.frames), perceiver, args.frames)
    reasoning = bench_reasoning(twin, model, meaning, args.questions)
    width, height = frames[0].image_size
    result = {
        "source": str(args.source),
        "image_size": [width, height],
        "perceiver": args.perception,
        "model": model.name,
        "objects": len(twin.instances),
        "perception": perception,
        "reasoning": reasoning,
        "loading_s": round(loading_s, 2),
        "peak_rss_mb": peak_rss_mb(),
        "machine": machine(),
    }
    if args.json:
        write_text(args.json, json.dumps(result, indent=1) + "\n")
    print(f"{width}x{height}, {len(twin.instances)} objects, {result['model']} loaded in {loading_s:.1f} s")
    for name, row in (perception | reasoning).items():
        if isinstance(row, dict):
            print(f"  {name:<22} p50 {row['p50']:9.2f} ms   p95 {row['p95']:9.2f} ms")
    print(f"  frames per second      {perception['frames_per_second']:.1f}")
    m = result["machine"]
    print(f"  peak memory            {result['peak_rss_mb']:.0f} MiB, on {m['cores']} cores of {m['cpu']}")
    return 0


def bench_perception(frames: Iterable[Frame], perceiver: Perceiver, count: int) -> tuple[DigitalTwin, dict[str, Any]]:
    """The last twin, and frame: p50, p95 of observe(), frames_per_second. The first frame warms up."""
    twin: DigitalTwin | None = None
    times: list[float] = []
    for frame in tqdm(frames, total=count, unit="frame", dynamic_ncols=True):
        before = twin if twin and twin.stamp_s <= frame.stamp_s else DigitalTwin(image_size=frame.image_size)
        took_ms, twin = _timed(lambda b=before, f=frame: observe(b, f, perceiver))
        times.append(took_ms)
    assert twin is not None
    steady = times[1:] or times
    return twin, {"frame": percentiles(steady), "frames_per_second": round(1000 * len(steady) / sum(steady), 2)}


def bench_reasoning(twin: DigitalTwin, model: LanguageModel, meaning: WordMeaning, count: int) -> dict[str, Any]:
    """new_question: with the language model; kept_plan: the same question again on a further twin, without it."""
    new, kept = [], []
    questions = list(itertools.islice(questions_about(twin), count))
    for text in tqdm(questions, unit="question", dynamic_ncols=True):
        question = StandingQuestion(Query(text), model, meaning)
        new.append(_timed(lambda q=question: q.answer(twin))[0])
        kept.append(_timed(lambda q=question: q.answer(twin))[0])
    return {"new_question": percentiles(new), "kept_plan": percentiles(kept), "questions": len(questions)}


def questions_about(twin: DigitalTwin) -> Iterator[str]:
    """Questions with the labels in view; without any, about things in general."""
    labels = sorted({i.label for i in twin.instances}) or ["thing"]
    for form in FORMS:
        for label in labels:
            yield form.format(label)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    value = work()
    return (time.perf_counter() - start) * 1000, value
