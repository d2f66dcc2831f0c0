"""Runs the questions of a data set through observe() and reason(), and scores the answers.

A question is asked after the last frame of its window: `frames` [first, last], or the scene's last frame only. The
prediction is the union of the predicted instances' masks in every annotated frame of the window. It is compared with
the annotated mask by IoU, since a perceiver's ids differ from the annotation's.

Every question gives a row, and every scene with all objects annotated one more (perception). Figures are computed from
rows only, so that a run can be resumed (`done`) and two runs compared.
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
from ...pipeline import observe, read_now
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
    """Latencies in milliseconds, as arrays of 8 bytes a value, since a bag may be long."""

    perception: array = field(default_factory=lambda: array("d"))
    reasoning: array = field(default_factory=lambda: array("d"))
    kept: array = field(default_factory=lambda: array("d"))  # kept plans, executed without the model

    def report(self) -> dict[str, Any]:
        """latency_ms, timed, peak_rss_mb and machine of this process; part of every result."""
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
    slim row each), warnings about the input if any, and the keys of Times.report().

    on_row is called with every new row, on_answer with what is needed to draw it. done: rows of an interrupted run,
    which are not made again. times: of other processes for rows in `done`.
    A frame or question for which perception or reasoning raises ReasonSegError counts as an empty prediction, with the
    message in its row. Raises DatasetError (such as a broken picture); other errors propagate.
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
            asked[row["n"]] = slim(row)  # traces of up to 50,000 questions are in the rows file only
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


class SceneState:
    """The current twin of a scene, and the compressed id image of each frame. problem: error of the last frame."""

    def __init__(self) -> None:
        self.twin: DigitalTwin | None = None
        self.problem: ReasonSegError | None = None
        self._ids = PackedIds()
        self._last: tuple[int, Frame, Perceiver, bool] | None = None
        self._vocabulary: Vocabulary | None = None

    def observe(self, number: int, frame: Frame, perceiver: Perceiver, times: Times, keep: bool = True) -> None:
        """Updates the twin. If perception raises an error, the twin stays and ids(number) is None. keep: store ids."""
        if self._vocabulary is None:
            self._vocabulary = Vocabulary(perceiver)  # resets words of another scene's questions
        before = self.twin or DigitalTwin(image_size=frame.image_size, frame_id=frame.frame_id)
        twin, self.problem = _timed(lambda: observe(before, frame, perceiver), times.perception)
        if twin is not None:
            self._last = number, frame, perceiver, keep
            self._take(twin)

    def answer(self, query: Query, ask: Ask) -> Answer:
        """The answer about the current twin; asked again after looking for words that it lacks in the last frame."""
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


def ask_about(state: SceneState, text: str, ask: Ask, times: Times) -> tuple[Answer | None, ReasonSegError | None]:
    """The answer about the current twin, or the error."""
    if state.twin is None:
        return None, state.problem
    if state._last is not None:
        state.twin = read_now(state.twin, *state._last[1:3])
    return _timed(lambda: state.answer(Query(text), ask), times.reasoning)


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
    """Runs the frames of a scene and asks the questions of `todo`; `questions` (all) determine the last frame."""
    due: dict[int, list[tuple[int, Question]]] = {}
    for n, question in todo:
        due.setdefault(_window(question, scene)[1], []).append((n, question))
    last = max((_window(q, scene)[1] for _, q in questions), default=scene.numbers[-1])
    state, tracks, frames, size = SceneState(), TrackingMetric(), 0, None
    for number, frame in scene.frames(last):
        if size not in (None, frame.image_size):
            raise DatasetError(f"{scene.name}: frame {number} is {frame.image_size}, the frames before it {size}")
        size, frames = frame.image_size, frames + 1
        if frame.depth_m is not None:
            depth_range.add(frame.depth_m)
        state.observe(number, frame, perceiver, times)
        truth = scene.truth_ids(number) if measure else None
        if truth is not None:
            tracks.update(state.ids(number), truth)
        for n, question in due.get(number, ()):
            answer, problem = ask_about(state, question.text, ask, times)
            score = _score(question, scene, state, answer)
            add({"n": n} | _row(question, answer, problem) | score_row(score))
            if on_answer and answer and state.twin:
                on_answer(question, frame, state.twin, answer)
    if measure and (truth := scene.truth_ids(last)) is not None:
        picture = measure_picture(state.twin, state.ids(last), truth, scene.objects)
        add({"scene": scene.name, "perception": picture | (tracks.counts() if frames > 1 else {})})


def _score(question: Question, scene: Scene, state: SceneState, answer: Answer | None) -> MaskScore:
    """Score over all annotated frames of the question's window."""
    predicted, target, ignore = [], [], []
    first, last = _window(question, scene)
    for number in (n for n in scene.numbers if first <= n <= last):
        if (mask := scene.target(question, number)) is None:
            continue
        ids = state.ids(number)
        predicted.append(None if ids is None or not answer else select(ids, answer.ids))
        target.append(mask)
        ignore.append(scene.ignore(number))
    if not target:
        raise DatasetError(f"{question.where}: no frame of {scene.name} that it speaks of is annotated")
    return score_masks(predicted, target, ignore, boundaries=question.frames is not None)


def score_row(score: MaskScore) -> Row:
    """The score as keys of a row."""
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
    row |= {} if question.frames is None else {"frames": list(question.frames)}
    return describe_row(row, answer, problem)


def describe_row(row: Row, answer: Answer | None, problem: ReasonSegError | None) -> Row:
    """The row with the answer, or with status and message of the error if there is none."""
    if answer is None:
        status = problem.status if problem else Status.BAD_INPUT
        return row | {"predicted_ids": [], "status": status.name, "message": str(problem or "no frame could be used")}
    return row | {
        "predicted_ids": list(answer.ids),
        "status": answer.status.name,
        "message": answer.message,
        "confidence": answer.confidence,
        "reason": answer.reason,
        "plan": answer.plan,
        "trace": [str(step) for step in answer.trace],
        "latency_ms": {k: round(v, 2) for k, v in answer.latency_ms.items()},
    }
