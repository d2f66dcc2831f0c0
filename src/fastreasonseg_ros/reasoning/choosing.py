"""Another reading of a question whose first plan is doubtful: plans are drawn, executed, and the best is chosen.

A student often knows the right plan without finding it likeliest, above all where the likeliest finds nothing. So where
its chance to be right (confidence.py) is low, further plans are drawn in the same grammar and executed (0.1 ms each).
What they give is weighed by a logistic model: how surely each was written, what it gave, and how many of the plans
agree on it. Its chance is the answer's confidence. Fitted by `fastreasonseg train choice`.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from ..errors import MissingDataError, PlanError
from ..plan.executor import Execution, execute_closest
from ..plan.language import Rollout
from ..twin.types import DigitalTwin
from .calibration import UNREADABLE, Calibration, calibration_of, unusable, write_calibration
from .confidence import EVIDENCE, evidence
from .protocol import Scored, WordMeaning

FILE = "choice.json"
AGREEMENT = "agreement"  # share of the plans that give the same answer
CHOICE_EVIDENCE = (*EVIDENCE, AGREEMENT)
TEMPERATURE = 0.8  # of the samples that it is fitted on (`train samples`)


@dataclass(frozen=True)
class Choice:
    """calibration: by CHOICE_EVIDENCE. below: the first plan's chance under which others are drawn; draws: how many."""

    calibration: Calibration
    below: float
    draws: int


@dataclass(frozen=True)
class Candidate:
    """A plan with what it gives on the twin that it was made for."""

    rollout: Rollout
    execution: Execution

    @property
    def answer(self) -> tuple[frozenset[int], frozenset[int]]:
        """What is answered: ids, and those of the first command's destination."""
        commands = self.execution.commands
        return frozenset(self.execution.ids), frozenset(commands[0].destination_ids if commands else ())


@runtime_checkable
class DrawsReplies(Protocol):
    """A language model that draws replies at a temperature, and knows how to choose among them."""

    choice: Choice | None
    calibration: Calibration | None

    def sample_batch(
        self, prompts: Sequence[str], grammars: Sequence[str], count: int, temperature: float, seed: int = 0
    ) -> list[list[Scored]]: ...


def can_draw(model: object) -> bool:
    """Whether it draws replies, and knows when to and how to choose among them."""
    return isinstance(model, DrawsReplies) and model.choice is not None and model.calibration is not None


def chosen(
    first: Rollout,
    model: object,
    prompt: str,
    grammar: str,
    twin: DigitalTwin,
    read: Callable[[str], Rollout],
    meaning: WordMeaning | None,
) -> Rollout:
    """The first plan where it is likely to be right or the model does not choose; else the best of several, with its
    chance.

    read: what the planner makes of a reply; it may raise PlanError. The same question about the same twin draws the
    same plans. Raises ModelError.
    """
    given = candidate(first, twin, meaning) if can_draw(model) else None
    known = evidence(first, given.execution) if given is not None else None
    if given is None or known is None:
        return first
    assert isinstance(model, DrawsReplies)
    assert model.choice is not None
    assert model.calibration is not None
    choice = model.choice
    if model.calibration.chance(known) >= choice.below:
        return first
    drawn = model.sample_batch([prompt], [grammar], choice.draws, TEMPERATURE, zlib.crc32(prompt.encode()))[0]
    candidates = [given]
    for reply in drawn:
        try:
            rollout = replace(read(reply.text), log_probability=reply.log_probability)
        except PlanError:
            continue
        if (further := candidate(rollout, twin, meaning)) is not None:
            candidates.append(further)
    best, chance = best_of(candidates, choice.calibration)
    if best.answer == given.answer:
        return replace(first, chance=chance)
    return replace(best.rollout, chance=chance, first=first)


def candidate(rollout: Rollout, twin: DigitalTwin, meaning: WordMeaning | None) -> Candidate | None:
    """None for a plan that cannot be executed on the twin."""
    try:
        return Candidate(rollout, execute_closest(rollout.plan, twin, meaning))
    except (PlanError, MissingDataError):
        return None


def best_of(candidates: Sequence[Candidate], calibration: Calibration) -> tuple[Candidate, float | None]:
    """The likeliest plan of the answer with the highest chance, and that chance; the first where none is known."""
    best, highest = candidates[0], None
    for rows, shown in answers(candidates):
        chance = calibration.chance(rows)
        if highest is None or chance > highest:
            best, highest = shown, chance
    return best, highest


def answers(candidates: Sequence[Candidate]) -> list[tuple[dict[str, float], Candidate]]:
    """The evidence of each different answer, with its likeliest plan; without plans whose likelihood is not known."""
    groups: dict[tuple[frozenset[int], frozenset[int]], list[Candidate]] = {}
    for each in candidates:
        if each.rollout.log_probability is not None:
            groups.setdefault(each.answer, []).append(each)
    rows = []
    for members in groups.values():
        likeliest = max(members, key=lambda c: c.rollout.log_probability or 0.0)
        known = evidence(likeliest.rollout, likeliest.execution)
        assert known is not None
        rows.append((known | {AGREEMENT: len(members) / len(candidates)}, likeliest))
    return rows


def read_choice(folder: Path) -> Choice | None:
    """Of the adapter in this folder; None where it has none. Raises ModelError for a file that cannot be used."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        below, draws = float(data["below"]), int(data["draws"])
        if not (0 <= below <= 1 and 1 <= draws <= 64):
            raise ValueError(f"below must be from 0 to 1 and draws from 1 to 64, got {below} and {draws}")
        return Choice(calibration_of(data, CHOICE_EVIDENCE), below, draws)
    except UNREADABLE as error:
        raise unusable(path, error, "remove it, or make it with `fastreasonseg train choice`") from error


def write_choice(choice: Choice, folder: Path) -> None:
    write_calibration(choice.calibration, folder / FILE, below=choice.below, draws=choice.draws)
