"""Executes a plan on a twin: sets of ids, step by step, with a trace. No language model, no code evaluation."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import MissingDataError
from ..twin.types import DigitalTwin, TraceStep
from .language import Plan
from .operations import OPERATIONS, Ids, Meaning, Run


@dataclass(frozen=True)
class Execution:
    """ids: the answer, in the plan's order. look_for: words that perception should be asked for."""

    ids: Ids
    trace: tuple[TraceStep, ...]
    look_for: tuple[str, ...] = ()


def execute(plan: Plan, twin: DigitalTwin, meaning: Meaning | None = None) -> Execution:
    """Runs every step in order.

    Raises MissingDataError when the twin lacks what a step needs (depth, history, word meaning); the message names
    the step. An id in `plan.answer_ids` that the twin does not have is left out.
    """
    run = Run(twin, meaning)
    trace = []
    for step in plan.steps:
        run.note = ""
        try:
            ids = OPERATIONS[step.operator](run, step)
        except MissingDataError as error:
            raise MissingDataError(f"step `{step}` cannot be done: {error}") from error
        run.values[step.name] = ids
        trace.append(TraceStep(step.name, step.expression, ids, run.note))
    ids = run.values[plan.answer] if plan.answer else tuple(k for k in plan.answer_ids if k in run.view.by_id)
    return Execution(ids, tuple(trace), tuple(run.look_for))
