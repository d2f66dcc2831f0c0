"""Runs the questions of a data set through observe() and reason(), and measures the answers.

A question is asked once the last frame of its window is seen: `frames` [first, last], or the scene's last frame alone.
Its prediction is the union of the predicted instances' masks in every annotated frame of the window, its target what
the data set says; IoU of masks decides, since a perceiver's ids are its own.

Every question gives a row, every scene whose objects are all annotated one more (perception); figures follow from rows
alone, so that a run may be interrupted and continued (`done`), and two runs compared.
"""

from __future__ import annotations

import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from jaxtyping import UInt16

from ...errors import DatasetError, ReasonSegError, Status
from ...io.datasets.base import Dataset, PackedIds, Question, Scene
from ...io.depth_units import DepthRangeMonitor
from ...just_in_time import look_again
from ...perception.protocol import Perceiver
from ...perception.vocabulary import Vocabulary
from ...pipeline import observe
from ...twin.masks import select
from ...twin.types import Answer, DigitalTwin, Frame, Query
from ..benchmark.machine import machine, peak_rss_mb
from ..metrics.masks import MaskScore, percentiles, score_masks
from ..metrics.summary import slim, summarise
from ..metrics.tracking import TrackingMetric
from .perception import measure_picture, perception_figures

Ask = Callable[[DigitalTwin, Query], Answer]
Row = dict[str, Any]


@dataclass
class Times:
    """Milliseconds, 8 bytes a value: a bag may be long."""

    perception: array = field(default_factory=lambda: array("d"))
    reasoning: array = field(default_factory=lambda: array("d"))
    kept: array = field(default_factory=lambda: array("d"))  # plans that were executed again, without the model

    def report(self) -> dict[str, Any]:
        """What this process spent: the keys that every result has beside its figures."""
        return {
            "latency_ms": {"perception": percentiles(self.perception), "reasoning": percentiles(self.reasoning)}
            | ({"kept plan": percentiles(self.kept)} if self.kept else {}),
            "timed": {"frames": len(self.perception), "questions": len(self.reasoning)},
            "peak_rss_mb": peak_rss_mb(),
            "machine": machine(),
        }


def evaluate(
    dataset: Dataset,
    perceiver: Perceiver,
    ask: Ask,
    on_row: Callable[[Row], None],
    on_answer: Callable[[Question, Frame, DigitalTwin, Answer], None] | None = None,
    done: Sequence[Row] = (),
    seed: int = 0,
    times: Times | None = None,
) -> dict[str, Any]:
    """Result of a data set: giou, ciou, n, intervals, by_category, by_level, video, perception, statuses, questions (a
    slim row each), warnings about the pictures where there are any, and what Times.report() has.

    on_row gets every new row as soon as it is there, on_answer what a picture of it needs. `done`: rows of a run
    that was interrupted, which are not made again. A frame or question that perception or reasoning refuses counts as
    an empty prediction, and its row says why; a DatasetError (a broken picture) ends the run, others propagate.
    times: what other processes spent on rows in `done`.
    """
    times = times or Times()
    asked = {row["n"]: slim(row) for row in done if "n" in row}
    pictures = {row["scene"]: row["perception"] for row in done if "perception" in row}
    answered, measured = set(asked), set(pictures)
    depth_range = DepthRangeMonitor()

    def add(row: Row) -> None:
        if "perception" in row:
            pictures[row["scene"]] = row["perception"]
        else:
            asked[row["n"]] = slim(row)  # of a benchmark's 50,000 questions the traces are in the rows file only
        on_row(row)

    for name, questions in dataset.by_scene().items():
        todo = [(n, question) for n, question in questions if n not in answered]
        measure = dataset.truth == "all" and name not in measured
        if todo or measure:
            _run_scene(
                dataset.scene(name), questions, todo, measure, perceiver, ask, add, on_answer, times, depth_range
            )
    rows = [asked[n] for n in sorted(asked)]
    return (
        summarise(rows, seed)
        | {"perception": perception_figures(pictures[name] for name in dataset.by_scene() if name in pictures)}
        | {"statuses": dict(sorted(Counter(row["status"] for row in rows).items()))}
        | ({"warnings": [depth_range.warning]} if depth_range.warning else {})
        | times.report()
        | {"questions": rows}
    )


