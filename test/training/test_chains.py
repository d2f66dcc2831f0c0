"""What is kept of a teacher's reply, and in which form."""

from __future__ import annotations

import pytest

from fastreasonseg_ros.plan.parser import parse_plan
from fastreasonseg_ros.training.student.corpus.chains import (
    CANNOT_RUN,
    NOT_A_CHAIN,
    NOT_STUDENTS,
    WRONG,
    Judge,
    brief,
    canonical,
    iou,
)
from fastreasonseg_ros.twin.types import DigitalTwin, Instance

TWIN = DigitalTwin(
    tuple(
        Instance(n, label, color=color, center_m=(x, 0.0, 1.0), size_m=(0.1, 0.1, 0.1))
        for n, label, color, x in (
            (1, "plate", "white", 0.0),
            (2, "mug", "red", 0.4),
            (3, "mug", "blue", 0.15),
            (4, "mug", "blue", 0.5),
            (5, "mug", "green", 0.6),
        )
    )
)
MUGS = (2, 3, 4, 5)
ASKED = "which cups can I drink from?"


@pytest.mark.parametrize(
    ("ids", "target", "value"),
    [
        ((), (), 1.0),
        ((1,), (), 0.0),
        ((), (1,), 0.0),
        ((1, 2), (2, 1), 1.0),
        ((1, 2), (2, 3), 1 / 3),
        ((1,), (1, 2), 0.5),
    ],
)
def test_iou_of_sets_of_instances(ids, target, value):
    assert iou(ids, target) == value


@pytest.mark.parametrize(
    ("text", "target", "problem", "value"),
    [
        ("All mugs.\na = find(label=mug)", MUGS, "", 1.0),
        ("All mugs.\na = find(label=mug)", (2, 3, 4), "", 0.75),
        ("All mugs.\na = find(label=mug)", (2, 3), WRONG, 0.5),
        ("No cat.\nnone", (), "", 1.0),
        ("No cat.\nnone", (1,), WRONG, 0.0),
        ("No cat.\na = find(label=cat)", (), NOT_STUDENTS, 1.0),
        ("<reason>I see them.</reason><answer>2, 3, 4, 5</answer>", MUGS, NOT_STUDENTS, 1.0),
        ("It moves.\na = moving(all)", MUGS, CANNOT_RUN, 0.0),
        ("I cannot help with that.", MUGS, NOT_A_CHAIN, 0.0),
        ("Run it.\na = import(os)", MUGS, NOT_A_CHAIN, 0.0),
        ("", MUGS, NOT_A_CHAIN, 0.0),
        ('Cups.\na = like(all, "cups")', MUGS, "", 1.0),
        ('Mugs.\na = like(all, "drinking vessels")', MUGS, NOT_STUDENTS, 1.0),  # not words of the question
    ],
)
def test_only_a_chain_that_runs_gives_the_target_and_can_be_written_is_kept(text, target, problem, value):
    verdict = Judge(min_iou=0.7)(text, TWIN, ASKED, target)
    assert (verdict.problem, verdict.iou) == (problem, value)
    assert verdict.parsed == (problem != NOT_A_CHAIN)


def test_the_threshold_is_a_setting():
    chain = "All mugs.\na = find(label=mug)"
    assert Judge(min_iou=0.75)(chain, TWIN, ASKED, (2, 3, 4)).problem == WRONG
    assert Judge(min_iou=0.4)(chain, TWIN, ASKED, (2, 3)).problem == ""


@pytest.mark.parametrize(
    "text",
    [
        "The mugs.\na = find(label=mug)",
        "<think>Mugs, I guess:\na = find(label=plate)</think>\n\nThe mugs.\na = find(label=mug)",
        "The\nmugs.\n```\nx1 = find(label=mug)\n```",
        "The mugs.\nz = find(label=plate)\nm = find(label=mug)",
        "<reason>The mugs.</reason>\n<plan>\nm = find(label=mug)\np = find(label=plate)\n</plan>\n<answer>m</answer>",
    ],
)
def test_whatever_form_a_teacher_uses_the_student_learns_its_own(text):
    assert Judge()(text, TWIN, ASKED, MUGS).completion == "The mugs.\na = find(label=mug)"


def test_steps_are_renamed_in_order_and_those_without_use_left_out():
    plan = parse_plan(
        "q = find(label=mug)\nu = find(color=red)\nq = filter(q, color=blue)\nw = nearest(q, camera)", "w"
    )
    assert str(canonical(plan)) == "a = find(label=mug)\nb = filter(a, color=blue)\nc = nearest(b, camera)"
    assert canonical(plan).answer == "c"


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        ("Short.", "Short."),
        ("One is here. Two is there. Three is far away.", "One is here. Two is there."),
        ("A sentence that goes on and on and never ends", "A sentence that goes on and"),
        ("x" * 40, "x" * 30),
        ("a = b <tag>", "a b tag"),
    ],
)
def test_reasons_are_cut_between_sentences(reason, kept):
    assert brief(reason, 30) == kept
