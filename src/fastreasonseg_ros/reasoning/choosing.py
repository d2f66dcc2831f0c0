"""Chooses among plans that the model draws for one question: a small BERT judges what each says and gives.

A student often knows the right plan without finding it likeliest. Where its first plan is doubtful, further ones are
drawn in the same grammar and executed (0.1 ms each); the verifier reads the question with every plan and what its steps
give, all at once, and a logistic model weighs its verdict with the plan's own likelihood. Trained by
`fastreasonseg train verifier` on samples of `train samples`.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float64

from ..errors import MissingDataError, ModelError, PlanError
from ..plan.executor import Execution, execute_closest
from ..plan.language import Rollout
from ..twin.types import DigitalTwin
from .protocol import Scored, WordMeaning
from .word_meaning.reader import Reader

WEIGHTS, DECISION = "verifier.safetensors", "verifier.json"  # beside the student's adapter
PLAN_TOKENS = 96  # of a plan in words, with the special one
EVIDENCE = ("verdict", "verdict_below_best", "surprise", "number")
TEMPERATURE = 0.8  # as the samples that it was trained on (`train samples`)
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
        """folder: with WEIGHTS and DECISION. sure: log-probability from which a first plan is taken as it is; draws:
        further plans. Raises ModelError.
        """
        self._reader = Reader(folder / WEIGHTS, threads, PLAN_TOKENS)
        try:
            data = json.loads((folder / DECISION).read_text(encoding="utf-8"))
            self._intercept = float(data["intercept"])
            self._weights = np.array([float(data["weights"][name]) for name in EVIDENCE])
            self.sure, self.draws = float(data["sure"]), int(data["draws"])
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


@runtime_checkable
class DrawsReplies(Protocol):
    """A language model with a verifier, that draws replies at a temperature."""

    verifier: Verifier | None

    def sample_batch(
        self, prompts: Sequence[str], grammars: Sequence[str], count: int, temperature: float, seed: int = 0
    ) -> list[list[Scored]]: ...


def read_verifier(folder: Path, threads: int = 2) -> Verifier | None:
    """The verifier of the adapter in this folder; None where it has none. Raises ModelError."""
    return Verifier(folder, threads) if (folder / WEIGHTS).is_file() else None


def chosen(
    first: Rollout,
    model: object,
    prompt: str,
    grammar: str,
    question: str,
    twin: DigitalTwin,
    read: Callable[[str], Rollout],
    meaning: WordMeaning | None,
) -> Rollout:
    """The first plan where it is sure or the model has no verifier, else the best of several, with its chance.

    read: what the planner makes of a reply; it may raise PlanError. The same question about the same twin draws the same
    plans. Raises ModelError.
    """
    verifier = model.verifier if isinstance(model, DrawsReplies) else None
    if verifier is None or first.log_probability is None or first.log_probability >= verifier.sure:
        return first
    assert isinstance(model, DrawsReplies)
    seed = zlib.crc32(prompt.encode())
    replies = model.sample_batch([prompt], [grammar], verifier.draws, TEMPERATURE, seed)[0]
    found, numbers = {first.plan: first}, Counter([first.plan])
    for reply in replies:
        try:
            rollout = replace(read(reply.text), log_probability=reply.log_probability)
        except PlanError:
            continue
        numbers[rollout.plan] += 1
        known = found.setdefault(rollout.plan, rollout)
        if known is not first and (rollout.log_probability or 0.0) > (known.log_probability or 0.0):
            found[rollout.plan] = rollout
    candidates = [c for plan, r in found.items() if (c := _candidate(r, numbers[plan], twin, meaning)) is not None]
    if not candidates:
        return first
    chances = verifier.chances(question, candidates, twin)
    best = int(chances.argmax())
    return replace(candidates[best].rollout, chance=float(chances[best]))


def _candidate(rollout: Rollout, number: int, twin: DigitalTwin, meaning: WordMeaning | None) -> Candidate | None:
    """None for a plan that cannot be executed on the twin."""
    try:
        return Candidate(rollout, execute_closest(rollout.plan, twin, meaning), number)
    except (PlanError, MissingDataError):
        return None


def write_decision(
    folder: Path, intercept: float, weights: Mapping[str, float], sure: float, draws: int, made: str
) -> None:
    """sure, draws: see Verifier."""
    data = {"intercept": intercept, "weights": dict(weights), "sure": sure, "draws": draws, "made": made}
    (folder / DECISION).write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
