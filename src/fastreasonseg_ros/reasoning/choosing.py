"""Chooses among plans that the model draws for one question: a small BERT judges what each says and gives.

A student often knows the right plan without finding it likeliest. Where its first plan is doubtful, further ones are
drawn in the same grammar and executed (0.1 ms each); the verifier reads the question with every plan and what its steps
give, all at once, and a logistic model weighs its verdict with the plan's own likelihood. Trained by
`fastreasonseg train verifier` on samples of `train samples`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from ..errors import ModelError
from ..plan.executor import Execution
from ..plan.language import Rollout
from ..twin.types import DigitalTwin
from .word_meaning.reader import Reader

WEIGHTS, DECISION = "verifier.safetensors", "verifier.json"  # beside the student's adapter
PLAN_TOKENS = 96  # of a plan in words, with the special one
EVIDENCE = ("verdict", "verdict_below_best", "surprise", "number")
_SHOWN = 4  # things of a step
_LEAST = 1e-4


@dataclass(frozen=True)
class Candidate:
    """A plan with what it gives on the twin that it was made for; number: how often it was drawn."""

    rollout: Rollout
    execution: Execution
    number: int = 1


def described(candidate: Candidate, twin: DigitalTwin) -> str:
    """The plan's steps with the things that each gives: "find(label=mug): red mug, white mug; ..."."""
    by_id = {i.id: i for i in twin.instances}
    parts = []
    for step in candidate.execution.trace:
        names = [f"{by_id[k].color or ''} {by_id[k].label}".strip() for k in step.ids[:_SHOWN] if k in by_id]
        more = len(step.ids) - len(names)
        parts.append(
            f"{step.name} = {step.expression}: {', '.join(names) or 'nothing'}{f' and {more}' if more else ''}"
        )
    parts += map(str, candidate.rollout.plan.placements)
    return "; ".join(parts) or "none"


def evidence(
    verdicts: Sequence[float], log_probabilities: Sequence[float], numbers: Sequence[int]
) -> Float64[np.ndarray, "plans 4"]:
    """A row a plan, by the names of EVIDENCE; verdicts: chances, taken as log-odds."""
    chance = np.clip(np.asarray(verdicts, np.float64), _LEAST, 1 - _LEAST)
    odds = np.log(chance / (1 - chance))
    share = np.asarray(numbers, np.float64) / max(1, sum(numbers))
    return np.stack([odds, odds - odds.max(), np.sqrt(np.maximum(0, -np.asarray(log_probabilities))), share], axis=1)


class Verifier:
    """Judges plans by what they say and give. Thread-safe."""

    def __init__(self, folder: Path, threads: int = 2) -> None:
        """folder: with WEIGHTS and DECISION. Raises ModelError."""
        self._reader = Reader(folder / WEIGHTS, threads, PLAN_TOKENS)
        try:
            data = json.loads((folder / DECISION).read_text(encoding="utf-8"))
            self._intercept = float(data["intercept"])
            self._weights = np.array([float(data["weights"][name]) for name in EVIDENCE])
            self.sure = float(data["sure"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{folder / DECISION}: is missing or damaged ({error!r}); remove {WEIGHTS} too") from error

    def chances(
        self, question: str, candidates: Sequence[Candidate], twin: DigitalTwin
    ) -> Float64[np.ndarray, "plans"]:
        """The chance of each plan to answer the question, 0 to 1."""
        verdicts = self._reader.chances(question, [described(c, twin) for c in candidates])
        likely = [c.rollout.log_probability or 0.0 for c in candidates]
        found = evidence(verdicts.tolist(), likely, [c.number for c in candidates])
        return 1.0 / (1.0 + np.exp(-self._intercept - found @ self._weights))


def write_decision(folder: Path, intercept: float, weights: Mapping[str, float], sure: float, made: str) -> None:
    """sure: log-probability from which a first plan is taken as it is."""
    data = {"intercept": intercept, "weights": dict(weights), "sure": sure, "made": made}
    (folder / DECISION).write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
