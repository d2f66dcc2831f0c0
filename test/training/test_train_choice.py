"""Fitting the choice among plans, on invented samples in which agreement alone tells what is right."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fastreasonseg_ros.errors import ConfigError, DatasetError
from fastreasonseg_ros.reasoning.calibration import Calibration
from fastreasonseg_ros.reasoning.choosing import read_choice
from fastreasonseg_ros.reasoning.confidence import EVIDENCE, read_confidence, write_confidence
from fastreasonseg_ros.training.student import choice

CONFIDENCE = Calibration(1.0, {"nothing": -3.0})


def sample(ids: list[int], number: int, right: bool, first: bool = False) -> dict:
    known = dict.fromkeys(EVIDENCE, 0.0) | {"nothing": float(not ids), "surprise": 1.0}  # the same everywhere
    return {
        "completion": "", "number": number, "log_probability": -1.0, "ids": ids, "destination_ids": [], "steps": [],
        "right": right, "evidence": known, "first": first,
    }  # fmt: skip


def samples(path: Path, scenes: int, questions: int = 4) -> Path:
    """The first plan finds nothing for every second question; the answer that most plans give is right."""
    rng = np.random.default_rng(1)
    with path.open("w") as file:
        for scene in range(scenes):
            lines = []
            for number in range(questions):
                many = int(rng.integers(4, 6))
                broken = sample([3], 1, False) | {"evidence": None, "log_probability": -0.1}
                best = [sample([], 1, False, first=True), sample([2], many, True)]
                if number % 2 == 0:
                    best = [sample([1], 1 + many, True, first=True)]
                drawn = [*best, sample([3], 6 - many, False), broken]
                lines.append({"text": "it", "samples": drawn})
            file.write(json.dumps({"scene": f"s{scene}", "questions": lines}) + "\n")
    return path


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    folder = tmp_path / "adapter"
    folder.mkdir()
    write_confidence(CONFIDENCE, folder)
    return folder


def test_agreement_is_found_and_written_with_the_bound_of_doubt(tmp_path: Path, adapter: Path, capsys) -> None:
    path = samples(tmp_path / "samples.jsonl", 20)
    assert choice.main([str(path), "--doubtful", "0.6", f"adapter={adapter}"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["questions"] == 80
    assert (report["first plan"], report["chosen where doubtful"], report["one of them"]) == (0.5, 1.0, 1.0)
    assert report["doubtful"] == 0.5  # those that find nothing; the bound lies above them
    written = read_choice(adapter)
    assert written is not None
    assert written.draws == 7
    assert CONFIDENCE.chance({"nothing": 1.0}) < written.below <= CONFIDENCE.chance({"nothing": 0.0}) + 1e-4
    assert written.calibration.weights["agreement"] > 1
    assert "80 questions" in written.calibration.made


def test_what_cannot_be_fitted_is_said_with_what_to_do(tmp_path: Path, adapter: Path) -> None:
    few = samples(tmp_path / "few.jsonl", 3)
    with pytest.raises(DatasetError, match="12 questions were answered; 50 are needed"):
        choice.main([str(few), f"adapter={adapter}"])
    old = tmp_path / "old.jsonl"
    old.write_text('{"scene": "s", "questions": [{"text": "it", "samples": [{"ids": []}]}]}\n')
    with pytest.raises(DatasetError, match=r"old\.jsonl:1: is no line of `train samples`.*draw them anew"):
        choice.main([str(old), f"adapter={adapter}"])
    with pytest.raises(ConfigError, match="a share, from 0 to 1, not 3"):
        choice.main([str(few), "--doubtful", "3", f"adapter={adapter}"])


def test_an_adapter_without_confidence_gets_that_of_first_plans(tmp_path: Path, adapter: Path) -> None:
    (adapter / "confidence.json").unlink()
    assert choice.main([str(samples(tmp_path / "samples.jsonl", 20)), f"adapter={adapter}"]) == 0
    written = read_confidence(adapter)
    assert written is not None
    found, nothing = (dict.fromkeys(EVIDENCE, 0.0) | {"surprise": 1.0, "nothing": x} for x in (0.0, 1.0))
    assert written.chance(found) > 0.9
    assert written.chance(nothing) < 0.1
