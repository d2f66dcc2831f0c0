"""Executes a plan on a twin: sets of ids, step by step, with a trace. No language model, no code evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ..errors import MissingDataError
from ..twin.resting import earlier_place
from ..twin.types import Command, DigitalTwin, TraceStep
from .history import UNKNOWN_BEFORE
from .language import Placement, Plan, Step
from .operations import MIGHT_BE, OPERATIONS
from .operators import DESTINATIONS, OPERATORS
from .run import Ids, Meaning, Run
from .spatial import OFF_LINE_OF_SIGHT

# What these say is about space; without metres they say it of the picture.
_SPATIAL = {"near", "nearest", "farthest", "between", "in_front_of", "behind"}
_SPATIAL |= {"touching", "isolated", "blocking", "part", "row"}
_SPATIAL_KEYS = {"depth", "z", "width", "height", "length", "volume", "thickness", "aspect", "pile_height"}
# What these say is measured, and close cases are told wrongly: a thing that leans is neither upright nor lying.
_MEASURED = {"left_of", "right_of", "above", "below", "in_front_of", "behind", "near", "between"}
_ALONG_SIGHT = {"in_front_of", "behind"}
_MEASURED |= {"on", "under", "supported_by", "inside", "contains"}
_MEASURED |= {"carries", "contained", "touching", "part", "isolated", "clear"}
# Notes of steps that `execute_closest` did not take to the letter.
PASSED_OVER = "nothing fits this; passed over"
NOT_TO_THE_LETTER = (PASSED_OVER, MIGHT_BE, OFF_LINE_OF_SIGHT)


@dataclass(frozen=True)
class Execution:
    """ids: the answer, in the plan's order. look_for: words that perception should be asked for.

    commands: what a plan with placements has to be taken where; ids are those of the first.
    """

    ids: Ids
    trace: tuple[TraceStep, ...]
    look_for: tuple[str, ...] = ()
    commands: tuple[Command, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether everything that the plan speaks of was found."""
        return bool(self.ids) and all(command.is_complete for command in self.commands)


@dataclass(frozen=True)
class Relaxation:
    """What an execution does not take to the letter; steps by their position in the plan.

    passed_over: steps that keep every member of the set they choose from. wide: steps `behind` and `in_front_of` to
    which the line of sight does not count. alternative_labels: a `like` that no label fits takes what has an
    alternative label that fits.
    """

    passed_over: frozenset[int] = frozenset()
    wide: frozenset[int] = frozenset()
    alternative_labels: bool = False


TO_THE_LETTER = Relaxation()


def execute(
    plan: Plan, twin: DigitalTwin, meaning: Meaning | None = None, relaxation: Relaxation = TO_THE_LETTER
) -> Execution:
    """Runs every step in order.

    Raises MissingDataError when the twin lacks what a step needs (depth, history, word meaning); the message names
    the step. An id in `plan.answer_ids` that the twin does not have is left out.
    """
    run = Run(twin, meaning, relaxation.alternative_labels)
    trace = []
    for position, step in enumerate(plan.steps):
        run.note, run.wide = "", position in relaxation.wide
        passed_over = position in relaxation.passed_over
        done = _without_condition(step) if passed_over else _referring(step, run)
        try:
            ids = OPERATIONS[done.operator](run, done)
        except MissingDataError as error:
            why = ": depth is relative here; use a depth camera or a metric depth model" if run.view.relative else ""
            raise MissingDataError(f"step `{step}` cannot be done: {error}{why}") from error
        run.values[step.name] = ids
        if passed_over:
            run.note = PASSED_OVER
        elif run.view.without_metres and _measures(step):
            run.note = "; ".join(filter(None, [run.note, f"in the picture: {run.view.without_metres}"]))
        trace.append(TraceStep(step.name, step.expression, ids, run.note))
    ids = run.values[plan.answer] if plan.answer else tuple(k for k in plan.answer_ids if k in run.view.by_id)
    commands = tuple(_command(placement, run) for placement in plan.placements)
    return Execution(commands[0].ids if commands else ids, tuple(trace), tuple(run.look_for), commands)


