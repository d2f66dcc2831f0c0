"""A standing question loses nothing when labels come and go, and does not call its model for what it has seen."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
from test_pipeline import TWIN, Writes, thing

from fastreasonseg_ros.errors import Status
from fastreasonseg_ros.pipeline import StandingQuestion
from fastreasonseg_ros.reasoning.kept_plans import PLANS_KEPT
from fastreasonseg_ros.twin.types import Query


def twin(*labels: str):
    return replace(TWIN, instances=tuple(thing(n, label, 0.1 * n) for n, label in enumerate(labels, 1)))


class PicksFirst:
    """A model that plans for the first label of the twin that it is told of, and counts its calls."""

    name = "picks the first"

    def __init__(self) -> None:
        self.calls = 0

    def generate(self, prompt, grammar, on_text=None):
        self.calls += 1
        label = prompt.split("user\n")[1].split("\n")[0].split(":")[0].removeprefix("2 ")
        return f"It serves.\na = find(label={label})"


MUG, CUP = "A mug.\na = find(label=mug)", "A cup.\na = find(label=cup)"


def test_a_thing_that_goes_and_comes_again_is_found_again_without_a_further_call():
    model = Writes(MUG, CUP)
    question = StandingQuestion(Query("something to drink from"), model)
    for _ in range(3):
        assert question.answer(twin("mug")).ids == (1,)
        assert question.answer(twin("cup")).ids == (1,)
    assert len(model.prompts) == 2


def test_a_label_that_the_plan_in_use_was_not_made_for_needs_a_plan():
    question = StandingQuestion(Query("something to drink from"), Writes(MUG, CUP))
    question.answer(twin("mug"))
    assert question.needs_plan(twin("cup"))
    assert question.needs_plan(twin("mug", "cup"))
    question.answer(twin("cup"))
    assert not question.needs_plan(twin("mug"))
    assert question.needs_plan(twin("mug", "cup"))  # neither plan saw both


def test_the_plan_of_before_answers_while_a_new_one_is_made_in_another_thread():
    question = StandingQuestion(Query("something to drink from"), Writes(MUG, CUP))
    question.answer(twin("mug"))
    planned_beside = copy.copy(question)
    assert planned_beside.answer(twin("cup")).ids == (1,)
    assert question.answer(twin("mug", "cup"), keep_plan=True).ids == (1,)
    assert question.needs_plan(twin("cup"))
    assert not planned_beside.needs_plan(twin("mug"))


def test_where_what_the_model_chose_is_gone_something_else_may_serve():
    model = Writes("A glass.\na = find(label=glass)", MUG)
    question = StandingQuestion(Query("something to drink from"), model)
    assert question.answer(twin("mug", "glass")).ids == (2,)
    assert question.answer(twin("mug")).ids == (1,)
    assert question.answer(twin("mug", "glass")).ids == (2,)
    assert len(model.prompts) == 2


def test_what_the_question_names_is_waited_for():
    model = Writes(MUG)
    question = StandingQuestion(Query("the mug"), model)
    assert question.answer(twin("mug", "plate")).ids == (1,)
    assert question.answer(twin("plate")).status is Status.NO_MATCH
    assert question.answer(twin("mug")).ids == (1,)
    assert len(model.prompts) == 1


def test_labels_that_flicker_cost_one_call_for_each_set_of_labels():
    model = PicksFirst()
    question = StandingQuestion(Query("something to drink from"), model)
    for n in range(40):
        assert question.answer(twin(("mug", "cup")[n % 2], ("can", "tin")[n // 2 % 2])).ids == (1,)
    assert model.calls == 4


def test_the_plans_that_are_kept_are_bounded_and_the_oldest_goes_first():
    model = PicksFirst()
    question = StandingQuestion(Query("something to drink from"), model)
    for n in range(PLANS_KEPT + 1):
        question.answer(twin(f"cup {n}"))
    assert len(question._earlier) == PLANS_KEPT - 1
    assert [question.needs_plan(twin(f"cup {n}")) for n in (0, 1, PLANS_KEPT)] == [True, False, False]


@pytest.mark.parametrize("labels", [("box", "cereal box"), ("cereal box", "box")])
def test_a_general_word_of_the_question_covers_what_comes_into_view(labels):
    model = Writes(*["A box.\na = find(label=box)"] * 2)
    question = StandingQuestion(Query("the boxes"), model)
    assert question.answer(twin("box")).ids == (1,)
    answer = question.answer(twin(*labels))
    assert (answer.ids, answer.trace[0].expression) == ((1, 2), "find(label=box|cereal box)")
