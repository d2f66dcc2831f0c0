"""The chance that an answer is right: a logistic model of how surely the plan was written and of what it gave.

Its weights belong to one student and lie beside its adapter; `fastreasonseg train confidence` fits them on questions
with known answers that the student was not trained on. How surely the things in view are named counts besides.
docs/students.md has the reliability on held-out questions.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Protocol

from ..plan.executor import NOT_TO_THE_LETTER
from ..plan.language import Rollout
from ..twin.types import Command, DigitalTwin, TraceStep
from .calibration import Calibration, read_calibration, write_calibration
from .protocol import LanguageModel

FILE = "confidence.json"
_MOST = 40.0  # of the surprise; beyond it answers are equally doubtful
# How much the log-odds of an answer fall as the names in view become unsure, against the scenes that the calibration is
# made on: fitted on 426 answers about things that were named by hand and by the table-top perceiver (docs/students.md).
NAMES_WEIGHT, NAMES_DOUBT = 2.4, 0.27
EVIDENCE = ("surprise", "root_surprise", "steps", "quotes", "nothing", "several", "closest", "command")


class Outcome(Protocol):
    """What a plan gave: an Execution or an Answer."""

    @property
    def ids(self) -> tuple[int, ...]: ...
    @property
    def trace(self) -> tuple[TraceStep, ...]: ...
    @property
    def commands(self) -> tuple[Command, ...]: ...


def evidence(rollout: Rollout, outcome: Outcome) -> dict[str, float] | None:
    """The numbers that the chance depends on; None where the model did not say how likely its text was.

    surprise: -log of the chance of the text, in nats, at most 40. quotes: steps whose words are looked up. nothing,
    several: how many things were found. closest: a condition was passed over.
    """
    if rollout.log_probability is None:
        return None
    surprise = min(max(0.0, -rollout.log_probability), _MOST)
    return {
        "surprise": surprise,
        "root_surprise": math.sqrt(surprise),
        "steps": float(len(rollout.plan.steps)),
        "quotes": float(sum(step.operator == "like" for step in rollout.plan.steps)),
        "nothing": float(not outcome.ids),
        "several": float(len(outcome.ids) > 1),
        "closest": float(any(step.note in NOT_TO_THE_LETTER for step in outcome.trace)),
        "command": float(bool(outcome.commands)),
    }


def confidence(model: LanguageModel, rollout: Rollout, outcome: Outcome, twin: DigitalTwin) -> float | None:
    """The chance that the answer about this twin is right, 0 to 1; None where the model has no calibration.

    That of the plan (where it was chosen among several, which the choice gave), and of the names in view.
    """
    chance = rollout.chance
    if chance is None:
        calibration: Calibration | None = getattr(model, "calibration", None)
        known = evidence(rollout, outcome) if calibration is not None else None
        if calibration is None or known is None:
            return None
        chance = calibration.chance(known)
    odds = chance / max(1.0 - chance, 1e-9) * math.exp(NAMES_WEIGHT * (NAMES_DOUBT - names_doubt(twin)))
    return odds / (1.0 + odds)


def names_doubt(twin: DigitalTwin) -> float:
    """Mean chance that a thing in view is not what its label says, 0 to 1: one less the labels' scores.

    Things that are not in the answer matter as much as those that are: what was asked for may be one of them.
    """
    scores = [i.score for i in twin.instances if i.visible]
    return 1.0 - sum(scores) / len(scores) if scores else NAMES_DOUBT


def read_confidence(folder: Path) -> Calibration | None:
    """Of the adapter in this folder; None where it has none. Raises ModelError for a file that cannot be used."""
    path = folder / FILE
    instead = "remove it, or make it with `fastreasonseg train confidence`"
    return read_calibration(path, EVIDENCE, instead) if path.is_file() else None


def write_confidence(calibration: Calibration, folder: Path) -> None:
    write_calibration(calibration, folder / FILE)
