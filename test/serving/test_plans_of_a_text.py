"""A text that is asked again: which of its plans answers, when the model is asked, and what an error stops."""

from __future__ import annotations

import pytest
from askers import Dictated, Serving, serving_with, until

from fastreasonseg_ros.errors import Status
from fastreasonseg_ros.pipeline import StandingQuestion
from fastreasonseg_ros.serving.open_vocabulary_retry import Observation
from fastreasonseg_ros.serving.plan_cache import PAUSE_S, PLANS, PlanCache
from fastreasonseg_ros.twin.types import DigitalTwin, Instance, Query

NEED = "something I can drink out of"


class PicksFirst(Dictated):
    """Plans for the first label of the twin that it is told of; "none" where that is a plate."""

    def generate(self, prompt, grammar, on_text=None):
        label = prompt.split("user\n")[1].split("\n")[0].split(":")[0]
        self.text = "Nothing serves.\nnone" if label == "plate" else f"It serves.\na = find(label={label})"
        return super().generate(prompt, grammar, on_text)


@pytest.fixture
def model() -> PicksFirst:
    return PicksFirst()


@pytest.fixture
def serving(model: PicksFirst):
    made = serving_with(model)
    yield made
    model.may.set()
    made.close()


def of(*labels: str, **more) -> Observation:
    return Observation(DigitalTwin(tuple(Instance(n, label) for n, label in enumerate(labels, 1)), sequence=7), **more)


def test_one_off_questions_about_labels_that_come_and_go_cost_one_call_for_each_set_of_labels(
    serving: Serving, model: PicksFirst
) -> None:
    for _ in range(3):
        for label in ("mug", "cup"):
            serving.observe(of(label))
            assert (serving.ask(NEED)[0].status, serving.ask(NEED)[0].ids) == (Status.OK, (1,))
    assert model.called == 2


def test_a_one_off_question_leaves_the_standing_one_of_the_same_text_its_earlier_plans(
    serving: Serving, model: PicksFirst
) -> None:
    serving.observe(of("mug"))
    serving.ask(NEED, "w", standing=True)
    serving.observe(of("cup"))
    serving.ask(NEED)
    (answer,) = serving.update(of("mug"))
    assert (answer.ids, answer.trace[0].expression, model.called) == ((1,), "find(label=mug)", 2)


def test_the_plan_that_holds_answers_though_the_newest_one_found_nothing(serving: Serving, model: PicksFirst) -> None:
    serving.observe(of("mug"))
    serving.ask(NEED)
    serving.observe(of("plate"))
    assert serving.ask(NEED)[0].status is Status.NO_MATCH  # the newest plan is none
    serving.observe(of("mug"))
    assert (serving.ask(NEED)[0].ids, model.called) == ((1,), 2)


def test_a_plan_that_found_nothing_is_made_anew_for_who_asks_again_and_the_others_stay(
    serving: Serving, model: PicksFirst
) -> None:
    serving.observe(of("mug"))
    serving.ask(NEED)
    serving.observe(of("plate"))
    assert [serving.ask(NEED)[0].status for _ in range(2)] == [Status.NO_MATCH] * 2
    assert model.called == 3
    serving.observe(of("mug"))
    assert (serving.ask(NEED)[0].ids, model.called) == ((1,), 3)


def test_a_perceiver_that_takes_words_gets_plans_of_its_own(serving: Serving, model: PicksFirst) -> None:
    serving.observe(of("mug"))
    serving.ask(NEED)
    serving.observe(of("cup", open_vocabulary=True))
    serving.ask(NEED)
    kept = serving.reasoner._plans.get(NEED)
    assert kept is not None
    assert (kept.look_for, len(kept._plans)) == (True, 1)


def test_a_plan_made_behind_a_question_of_the_same_text_keeps_the_plan_of_that_question(
    serving: Serving, model: PicksFirst
) -> None:
    serving.observe(of("mug"))
    serving.ask(NEED, "w", standing=True)
    model.may.clear()
    serving.observe(of("cup"))
    serving.update(of("cup"))
    until(lambda: model.called == 2, "the standing question is planned for cup")
    asked = serving.start(NEED)  # interrupts it
    until(lambda: model.called == 3, "the question is planned for cup")
    model.may.set()
    assert asked.done().ids == (1,)
    until(lambda: serving.reasoner._queue._running is None, "all is planned")
    (stands,) = serving.reasoner.standing.values()
    assert {made.labels for made in stands.question._plans} == {frozenset({"mug"}), frozenset({"cup"})}
    assert model.called == 3  # the plan that was interrupted is there by now


class Breaks(StandingQuestion):
    """A question whose plan fails as no plan should."""

    def answer(self, *arguments, **more):
        raise ZeroDivisionError("of its plan")


def test_a_standing_question_that_fails_unforeseen_leaves_the_others_their_answers() -> None:
    errors: list[BaseException] = []
    serving = serving_with(Dictated())
    serving.reasoner._report = errors.append
    serving.observe(of("mug", "plate"))
    for query_id in ("a", "b", "c"):
        serving.ask("the mug", query_id, standing=True)
    stands = serving.reasoner.standing.values()[1]
    stands.question = Breaks(Query("the mug"), Dictated())
    stands.question.rollout = serving.reasoner.standing.values()[0].question.rollout
    stands.question.labels = frozenset({"mug", "plate"})
    answers = serving.update(of("mug", "plate"))
    serving.close()
    assert [(a.query.id, a.status) for a in answers] == [
        ("a", Status.OK), ("b", Status.MODEL_FAILED), ("c", Status.OK)
    ]  # fmt: skip
    assert "ZeroDivisionError: of its plan" in answers[1].message
    assert [type(error) for error in errors] == [ZeroDivisionError]


def test_a_kept_plan_that_fails_unforeseen_is_a_status(serving: Serving) -> None:
    serving.observe(of("mug"))
    serving.ask("the mug")
    kept = serving.reasoner._plans.get("the mug")
    assert kept is not None
    kept.__class__ = Breaks
    answer, _ = serving.ask("the mug", "mine")
    assert (answer.status, answer.query.id) == (Status.MODEL_FAILED, "mine")
    assert "ZeroDivisionError" in answer.message


def test_the_texts_whose_plans_are_kept_are_bounded_and_the_oldest_goes_first() -> None:
    cache, model = PlanCache(), Dictated()
    for n in range(PLANS + 1):
        cache.put(str(n), StandingQuestion(Query(str(n)), model))
    assert [cache.get(str(n)) is None for n in (0, 1, PLANS)] == [True, False, False]


def test_a_text_whose_plan_failed_is_tried_again_after_a_pause() -> None:
    now_s = 100.0
    cache = PlanCache(lambda: now_s)
    assert not cache.failed_recently("the mug")
    cache.failed("the mug")
    assert cache.failed_recently("the mug")
    now_s += PAUSE_S
    assert not cache.failed_recently("the mug")
