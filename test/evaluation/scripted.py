"""Answers as a table says, so that what is tested is the evaluation and not the model."""

from __future__ import annotations

from collections.abc import Callable

from fastreasonseg_ros.errors import Status
from fastreasonseg_ros.twin.types import Answer, DigitalTwin, Query, TraceStep


class Scripted:
    """answers: text -> ids; stop_at: a text at which the user interrupts."""

    def __init__(self, answers: dict[str, tuple[int, ...]], stop_at: str | None = None) -> None:
        self.answers, self.stop_at = answers, stop_at
        self.asked: list[str] = []

    def __call__(self, twin: DigitalTwin, query: Query) -> Answer:
        if query.text == self.stop_at:
            raise KeyboardInterrupt
        self.asked.append(query.text)
        ids = self.answers.get(query.text, ())
        status = Status.OK if ids else Status.NO_MATCH
        step = TraceStep("a", "find(label=mug)", ids)
        return Answer(
            query, status, "", ids, "Asked for <it>.", "a = find(label=mug)", (step,), latency_ms={"plan": 1.0}
        )

    def stand(self, query: Query) -> Callable[[DigitalTwin], Answer]:
        return lambda twin: self(twin, query)
