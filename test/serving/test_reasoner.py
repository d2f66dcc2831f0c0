"""However many ask at a time and however slow the model is: each question ends in time, with a status."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from dataclasses import replace

import pytest
from askers import PATIENCE_S, TWIN, Dictated, Serving, serving_with, until

from fastreasonseg_ros.errors import Status
from fastreasonseg_ros.serving.open_vocabulary_retry import Observation
from fastreasonseg_ros.serving.reasoner import WAITING
from fastreasonseg_ros.twin.types import DigitalTwin, Instance

pytestmark = pytest.mark.timeout(600)  # where something waits for the model, nothing else ends it


def test_a_question_waits_for_the_first_twin_within_its_time(model: Dictated) -> None:
    serving = serving_with(model)
    early, _ = serving.ask("the mug", "", 0.05)
    assert (early.status, early.ids) == (Status.NOT_READY, ())
    threading.Timer(0.1, serving.observe, [Observation(TWIN)]).start()
    late, seen = serving.ask("the mug", "", PATIENCE_S)
    assert (late.status, late.ids, late.sequence) == (Status.OK, (1,), 7)
    assert seen is not None
    assert seen.twin is TWIN


def test_a_question_without_an_id_gets_one_of_its_own(serving: Serving) -> None:
    ids = {serving.ask("the mug", "", PATIENCE_S)[0].query.id for _ in range(3)}
    assert len(ids) == 3
    assert serving.ask("the mug", "mine", PATIENCE_S)[0].query.id == "mine"


def test_what_perception_could_not_use_is_told_before_the_model_is_asked(serving: Serving, model: Dictated) -> None:
    serving.observe(Observation(DigitalTwin(), Status.BAD_INPUT, "no depth"))
    answer, _ = serving.ask("the mug", "", PATIENCE_S)
    assert (answer.status, answer.message, model.called) == (Status.BAD_INPUT, "no depth", 0)


def test_a_model_that_is_slower_than_the_time_given_is_stopped(serving: Serving, model: Dictated) -> None:
    model.may.clear()
    for timeout_s in (0.2, 5.0, 50.0):  # it may come to begin late
        answer, _ = serving.ask("the mug", "", timeout_s)
        if answer.status is not Status.BUSY:
            break
    assert answer.status is Status.TIMED_OUT
    model.may.set()
    assert serving.ask("the mug", "", PATIENCE_S)[0].status is Status.OK


def test_a_cancelled_question_stops_the_model_and_frees_it(serving: Serving, model: Dictated) -> None:
    model.may.clear()
    asked = serving.start("the mug")
    until(lambda: model.called, "the model works")
    asked.cancel()
    assert asked.done().status is Status.CANCELLED
    model.may.set()
    assert serving.ask("the mug", "", PATIENCE_S)[0].status is Status.OK


def test_too_many_questions_at_a_time_are_told_that_it_is_busy(serving: Serving, model: Dictated) -> None:
    model.may.clear()
    asked = [serving.start(f"the mug {n}") for n in range(WAITING)]
    until(lambda: serving.reasoner.waiting == WAITING - 1, "all questions wait")
    extra, _ = serving.ask("the mug", "", PATIENCE_S)
    assert extra.status is Status.BUSY
    model.may.set()
    assert [a.done().status for a in asked] == [Status.OK] * WAITING


def test_a_question_whose_turn_never_came_is_told_that_it_is_busy(serving: Serving, model: Dictated) -> None:
    model.may.clear()
    first = serving.start("the mug")
    until(lambda: model.called, "the model works")
    second, _ = serving.ask("the plate", "", 0.1)
    assert second.status is Status.BUSY
    assert "other questions" in second.message
    model.may.set()
    assert first.done().status is Status.OK


def test_questions_are_answered_in_the_order_in_which_they_came(serving: Serving, model: Dictated) -> None:
    model.may.clear()
    asked = []
    for n in range(4):
        asked.append(serving.start(f"the mug {n}", query_id=str(n)))
        until(lambda n=n: model.called and serving.reasoner.waiting == n, "it waits")
    model.may.set()
    for one in asked:
        one.done()
    assert [p.split("mug ")[1][0] for p in model.asked] == ["0", "1", "2", "3"]


def test_the_same_text_asked_twice_at_once_is_generated_once_and_answered_to_each(
    serving: Serving, model: Dictated
) -> None:
    model.may.clear()
    asked = [serving.start("the mug", query_id=i) for i in ("a", "b")]
    until(lambda: model.called and serving.reasoner._queue._running.askers == 2, "both wait for the model")
    model.may.set()
    assert [(a.done().query.id, a.done().status, a.done().ids) for a in asked] == [
        ("a", Status.OK, (1,)),
        ("b", Status.OK, (1,)),
    ]
    assert model.called == 1


def test_one_of_two_who_asked_the_same_may_leave_without_stopping_the_other(serving: Serving, model: Dictated) -> None:
    model.may.clear()
    stays = serving.start("the mug", query_id="stays")
    until(lambda: model.called, "the model works")
    leaves = serving.start("the mug", query_id="leaves")
    until(lambda: serving.reasoner._queue._running.askers == 2, "both wait for the model")
    leaves.cancel()
    assert leaves.done().status is Status.CANCELLED
    model.may.set()
    assert stays.done().status is Status.OK
    assert model.called == 1


def test_a_question_that_was_asked_before_is_answered_at_once_while_the_model_works(
    serving: Serving, model: Dictated
) -> None:
    serving.ask("the mug", "", PATIENCE_S)
    model.may.clear()
    slow = serving.start("the plate")
    until(lambda: model.called == 2, "the model works")
    again = serving.start("the mug", query_id="again")
    assert (again.done().status, again.done().ids, again.done().query.id) == (Status.OK, (1,), "again")
    assert not model.may.is_set()
    assert "model" not in again.done().latency_ms
    model.may.set()
    slow.done()


def test_a_cancel_is_answered_though_the_model_is_deaf(serving: Serving, model: Dictated) -> None:
    model.may.clear()
    model.deaf = True
    asked = serving.start("the mug")
    until(lambda: model.called, "the model works")
    asked.cancel()
    assert asked.done().status is Status.CANCELLED
    assert not model.may.is_set()


def test_a_new_question_goes_before_a_standing_one_that_needs_a_new_plan(serving: Serving, model: Dictated) -> None:
    serving.ask("the mug", "w", PATIENCE_S, standing=True)
    model.may.clear()
    changed = Observation(replace(TWIN, instances=(*TWIN.instances, Instance(3, "cup")), sequence=8))
    serving.observe(changed)
    (meanwhile,) = serving.update(changed)  # does not wait for the model, which may not write
    assert meanwhile.ids == (1,)
    until(lambda: model.called == 2, "the new plan for the standing question is begun")
    asked = serving.start("the other mug")
    until(lambda: model.called == 3, "it is interrupted")
    model.may.set()
    assert asked.done().status is Status.OK
    until(lambda: model.called == 4, "it is done again")
    assert ["Q: the other mug" in p for p in model.asked[2:]] == [True, False]


def test_the_models_can_be_taken_away_and_given_back(serving: Serving, model: Dictated) -> None:
    model.may.clear()
    asked = serving.start("the mug")
    until(lambda: model.called, "the model works")
    serving.without((Status.NOT_READY, "not active"))
    assert (asked.done().status, asked.done().message) == (Status.NOT_READY, "not active")
    assert serving.ask("the mug", "", PATIENCE_S)[0].status is Status.NOT_READY
    model.may.set()
    serving.use(model)
    assert serving.ask("the mug", "", PATIENCE_S)[0].status is Status.OK


def test_a_model_that_is_taken_away_is_freed() -> None:
    model = Dictated()
    held = weakref.ref(model)
    serving = serving_with(model)
    serving.observe(Observation(TWIN))
    serving.ask("the mug", "w", PATIENCE_S, standing=True)
    serving.without((Status.NOT_READY, "cleaned up"))
    serving.call(serving.reasoner.standing.clear)
    del model
    gc.collect()
    assert held() is None


def test_a_question_waits_for_a_model_that_is_loading(model: Dictated) -> None:
    serving = Serving()
    serving.observe(Observation(TWIN))
    early, _ = serving.ask("the mug", "", 0.05)
    assert (early.status, early.message) == (Status.NOT_READY, "the model is still loading")
    asked = serving.start("the mug")
    time.sleep(0.05)
    serving.use(model)
    assert asked.done().status is Status.OK


def test_a_model_that_fails_unexpectedly_is_a_status_and_the_next_question_works(
    serving: Serving, model: Dictated
) -> None:
    model.text = None  # type: ignore[assignment]
    answer, _ = serving.ask("the mug", "", PATIENCE_S)
    assert answer.status is Status.MODEL_FAILED
    model.text = "It is a mug.\na = find(label=mug)"
    assert serving.ask("the mug", "", PATIENCE_S)[0].status is Status.OK


def test_progress_is_told_with_the_text_so_far(serving: Serving) -> None:
    heard: list[tuple[str, str]] = []
    serving.ask("the mug", "", PATIENCE_S, progress=lambda stage, text: heard.append((stage, text)))
    assert heard[0] == ("waiting", "")
    assert heard[1:] == [("thinking", "It is a mug.\n"), ("thinking", "It is a mug.\na = find(label=mug)")]


def test_an_answer_about_an_old_twin_says_that_it_is_stale(model: Dictated) -> None:
    serving = serving_with(model, stale_after_s=0.05)
    serving.observe(Observation(TWIN))
    time.sleep(0.1)
    answer, _ = serving.ask("the mug", "", PATIENCE_S)
    assert (answer.status, answer.ids) == (Status.STALE, (1,))
    assert "perception has stopped" in answer.message


def test_a_standing_question_is_answered_for_every_twin_by_its_kept_plan(serving: Serving, model: Dictated) -> None:
    serving.ask("the mug", "w", PATIENCE_S, standing=True)
    further = DigitalTwin((Instance(2, "plate"), Instance(5, "mug")), sequence=8)
    (answer,) = serving.update(Observation(further))
    assert (answer.query.id, answer.ids, answer.sequence, model.called) == ("w", (5,), 8, 1)
    (refused,) = serving.update(Observation(DigitalTwin(), Status.BAD_INPUT, "no depth"))
    assert (refused.status, refused.message) == (Status.BAD_INPUT, "no depth")


def test_a_question_that_was_refused_does_not_stand(serving: Serving) -> None:
    answer, _ = serving.ask("", "w", PATIENCE_S, standing=True)
    assert answer.status is Status.BAD_QUESTION
    assert list(serving.reasoner.standing) == []
