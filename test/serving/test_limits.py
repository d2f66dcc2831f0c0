"""Bounds that hold whatever is asked: how many questions stand, how long an id is, what a timeout may be."""

from __future__ import annotations

import pytest
from askers import Dictated, Serving, until

from fastreasonseg_ros.errors import Status
from fastreasonseg_ros.serving.request_checks import LONGEST_ID
from fastreasonseg_ros.serving.standing_questions import LIMIT


def test_only_so_many_questions_may_stand(serving: Serving) -> None:
    for n in range(LIMIT):
        assert serving.ask("the mug", str(n), standing=True)[0].status is Status.OK
    assert serving.ask("the mug", "one more", standing=True)[0].status is Status.BUSY
    assert serving.ask("the mug", "0", standing=True)[0].status is Status.OK  # takes its own place


def test_the_limit_of_standing_questions_holds_for_those_that_are_asked_at_the_same_time(
    serving: Serving, model: Dictated
) -> None:
    for n in range(LIMIT - 2):
        serving.ask("the mug", str(n), standing=True)
    model.may.clear()
    asked = [serving.start(f"the mug {n}", f"more {n}", standing=True) for n in range(5)]
    until(lambda: model.called == 2, "the model works")
    model.may.set()
    statuses = sorted(a.done().status for a in asked)
    assert statuses == [Status.OK] * 2 + [Status.BUSY] * 3
    assert len(serving.reasoner.standing) == LIMIT


@pytest.mark.parametrize("timeout_s", [float("inf"), float("nan"), -1.0, 3601.0])
def test_a_timeout_that_is_no_time_is_refused_with_what_is_expected(
    serving: Serving, model: Dictated, timeout_s: float
) -> None:
    answer, _ = serving.ask("the mug", "", timeout_s)
    assert answer.status is Status.BAD_INPUT
    assert "expected 0 to 3600" in answer.message
    assert model.called == 0


def test_an_id_that_is_too_long_is_refused_and_not_repeated_in_full(serving: Serving, model: Dictated) -> None:
    answer, _ = serving.ask("the mug", "x" * 10_000)
    assert (answer.status, len(answer.query.id)) == (Status.BAD_INPUT, LONGEST_ID)
    assert "10000 characters, at most 128" in answer.message
    assert model.called == 0
    assert serving.ask("the mug", "x" * LONGEST_ID)[0].status is Status.OK


def test_a_question_that_is_refused_holds_no_place_among_those_that_stand(serving: Serving) -> None:
    for n in range(LIMIT + 3):
        assert serving.ask("", str(n), standing=True)[0].status is Status.BAD_QUESTION
    assert serving.ask("the mug", "w", standing=True)[0].status is Status.OK
