"""Plans that contradict exact words of the question, and plans that only look as if they did."""

from __future__ import annotations

import pytest

from fastreasonseg_ros.plan.parser import parse_plan
from fastreasonseg_ros.reasoning.contradictions import contradiction
from fastreasonseg_ros.twin.types import DigitalTwin, Instance

TWIN = DigitalTwin(
    tuple(Instance(n, label) for n, label in enumerate(("mug", "plate", "tea box", "orange", "cereal box"), 1))
)


@pytest.mark.parametrize(
    ("question", "plan", "colors", "labels"),
    [
        ("the green object", "a = find(color=red)", ("green",), ()),
        ("something black", "a = find(color=white)", ("black",), ()),
        ("the grey mug", "a = find(label=mug, color=white)", ("gray",), ()),
        ("the mug beside the red plate", "a = find(color=blue)\nb = find(label=plate)\nc = near(a, b)", ("red",), ()),
        ("the black object", "a = max(all, x)", ("black",), ()),
        ("the green object", 'a = like(all, "green object")', ("green",), ()),  # which fits everything
        ("which of these is yellow?", "a = find(label=mug)", ("yellow",), ()),
        ("the red thing on the white one", "a = on(all, all)", ("red", "white"), ()),
        ("the light mug and the green one", "a = find(color=red)", (), ()),
        ("Bring me the mug, please.", "a = find(label=plate)", (), ("mug",)),
        ("where are the red mugs?", "a = find(label=plate)", (), ("mug",)),
        ("the plate", 'a = like(all, "vessel")', (), ("plate",)),
    ],
)
def test_a_plan_that_filters_by_something_else_contradicts_the_question(question, plan, colors, labels):
    found = contradiction(question, parse_plan(plan), TWIN)
    if not colors and not labels:
        assert found is None
        return
    assert found is not None
    assert (found.narrowed.colors, found.narrowed.labels) == (colors, labels)
    assert all(word in found.message for word in labels)


@pytest.mark.parametrize(
    ("question", "plan"),
    [
        ("the green object", "a = find(color=green)"),
        ("the green tea", 'a = like(all, "green tea")'),
        ("the mug beside the red box", "a = find(label=mug)\nb = find(label=tea box)\nc = near(a, b)"),  # box is enough
        ("the mug that is not red", "a = find(label=mug, color=blue)"),
        ("the other red one", "a = find(color=white)"),
        ("anything but the green one", "a = find(color=red)"),
        ("the turquoise mug, left of the red box", "a = find(label=mug, color=blue)"),  # a colour that is no term
        ("the reddish one by the white plate", "a = find(color=orange)\nb = find(label=plate)\nc = near(a, b)"),
        ("what has the same colour as the red box", "a = find(color=blue)"),
        ("the can with a red stripe", 'a = like(all, "can")'),  # a part of it
        ("which is the can whose lid is red?", 'a = like(all, "can")'),
        ("the mug that shows a black-and-white picture", "a = find(label=mug, color=white)"),
        ("next to the orange", "a = find(label=orange)\nb = near(all, a)"),  # the fruit
        ("the red thing on the white one", "a = find(color=red)\nb = on(a, all)"),  # the other may be left out
        ("the blue mug beside the red one", "a = find(label=mug, color=blue)"),
        ("the red thing next to the orange", "a = find(color=red)\nb = find(label=orange)\nc = near(a, b)"),
        ("the mug", "a = find(label=mug)\nb = find(label=plate)\nc = near(a, b)"),
        ("the box", "a = find(label=cereal box)"),  # shares a word with the label
        ("the mug", "a = max(all, x)"),  # names no other label
        ("what could I eat from with the mug beside it", "a = find(label=plate)"),  # more than a request for the mug
        ("the spherical one", "a = find(shape=sphere|box)"),
        ("the round one", "a = find(shape=box)"),  # round is more than one shape
        ("the one that isn't box-shaped", "a = find(shape=sphere)"),
        ("the cylindrical box", "a = find(label=tea box)"),
        ("the teapot", "a = find(label=mug)"),  # no label in view
        ("the mug", ""),
    ],
)
def test_what_cannot_be_decided_by_words_alone_is_no_contradiction(question, plan):
    assert contradiction(question, parse_plan(plan, None if plan else "none"), TWIN) is None


def test_a_plan_with_another_shape_than_the_question_contradicts_it():
    found = contradiction("the spherical thing next to the mug", parse_plan("a = find(shape=box)"), TWIN)
    assert found is not None
    assert (found.narrowed.shapes, found.message) == (("sphere",), "the question says sphere, the plan box")
