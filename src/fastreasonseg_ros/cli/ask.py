"""`fastreasonseg ask SOURCE TEXT`: one question, without ROS."""

from __future__ import annotations

import json
import time
from argparse import Namespace
from pathlib import Path

import numpy as np

from ..errors import DatasetError
from ..evaluation.reports.outputs import answer_as_dict, write_picture, write_text
from ..evaluation.runners.backends import asker_of, perceiver_of
from ..io.input_report import InputReport
from ..io.sources import frames_of, read_options, read_twin
from ..just_in_time import look_again
from ..perception.protocol import Perceiver
from ..perception.vocabulary import Vocabulary
from ..pipeline import observe, read_now
from ..twin.masks import select
from ..twin.types import Answer, DigitalTwin, Frame, Query
from ..visualization.overlay import draw_answer


def run(args: Namespace) -> int:
    report = InputReport()
    frame, twin, perceiver, perception_ms = _perceive(args, report)
    ask, query = asker_of(args), Query(args.text)
    answer = ask(twin, query)
    if perceiver is not None and frame is not None:
        better = look_again(answer, twin, frame, perceiver, Vocabulary(perceiver), ask.meaning)
        if better is not None:
            twin, answer = better, ask(better, query)
    labels = {i.id: i.label for i in twin.instances}
    print(describe(answer, twin))
    for line in (*report.chosen, *(f"warning: {warning}" for warning in report.warnings)):
        print(line)
    if args.overlay:
        if frame is None:
            raise DatasetError(f"{args.source}: a twin has no picture to draw on; leave --overlay out")
        ids = np.zeros(frame.color.shape[:2], np.uint16) if twin.ids is None else twin.ids
        write_picture(args.overlay, draw_answer(frame.color, ids, answer, labels))
    if args.mask:
        if twin.ids is None:
            raise DatasetError(f"{args.source}: has no masks; leave --mask out")
        write_picture(args.mask, select(twin.ids, answer.ids).astype(np.uint8) * np.uint8(255))
    if args.json:
        write_text(
            args.json,
            json.dumps(answer_as_dict(answer, perception_ms) | _report_as_dict(report), ensure_ascii=False, indent=1)
            + "\n",
        )
    return 0


def describe(answer: Answer, twin: DigitalTwin) -> str:
    """The answer as text: found objects with position, reasoning, steps, latency."""
    by_id = {i.id: i for i in twin.instances}
    lines = [f"{answer.status.name}: {answer.message}" if answer.message else answer.status.name]
    for i in (by_id[k] for k in answer.ids if k in by_id):
        place = "at (" + ", ".join(f"{v:.2f}" for v in i.center_m) + ") m" if i.center_m else "place unknown"
        lines.append(f"  {i.id} {' '.join(w for w in (i.color, i.label) if w)} {place}")
    if answer.reason:
        lines.append(answer.reason)
    lines += [f"  {step}" for step in answer.trace]
    sure = [] if answer.confidence is None else [f"{answer.confidence:.0%} sure"]
    lines.append(", ".join(sure + [f"{stage} {ms:.0f} ms" for stage, ms in answer.latency_ms.items()]))
    return "\n".join(line for line in lines if line)


def _report_as_dict(report: InputReport) -> dict[str, Any]:
    """topics and warnings of the input, for JSON; empty ones are left out."""
    found = {"topics": report.chosen, "warnings": report.warnings}
    return {key: lines for key, lines in found.items() if lines}


def _perceive(args: Namespace, report: InputReport) -> tuple[Frame | None, DigitalTwin, Perceiver | None, float | None]:
    """Last frame, twin, perceiver and time of the last observe() in ms; only the twin is set for a twin file."""
    if Path(args.source).suffix == ".json":
        return None, read_twin(args.source), None, None
    perceiver = perceiver_of(args)
    twin: DigitalTwin | None = None
    last: Frame | None = None
    start_s = milliseconds = None
    for frame in frames_of(args.source, args.depth, args.camera, read_options(args), report):
        start_s = frame.stamp_s if start_s is None else start_s
        if args.at is not None and last is not None and frame.stamp_s - start_s > args.at:
            break
        began = time.perf_counter()
        twin = observe(twin or DigitalTwin(image_size=frame.image_size, frame_id=frame.frame_id), frame, perceiver)
        milliseconds = (time.perf_counter() - began) * 1000
        last = frame
    if twin is None:
        raise DatasetError(f"{args.source}: holds no frame; depth and colour must have stamps that go together")
    if last is not None:
        twin = read_now(twin, last, perceiver)
    return last, twin, perceiver, milliseconds
