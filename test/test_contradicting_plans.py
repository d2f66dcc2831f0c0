"""Plans that the exact words of the question contradict or decide: made anew, no answer, or corrected."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_pipeline import TWIN, Writes, thing

from fastreasonseg_ros.errors import Status
from fastreasonseg_ros.pipeline import reason
from fastreasonseg_ros.twin.types import Query


@pytest.mark.parametrize(("question", "color"), [("the green object", "green"), ("something black", "black")])
def test_a_colour_that_is_not_in_view_can_be_written_and_finds_nothing(question, color):
    answer = reason(TWIN, Query(question), model := Writes(f"The colour.\na = find(color={color})"))
    assert (answer.status, answer.ids) == (Status.NO_MATCH, ())
    assert f'"{color}"' in model.grammars[0].split("color ::=")[1].split("\n")[0]


def test_a_plan_with_another_colour_than_the_question_is_made_anew_with_the_question_s_colours():
    model = Writes("red\na = find(label=mug, color=red)", "blue\na = find(label=mug, color=blue)")
    answer = reason(TWIN, Query("the blue mug"), model)
    assert (answer.status, answer.ids, answer.reason) == (Status.OK, (3,), "blue")
    assert model.prompts[0] == model.prompts[1]
    assert 'color ::= "blue"\n' in model.grammars[1]


def test_a_plan_that_contradicts_the_question_twice_is_no_answer():
    model = Writes("red\na = find(color=red)")
    answer = reason(TWIN, Query("the green object"), model)
    assert (answer.status, answer.ids, answer.plan, len(model.prompts)) == (Status.NO_MATCH, (), "", 2)
    assert "the question says green, the plan red" in answer.message


def test_a_second_plan_can_be_cancelled_too():
    heard = []
    model = Writes("red\na = find(color=red)", "green\na = find(color=green)")
    answer = reason(TWIN, Query("the green object"), model, on_text=lambda s: heard.append(s) or len(heard) == 3)
    assert (answer.status, heard[-1]) == (Status.CANCELLED, "green\n")


def test_the_thing_in_the_middle_is_neither_the_first_nor_the_last():
    row = replace(TWIN, instances=tuple(thing(n, "mug", x) for n, x in enumerate((0.3, -0.2, 0.1), 1)))
    answer = reason(row, Query("the mug in the middle"), Writes("middle\na = find(label=mug)\nb = min(a, x)"))
    assert (answer.ids, answer.plan) == ((3,), "a = find(label=mug)\nb = middle(a, x)")
