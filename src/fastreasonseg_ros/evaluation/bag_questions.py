"""Questions asked while recorded frames are played: each at its time, measured where the ground truth is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DatasetError
from ..perception.protocol import Perceiver
from ..twin.masks import select
from ..twin.types import Frame
from .evaluate import Ask, Seen, Times, ask_about, describe_row, score_row
from .files import read_jsonl
from .metrics import score_masks
from .summary import summarise


@dataclass(frozen=True)
class TimedQuestion:
    """A line of a bag's questions. at_s: seconds of the bag that are seen before it is asked; None = all.

    target_ids: of the bag's ground-truth id image; None = not known, so that no IoU is computed. standing: asked once,
    answered from then on (only the ROS demo does that).
    """

    text: str
    at_s: float | None = None
    target_ids: tuple[int, ...] | None = None
    category: str | None = None
    standing: bool = False


def read_timed_questions(path: str | Path) -> tuple[TimedQuestion, ...]:
    """Lines {"text", "at"?, "target_ids"?, "category"?, "standing"?}. Raises DatasetError naming file and line."""
    questions = []
    for where, data in read_jsonl(path):
        at, ids = data.get("at"), data.get("target_ids")
        if not isinstance(data.get("text"), str):
            raise DatasetError(f"{where}: text: expected text, got {data.get('text')!r}")
        if at is not None and (not isinstance(at, int | float) or isinstance(at, bool) or at < 0):
            raise DatasetError(f"{where}: at: expected seconds since the start of the bag, got {at!r}")
        if ids is not None and not (isinstance(ids, list) and all(isinstance(i, int) and i > 0 for i in ids)):
            raise DatasetError(f"{where}: target_ids: expected a list of ids from 1, got {ids!r}")
        questions.append(
            TimedQuestion(
                data["text"], at, None if ids is None else tuple(ids), data.get("category"), bool(data.get("standing"))
            )
        )
    return tuple(questions)


def evaluate_bag(
    frames: Iterable[Frame],
    questions: Iterable[TimedQuestion],
    perceiver: Perceiver,
    ask: Ask,
    on_row: Callable[[dict[str, Any]], None],
) -> dict[str, Any]:
    """Plays the frames through observe(), asks each question at its time; giou and ciou where targets are known."""
    due = sorted(questions, key=lambda q: float("inf") if q.at_s is None else q.at_s)
    seen, times, rows = Seen(), Times(), []
    start_s: float | None = None
    last: Frame | None = None

    def ask_now(question: TimedQuestion, frame: Frame) -> None:
        answer, problem = ask_about(seen, question.text, ask, times)
        row = describe_row({"text": question.text, "at": question.at_s, "stamp": frame.stamp_s}, answer, problem)
        if question.target_ids is not None and frame.truth is not None:
            ids = None if seen.twin is None else seen.twin.ids
            target = select(frame.truth.ids, question.target_ids)
            found = np.zeros_like(target) if ids is None or not answer else select(ids, answer.ids)
            row |= {"target_ids": list(question.target_ids), "category": question.category}
            row |= score_row(score_masks([found], [target]))
        rows.append(row)
        on_row(row)

    for number, frame in enumerate(frames):
        start_s = frame.stamp_s if start_s is None else start_s
        while last is not None and due and due[0].at_s is not None and frame.stamp_s - start_s > due[0].at_s:
            ask_now(due.pop(0), last)
        seen.observe(number, frame, perceiver, times, keep=False)
        last = frame
    if last is None:
        raise DatasetError("the bag holds no frame; depth and colour must have stamps that go together")
    for question in due:
        ask_now(question, last)
    statuses = dict(sorted(Counter(row["status"] for row in rows).items()))
    counts = {"asked": len(rows), "frames": len(times.perception), "statuses": statuses}
    return summarise(row for row in rows if "iou" in row) | counts | times.report()
