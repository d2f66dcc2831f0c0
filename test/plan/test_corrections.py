"""Steps that the exact words of a question decide, whatever the student wrote."""

from __future__ import annotations

import pytest

from fastreasonseg_ros.plan.corrections import corrected
from fastreasonseg_ros.plan.executor import execute
from fastreasonseg_ros.plan.parser import parse_plan
from fastreasonseg_ros.twin.types import DigitalTwin, Instance

MUGS = "a = find(label=mug)\n"


@pytest.mark.parametrize(
    ("question", "written", "right"),
    [
        ("the mug in the middle", MUGS + "b = max(a, x)", MUGS + "b = middle(a, x)"),
        ("the mug in the middle", MUGS + "b = nth(a, 2, -x)", MUGS + "b = middle(a, x)"),
        ("the mug at the centre, please", MUGS + "b = min(a, y)", MUGS + "b = middle(a, y)"),
        ("the mug in the middle of the row", MUGS + "b = min(a, x)", MUGS + "b = middle(a, x)"),
        ("the mug in the middle of the three", MUGS + "b = min(a, x)", MUGS + "b = middle(a, x)"),
        ("the one in the middle of all these mugs", MUGS + "b = min(a, x)", MUGS + "b = middle(a, x)"),
        ("the crate in the middle of the pile", "a = max(all, y)", "a = middle(all, y)"),
        ("the middle mug", MUGS + "b = min(a, x)", MUGS + "b = middle(a, x)"),
        ("the middle cup", 'a = like(all, "cup")\nb = min(a, x)', 'a = like(all, "cup")\nb = middle(a, x)'),
        ("Of the mugs, take the middle one.", MUGS + "b = min(a, x)", MUGS + "b = middle(a, x)"),
        ("The object in the middle?", MUGS + "b = min(a, x)", "a = middle(all, x)"),
        ("What's in the middle?", MUGS + "b = middle(a, depth)", "a = middle(all, x)"),
        ("hand me the thing in the middle, please", MUGS + "b = min(a, x)", "a = middle(all, x)"),
        ("what is farther back than the mug", MUGS + "b = behind(all, a)", MUGS + "b = more(all, z, a)"),
        ("the one further away from us than the mug", MUGS + "b = behind(all, a)", MUGS + "b = more(all, z, a)"),
        ("which one is closer to us than the mug", MUGS + "b = in_front_of(all, a)", MUGS + "b = less(all, z, a)"),
        ("everything that isn't red", "a = find(color=red)", "a = find(color=red)\nb = minus(all, a)"),
        (
            "the mug that’s not grey",
            "a = find(label=mug, color=gray)",
            "a = find(label=mug, color=gray)\nc = find(label=mug)\nb = minus(c, a)",
        ),
        (
            "a mug, not the red one",
            MUGS + "b = filter(a, color=red)",
            MUGS + "b = filter(a, color=red)\nc = minus(a, b)",
        ),
    ],
)
def test_the_words_of_the_question_decide(question, written, right):
    assert corrected(parse_plan(written), question) == parse_plan(right)


@pytest.mark.parametrize(
    ("question", "written"),
    [
        ("the mug in the middle of the tray", MUGS + "b = min(a, x)"),  # a place
        ("the mug on the middle shelf", MUGS + "b = min(a, x)"),
        ("the tallest mug in the middle", MUGS + "b = max(a, height)"),
        ("the leftmost mug", MUGS + "b = min(a, x)"),
        ("the mug in the middle", MUGS),
        ("what is behind the mug", MUGS + "b = behind(all, a)"),
        ("the cup behind the mug, farther away than the plate", MUGS + "b = behind(all, a)"),  # which of the two?
        ("the red mug", "a = find(label=mug, color=red)"),
        ("not the red mug but the red box", "a = find(color=red)"),  # red is asked for, too
        ("what is not on the red box", "a = find(color=red)"),
        ("everything that isn't red", "a = find(color=red)\nb = minus(all, a)"),
    ],
)
def test_a_plan_that_the_words_do_not_decide_stays(question, written):
    plan = parse_plan(written)
    assert corrected(plan, question) == plan


def test_what_is_not_red_is_all_but_the_red_ones():
    twin = DigitalTwin(tuple(Instance(n, "mug", color=c) for n, c in enumerate(("red", "blue", None), 1)))
    assert execute(corrected(parse_plan("a = find(color=red)"), "things that are not red"), twin).ids == (2, 3)
