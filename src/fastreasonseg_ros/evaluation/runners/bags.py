"""Evaluates one or several bags in this process: chooses topics, assigns questions, collects rows and figures."""

from __future__ import annotations

import time
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import DatasetError
from ...io.bags.contents import bag_info
from ...io.bags.questions import TimedQuestion
from ...io.bags.reader import read_stamped
from ...io.bags.topic_selection import BagTopics, choose_topics
from ...io.input_report import InputReport
from ...io.sources import is_bag, read_options
from ...twin.types import Frame
from ..benchmark.cpu_time import cpu_report, cpu_share
from ..metrics.summary import slim, summarise
from .backends import Asker
from .bag import LockStep, Outputs, evaluation_share
from .evaluate import Row
from .perception import perception_figures
from .scene_state import Times
from .viewers import ViewerThread

Item = tuple[int, TimedQuestion]


def evaluate_one(
    args: Namespace,
    path: Path,
    name: str,
    items: Sequence[Item],
    perceiver: Any,
    ask: Asker,
    times: Times,
    out: Outputs,
) -> Row:
    """Evaluates one bag and returns its row; rows of its questions are passed to out.on_row first."""
    frames, read = frames_of_bag(args, path)
    mine, began = Times(), time.process_time()
    drawn_before = _viewers_cpu_s(out)
    try:
        row = LockStep(perceiver, ask, ask.stand, mine, out).run(frames, items)
    except DatasetError as error:
        text = str(error)
        raise DatasetError(text if str(path) in text else f"{path}: {text}") from error
    spent = row["spent"]
    for viewer in out.viewers:
        if isinstance(viewer, ViewerThread):
            viewer.settle()
    total, drawn = time.process_time() - began, _viewers_cpu_s(out) - drawn_before
    spent |= cpu_report(total, spent.pop("models_cpu_s"), spent.pop("reading_cpu_s"), drawn)
    spent["evaluation_share"] = evaluation_share(spent["wall_s"], spent["reading_s"], mine)
    times.perception.extend(mine.perception)
    times.reasoning.extend(mine.reasoning)
    times.kept.extend(mine.kept)
    return {"scene": name, "bag": row | read()}


def frames_of_bag(args: Namespace, path: Path) -> tuple[Iterator[tuple[int, Frame]], Callable[[], dict[str, Any]]]:
    """Frames with their stamps (ns), read as the options of the command line say; and how they were read.

    The latter, topics and warnings, is complete once the frames were read. Raises DatasetError, ConfigError.
    """
    options, report = read_options(args), InputReport()
    choice = choose_topics(bag_info(path), path, options.topics)
    frames = read_stamped(path, choice.topics, options.slop_s, options.depth_unit_m, report)

    def read() -> dict[str, Any]:
        return {"topics": choice.describe()} | ({"warnings": report.warnings} if report.warnings else {})

    return frames, read


def topics_of(args: Namespace, path: Path) -> BagTopics:
    """Topics given by options, the others chosen to fit."""
    return choose_topics(bag_info(path), path, read_options(args).topics).topics


def bag_result(rows: Sequence[Row], times: Times, seed: int) -> dict[str, Any]:
    """Figures from rows (a function of the rows only), and times under `timed` and `latency_ms`."""
    asked = sorted((row for row in rows if "n" in row), key=lambda row: row["n"])
    bags = {row["scene"]: row["bag"] for row in rows if "bag" in row}
    figures = summarise((row for row in asked if row.get("iou") is not None), seed)
    report = times.report()
    spent = {name: bags[name]["spent"] for name in sorted(bags)}
    report["timed"] |= {"evaluation_cpu_share": cpu_share(s["cpu_s"] for s in spent.values()), "bags": spent}
    warnings = [f"{name}: {warning}" for name in sorted(bags) for warning in bags[name].get("warnings", ())]
    curves = {row["text"]: row["curve"] for row in asked if row.get("curve")}
    return (
        figures
        | {"asked": len(asked), "frames": sum(bag["frames"] for bag in bags.values())}
        | {"duration_s": round(sum(bag["duration_s"] for bag in bags.values()), 3)}
        | {"perception": perception_figures(bags[n]["perception"] for n in sorted(bags) if "perception" in bags[n])}
        | {"statuses": dict(sorted(Counter(row["status"] for row in asked).items())), "curves": curves}
        | ({"warnings": warnings} if warnings else {})
        | report
        | {"topics": {name: bags[name]["topics"] for name in sorted(bags) if "topics" in bags[name]}}
        | {"questions": [slim(row) for row in asked]}
    )


def bags_to_do(
    bags: Mapping[str, Path], questions: Sequence[TimedQuestion], done: Sequence[Row]
) -> dict[str, list[Item]]:
    """Unanswered questions by bag; also bags whose own row is missing, even without an unanswered question."""
    answered = {row["n"] for row in done if "n" in row}
    finished = {row["scene"] for row in done if "bag" in row}
    todo: dict[str, list[Item]] = {name: [] for name in bags if name not in finished}
    for n, question in enumerate(questions):
        if n not in answered:
            todo.setdefault(str(question.scene), []).append((n, question))
    return todo


def find_bags(path: str | Path) -> dict[str, Path]:
    """Name -> path of one bag, or of every bag in a folder. Raises DatasetError if there is none."""
    path = Path(path)
    if is_bag(path) or not path.is_dir():
        return {path.resolve().stem: path}
    inside = sorted(p for p in path.iterdir() if is_bag(p))
    if not inside:
        raise DatasetError(f"{path}: is no bag and holds none; give a rosbag2 folder, a .mcap, .db3 or .bag file")
    return {p.stem: p for p in inside}


def _viewers_cpu_s(out: Outputs) -> float:
    return sum(viewer.cpu_s for viewer in out.viewers if isinstance(viewer, ViewerThread))
