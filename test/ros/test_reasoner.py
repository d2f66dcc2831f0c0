"""However many ask at a time and however slow the model is: each question ends in time, with a status."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from fastreasonseg_ros.errors import ModelError, Status
from fastreasonseg_ros.ros.reasoner import WAITING, Reasoner, Seen
from fastreasonseg_ros.twin.types import DigitalTwin, Instance

TWIN = DigitalTwin((Instance(1, "mug"), Instance(2, "plate")), sequence=7)


class Dictated:
    """A language model that writes what it is told, piece by piece, when it may; `called` counts."""

    name = "dictated"

    def __init__(self, text: str = "It is a mug.\na = find(label=mug)") -> None:
        self.text, self.called = text, 0
        self.may = threading.Event()
        self.may.set()

    def generate(self, prompt: str, grammar: str, on_text: Callable[[str], bool] | None = None) -> str:
        self.called += 1
        for piece in self.text.splitlines(keepends=True):
            while not self.may.wait(0.01):
                if on_text and on_text(""):
                    return ""
            if on_text and on_text(piece):
                return ""
        return self.text


@pytest.fixture
def model() -> Dictated:
    return Dictated()


@pytest.fixture
def reasoner(model: Dictated) -> Reasoner:
    made = Reasoner(lambda: (model, None), stale_after_s=60.0)
    made.see(Seen(TWIN))
    return made


def test_a_question_waits_for_the_first_twin_within_its_time(model: Dictated) -> None:
    reasoner = Reasoner(lambda: (model, None), stale_after_s=60.0)
    early, _ = reasoner.ask("the mug", "", 0.05)
    assert (early.status, early.ids) == (Status.NOT_READY, ())
    threading.Timer(0.1, reasoner.see, [Seen(TWIN)]).start()
    late, seen = reasoner.ask("the mug", "", 5.0)
    assert (late.status, late.ids, late.sequence) == (Status.OK, (1,), 7)
    assert seen is not None
    assert seen.twin is TWIN


def test_a_question_without_an_id_gets_one_of_its_own(reasoner: Reasoner) -> None:
    ids = {reasoner.ask("the mug", "", 5.0)[0].query.id for _ in range(3)}
    assert len(ids) == 3
    assert reasoner.ask("the mug", "mine", 5.0)[0].query.id == "mine"


def test_what_perception_could_not_use_is_told_before_the_model_is_asked(reasoner: Reasoner, model: Dictated) -> None:
    reasoner.see(Seen(DigitalTwin(), Status.BAD_INPUT, "no depth"))
    answer, _ = reasoner.ask("the mug", "", 5.0)
    assert (answer.status, answer.message, model.called) == (Status.BAD_INPUT, "no depth", 0)


def test_a_model_that_is_slower_than_the_time_given_is_stopped(reasoner: Reasoner, model: Dictated) -> None:
    model.may.clear()
    start = time.monotonic()
    answer, _ = reasoner.ask("the mug", "", 0.2)
    assert answer.status is Status.TIMED_OUT
    assert time.monotonic() - start < 2.0
    model.may.set()
    assert reasoner.ask("the mug", "", 5.0)[0].status is Status.OK


def test_a_cancelled_question_stops_the_model_and_frees_it(reasoner: Reasoner, model: Dictated) -> None:
    model.may.clear()
    cancel = threading.Event()
    threading.Timer(0.1, cancel.set).start()
    answer, _ = reasoner.ask("the mug", "", 10.0, cancelled=cancel.is_set)
    assert answer.status is Status.CANCELLED
    model.may.set()
    assert reasoner.ask("the mug", "", 5.0)[0].status is Status.OK


def test_too_many_questions_at_a_time_are_told_that_it_is_busy(reasoner: Reasoner, model: Dictated) -> None:
    model.may.clear()
    answers = []
    asking = [
        threading.Thread(target=lambda: answers.append(reasoner.ask("the mug", "", 10.0)[0])) for _ in range(WAITING)
    ]
    for thread in asking:
        thread.start()
    end = time.monotonic() + 5
    while model.called == 0 and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.1)
    extra, _ = reasoner.ask("the mug", "", 10.0)
    assert extra.status is Status.BUSY
    model.may.set()
    for thread in asking:
        thread.join(10)
    assert [a.status for a in answers] == [Status.OK] * WAITING


def test_progress_is_told_with_the_text_so_far(reasoner: Reasoner) -> None:
    heard: list[tuple[str, str]] = []
    reasoner.ask("the mug", "", 5.0, progress=lambda stage, text: heard.append((stage, text)))
    assert heard[0] == ("waiting", "")
    assert heard[1:] == [("thinking", "It is a mug.\n"), ("thinking", "It is a mug.\na = find(label=mug)")]


def test_an_answer_about_an_old_twin_says_that_it_is_stale(model: Dictated) -> None:
    reasoner = Reasoner(lambda: (model, None), stale_after_s=0.05)
    reasoner.see(Seen(TWIN))
    time.sleep(0.1)
    answer, _ = reasoner.ask("the mug", "", 5.0)
    assert (answer.status, answer.ids) == (Status.STALE, (1,))
    assert "perception has stopped" in answer.message


def test_a_standing_question_is_answered_for_every_twin_by_its_kept_plan(reasoner: Reasoner, model: Dictated) -> None:
    reasoner.ask("the mug", "w", 5.0, standing=True)
    further = DigitalTwin((Instance(2, "plate"), Instance(5, "mug")), sequence=8)
    (answer,) = reasoner.update(Seen(further))
    assert (answer.query.id, answer.ids, answer.sequence, model.called) == ("w", (5,), 8, 1)
    (refused,) = reasoner.update(Seen(DigitalTwin(), Status.BAD_INPUT, "no depth"))
    assert (refused.status, refused.message) == (Status.BAD_INPUT, "no depth")


def test_a_question_that_was_refused_does_not_stand(reasoner: Reasoner) -> None:
    answer, _ = reasoner.ask("", "w", 5.0, standing=True)
    assert answer.status is Status.BAD_QUESTION
    assert reasoner.standing == {}


def test_a_model_that_could_not_be_loaded_is_loaded_again_when_asked(model: Dictated) -> None:
    results = [ModelError("weights are missing; get them"), ValueError("corrupt"), (model, None)]
    logged: list[str] = []

    def load():
        result = results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    reasoner = Reasoner(load, 60.0, logged.append)
    reasoner.see(Seen(TWIN))
    end = time.monotonic() + 5
    while not logged and time.monotonic() < end:
        time.sleep(0.01)
    second, _ = reasoner.ask("the mug", "", 5.0)
    assert second.status is Status.MODEL_FAILED
    assert "ValueError: corrupt" in second.message
    assert reasoner.ask("the mug", "", 5.0)[0].status is Status.OK
    assert logged[0] == "weights are missing; get them"
