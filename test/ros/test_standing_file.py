"""Standing questions outlast a process that was killed, and only that."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
from processes import PATIENCE_S
from test_reasoner import TWIN, Asked, Dictated, reasoner_with, until

from fastreasonseg_ros.errors import Status
from fastreasonseg_ros.serving.reasoner import Reasoner, Seen
from fastreasonseg_ros.serving.standing_questions import KeptQuestion, StandingFile
from fastreasonseg_ros.twin.types import Instance

MUG = KeptQuestion(
    "w", "the mug", "<reason>It is a mug.</reason>\n<plan>\na = find(label=mug)\n</plan>\n<answer>a</answer>"
)

OTHER = KeptQuestion("x", "赤いマグ", "", "smollm2", ("mug", "赤い"))


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


@pytest.mark.parametrize("rollout", ["", "nonsense", "<plan>import os</plan>", "a = exec(rm)"])
def test_a_plan_that_cannot_be_read_is_made_anew(rollout: str) -> None:
    assert KeptQuestion("w", "the mug", rollout).plan() is None


def restarted(file: StandingFile, model: Dictated) -> Reasoner:
    """Another process's reasoner, after one where "the mug" stood was killed."""
    before = reasoner_with(Dictated())
    before.see(Seen(TWIN))
    before.ask("the mug", "w", PATIENCE_S, standing=True)
    file.write(before.kept())
    before.close()
    assert json.loads(file.path.read_text())[0]["text"] == "the mug"
    after = reasoner_with(model)
    after.restore(StandingFile("/robot/reasoning_node").read(), (model, None))
    after.see(Seen(TWIN))
    return after


def test_a_question_that_stood_is_answered_at_once_by_its_old_plan_and_so_is_who_asks_it(file: StandingFile) -> None:
    model = Dictated()
    model.may.clear()
    after = restarted(file, model)
    (answer,) = after.update(Seen(TWIN))
    assert (answer.query.id, answer.status, answer.ids) == ("w", Status.OK, (1,))
    asked, _ = after.ask("the mug", "", PATIENCE_S)
    assert (asked.status, asked.ids, model.called) == (Status.OK, (1,), 0)
    more = replace(TWIN, instances=(*TWIN.instances, Instance(3, "cup")))  # a label that no plan has seen
    after.see(Seen(more))
    (answer,) = after.update(Seen(more))
    assert (answer.status, answer.ids) == (Status.OK, (1,))
    until(lambda: model.called == 1, "the model is asked for a new plan")
    model.may.set()
    after.close()


def test_who_asked_while_the_model_loaded_gets_the_kept_plan_too(file: StandingFile) -> None:
    kept = restarted(file, Dictated()).kept()
    model, loading = Dictated(), Reasoner(60.0)
    model.may.clear()
    loading.see(Seen(TWIN))
    stages: list[str] = []
    early = Asked(loading, "the mug", progress=lambda stage, _: stages.append(stage))
    until(lambda: stages == ["waiting"], "the question waits")
    loading.restore(kept, (model, None))
    loading.use(model, None)
    assert (early.done().ids, model.called) == ((1,), 0)
    loading.close()


def test_a_plan_that_another_model_made_answers_until_there_is_a_new_one(file: StandingFile) -> None:
    model = Dictated()
    model.name = "another"
    model.may.clear()
    after = restarted(file, model)
    (answer,) = after.update(Seen(TWIN))
    assert (answer.status, answer.ids) == (Status.OK, (1,))
    until(lambda: model.called == 1, "the model is asked for a new plan")
    model.may.set()
    after.close()


def test_a_question_without_a_plan_stands_again_when_the_model_has_made_one() -> None:
    reasoner = reasoner_with(model := Dictated())
    reasoner.restore([KeptQuestion("w", "the mug")], (model, None))
    reasoner.see(Seen(TWIN))
    assert reasoner.update(Seen(TWIN))[0].status is Status.NOT_READY
    until(lambda: reasoner.update(Seen(TWIN))[0].status is Status.OK, "a plan")
    reasoner.close()


def test_a_question_that_stands_already_is_not_replaced_by_an_old_one() -> None:
    reasoner = reasoner_with(model := Dictated())
    reasoner.see(Seen(TWIN))
    reasoner.ask("the plate", "w", PATIENCE_S, standing=True)
    reasoner.restore([MUG], (model, None))
    assert reasoner.standing["w"].query.text == "the plate"
    reasoner.close()
