"""Fitting the chance that an answer is right: on invented evidence, and on the real student."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from fastreasonseg_ros.errors import DatasetError, Status
from fastreasonseg_ros.io.datasets.base import Question
from fastreasonseg_ros.reasoning.confidence import EVIDENCE, read_confidence
from fastreasonseg_ros.training.student import confidence
from fastreasonseg_ros.training.student.confidence import cross_fitted, fit, is_right, reliability
from fastreasonseg_ros.twin.serialization import twin_to_json
from fastreasonseg_ros.twin.types import Answer, Command, DigitalTwin, Instance, Query

ADAPTER = Path(__file__).parents[2] / "models" / "student"


def invented(count: int, seed: int = 0) -> tuple[list[dict[str, float]], list[bool], list[str]]:
    """Evidence whose surprise alone decides, by a logistic with known weights."""
    rng = np.random.default_rng(seed)
    rows = [dict.fromkeys(EVIDENCE, 0.0) | {"surprise": float(s)} for s in rng.uniform(0, 8, count)]
    right = [bool(rng.random() < 1 / (1 + np.exp(-3 + row["surprise"]))) for row in rows]
    return rows, right, [f"scene {n // 5}" for n in range(count)]


def test_the_weights_that_made_the_data_are_found() -> None:
    rows, right, _ = invented(4000)
    model = fit(rows, right)
    assert model.intercept == pytest.approx(3.0, abs=0.3)
    assert model.weights["surprise"] == pytest.approx(-1.0, abs=0.1)


def test_chances_of_other_folds_are_calibrated_and_the_surest_are_right() -> None:
    rows, right, scenes = invented(2000)
    report = reliability(cross_fitted(rows, right, scenes), np.array(right))
    assert report["calibration error"] < 0.05
    assert report["right among the surest 70%"] > report["right"] + 0.1


def test_a_command_is_right_with_its_destination_only() -> None:
    question = Question("s", "put it there", (1,), destination_ids=(2,))
    answer = Answer(Query(""), Status.OK, "", (1,), commands=(Command((1,), "on", (3,)),))
    assert not is_right(answer, question)
    assert is_right(answer, Question("s", "take it", (1,)))


def test_the_real_student_is_calibrated_beside_its_adapter(tmp_path: Path, capsys) -> None:
    adapter = tmp_path / "student"
    shutil.copytree(ADAPTER, adapter)
    (adapter / "confidence.json").unlink(missing_ok=True)
    twin = DigitalTwin((Instance(1, "mug", color="red"), Instance(2, "mug", color="blue"), Instance(3, "plate")))
    scenes = [json.dumps({"scene": f"s{n}", "twin": json.loads(twin_to_json(twin))}) + "\n" for n in range(5)]
    (tmp_path / "scenes.jsonl").write_text("".join(scenes))
    asked = [("the red mug", [1]), ("the blue mug", [2]), ("the plate", [3]), ("the green mug", [1])]
    lines = [
        json.dumps({"scene": f"s{n % 5}", "text": text, "target_ids": ids}) + "\n"
        for n in range(15)
        for text, ids in asked
    ]
    (tmp_path / "queries.jsonl").write_text("".join(lines[:20]))
    arguments = [str(tmp_path / "scenes.jsonl"), str(tmp_path / "queries.jsonl"), f"adapter={adapter}"]
    with pytest.raises(DatasetError, match="50 or more"):
        confidence.main(arguments)
    (tmp_path / "queries.jsonl").write_text("".join(lines))
    assert confidence.main(arguments) == 0
    made = read_confidence(adapter)
    assert made is not None
    assert "60 questions" in made.made
    assert json.loads(capsys.readouterr().out)["right"] == pytest.approx(0.75)