def evaluate_twins(
    twins: Mapping[str, DigitalTwin],
    questions: Iterable[Question],
    ask: Ask,
    on_row: Callable[[Row], None],
    done: Sequence[Row] = (),
    seed: int = 0,
) -> dict[str, Any]:
    """Result of twin questions: exact, destination_exact (of commands that name destination_ids), n,
    intervals, by_category, by_level, statuses, questions, and Times.report()."""
    rows, times = list(done), Times()
    answered = {row["n"] for row in rows}
    for n, question in enumerate(questions):
        if n in answered:
            continue
        answer, problem = ask_timed(twins[question.scene], question.text, ask, times)
        exact = set(answer.ids if answer else ()) == set(question.target_ids)
        row = {"n": n} | _row(question, answer, problem) | {"exact": exact}
        if question.destination_ids is not None:
            row |= _destination_row(question, answer)
        rows.append(row)
        on_row(rows[-1])
    rows.sort(key=lambda row: row["n"])
    statuses = dict(sorted(Counter(row["status"] for row in rows).items()))
    return summarise(rows, seed) | {"statuses": statuses} | times.report() | {"questions": [slim(row) for row in rows]}


def _destination_row(question: Question, answer: Answer | None) -> Row:
    """destination_exact: the set of destination ids is right, and so is the relation where the data names one."""
    assert question.destination_ids is not None
    relation = answer.relation if answer else ""
    exact = set(answer.destination_ids if answer else ()) == set(question.destination_ids) and bool(relation)
    if question.relation is not None:
        exact = exact and relation == question.relation
    predicted = list(answer.destination_ids if answer else ())
    return {"destination_ids": list(question.destination_ids), "predicted_destination_ids": predicted} | {
        "predicted_relation": relation,
        "destination_exact": exact,
    }


class Seen:
    """The twin so far, and the id image of each frame, compressed: a window may be long."""

    def __init__(self) -> None:
        self.twin: DigitalTwin | None = None
        self.problem: ReasonSegError | None = None
        self._ids = PackedIds()
        self._last: tuple[int, Frame, Perceiver, bool] | None = None
        self._vocabulary: Vocabulary | None = None

    def observe(self, number: int, frame: Frame, perceiver: Perceiver, times: Times, keep: bool = True) -> None:
        """A frame that perception refuses leaves the twin as it was, and its masks missing. keep: for ids()."""
        if self._vocabulary is None:
            self._vocabulary = Vocabulary(perceiver)  # words of another scene's questions are forgotten
        before = self.twin or DigitalTwin(image_size=frame.image_size, frame_id=frame.frame_id)
        twin, self.problem = _timed(lambda: observe(before, frame, perceiver), times.perception)
        if twin is not None:
            self._last = number, frame, perceiver, keep
            self._take(twin)

    def answer(self, query: Query, ask: Ask) -> Answer:
        """About what was seen so far. Where words are lacking and perception takes some, the last frame is looked at
        once more, and the question asked again.
        """
        assert self.twin is not None
        assert self._last is not None
        assert self._vocabulary is not None
        answer, (_, frame, perceiver, _) = ask(self.twin, query), self._last
        twin = look_again(answer, self.twin, frame, perceiver, self._vocabulary, getattr(ask, "meaning", None))
        if twin is None:
            return answer
        self._take(twin)
        return ask(twin, query)

    def _take(self, twin: DigitalTwin) -> None:
        self.twin = twin
        if self._last is not None and self._last[3] and twin.ids is not None:
            self._ids.put(self._last[0], twin.ids)

    def ids(self, number: int) -> UInt16[np.ndarray, "h w"] | None:
        return self._ids.get(number)


