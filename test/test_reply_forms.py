"""The other two forms of a reply, end to end: an answer after the executed results, and ids without a plan."""

from __future__ import annotations

from dataclasses import replace

from test_pipeline import NEAREST_MUG, TWIN, Writes, thing

from fastreasonseg_ros.errors import Status
from fastreasonseg_ros.pipeline import StandingQuestion, reason
from fastreasonseg_ros.twin.types import Query


def test_in_two_phases_the_model_answers_after_it_saw_what_its_plan_gave():
    model = Writes(NEAREST_MUG, "2")
    answer = reason(TWIN, Query("the mug closest to the plate"), model, form="results")
    assert model.prompts[1].startswith(model.prompts[0] + NEAREST_MUG)
    assert model.prompts[1].endswith("<results>\na: 2 red mug, 3 blue mug\nb: 1 plate\nc: 3 blue mug\n</results>\n")
    assert answer.ids == (2,)
    assert [step.ids for step in answer.trace] == [(2, 3), (1,), (3,)]


def test_an_answer_of_the_second_phase_that_a_step_gave_stands_for_that_step_on_further_twins():
    model = Writes(NEAREST_MUG, "3")
    question = StandingQuestion(Query("the mug closest to the plate"), model, form="results")
    assert question.answer(TWIN).ids == (3,)
    moved = replace(TWIN, instances=(TWIN.instances[0], thing(2, "mug", 0.1), thing(3, "mug", 0.5)))
    assert question.answer(moved).ids == (2,)
    assert len(model.prompts) == 2


def test_the_second_phase_may_say_that_nothing_fits():
    answer = reason(TWIN, Query("the mug closest to the plate"), Writes(NEAREST_MUG, "none"), form="results")
    assert (answer.status, answer.ids) == (Status.NO_MATCH, ())


def test_without_a_plan_the_model_reads_ids_off_the_twin():
    model = Writes("the two mugs.\n2, 3")
    answer = reason(TWIN, Query("the mugs"), model, form="ids")
    assert (answer.status, answer.ids, answer.plan) == (Status.OK, (2, 3), "")
    assert "2 red mug, at 40 0 100, size 8 10 8" in model.prompts[0]
