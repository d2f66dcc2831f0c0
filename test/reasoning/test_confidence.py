"""The chance that an answer is right: from evidence in the answer, by weights that lie beside the adapter."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from fastreasonseg_ros.errors import ModelError, Status
from fastreasonseg_ros.pipeline import reason
from fastreasonseg_ros.plan.executor import execute
from fastreasonseg_ros.plan.language import Rollout
from fastreasonseg_ros.plan.parser import parse_plan
from fastreasonseg_ros.reasoning.calibration import Calibration
from fastreasonseg_ros.reasoning.confidence import (
    EVIDENCE,
    FILE,
    NAMES_DOUBT,
    NAMES_WEIGHT,
    evidence,
    names_doubt,
    read_confidence,
    write_confidence,
)
from fastreasonseg_ros.reasoning.protocol import Scored
from fastreasonseg_ros.reasoning.question_back import question_back
from fastreasonseg_ros.twin.types import DigitalTwin, Instance, Query

TWIN = DigitalTwin(
    (
        Instance(1, "mug", color="red", center_m=(-0.2, 0.0, 1.0)),
        Instance(2, "mug", color="red", center_m=(0.2, 0.0, 1.0)),
        Instance(3, "mug", color="white", center_m=(0.0, 0.0, 1.0)),
        Instance(4, "plate"),
    ),
    sequence=1,
)


@dataclass
class Sure:
    """A language model that writes one plan, and says how likely it was."""

    log_probability: float
    calibration: Calibration | None = None
    name: str = "sure"

    def generate(self, prompt, grammar, on_text=None):
        return self.generate_scored(prompt, grammar, on_text).text

    def generate_scored(self, prompt, grammar, on_text=None):
        return Scored("It is a plate.\na = find(label=plate)", self.log_probability)


def asked(model: Sure):
    return reason(TWIN, Query("the plate"), model)


def test_a_surer_plan_gives_a_surer_answer() -> None:
    by_surprise = Calibration(2.0, {"surprise": -1.0})
    sure, unsure = asked(Sure(-0.1, by_surprise)), asked(Sure(-6.0, by_surprise))
    assert (sure.status, sure.ids) == (unsure.status, unsure.ids) == (Status.OK, (4,))
    known = NAMES_WEIGHT * NAMES_DOUBT  # every name is sure
    assert sure.confidence == pytest.approx(1 / (1 + math.exp(-1.9 - known)))
    assert unsure.confidence == pytest.approx(1 / (1 + math.exp(4.0 - known)))


def test_the_less_sure_the_names_in_view_the_less_sure_the_answer() -> None:
    model = Sure(-0.1, Calibration(2.0, {"surprise": -1.0}))

    def named(*scores: float) -> float | None:
        things = (replace(i, score=s) for i, s in zip(TWIN.instances, scores, strict=True))
        return reason(replace(TWIN, instances=tuple(things)), Query("the plate"), model).confidence

    as_calibrated = named(*[1 - NAMES_DOUBT] * 4)
    assert as_calibrated == pytest.approx(1 / (1 + math.exp(-1.9)))
    others_unsure = named(0.1, 0.1, 0.1, 1.0)  # one of them might be what is asked for
    assert others_unsure < as_calibrated < named(1.0, 1.0, 1.0, 1.0)
    assert named(0.0, 0.0, 0.0, 0.0) > 0.0


def test_without_anything_in_view_the_names_say_nothing() -> None:
    gone = replace(TWIN, instances=tuple(replace(i, visible=False, score=0.1) for i in TWIN.instances))
    assert names_doubt(gone) == names_doubt(DigitalTwin(sequence=1)) == NAMES_DOUBT


def test_without_calibration_the_confidence_is_not_known() -> None:
    assert asked(Sure(-0.1)).confidence is None


def test_evidence_counts_what_the_plan_did_and_gave() -> None:
    plan = parse_plan("a = find(label=mug, color=red)", None)
    rollout = Rollout("Red mugs.", plan, -4.0)
    found = evidence(rollout, execute(plan, TWIN))
    assert found is not None
    assert set(found) == set(EVIDENCE)
    assert (found["surprise"], found["root_surprise"], found["steps"]) == (4.0, 2.0, 1.0)
    assert (found["nothing"], found["several"], found["closest"], found["command"]) == (0.0, 1.0, 0.0, 0.0)
    assert evidence(Rollout("Red mugs.", plan), execute(plan, TWIN)) is None


def test_a_calibration_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = Calibration(0.5, {"surprise": -0.25, "nothing": -1.0}, "by hand")
    assert read_confidence(tmp_path) is None
    write_confidence(written, tmp_path)
    assert read_confidence(tmp_path) == written


def test_whatever_the_evidence_the_chance_is_one() -> None:
    steep = Calibration(0.0, {"surprise": 1e6})
    assert 0.0 <= steep.chance({"surprise": -1e6}) < 1e-9
    assert 1 - 1e-9 < steep.chance({"surprise": 1e6}) <= 1.0


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"intercept": 1}', '{"intercept": "x", "weights": {}}', '{"intercept": NaN, "weights": {}}', "unknown"],
)
def test_a_damaged_calibration_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(json.dumps({"intercept": 0, "weights": {"luck": 1}}) if text == "unknown" else text)
    with pytest.raises(ModelError, match="train confidence"):
        read_confidence(tmp_path)


def test_the_question_back_tells_apart_what_was_found() -> None:
    assert question_back((4,), TWIN) == "is it the plate (4)?"
    assert question_back((1, 3), TWIN) == "which one: the red mug (1) or the white mug (3)?"
    expected = "which one: the left red mug (1), the right red mug (2) or the white mug (3)?"
    assert question_back((1, 2, 3), TWIN) == expected
    assert "nothing seems to fit" in question_back((), TWIN)