def ask_about(seen: Seen, text: str, ask: Ask, times: Times) -> tuple[Answer | None, ReasonSegError | None]:
    """The answer about what was seen so far, or the reason why there is none."""
    return (None, seen.problem) if seen.twin is None else _timed(lambda: seen.answer(Query(text), ask), times.reasoning)


def ask_timed(twin: DigitalTwin, text: str, ask: Ask, times: Times) -> tuple[Answer | None, ReasonSegError | None]:
    return _timed(lambda: ask(twin, Query(text)), times.reasoning)


def _run_scene(
    scene: Scene,
    questions: Sequence[tuple[int, Question]],
    todo: Sequence[tuple[int, Question]],
    measure: bool,
    perceiver: Perceiver,
    ask: Ask,
    add: Callable[[Row], None],
    on_answer: Callable[[Question, Frame, DigitalTwin, Answer], None] | None,
    times: Times,
    depth_range: DepthRangeMonitor,
) -> None:
    """Asks what is to do while the frames go by; all questions tell how far the scene is looked at."""
    due: dict[int, list[tuple[int, Question]]] = {}
    for n, question in todo:
        due.setdefault(_window(question, scene)[1], []).append((n, question))
    last = max((_window(q, scene)[1] for _, q in questions), default=scene.numbers[-1])
    seen, tracks, frames, size = Seen(), TrackingMetric(), 0, None
    for number, frame in scene.frames(last):
        if size not in (None, frame.image_size):
            raise DatasetError(f"{scene.name}: frame {number} is {frame.image_size}, the frames before it {size}")
        size, frames = frame.image_size, frames + 1
        if frame.depth_m is not None:
            depth_range.add(frame.depth_m)
        seen.observe(number, frame, perceiver, times)
        truth = scene.truth_ids(number) if measure else None
        if truth is not None:
            tracks.update(seen.ids(number), truth)
        for n, question in due.get(number, ()):
            answer, problem = ask_about(seen, question.text, ask, times)
            score = _score(question, scene, seen, answer)
            add({"n": n} | _row(question, answer, problem) | score_row(score))
            if on_answer and answer and seen.twin:
                on_answer(question, frame, seen.twin, answer)
    if measure and (truth := scene.truth_ids(last)) is not None:
        picture = measure_picture(seen.twin, seen.ids(last), truth, scene.words)
        add({"scene": scene.name, "perception": picture | (tracks.counts() if frames > 1 else {})})


def _score(question: Question, scene: Scene, seen: Seen, answer: Answer | None) -> MaskScore:
    """Of all annotated frames of the window."""
    predicted, target, ignore = [], [], []
    first, last = _window(question, scene)
    for number in (n for n in scene.numbers if first <= n <= last):
        if (right := scene.target(question, number)) is None:
            continue
        ids = seen.ids(number)
        predicted.append(None if ids is None or not answer else select(ids, answer.ids))
        target.append(right)
        ignore.append(scene.ignore(number))
    if not target:
        raise DatasetError(f"{question.where}: no frame of {scene.name} that it speaks of is annotated")
    return score_masks(predicted, target, ignore, boundaries=question.frames is not None)


def score_row(score: MaskScore) -> Row:
    """The keys of a row that figures are made of."""
    return {key: value for key, value in asdict(score).items() if value is not None}


def _window(question: Question, scene: Scene) -> tuple[int, int]:
    return question.frames or (scene.numbers[-1], scene.numbers[-1])


def _timed(work: Callable[[], Any], times: array) -> tuple[Any, ReasonSegError | None]:
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
        status = problem.status if problem else Status.BAD_INPUT
        return row | {"predicted_ids": [], "status": status.name, "message": str(problem or "no frame could be used")}
    return row | {
        "predicted_ids": list(answer.ids),
        "status": answer.status.name,
        "message": answer.message,
        "reason": answer.reason,
        "plan": answer.plan,
        "trace": [str(step) for step in answer.trace],
        "latency_ms": {k: round(v, 2) for k, v in answer.latency_ms.items()},
    }
