"""Standing questions outlast a process that was killed, and only that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from askers import Dictated, Serving, serving_with, until

from fastreasonseg_ros.errors import Status
from fastreasonseg_ros.serving.open_vocabulary_retry import Observation
from fastreasonseg_ros.serving.standing_questions import StandingFile
from fastreasonseg_ros.twin.types import DigitalTwin, Instance, Query

TWIN = DigitalTwin((Instance(1, "mug"), Instance(2, "plate")), sequence=7)
MUG = Query("the mug", "w")
OTHER = Query("赤いマグ", "x")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandingFile:
    monkeypatch.setenv("ROS_HOME", str(tmp_path))
    return StandingFile("/robot/reasoning_node")


def test_what_was_written_is_read_by_the_next_process(file: StandingFile) -> None:
    file.write([MUG, OTHER])
    assert StandingFile("/robot/reasoning_node").read() == (MUG, OTHER)


def test_another_robot_and_another_domain_have_files_of_their_own(
    file: StandingFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write([MUG])
    assert StandingFile("/other/reasoning_node").read() == ()
    monkeypatch.setenv("ROS_DOMAIN_ID", "7")
    assert StandingFile("/robot/reasoning_node").path != file.path


def test_nothing_standing_leaves_no_file(file: StandingFile) -> None:
    file.write([MUG])
    file.write([])
    assert not file.path.exists()
    assert file.read() == ()


def test_it_is_written_only_where_something_changed(file: StandingFile) -> None:
    file.write([MUG])
    file.path.unlink()
    file.write([MUG])
    assert not file.path.exists()


@pytest.mark.parametrize(
    "content", ["", "[", "{}", "[1]", '[{"id": "w"}]', '[{"wrong": "w"}]', '[{"id": 1, "text": "x"}]', '"text"', "\x00"]
)
def test_a_damaged_file_is_no_reason_to_fail(file: StandingFile, content: str) -> None:
    file.path.parent.mkdir(parents=True)
    file.path.write_text(content)
    assert file.read() == ()


def test_a_file_of_an_older_version_with_plans_in_it_is_read_by_its_ids_and_texts(file: StandingFile) -> None:
    file.path.parent.mkdir(parents=True)
    row = {"id": "w", "text": "the mug", "rollout": "<plan>import os</plan>", "model": "m", "labels": ["mug"]}
    file.path.write_text(json.dumps([row]))
    assert file.read() == (MUG,)


def restarted(file: StandingFile, model: Dictated) -> Serving:
    """Another process's reasoner, after one where "the mug" stood was killed."""
    before = serving_with(Dictated())
    before.observe(Observation(TWIN))
    before.ask("the mug", "w", standing=True)
    file.write(before.reasoner.standing.queries)
    before.close()
    assert json.loads(file.path.read_text()) == [{"id": "w", "text": "the mug"}]
    after = serving_with(model)
    after.call(after.reasoner.restore, StandingFile("/robot/reasoning_node").read())
    after.observe(Observation(TWIN))
    return after


def test_a_question_that_stood_is_planned_again_and_then_answered_for_every_twin(file: StandingFile) -> None:
    model = Dictated()
    model.may.clear()
    after = restarted(file, model)
    (early,) = after.update(Observation(TWIN))
    assert (early.query.id, early.status) == ("w", Status.NOT_READY)
    assert "the plan is being made" in early.message
    model.may.set()
    until(lambda: after.update(Observation(TWIN))[0].status is Status.OK, "a plan")
    (answer,) = after.update(Observation(TWIN))
    assert (answer.query.id, answer.ids, model.called) == ("w", (1,), 1)
    after.close()


def test_who_asks_what_stood_while_its_plan_is_made_is_answered_too(file: StandingFile) -> None:
    model = Dictated()
    after = restarted(file, model)
    after.update(Observation(TWIN))
    assert after.ask("the mug")[0].ids == (1,)
    after.close()


def test_a_question_that_stands_already_is_not_replaced_by_an_old_one() -> None:
    serving = serving_with(Dictated())
    serving.observe(Observation(TWIN))
    serving.ask("the plate", "w", standing=True)
    serving.call(serving.reasoner.restore, [MUG])
    assert [q.text for q in serving.reasoner.standing.queries] == ["the plate"]
    serving.close()