def _command(placement: Placement, run: Run) -> Command:
    """What is part of the destination itself is not moved: "put everything on the tray".

    Raises MissingDataError where something is to go back to where it rested before, and no such place is known.
    """
    reference = placement.destination if placement.destination in DESTINATIONS else ""
    destination = () if reference else run.values.get(placement.destination, ())
    taken = tuple(k for k in run.values.get(placement.placed, ()) if k not in destination)
    if reference == "before" and (moved := run.instances(taken)) and not any(map(earlier_place, moved)):
        raise MissingDataError(f"step `{placement}` cannot be done: {UNKNOWN_BEFORE}")
    return Command(taken, placement.relation, destination, reference)


def _referring(step: Step, run: Run) -> Step:
    """With `camera` and `table` in place of steps that looked for them in vain, where the operator takes them."""
    taken = OPERATORS[step.operator].references
    first, others = step.args[:1], step.args[1:]
    named = tuple(word if (word := run.referred.get(arg)) in taken else arg for arg in others)
    return step if named == others else replace(step, args=first + named)


def execute_closest(plan: Plan, twin: DigitalTwin, meaning: Meaning | None = None) -> Execution:
    """As `execute`; where nothing fits a description, what comes closest to it.

    Who says "the upright bottle near the sink" takes for granted that there is such a bottle. Where a measured
    condition (a pose, a relation in space) leaves nothing of a set that had members, it is relaxed, the first such
    step first, until something is left: `behind` and `in_front_of` first hold anywhere farther or nearer, then any
    condition is passed over. The trace says so (NOT_TO_THE_LETTER). Words, colours and motion must always fit; but
    where no name fits a `like`, perception may have named the thing wrongly: its other words are tried (MIGHT_BE).

    Every step is relaxed at most twice, so a plan of n steps is executed at most 2 n + 2 times.
    """
    strict = execution = execute(plan, twin, meaning)
    if execution.is_complete or not plan.answer:
        return strict
    relaxation = TO_THE_LETTER
    if any(i.alternative_labels for i in twin.instances) and _has_like_of_nothing(plan, strict):
        relaxation = replace(relaxation, alternative_labels=True)
        execution = execute(plan, twin, meaning, relaxation)
    tried: set[tuple[str, int]] = set()
    while not execution.is_complete:
        change = next((c for c in _possible_changes(plan, execution) if c not in tried), None)
        if change is None:
            return strict
        tried.add(change)
        way, position = change
        relaxed = replace(relaxation, **{way: getattr(relaxation, way) | {position}})
        candidate = execute(plan, twin, meaning, relaxed)
        if candidate.trace[position].ids:  # otherwise it was not this condition that left nothing
            relaxation, execution = relaxed, candidate
    return execution


def _has_like_of_nothing(plan: Plan, execution: Execution) -> bool:
    return any(step.operator == "like" and not done.ids for step, done in zip(plan.steps, execution.trace, strict=True))


def _possible_changes(plan: Plan, execution: Execution) -> Iterator[tuple[str, int]]:
    """Fields of Relaxation, each with the position of a step that found nothing and may be relaxed so, in order."""
    found: dict[str, Ids] = {}  # what the names mean before the step
    for position, (step, done) in enumerate(zip(plan.steps, execution.trace, strict=True)):
        if not done.ids:
            if step.operator in _ALONG_SIGHT and all(found.get(k, True) for k in step.args):
                yield "wide", position
            if _can_pass_over(step, found):
                yield "passed_over", position
        found[done.name] = done.ids


def _can_pass_over(step: Step, found: Mapping[str, Ids]) -> bool:
    """Whether it is a measured condition, on a set that was described (`all` was not) and has members, as have those
    that it is compared with.
    """
    if step.operator == "find":
        return {"pose"} < {key for key, _ in step.filters}
    if step.operator == "filter" and "pose" not in {key for key, _ in step.filters}:
        return False
    first, *others = step.args or ("",)
    return (
        step.operator in _MEASURED | {"filter"} and bool(found.get(first)) and all(found.get(k, True) for k in others)
    )


def _without_condition(step: Step) -> Step:
    rest = tuple(f for f in step.filters if f[0] != "pose")
    return replace(step, filters=rest) if rest else Step(step.name, "union", (step.args[0], step.args[0]))


def _measures(step: Step) -> bool:
    return step.operator in _SPATIAL or any(arg.removeprefix("-") in _SPATIAL_KEYS for arg in step.args)
