"""The chance that an answer is right: a logistic model of how surely the plan was written and of what it gave.

Its weights belong to one student and lie beside its adapter; `fastreasonseg train confidence` fits them on questions
with known answers that the student was not trained on. docs/students.md has the reliability on held-out questions.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ..errors import ModelError
from ..plan.executor import NOT_TO_THE_LETTER
from ..plan.language import Rollout
from ..twin.types import Command, TraceStep
from .protocol import LanguageModel

FILE = "confidence.json"
_MOST = 40.0  # of the surprise; beyond it answers are equally doubtful
EVIDENCE = ("surprise", "root_surprise", "steps", "quotes", "nothing", "several", "closest", "command")


@dataclass(frozen=True)
class Calibration:
    """weights: by the names of EVIDENCE. made: the command and the data that they come from."""

    intercept: float
    weights: Mapping[str, float]
    made: str = ""

    def chance(self, evidence: Mapping[str, float]) -> float:
        """0 to 1."""
        return 1.0 / (1.0 + math.exp(-self.intercept - sum(w * evidence[k] for k, w in self.weights.items())))


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


def confidence(model: LanguageModel, rollout: Rollout, outcome: Outcome) -> float | None:
    """The chance that the answer is right, 0 to 1; None where the model has no calibration.

    Where the plan was chosen among several, that which the choice gave.
    """
    if rollout.chance is not None:
        return rollout.chance
    calibration: Calibration | None = getattr(model, "calibration", None)
    known = evidence(rollout, outcome) if calibration is not None else None
    return None if calibration is None or known is None else calibration.chance(known)


def read_calibration(folder: Path) -> Calibration | None:
    """Of the adapter in this folder; None where it has none. Raises ModelError for a file that cannot be used."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return calibration_of(data)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{path}: no calibration ({error}); remove it, or make it with `fastreasonseg train confidence`"
        ) from error


def calibration_of(data: Mapping[str, Any], names: tuple[str, ...] = EVIDENCE) -> Calibration:
    """Of what `written` gave, with weights of these names.

    Raises ValueError, KeyError, TypeError or AttributeError for anything else.
    """
    weights = {str(k): float(v) for k, v in data["weights"].items()}
    if unknown := set(weights) - set(names):
        raise ValueError(f"unknown weights {', '.join(sorted(unknown))}")
    return Calibration(float(data["intercept"]), weights, str(data.get("made", "")))


def written(calibration: Calibration) -> dict[str, Any]:
    """As JSON has it."""
    return {"intercept": calibration.intercept, "weights": dict(calibration.weights), "made": calibration.made}


def write_calibration(calibration: Calibration, folder: Path) -> None:
    (folder / FILE).write_text(json.dumps(written(calibration), indent=1) + "\n", encoding="utf-8")
