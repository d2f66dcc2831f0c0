"""Runs the questions of a data set through observe() and reason(), and measures the answers.

A question is asked once the last frame of its window is seen: `frames` [first, last], or the scene's last frame alone.
Its prediction is the union of the predicted instances' masks in every frame of the window, its target the union of
`target_ids` there; IoU of masks decides, since a perceiver's ids are its own.
"""

from __future__ import annotations

import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, UInt16

from ..errors import ReasonSegError, Status
from ..perception.protocol import Perceiver
from ..pipeline import observe
from ..twin.masks import select
from ..twin.types import Answer, DigitalTwin, Frame, Query
from .datasets import Dataset, Question, Scene
from .machine import machine, peak_rss_mb
from .metrics import ExactSetMetric, Grouped, MaskMetric, VideoMetric, percentiles, region_j
from .perception_report import PerceptionReport

Ask = Callable[[DigitalTwin, Query], Answer]
Row = dict[str, Any]
IdImage = UInt16[np.ndarray, "h w"]
Mask = Bool[np.ndarray, "h w"]


@dataclass
class Times:
    perception: list[float] = field(default_factory=list)
    reasoning: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)

    def report(self) -> dict[str, Any]:
        """The keys that every result has: how the questions ended, and what they cost."""
        latency = {"perception": percentiles(self.perception), "reasoning": percentiles(self.reasoning)}
        return {
            "statuses": dict(self.statuses),
            "latency_ms": latency,
            "peak_rss_mb": peak_rss_mb(),
            "machine": machine(),
        }


def evaluate(
    dataset: Dataset,
    perceiver: Perceiver,
    ask: Ask,
    on_row: Callable[[Row], None],
    on_answer: Callable[[Question, Frame, DigitalTwin, Answer], None] | None = None,
) -> dict[str, Any]:
    """Result of a data set: giou, ciou, n, by_category, by_level, perception, statuses, latency_ms, peak_rss_mb,
    machine, and video (j, f, j_and_f) where questions have windows of frames.

    on_row gets one row a question as soon as it is answered, on_answer what a picture of it needs. A frame or question
    that raises a ReasonSegError counts as an empty prediction and its row says why; other exceptions propagate.
    """
    masks, video, times, perception = Grouped(MaskMetric), Grouped(VideoMetric), Times(), PerceptionReport()
    for name, questions in dataset.by_scene().items():
        scene = dataset.scene(name)
        due: dict[int, list[Question]] = {}
        for question in questions:
            due.setdefault(_window(question, scene)[1], []).append(question)
        seen = Seen()
        for number, frame in scene.frames(max(due)):
            seen.observe(number, frame, perceiver, times)
            for question in due.get(number, ()):
                answer, problem = ask_about(seen, question.text, ask, times)
                predicted, target = _masks(question, scene, seen, answer)
                masks.update(question.category, question.level, predicted, target)
                if question.frames is not None:
                    video.update(question.category, question.level, predicted, target)
                on_row(_row(question, answer, problem) | {"iou": round(region_j(predicted, target), 4)})
                if on_answer and answer and seen.twin:
                    on_answer(question, frame, seen.twin, answer)
        if seen.twin is not None and (last := seen.ids(max(due))) is not None:
            perception.update(seen.twin, last, scene.truth_ids(max(due)), scene.words)
    result = masks.compute() | {"perception": perception.compute()} | times.report()
    if any(q.frames for q in dataset.questions):
        result["video"] = video.compute()
    return result


def evaluate_twins(
    twins: Mapping[str, DigitalTwin], questions: Iterable[Question], ask: Ask, on_row: Callable[[Row], None]
) -> dict[str, Any]:
    """Result of twin questions: exact, n, by_category, by_level, statuses, latency_ms, peak_rss_mb, machine."""
    exact, times = Grouped(ExactSetMetric), Times()
    for question in questions:
        answer, problem = ask_timed(twins[question.scene], question.text, ask, times)
        ids = answer.ids if answer else ()
        exact.update(question.category, question.level, ids, question.target_ids)
        on_row(_row(question, answer, problem) | {"exact": set(ids) == set(question.target_ids)})
    return exact.compute() | times.report()


