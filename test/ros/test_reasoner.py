"""However many ask at a time and however slow the model is: each question ends in time, with a status."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from dataclasses import replace

import pytest
from askers import Asked, Dictated, reasoner_with, until
from processes import PATIENCE_S

from fastreasonseg_ros.errors import Status
from fastreasonseg_ros.serving.reasoner import STANDING, WAITING, Reasoner, Seen
from fastreasonseg_ros.twin.types import DigitalTwin, Instance

pytestmark = pytest.mark.timeout(600)  # where something waits for the model, nothing else ends it

TWIN = DigitalTwin((Instance(1, "mug"), Instance(2, "plate")), sequence=7)


@pytest.fixture
def model() -> Dictated:
    return Dictated()


@pytest.fixture
def reasoner(model: Dictated):
    made = reasoner_with(model)
    made.see(Seen(TWIN))
    yield made
    model.may.set()
    made.close()


def test_a_question_waits_for_the_first_twin_within_its_time(model: Dictated) -> None:
    reasoner = reasoner_with(model)
    early, _ = reasoner.ask("the mug", "", 0.05)
    assert (early.status, early.ids) == (Status.NOT_READY, ())
    threading.Timer(0.1, reasoner.see, [Seen(TWIN)]).start()
    late, seen = reasoner.ask("the mug", "", PATIENCE_S)
    assert (late.status, late.ids, late.sequence) == (Status.OK, (1,), 7)
    assert seen is not None
    assert seen.twin is TWIN


def test_a_question_without_an_id_gets_one_of_its_own(reasoner: Reasoner) -> None:
    ids = {reasoner.ask("the mug", "", PATIENCE_S)[0].query.id for _ in range(3)}
    assert len(ids) == 3
    assert reasoner.ask("the mug", "mine", PATIENCE_S)[0].query.id == "mine"


def test_what_perception_could_not_use_is_told_before_the_model_is_asked(reasoner: Reasoner, model: Dictated) -> None:
    reasoner.see(Seen(DigitalTwin(), Status.BAD_INPUT, "no depth"))
    answer, _ = reasoner.ask("the mug", "", PATIENCE_S)
    assert (answer.status, answer.message, model.called) == (Status.BAD_INPUT, "no depth", 0)


def test_a_model_that_is_slower_than_the_time_given_is_stopped(reasoner: Reasoner, model: Dictated) -> None:
    model.may.clear()
    for timeout_s in (0.2, 5.0, 50.0):  # it may come to begin late
        answer, _ = reasoner.ask("the mug", "", timeout_s)
        if answer.status is not Status.BUSY:
            break
    assert answer.status is Status.TIMED_OUT
    model.may.set()
    assert reasoner.ask("the mug", "", PATIENCE_S)[0].status is Status.OK


def test_a_cancelled_question_stops_the_model_and_frees_it(reasoner: Reasoner, model: Dictated) -> None:
    model.may.clear()
    cancel = threading.Event()
    threading.Timer(0.1, cancel.set).start()
    answer, _ = reasoner.ask("the mug", "", PATIENCE_S, cancelled=cancel.is_set)
    assert answer.status is Status.CANCELLED
    model.may.set()
    assert reasoner.ask("the mug", "", PATIENCE_S)[0].status is Status.OK


def test_too_many_questions_at_a_time_are_told_that_it_is_busy(reasoner: Reasoner, model: Dictated) -> None:
    model.may.clear()
    asked = [Asked(reasoner, f"the mug {n}") for n in range(WAITING)]
    until(lambda: reasoner.waiting == WAITING - 1, "all questions wait")
    extra, _ = reasoner.ask("the mug", "", PATIENCE_S)
    assert extra.status is Status.BUSY
    model.may.set()
    assert [a.done().status for a in asked] == [Status.OK] * WAITING


def test_a_question_whose_turn_never_came_is_told_that_it_is_busy(reasoner: Reasoner, model: Dictated) -> None:
    model.may.clear()
    first = Asked(reasoner, "the mug")
    until(lambda: model.called, "the model works")
    second, _ = reasoner.ask("the plate", "", 0.1)
    assert second.status is Status.BUSY
    assert "other questions" in second.message
    model.may.set()
    assert first.done().status is Status.OK


def test_questions_are_answered_in_the_order_in_which_they_came(reasoner: Reasoner, model: Dictated) -> None:
    model.may.clear()
    asked = []
    for n in range(4):
        asked.append(Asked(reasoner, f"the mug {n}", query_id=str(n)))
        until(lambda n=n: model.called and reasoner.waiting == n, "it waits")
    model.may.set()
    for one in asked:
        one.done()
    assert [p.split("mug ")[1][0] for p in model.asked] == ["0", "1", "2", "3"]


def test_the_same_text_asked_twice_at_once_is_generated_once_and_answered_to_each(
    reasoner: Reasoner, model: Dictated
) -> None:
    model.may.clear()
    asked = [Asked(reasoner, "the mug", query_id=i) for i in ("a", "b")]
    until(lambda: model.called and reasoner._queue._running.askers == 2, "both wait for the model")
    model.may.set()
    assert [(a.done().query.id, a.done().status, a.done().ids) for a in asked] == [
        ("a", Status.OK, (1,)),
        ("b", Status.OK, (1,)),
    ]
    assert model.called == 1


def test_one_of_two_who_asked_the_same_may_leave_without_stopping_the_other(
    reasoner: Reasoner, model: Dictated
) -> None:
    model.may.clear()
    stays, leave = Asked(reasoner, "the mug", query_id="stays"), threading.Event()
    until(lambda: model.called, "the model works")
    leaves = Asked(reasoner, "the mug", query_id="leaves", cancelled=leave.is_set)
    until(lambda: reasoner._queue._running.askers == 2, "both wait for the model")
    leave.set()
    assert leaves.done().status is Status.CANCELLED
    model.may.set()
    assert stays.done().status is Status.OK
    assert model.called == 1


def test_a_question_that_was_asked_before_is_answered_at_once_while_the_model_works(
    reasoner: Reasoner, model: Dictated
) -> None:
    reasoner.ask("the mug", "", PATIENCE_S)
    model.may.clear()
    slow = Asked(reasoner, "the plate")
    until(lambda: model.called == 2, "the model works")
    again = Asked(reasoner, "the mug", query_id="again")
    assert (again.done().status, again.done().ids, again.done().query.id) == (Status.OK, (1,), "again")
    assert not model.may.is_set()
    assert "model" not in again.done().latency_ms
    model.may.set()
    slow.done()


def test_a_cancel_is_answered_though_the_model_is_deaf(reasoner: Reasoner, model: Dictated) -> None:
    model.may.clear()
    model.deaf = True
    cancel = threading.Event()
    asked = Asked(reasoner, "the mug", cancelled=cancel.is_set)
    until(lambda: model.called, "the model works")
    cancel.set()
    assert asked.done().status is Status.CANCELLED
    assert not model.may.is_set()


def test_a_new_question_goes_before_a_standing_one_that_needs_a_new_plan(reasoner: Reasoner, model: Dictated) -> None:
    reasoner.ask("the mug", "w", PATIENCE_S, standing=True)
    model.may.clear()
    changed = Seen(replace(TWIN, instances=(*TWIN.instances, Instance(3, "cup")), sequence=8))
    reasoner.see(changed)
    (meanwhile,) = reasoner.update(changed)  # does not wait for the model, which may not write
    assert meanwhile.ids == (1,)
    until(lambda: model.called == 2, "the new plan for the standing question is begun")
    asked = Asked(reasoner, "the plate")
    until(lambda: model.called == 3, "it is interrupted")
    model.may.set()
    assert asked.done().status is Status.OK
    until(lambda: model.called == 4, "it is done again")
    assert ["Q: the plate" in p for p in model.asked[2:]] == [True, False]


def test_the_models_can_be_taken_away_and_given_back(reasoner: Reasoner, model: Dictated) -> None:
    model.may.clear()
    asked = Asked(reasoner, "the mug")
    until(lambda: model.called, "the model works")
    reasoner.without((Status.NOT_READY, "not active"))
    assert (asked.done().status, asked.done().message) == (Status.NOT_READY, "not active")
    assert reasoner.ask("the mug", "", PATIENCE_S)[0].status is Status.NOT_READY
    model.may.set()
    reasoner.use(model, None)
    assert reasoner.ask("the mug", "", PATIENCE_S)[0].status is Status.OK


def test_a_model_that_is_taken_away_is_freed() -> None:
    model = Dictated()
    held = weakref.ref(model)
    reasoner = reasoner_with(model)
    reasoner.see(Seen(TWIN))
    reasoner.ask("the mug", "w", PATIENCE_S, standing=True)
    reasoner.without((Status.NOT_READY, "cleaned up"))
    reasoner.standing.clear()
    del model
    gc.collect()
    assert held() is None


def test_a_question_waits_for_a_model_that_is_loading(model: Dictated) -> None:
    reasoner = Reasoner(60.0)
    reasoner.see(Seen(TWIN))
    early, _ = reasoner.ask("the mug", "", 0.05)
    assert (early.status, early.message) == (Status.NOT_READY, "the model is still loading")
    asked = Asked(reasoner, "the mug")
    time.sleep(0.05)
    reasoner.use(model, None)
    assert asked.done().status is Status.OK


def test_a_model_that_fails_unexpectedly_is_a_status_and_the_next_question_works(
    reasoner: Reasoner, model: Dictated
) -> None:
    model.text = None  # type: ignore[assignment]
    answer, _ = reasoner.ask("the mug", "", PATIENCE_S)
    assert answer.status is Status.MODEL_FAILED
    model.text = "It is a mug.\na = find(label=mug)"
    assert reasoner.ask("the mug", "", PATIENCE_S)[0].status is Status.OK


def test_progress_is_told_with_the_text_so_far(reasoner: Reasoner) -> None:
    heard: list[tuple[str, str]] = []
    reasoner.ask("the mug", "", PATIENCE_S, progress=lambda stage, text: heard.append((stage, text)))
    assert heard[0] == ("waiting", "")
    assert heard[1:] == [("thinking", "It is a mug.\n"), ("thinking", "It is a mug.\na = find(label=mug)")]


def test_an_answer_about_an_old_twin_says_that_it_is_stale(model: Dictated) -> None:
    reasoner = reasoner_with(model, stale_after_s=0.05)
    reasoner.see(Seen(TWIN))
    time.sleep(0.1)
    answer, _ = reasoner.ask("the mug", "", PATIENCE_S)
    assert (answer.status, answer.ids) == (Status.STALE, (1,))
    assert "perception has stopped" in answer.message


def test_a_standing_question_is_answered_for_every_twin_by_its_kept_plan(reasoner: Reasoner, model: Dictated) -> None:
    reasoner.ask("the mug", "w", PATIENCE_S, standing=True)
    further = DigitalTwin((Instance(2, "plate"), Instance(5, "mug")), sequence=8)
    (answer,) = reasoner.update(Seen(further))
    assert (answer.query.id, answer.ids, answer.sequence, model.called) == ("w", (5,), 8, 1)
    (refused,) = reasoner.update(Seen(DigitalTwin(), Status.BAD_INPUT, "no depth"))
    assert (refused.status, refused.message) == (Status.BAD_INPUT, "no depth")


def test_a_question_that_was_refused_does_not_stand(reasoner: Reasoner) -> None:
    answer, _ = reasoner.ask("", "w", PATIENCE_S, standing=True)
    assert answer.status is Status.BAD_QUESTION
    assert reasoner.standing == {}


def test_only_so_many_questions_may_stand(reasoner: Reasoner) -> None:
    for n in range(STANDING):
        assert reasoner.ask("the mug", str(n), PATIENCE_S, standing=True)[0].status is Status.OK
    assert reasoner.ask("the mug", "one more", PATIENCE_S, standing=True)[0].status is Status.BUSY
    assert reasoner.ask("the mug", "0", PATIENCE_S, standing=True)[0].status is Status.OK  # takes its own place
