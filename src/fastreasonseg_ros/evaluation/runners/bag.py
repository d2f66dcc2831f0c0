"""Evaluates a bag in lock-step: every frame is perceived, each question is asked at its time, none is dropped.

Memory does not grow with the bag, except for 8 bytes a frame (latency percentiles): masks are kept while the window of
a question is open, curves have a bounded length.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Bool, UInt16

from ...errors import DatasetError, ReasonSegError
from ...io.bags.questions import TimedQuestion
from ...io.datasets.base import ObjectInfo, PackedIds
from ...perception.protocol import Perceiver
from ...twin.masks import iou, select
from ...twin.types import Answer, DigitalTwin, Frame, Query
from ...visualization.annotated_frame import AnnotatedFrame, ShownAnswer
from ..benchmark.cpu_time import ModelClock
from ..benchmark.machine import rss_mb
from ..metrics.masks import score_masks
from .curve import Curve
from .evaluate import Row, describe_row, score_row
from .perception import measure_picture
from .scene_state import Ask, SceneState, Times, ask_about

Stand = Callable[[Query], Callable[[DigitalTwin], Answer]]
SLACK_S = 5e-7  # tolerance of comparisons of stamps


@dataclass
class Standing:
    """A standing question, answered on every frame, and its figures so far."""

    n: int
    question: TimedQuestion
    answer: Callable[[DigitalTwin], Answer]
    row: Row = field(default_factory=dict)
    curve: Curve = field(default_factory=Curve)
    frames: int = 0
    total: float = 0.0
    intersection: int = 0
    union: int = 0

    def add(self, t_s: float, found: Bool[np.ndarray, "h w"], target: Bool[np.ndarray, "h w"]) -> float:
        value = iou(found, target)
        self.frames, self.total = self.frames + 1, self.total + value
        self.intersection += int(np.count_nonzero(found & target))
        self.union += int(np.count_nonzero(found | target))
        self.curve.put(t_s, value)
        return value

    def final_row(self) -> Row:
        if not self.frames:
            return self.row
        score = {"iou": self.total / self.frames, "intersection": self.intersection, "union": self.union}
        return self.row | score | {"measured_frames": self.frames, "curve": self.curve.points()}


@dataclass(frozen=True)
class Outputs:
    """Callbacks. on_row: row of a question; on_frame: row of a frame; viewers: draw or record a frame."""

    on_row: Callable[[Row], None]
    on_frame: Callable[[Row], None] | None = None
    viewers: Sequence[Callable[[AnnotatedFrame], None]] = ()


class LockStep:
    """Runs one bag. run() returns its row: frames, seconds, curves, perception metrics of the last frame."""

    def __init__(self, perceiver: Perceiver, ask: Ask, stand: Stand, times: Times, outputs: Outputs) -> None:
        self._perceiver, self._ask, self._stand, self._times, self._outputs = perceiver, ask, stand, times, outputs
        self._state = SceneState()
        self._standing: list[Standing] = []
        self._now: list[ShownAnswer] = []
        self._masks, self._truths = PackedIds(), PackedIds()
        self._numbers: dict[int, list[int]] = {}  # question -> numbers of the pictures in its window
        self._last: tuple[int, float, Frame, UInt16[np.ndarray, "h w"] | None] | None = None
        self._models = ModelClock(lambda: sum(getattr(viewer, "cpu_s", 0.0) for viewer in outputs.viewers))

    def run(self, frames: Iterable[tuple[int, Frame]], questions: Sequence[tuple[int, TimedQuestion]]) -> Row:
        """questions: (number, question). Raises DatasetError for a bag without a frame or with frames of different
        sizes; on_row has been called for all questions answered by then."""
        due = sorted(questions, key=_at)
        load, memory, start_ns, count, pending = Curve(), Curve(), None, 0, None
        began, read_s, read_cpu_s = time.perf_counter(), 0.0, 0.0
        reader = iter(frames)
        while True:
            before, before_cpu = time.perf_counter(), time.thread_time()
            item = next(reader, None)
            read_s += time.perf_counter() - before
            read_cpu_s += time.thread_time() - before_cpu
            t_s = float("inf") if item is None else (item[0] - (start_ns := start_ns or item[0])) * 1e-9
            while self._last and due and (item is None or _at(due[0]) < t_s - SLACK_S):
                self._ask_now(*due.pop(0))
            if pending is not None:
                self._finish(pending)
            if item is None:
                break
            pending = self._perceive(count, item[0], t_s, item[1], due)
            load.put(t_s, pending[1])
            memory.put(t_s, rss_mb())
            count += 1
        if self._last is None:
            raise DatasetError("the bag holds no frame; depth and colour must have stamps that go together")
        for standing in self._standing:
            self._outputs.on_row(standing.final_row())
        wall = time.perf_counter() - began
        row: Row = {"frames": count, "duration_s": round(self._last[1], 3)}
        truth = self._last[2].truth
        if truth is not None:
            objects = ObjectInfo(truth.labels, truth.colors)
            row["perception"] = measure_picture(self._state.twin, self._last[3], truth.ids, objects)
        spent = {"wall_s": round(wall, 3), "reading_s": round(read_s, 3), "perception_ms": load.points()}
        spent["rss_mb"] = memory.points()
        return row | {"spent": spent | {"models_cpu_s": self._models.cpu_s, "reading_cpu_s": read_cpu_s}}

    def _perceive(
        self, number: int, stamp_ns: int, t_s: float, frame: Frame, due: Sequence[tuple[int, TimedQuestion]]
    ) -> tuple[AnnotatedFrame, float]:
        if self._last and self._last[2].image_size != frame.image_size:
            before, now = self._last[2].image_size, frame.image_size
            raise DatasetError(
                f"picture at {stamp_ns} ns is {now[0]}x{now[1]}, those before it {before[0]}x{before[1]}"
            )
        with self._models:
            self._state.observe(number, frame, self._perceiver, self._times, keep=False)
        problem = self._state.problem
        twin = None if problem else self._state.twin
        ids = None if twin is None else twin.ids
        self._last = (stamp_ns, t_s, frame, ids)
        spent = self._times.perception[-1]
        self._now = []
        for standing in self._standing:
            if twin is None:
                self._measure(standing, None)
                continue
            start = time.perf_counter()
            with self._models:
                answer = standing.answer(twin)
            spent_on = self._times.reasoning if "model" in answer.latency_ms else self._times.kept
            spent_on.append((time.perf_counter() - start) * 1e3)
            self._now.append(ShownAnswer(standing.n, standing.question, answer, self._measure(standing, answer)))
        for n, question in due:
            if question.from_s is not None and question.from_s - SLACK_S <= t_s and frame.truth is not None:
                self._numbers.setdefault(n, []).append(number)
                self._truths.put(number, frame.truth.ids)
                if ids is not None:
                    self._masks.put(number, ids)
        return AnnotatedFrame(stamp_ns, t_s, frame, twin, ids, (), spent, str(problem or "")), spent

    def _ask_now(self, n: int, question: TimedQuestion) -> None:
        assert self._last is not None
        stamp_ns, t_s, frame, _ = self._last
        row: Row = {"n": n, "scene": question.scene, "text": question.text, "at": question.at_s}
        row |= {"stamp": frame.stamp_s, "stamp_ns": stamp_ns, "t_s": round(t_s, 6), "standing": question.standing}
        row |= {"category": question.category, "level": question.level}
        if question.target_ids is not None:
            row["target_ids"] = list(question.target_ids)
        if question.standing:
            query = Query(question.text)
            standing = Standing(n, question, self._stand(query))
            answer, problem = self._answer(question.text, lambda twin, _: standing.answer(twin))
            standing.row = describe_row(row, answer, problem)
            self._standing.append(standing)
            value = self._measure(standing, answer)
        else:
            answer, problem = self._answer(question.text, self._ask)
            score = self._score(n, question, answer)
            value = score.get("iou")
            self._outputs.on_row(describe_row(row, answer, problem) | score)
        if answer is not None:
            self._now.append(ShownAnswer(n, question, answer, value))

    def _answer(self, text: str, ask: Ask) -> tuple[Answer | None, ReasonSegError | None]:
        """Answer or error. Perception may process the frame again with new words, which updates the last ids."""
        assert self._last is not None
        with self._models:
            result, twin = ask_about(self._state, text, ask, self._times), self._state.twin
        if self._last[3] is not None and twin is not None:
            self._last = *self._last[:3], twin.ids
        return result

    def _score(self, n: int, question: TimedQuestion, answer: Answer | None) -> Row:
        """Scores the current frame, or the frames of the question's window, whose masks are then released."""
        assert self._last is not None
        _, _, frame, ids = self._last
        if question.target_ids is None or frame.truth is None:
            return {}
        numbers = self._numbers.pop(n, None)
        if question.from_s is None or not numbers:
            pairs = [(ids, frame.truth.ids)]
        else:
            pairs = [(self._masks.get(k), self._truths.get(k)) for k in numbers]
            keep = {k for kept in self._numbers.values() for k in kept}
            for k in set(numbers) - keep:
                self._masks.drop(k)
                self._truths.drop(k)
        found = [None if p is None or not answer else select(p, answer.ids) for p, _ in pairs]
        target = [select(t, question.target_ids) for _, t in pairs if t is not None]
        return score_row(score_masks(found, target, boundaries=question.from_s is not None))

    def _measure(self, standing: Standing, answer: Answer | None) -> float | None:
        assert self._last is not None
        _, t_s, frame, ids = self._last
        if standing.question.target_ids is None or frame.truth is None:
            return None
        target = select(frame.truth.ids, standing.question.target_ids)
        found = np.zeros_like(target) if ids is None or answer is None else select(ids, answer.ids)
        return standing.add(t_s, found, target)

    def _finish(self, pending: tuple[AnnotatedFrame, float]) -> None:
        """Passes the frame with all answers about it to on_frame and the viewers."""
        annotated = replace(pending[0], shown=tuple(self._now))
        if annotated.twin is not None and (now := self._state.twin) is not None:
            annotated = replace(annotated, twin=now, ids=now.ids)
        if self._outputs.on_frame:
            answers = {str(s.n): {"ids": list(s.answer.ids), "iou": s.iou} for s in annotated.shown}
            self._outputs.on_frame({
                "scene": None, "stamp_ns": annotated.stamp_ns, "t_s": round(annotated.t_s, 6),
                "objects": None if annotated.twin is None else sum(i.visible for i in annotated.twin.instances),
                "perception_ms": round(annotated.perception_ms, 3), "message": annotated.problem, "answers": answers,
            })  # fmt: skip
        for viewer in self._outputs.viewers:
            viewer(annotated)


def _at(item: tuple[int, TimedQuestion]) -> float:
    return float("inf") if item[1].at_s is None else item[1].at_s


def evaluation_share(wall_s: float, reading_s: float, times: Times) -> float | None:
    """Time of evaluation itself / time of perception and reasoning, without reading the bag; None if that is 0."""
    model_s = _seconds(times.perception) + _seconds(times.reasoning) + _seconds(times.kept)
    return round(max(0.0, wall_s - reading_s - model_s) / model_s, 4) if model_s else None


def _seconds(milliseconds: array) -> float:
    return float(sum(milliseconds)) / 1e3