class Seen:
    """The twin so far, and the id image of each frame, compressed: a window may be long."""

    def __init__(self) -> None:
        self.twin: DigitalTwin | None = None
        self.problem: ReasonSegError | None = None
        self._ids: dict[int, tuple[bytes, tuple[int, ...]]] = {}

    def observe(self, number: int, frame: Frame, perceiver: Perceiver, times: Times, keep: bool = True) -> None:
        """A frame that perception refuses leaves the twin as it was, and its masks missing. keep: for ids()."""
        before = self.twin or DigitalTwin(image_size=frame.image_size, frame_id=frame.frame_id)
        twin, self.problem = _timed(lambda: observe(before, frame, perceiver), times.perception)
        if twin is not None:
            self.twin = twin
            if keep and twin.ids is not None:
                self._ids[number] = zlib.compress(twin.ids.tobytes(), 1), twin.ids.shape

    def ids(self, number: int) -> IdImage | None:
        packed, shape = self._ids.get(number, (None, ()))
        return None if packed is None else np.frombuffer(zlib.decompress(packed), np.uint16).reshape(shape)


def ask_about(seen: Seen, text: str, ask: Ask, times: Times) -> tuple[Answer | None, ReasonSegError | None]:
    """The answer about what was seen so far, or the reason why there is none."""
    twin = seen.twin
    if twin is None:
        times.statuses[Status.BAD_INPUT.name] += 1
        return None, seen.problem
    return ask_timed(twin, text, ask, times)


def ask_timed(twin: DigitalTwin, text: str, ask: Ask, times: Times) -> tuple[Answer | None, ReasonSegError | None]:
    answer, problem = _timed(lambda: ask(twin, Query(text)), times.reasoning)
    times.statuses[(answer or problem).status.name] += 1
    return answer, problem


def _masks(question: Question, scene: Scene, seen: Seen, answer: Answer | None) -> tuple[list[Mask], list[Mask]]:
    """Predicted and target masks of every frame of the window."""
    predicted, target = [], []
    first, last = _window(question, scene)
    for number in (n for n in scene.numbers if first <= n <= last):
        target.append(select(scene.truth_ids(number), question.target_ids))
        ids = seen.ids(number)
        predicted.append(np.zeros_like(target[-1]) if ids is None or not answer else select(ids, answer.ids))
    return predicted, target


def _window(question: Question, scene: Scene) -> tuple[int, int]:
    return question.frames or (scene.numbers[-1], scene.numbers[-1])


def _timed(work: Callable[[], Any], times: list[float]) -> tuple[Any, ReasonSegError | None]:
    start = time.perf_counter()
    try:
        return work(), None
    except ReasonSegError as error:
        return None, error
    finally:
        times.append((time.perf_counter() - start) * 1000)


def _row(question: Question, answer: Answer | None, problem: ReasonSegError | None) -> Row:
    row: Row = {"scene": question.scene, "text": question.text, "target_ids": list(question.target_ids)}
    row |= {"category": question.category, "level": question.level}
    if question.frames is not None:
        row["frames"] = list(question.frames)
    return describe_row(row, answer, problem)


def describe_row(row: Row, answer: Answer | None, problem: ReasonSegError | None) -> Row:
    """The row with what was answered, or with the reason why nothing was."""
    if answer is None:
        status = problem.status.name if problem else "NOT_READY"
        return row | {"predicted_ids": [], "status": status, "message": str(problem or "no frame could be used")}
    return row | {
        "predicted_ids": list(answer.ids),
        "status": answer.status.name,
        "message": answer.message,
        "reason": answer.reason,
        "plan": answer.plan,
        "trace": [str(step) for step in answer.trace],
        "latency_ms": {k: round(v, 2) for k, v in answer.latency_ms.items()},
    }
