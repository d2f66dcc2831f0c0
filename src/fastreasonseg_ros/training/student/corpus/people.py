"""Questions of people (corpus/questions) as rollouts to train on: chains that are right as the robot executes them.

A writer's chain quotes words (`like(all, "something to wipe with")`) and says which labels they mean. A student that
quotes words that word meaning cannot ground is taught to fail, so a quotation is kept only where word meaning finds
just those labels; elsewhere the student names the labels itself.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ....errors import DatasetError, MissingDataError, PlanError
from ....plan.executor import Execution, execute
from ....plan.language import Plan, Rollout, Step, plan_word
from ....plan.parser import parse_plan
from ....plan.run import Meaning
from ....reasoning.commands.grammar import only_takes, read_commands
from ....twin.serialization import twin_from_dict
from ....twin.types import DigitalTwin

QUESTIONS, WISHES, SCENES = "questions.jsonl.gz", "wishes.jsonl.gz", "scenes.jsonl.gz"
_PRONOUN = re.compile(r"(?:it|them)\b", re.I)


@dataclass(frozen=True)
class PeoplesQuestion:
    """A question with the chain that answers it as executed with the robot's own word meaning."""

    text: str
    rollout: Rollout
    ids: tuple[int, ...]
    steps: tuple[tuple[int, ...], ...]
    category: str
    level: int


class _Means:
    """Word meaning as the writer of a question gives it."""

    def __init__(self, means: Mapping[str, Sequence[str]]) -> None:
        self._means = means

    def matching(self, text: str, labels: tuple[str, ...]) -> frozenset[str]:
        return frozenset(self._means.get(text, ())) & frozenset(labels)


def read_people(folder: Path, split: str) -> Iterator[tuple[str, DigitalTwin, list[Mapping[str, Any]]]]:
    """(scene, twin, lines) of a split, in the order of the scenes; `wishes`: the questions that have ids only.

    Raises DatasetError.
    """
    try:
        questions: dict[str, list[Mapping[str, Any]]] = {}
        for row in _lines(folder / (WISHES if split == "wishes" else QUESTIONS)):
            if row.get("split", "wishes") == split:
                questions.setdefault(row["scene"], []).append(row)
        for row in _lines(folder / SCENES):
            if row["scene"] in questions:
                yield row["scene"], twin_from_dict(row["twin"]), questions[row["scene"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{folder}: no questions of people ({error!r}); see corpus/questions/README.md") from error


def destination_ids(row: Mapping[str, Any]) -> list[int]:
    """Of a line, the first where there are several; empty: none, or one that has no ids."""
    ends = row.get("destination", [])
    return (ends[0] if isinstance(ends, list) and ends else ends or {}).get("ids", [])


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def taught(row: Mapping[str, Any], twin: DigitalTwin, meaning: Meaning) -> list[PeoplesQuestion]:
    """What a line teaches: the question, and for a command with a destination each of its ends as a question too, as
    the reasoner asks them. A question that nothing fits becomes `none` where word meaning would find something. Empty
    where no chain gives the ids.
    """
    written = parse_plan("\n".join(row["plan"]), None if row["plan"] else "none")
    found = _grounded(written, row.get("means", {}), twin, meaning)
    if found is None and not row["ids"] and not written.placements:  # words that word meaning would find something for
        found = Plan(), execute(Plan(), twin)
    if found is None or set(found[1].ids) != set(row["ids"]):
        return []
    plan, execution = found
    whole = _question(row["text"], row["reason"], plan, execution, row)
    return [whole, *_ends(row, plan, twin, meaning)]


def _question(text: str, reason: str, plan: Plan, execution: Execution, row: Mapping[str, Any]) -> PeoplesQuestion:
    steps = tuple(step.ids for step in execution.trace)
    return PeoplesQuestion(text, Rollout(reason, plan), execution.ids, steps, row["category"], row["level"])


def _grounded(
    plan: Plan, means: Mapping[str, Sequence[str]], twin: DigitalTwin, meaning: Meaning
) -> tuple[Plan, Execution] | None:
    """The plan with quotations that word meaning takes otherwise than the writer replaced by labels."""
    labels = tuple(dict.fromkeys(i.label for i in twin.instances))
    steps = []
    for step in plan.steps:
        text = step.args[1].strip('"') if step.operator == "like" else ""
        wanted = frozenset(means.get(text, ())) & frozenset(labels)
        if text and (named := _named(step, tuple(x for x in labels if x in wanted))) is not None:
            steps.append(step if meaning.matching(text, labels) == wanted else named)
        else:
            steps.append(step)
    grounded = replace(plan, steps=tuple(steps))
    try:
        right = execute(plan, twin, _Means(means))
        execution = execute(grounded, twin, meaning)
    except (MissingDataError, PlanError):
        return None
    same = execution.commands == right.commands and [s.ids for s in execution.trace] == [s.ids for s in right.trace]
    return (grounded, execution) if same else None


def _named(step: Step, labels: Sequence[str]) -> Step | None:
    """The step with labels in place of quoted words; None where no label fits."""
    words = tuple(filter(None, map(plan_word, labels)))
    if not words:
        return None
    filters = (("label", words), *step.filters)
    if step.args[0] == "all":
        return Step(step.name, "find", (), filters)
    return Step(step.name, "filter", step.args[:1], filters)


def _ends(row: Mapping[str, Any], plan: Plan, twin: DigitalTwin, meaning: Meaning) -> Iterator[PeoplesQuestion]:
    """Both ends of each command, as the phrases that the reasoner would ask for; nothing of one that only takes, whose
    words it asks as they are, and of a bare "it".
    """
    commands = read_commands(row["text"])
    if len(commands) != len(plan.placements) or only_takes(commands):
        return
    for command, placement in zip(commands, plan.placements, strict=True):
        reading = command[0]
        if reading.source or reading.relation != placement.relation:
            continue
        for phrase, answer in ((reading.take, placement.placed), (reading.destination, placement.destination)):
            if phrase and not _PRONOUN.match(phrase) and (part := _part(plan, answer)) is not None:
                execution = execute(part, twin, meaning)
                yield _question(phrase, row["reason"], part, execution, row)


def _part(plan: Plan, answer: str) -> Plan | None:
    """The steps that a value needs, with it as the last; None where it is not the value of a step."""
    needed: set[str] = {answer}
    kept: list[Step] = []
    for step in reversed(plan.steps):
        if step.name in needed:
            kept.append(step)
            needed |= set(step.args)
    kept.reverse()
    if not kept or kept[-1].name != answer:
        return None
    names = {step.name: "abcdefgh"[n] for n, step in enumerate(kept)}
    steps = (replace(s, name=names[s.name], args=tuple(names.get(a, a) for a in s.args)) for s in kept)
    return Plan(tuple(steps), names[answer])
