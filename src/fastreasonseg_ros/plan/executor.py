"""Executes a plan on a twin: sets of ids, step by step, with a trace. No language model, no code evaluation."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import MissingDataError
from ..twin.types import DigitalTwin, TraceStep
from .language import Plan, Step
from .operations import OPERATIONS, Ids, Meaning, Run

# What these say is about space; without metres they say it of the picture.
_SPATIAL = {"near", "nearest", "farthest", "between", "in_front_of", "behind"}
_SPATIAL_KEYS = {"depth", "z", "width", "height", "length", "volume"}


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
            why = ": depth is relative here; use a depth camera or a metric depth model" if run.view.relative else ""
            raise MissingDataError(f"step `{step}` cannot be done: {error}{why}") from error
        run.values[step.name] = ids
        if run.view.without_metres and _measures(step):
            run.note = "; ".join(filter(None, [run.note, f"in the picture: {run.view.without_metres}"]))
        trace.append(TraceStep(step.name, step.expression, ids, run.note))
    ids = run.values[plan.answer] if plan.answer else tuple(k for k in plan.answer_ids if k in run.view.by_id)
    return Execution(ids, tuple(trace), tuple(run.look_for))


def _measures(step: Step) -> bool:
    return step.operator in _SPATIAL or any(arg.removeprefix("-") in _SPATIAL_KEYS for arg in step.args)
