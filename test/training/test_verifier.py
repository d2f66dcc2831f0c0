"""The verifier: trains on samples, is exported beside the adapter, and tells right plans from wrong ones."""

from __future__ import annotations

import json
from itertools import cycle
from pathlib import Path

import pytest

pytest.importorskip("torch")

from fastreasonseg_ros.errors import DatasetError, ModelError
from fastreasonseg_ros.plan.executor import execute
from fastreasonseg_ros.plan.language import Rollout
from fastreasonseg_ros.plan.parser import parse_plan
from fastreasonseg_ros.reasoning.choosing import DECISION, Candidate, read_verifier
from fastreasonseg_ros.training.student.verifier import main, merged, split
from fastreasonseg_ros.twin.types import DigitalTwin, Instance

LABELS = ("mug", "plate", "fork", "bottle", "spoon", "book")


def sample(label: str, right: bool, score: float, number: int = 1) -> dict:
    return {
        "described": f"a = find(label={label}): {label}",
        "right": right,
        "log_probability": score,
        "number": number,
    }


@pytest.fixture(scope="module")
def samples(tmp_path_factory) -> Path:
    """Questions that name a label; the plan that finds it is right, and less likely."""
    file = tmp_path_factory.mktemp("samples") / "samples.jsonl"
    others = cycle(LABELS[1:] + LABELS[:1])
    rows = []
    for n in range(24):
        questions = []
        for label, other in zip(LABELS, others, strict=False):
            found = [sample(other, False, -1.0 - 0.01 * n), sample(label, True, -2.0), sample(label, True, -3.0, 2)]
            questions.append({"text": f"give me the {label}", "samples": found})
        rows.append({"scene": f"s{n}", "questions": questions})
    file.write_text("\n".join(map(json.dumps, rows)))
    return file


@pytest.fixture(scope="module")
def trained(samples, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("verifier")
    settings = [f"samples={samples}", f"out={out / 'run'}", f"model={out}", "max_steps=12", "warmup_steps=1"]
    assert main([*settings, "learning_rate=3.0e-4", "threads=2"]) == 0
    return out


def test_what_is_chosen_on_validation_is_better_than_the_likeliest(trained) -> None:
    report = json.loads((trained / "run/measures.json").read_text())
    assert report["likeliest"] == 0.0
    assert report["one of them"] == 1.0
    assert report["chosen"] > 0.8


def test_the_verifier_that_the_robot_runs_prefers_the_right_plan(trained) -> None:
    verifier = read_verifier(trained)
    assert verifier is not None
    twin = DigitalTwin((Instance(1, "mug"), Instance(2, "plate")), sequence=1)
    candidates = []
    for label in ("mug", "plate"):
        plan = parse_plan(f"a = find(label={label})")
        candidates.append(Candidate(Rollout("", plan, -2.0), execute(plan, twin)))
    for question, best in (("give me the mug", 0), ("give me the plate", 1)):
        chances = verifier.chances(question, candidates, twin)
        assert chances.argmax() == best
        assert ((chances > 0) & (chances < 1)).all()


def test_a_decision_that_is_missing_is_named(trained, tmp_path) -> None:
    for file in trained.glob("verifier*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / DECISION).write_text("{}")
    with pytest.raises(ModelError, match=DECISION):
        read_verifier(tmp_path)


def test_equal_plans_are_one_sample() -> None:
    (one,) = merged([sample("mug", True, -2.0), sample("mug", True, -1.0, 3)])
    assert (one["number"], one["log_probability"]) == (4, -1.0)


def test_too_few_scenes_are_refused(tmp_path) -> None:
    file = tmp_path / "samples.jsonl"
    file.write_text(json.dumps({"scene": "s", "questions": [{"text": "x", "samples": [sample("mug", True, -1)]}]}))
    with pytest.raises(DatasetError, match="too few"):
        split(file, 0.15)
