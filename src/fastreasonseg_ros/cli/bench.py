"""`fastreasonseg bench`: latency and memory of perception and reasoning on this machine, by stage."""

from __future__ import annotations

import itertools
import json
import time
from argparse import Namespace
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from tqdm import tqdm

from ..errors import DatasetError
from ..evaluation.benchmark.machine import machine, peak_rss_mb
from ..evaluation.benchmark.plan_cost import EIGHT_STEPS, OBJECTS, REPEATS, plan_cost
from ..evaluation.benchmark.reasoner_cost import reasoner_cost
from ..evaluation.benchmark.scaling import ScalingPlan, scaling, scaling_table
from ..evaluation.metrics.masks import percentiles
from ..evaluation.reports.outputs import write_text
from ..evaluation.runners.backends import load_reasoner, perceiver_of
from ..io.sources import frames_of, read_options
from ..perception.protocol import Perceiver, namer_of, reader_of
from ..pipeline import observe
from ..twin.types import DigitalTwin, Frame

WARMUP = 3  # frames left out of the figures: caches fill, threads start
# Asked for every label in view, so that no two questions are the same.
FORMS = ("the {}", "which {} is nearest to the camera?", "what is left of the {}?", "hand me the biggest {}")


def run(args: Namespace) -> int:
    perceiver = perceiver_of(args)
    frames = list(itertools.islice(frames_of(args.source, options=read_options(args)), args.frames))
    if not frames:
        raise DatasetError(f"{args.source}: holds no frame; give a scene folder or a bag with colour and depth")
    twin, perception = bench_perception(itertools.islice(itertools.cycle(frames), args.frames), perceiver, args.frames)
    perception |= background_cost(perceiver)
    questions = [(twin, text) for text in itertools.islice(questions_about(twin), args.questions)]
    load = partial(load_reasoner, args.model, args.model_config, args.model_set)
    reasoning = reasoner_cost(load, questions)
    width, height = frames[0].image_size
    result = {
        "source": str(args.source),
        "image_size": [width, height],
        "perceiver": args.perception,
        "objects": len(twin.instances),
        "perception": perception,
        "reasoning": reasoning,
        "five_steps_50_objects": plan_cost(),
        "eight_steps_50_objects": plan_cost(REPEATS, EIGHT_STEPS),
        "perception_peak_rss_mb": peak_rss_mb(),
        "machine": machine(),
    }
    if args.scaling:
        result["scaling"] = scaling(perceiver, load, plan_of(args.frames, args.questions))
    if args.json:
        write_text(args.json, json.dumps(result, indent=1) + "\n")
    print(f"{width}x{height}, {len(twin.instances)} objects")
    print(f"{reasoning['model_name']}, loaded in {reasoning['loading_s']:.1f} s")
    for name, row in (perception | reasoning).items():
        if isinstance(row, dict):
            print(f"  {name:<22} p50 {_ms(row['p50'])}   p95 {_ms(row['p95'])}")
    five_steps = result["five_steps_50_objects"]
    print(f"  plan of five steps over {OBJECTS} objects: p50 {_ms(five_steps['p50'])}   p95 {_ms(five_steps['p95'])}")
    eight_steps = result["eight_steps_50_objects"]
    print(f"  plans of eight steps          p50 {_ms(eight_steps['p50'])}   p95 {_ms(eight_steps['p95'])}")
    print(f"  frames per second      {perception['frames_per_second']:.1f}")
    print(f"  memory of perception   {result['perception_peak_rss_mb']:.0f} MiB at most")
    print(
        f"  memory of reasoning    {reasoning['rss_mb']:.0f} MiB, {reasoning['peak_rss_mb']:.0f} at most, own process"
    )
    m = result["machine"]
    print(f"  on {m['cores']} cores of {m['cpu']}, load average {reasoning['load_average']}")
    if args.scaling:
        print(scaling_table(result["scaling"]))
    return 0


def plan_of(frames: int, questions: int) -> ScalingPlan:
    """The plan of --scaling: its defaults, with at most `frames` and `questions`."""
    usual = ScalingPlan()
    return replace(usual, frames=min(frames, usual.frames), questions=min(questions, usual.questions))


def _ms(value: float | None) -> str:
    return "        -   " if value is None else f"{value:9.2f} ms"


def bench_perception(frames: Iterable[Frame], perceiver: Perceiver, count: int) -> tuple[DigitalTwin, dict[str, Any]]:
    """The last twin, and {frame: p50, p95 of observe() in ms, frames_per_second} without the first WARMUP frames."""
    twin: DigitalTwin | None = None
    times: list[float] = []
    for frame in tqdm(frames, total=count, unit="frame", dynamic_ncols=True):
        before = twin if twin and twin.stamp_s <= frame.stamp_s else DigitalTwin(image_size=frame.image_size)
        start = time.perf_counter()
        twin = observe(before, frame, perceiver)
        times.append((time.perf_counter() - start) * 1000)
    assert twin is not None
    steady = times[WARMUP:] or times
    return twin, {"frame": percentiles(steady), "frames_per_second": round(1000 * len(steady) / sum(steady), 2)}


def background_cost(perceiver: Perceiver) -> dict[str, Any]:
    """{picture_of_a_thing, text_of_a_thing: p50, p95 in ms and how many}: work beside the frames."""
    workers = {"picture_of_a_thing": namer_of(perceiver), "text_of_a_thing": reader_of(perceiver)}
    spent = {name: worker.durations_ms for name, worker in workers.items() if worker is not None}
    return {name: {**percentiles(times), "count": len(times)} for name, times in spent.items() if times}


def questions_about(twin: DigitalTwin) -> Iterator[str]:
    """Questions with the labels in view, or with "thing" if there are none."""
    labels = sorted({i.label for i in twin.instances}) or ["thing"]
    for form in FORMS:
        for label in labels:
            yield form.format(label)
