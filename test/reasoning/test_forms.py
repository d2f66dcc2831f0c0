"""The two forms of a rollout that the plan is measured against."""

from __future__ import annotations

import pytest

from fastreasonseg_ros.errors import PlanError
from fastreasonseg_ros.plan.parser import parse_plan
from fastreasonseg_ros.reasoning.prompting.reply_forms import (
    answer_grammar,
    answered,
    ids_grammar,
    ids_scene_text,
    results_turn,
)
from fastreasonseg_ros.twin.types import DigitalTwin, Instance, TraceStep

TWIN = DigitalTwin(
    (
        Instance(3, "Mug", color="red", shape="cylinder", center_m=(0.031, -0.02, 0.824), size_m=(0.08, 0.1, 0.08)),
        Instance(7, "plate", visible=False, path_length_m=0.5),
    )
)
PLAN = parse_plan("a = find(label=mug)\nb = find(label=plate)")
TRACE = (TraceStep("a", "find(label=mug)", (3,)), TraceStep("b", "find(label=plate)", ()))


def test_the_prompt_for_ids_has_places_and_sizes_in_centimetres():
    assert ids_scene_text(TWIN) == "3 red mug, cylinder, at 3 -2 82, size 8 10 8\ngone 7 plate, moved 50"


def test_the_grammar_for_ids_allows_those_of_the_twin_only():
    xgrammar = pytest.importorskip("xgrammar")
    accepts = xgrammar.testing._is_grammar_accept_string
    rules = xgrammar.Grammar.from_ebnf(ids_grammar(TWIN))
    assert accepts(rules, "The mug.\n3, 7")
    assert accepts(rules, "No pan.\nnone")
    assert not accepts(rules, "The mug.\n4")


def test_results_name_each_step_with_what_it_gave():
    assert results_turn(TRACE, TWIN) == "\n<results>\na: 3 red mug\nb: nothing\n</results>\n"


def test_only_what_a_step_gave_can_be_the_answer_after_the_results():
    assert 'id ::= "3"' in answer_grammar(TRACE)
    assert answer_grammar(TRACE[1:]) == 'root ::= answer\nanswer ::= "none"'


@pytest.mark.parametrize(("reply", "answer", "ids"), [("3", "a", ()), ("none", "b", ()), ("3, 7", "", (3, 7))])
def test_a_reply_is_the_step_that_gave_it_or_ids(reply, answer, ids):
    plan = answered(PLAN, TRACE, reply)
    assert (plan.answer, plan.answer_ids) == (answer, ids)
    assert plan.steps == PLAN.steps


def test_a_reply_that_is_no_answer_is_a_plan_error():
    with pytest.raises(PlanError, match="expected ids or none"):
        answered(PLAN, TRACE, "the mug")
