"""Runs the questions of a data set through observe() and reason(), and scores the answers.

A question is asked after the last frame of its window: `frames` [first, last], or the scene's last frame only. The
prediction is the union of the predicted instances' masks in every annotated frame of the window. It is compared with
the annotated mask by IoU, since a perceiver's ids differ from the annotation's.

Where the ground truth is points, points.py says what is right.

Every question gives a row, and every scene with all objects annotated, by masks or points, one more (perception).
Figures are computed from rows only, so that a run can be resumed (`done`) and two runs compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ...errors import DatasetError, ReasonSegError, Status
from ...io.datasets.base import Dataset, Question, Scene
from ...io.depth_units import DepthRangeMonitor
from ...perception.protocol import Perceiver
from ...twin.masks import select
from ...twin.types import Answer, DigitalTwin, Frame
from ..metrics.masks import MaskScore, score_masks
from ..metrics.summary import slim, summarise
from ..metrics.tracking import TrackingMetric
from .perception import measure_picture, perception_figures
from .points import is_right, measure_points, points_figures
from .scene_state import Ask, SceneState, Times, ask_about, ask_timed

Row = dict[str, Any]


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
    slim row each), warnings about the input if any, and the keys of Times.report(). answers and points (see
    `points_figures`): of a data set with points.

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
        measure = dataset.measures_perception and name not in measured
        if todo or measure:
            _run_scene(
                dataset.scene(name), questions, todo, measure, perceiver, ask, add, on_answer, times, depth_range
            )
    rows = [asked[n] for n in sorted(asked)]
    seen = [pictures[name] for name in dataset.by_scene() if name in pictures]
    result = summarise(rows, seed) | {"perception": {} if dataset.truth == "points" else perception_figures(seen)}
    if dataset.truth == "points":
        result["points"] = points_figures(seen, result, seed)
    return (
        result
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
            add({"n": n} | _row(question, answer, problem) | _score(question, scene, state, answer))
            if on_answer and answer and state.twin:
                on_answer(question, frame, state.twin, answer)
    if measure and scene.marks is not None:
        add({"scene": scene.name, "perception": measure_points(state.twin, state.ids(last), scene.marks)})
    elif measure and (truth := scene.truth_ids(last)) is not None:
        picture = measure_picture(state.twin, state.ids(last), truth, scene.objects)
        add({"scene": scene.name, "perception": picture | (tracks.counts() if frames > 1 else {})})


def _score(question: Question, scene: Scene, state: SceneState, answer: Answer | None) -> Row:
    """Score over all annotated frames of the question's window, as keys of a row."""
    if scene.marks is not None:
        return {"right": is_right(scene.marks, question.target_ids, state.ids(scene.numbers[-1]), answer)}
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
    return score_row(score_masks(predicted, target, ignore, boundaries=question.frames is not None))


def score_row(score: MaskScore) -> Row:
    """The score as keys of a row."""
    return {key: value for key, value in asdict(score).items() if value is not None}


def _window(question: Question, scene: Scene) -> tuple[int, int]:
    return question.frames or (scene.numbers[-1], scene.numbers[-1])


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
