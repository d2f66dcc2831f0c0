"""Behind and in front of: near the line of sight of the reference, or anywhere farther where nothing is near it."""

from __future__ import annotations

import pytest

from fastreasonseg_ros.plan.executor import execute, execute_closest
from fastreasonseg_ros.plan.parser import parse_plan
from fastreasonseg_ros.plan.spatial import OFF_LINE_OF_SIGHT
from fastreasonseg_ros.twin.types import DigitalTwin, Instance, Plane


def thing(id: int, label: str, x_m: float, z_m: float, width_m: float = 0.1) -> Instance:
    return Instance(id, label, center_m=(x_m, 0.2, z_m), size_m=(width_m, 0.2, 0.1))


BOTTLE = thing(1, "mustard bottle", 0.2, 1.0)
# The line of sight through the bottle is at x = 0.3 where z is 1.5, and at x = 0.6 where z is 3.
TABLE = DigitalTwin(
    (
        BOTTLE,
        thing(2, "mug", 0.3, 1.5),  # hidden by it
        thing(3, "mug", 0.42, 1.5),  # beside the line, within half the bottle's width
        thing(4, "mug", 0.5, 1.5),  # farther, to the right
        thing(5, "mug", -0.3, 1.2),  # farther, at the other end of the table
        thing(6, "cupboard", 0.0, 3.0, width_m=1.2),  # wide: it reaches behind the bottle
        thing(7, "cup", 0.1, 0.5),  # between camera and bottle
        thing(8, "cup", -0.3, 0.5),  # nearer, to the left
    )
)


@pytest.mark.parametrize(
    ("plan", "ids"),
    [
        ("b = behind(all, a)", (2, 3, 6)),
        ("b = in_front_of(all, a)", (7,)),
        ("b = find(label=mug)\nc = behind(b, a)", (2, 3)),
        ("b = more(all, z, a)", (2, 3, 4, 5, 6)),  # a comparison of distances
        ("b = find(label=cup)\nc = union(a, b)\nd = behind(all, c)", (2, 3, 6)),  # than all, in line with one
    ],
)
def test_behind_and_in_front_are_near_the_line_of_sight(plan, ids):
    assert execute(parse_plan(f"a = find(label=mustard bottle)\n{plan}"), TABLE).ids == ids


def test_of_two_boxes_the_farther_one_is_behind_the_other_wherever_it_stands():
    boxes = DigitalTwin((thing(1, "box", -0.4, 1.0), thing(2, "box", 0.4, 1.3)))
    assert execute(parse_plan("a = find(label=box)\nb = behind(a, a)"), boxes).ids == (2,)
    assert execute(parse_plan("a = find(label=box)\nb = in_front_of(a, a)"), boxes).ids == (1,)


@pytest.mark.parametrize(
    ("plan", "ids"),
    [
        ("b = behind(all, a)", (5,)),
        ("b = find(label=mug)\nc = behind(b, a)", (5,)),
        ("b = find(label=mug)\nc = in_front_of(b, a)", (5,)),  # no mug is nearer: the condition is passed over
    ],
)
def test_where_nothing_is_near_the_line_of_sight_what_is_farther_comes_closest(plan, ids):
    twin = DigitalTwin((BOTTLE, TABLE.instance(5), TABLE.instance(8)))
    parsed = parse_plan(f"a = find(label=mustard bottle)\n{plan}")
    assert execute(parsed, twin).ids == ()
    done = execute_closest(parsed, twin)
    assert done.ids == ids
    assert (done.trace[-1].note == OFF_LINE_OF_SIGHT) is ("behind" in plan)


def test_in_a_picture_the_line_of_sight_is_a_column():
    def seen(id: int, label: str, x: float, bottom: float) -> Instance:
        return Instance(id, label, box_xyxy=(x - 20, bottom - 60, x + 20, bottom))

    twin = DigitalTwin((seen(1, "bottle", 300, 400), seen(2, "mug", 340, 300), seen(3, "mug", 420, 300)))
    assert execute(parse_plan("a = find(label=bottle)\nb = behind(all, a)"), twin).ids == (2,)


def test_seen_from_straight_above_the_line_of_sight_is_a_column_too():
    def seen(id: int, label: str, x_m: float, y_m: float) -> Instance:
        return Instance(id, label, center_m=(x_m, y_m, 1.0), size_m=(0.1, 0.1, 0.1))

    twin = DigitalTwin(
        (seen(1, "bottle", 0.4, 0.1), seen(2, "mug", 0.4, -0.3), seen(3, "mug", 0.0, -0.3)),
        plane=Plane((0.0, 0.0, -1.0), -1.1),
    )
    assert execute(parse_plan("a = find(label=bottle)\nb = behind(all, a)"), twin).ids == (2,)
