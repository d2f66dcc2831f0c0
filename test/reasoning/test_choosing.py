"""The choice among plans: when further ones are drawn, which is taken, and what the answer's confidence is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from fastreasonseg_ros.errors import Status
from fastreasonseg_ros.pipeline import reason
from fastreasonseg_ros.plan.executor import execute
from fastreasonseg_ros.plan.language import Rollout
from fastreasonseg_ros.plan.parser import parse_plan
from fastreasonseg_ros.reasoning.choosing import EVIDENCE, Candidate, described, evidence, read_verifier
from fastreasonseg_ros.reasoning.confidence import Calibration
from fastreasonseg_ros.reasoning.protocol import Scored
from fastreasonseg_ros.twin.types import DigitalTwin, Instance, Query

TWIN = DigitalTwin(
    (
        Instance(1, "mug", color="red", center_m=(-0.2, 0.0, 1.0)),
        Instance(2, "mug", color="white", center_m=(0.2, 0.0, 1.0)),
        Instance(3, "plate", center_m=(0.3, 0.0, 1.0)),
    ),
    sequence=1,
)
MUG, RIGHT, PLATE = "a = find(label=mug)", "a = find(label=mug)\nb = max(a, x)", "a = find(label=plate)"


@dataclass
class LikesWords:
    """A verifier by what a plan's description contains."""

    word: str
    sure: float = -1.0
    draws: int = 4
    seen: list[tuple[str, int]] = field(default_factory=list)

    def chances(self, question: str, candidates: Sequence[Candidate], twin: DigitalTwin):
        self.seen = [(described(c, twin), c.number) for c in candidates]
        return np.array([0.9 if self.word in text else 0.2 for text, _ in self.seen])


@dataclass
class Draws:
    """A language model that writes one plan, and draws others."""

    log_probability: float
    verifier: LikesWords | None
    drawn: tuple[str, ...] = (PLATE, RIGHT, PLATE, "a = find(label=")
    calibration: Calibration | None = field(default_factory=lambda: Calibration(0.0, {"surprise": 0.0}))
    name: str = "draws"
    seeds: list[int] = field(default_factory=list)

    def generate(self, prompt, grammar, on_text=None):
        return self.generate_scored(prompt, grammar, on_text).text

    def generate_scored(self, prompt, grammar, on_text=None):
        return Scored(f"All mugs.\n{MUG}", self.log_probability)

    def sample_batch(self, prompts, grammars, count, temperature, seed=0):
        self.seeds.append(seed)
        return [[Scored(f"Drawn.\n{plan}", -5.0) for plan in self.drawn[:count]] for _ in prompts]


def asked(model: Draws):
    return reason(TWIN, Query("what do I drink from"), model)


def test_a_sure_plan_is_taken_as_it_is() -> None:
    model = Draws(-0.5, LikesWords("plate"))
    answer = asked(model)
    assert (answer.ids, model.seeds) == ((1, 2), [])
    assert answer.confidence == 0.5  # of the calibration


def test_of_a_doubtful_plan_and_others_the_best_is_taken_with_its_chance() -> None:
    model = Draws(-3.0, LikesWords("plate"))
    answer = asked(model)
    assert (answer.status, answer.ids, answer.reason) == (Status.OK, (3,), "Drawn.")
    assert answer.confidence == 0.9
    assert [number for _, number in model.verifier.seen] == [1, 2, 1]  # equal plans are one; a broken one is none
    asked(model)
    assert model.seeds[0] == model.seeds[1]  # the same question about the same twin draws the same plans


def test_the_first_stays_where_nothing_is_better_or_there_is_no_verifier() -> None:
    assert asked(Draws(-3.0, LikesWords("a kettle"))).ids == (1, 2)
    assert asked(Draws(-3.0, None)).ids == (1, 2)


def test_a_plan_is_described_with_what_each_step_gives() -> None:
    plan = parse_plan("a = find(label=mug)\nb = max(a, x)")
    candidate = Candidate(Rollout("", plan), execute(plan, TWIN))
    assert described(candidate, TWIN) == "a = find(label=mug): red mug, white mug; b = max(a, x): white mug"


def test_the_evidence_compares_plans_with_each_other() -> None:
    found = evidence([0.9, 0.5], [-4.0, -1.0], [3, 1])
    assert found.shape == (2, len(EVIDENCE))
    assert found[:, 1] == pytest.approx([0.0, -np.log(9)])
    assert found[:, 2:].tolist() == [[2.0, 0.75], [1.0, 0.25]]


def test_an_adapter_without_a_verifier_has_none(tmp_path) -> None:
    assert read_verifier(tmp_path) is None
