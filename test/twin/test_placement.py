"""Where a thing would stand: centres in metres, optical frame (y down), on a level plane."""

from __future__ import annotations

import pytest

from fastreasonseg_ros.twin.placement import GAP_M, place_of
from fastreasonseg_ros.twin.types import Command, DigitalTwin, Instance, Plane

TWIN = DigitalTwin(
    (
        Instance(1, "cup", center_m=(0.5, -0.05, 1.0), size_m=(0.1, 0.1, 0.1)),
        Instance(2, "box", center_m=(0.0, -0.1, 1.0), size_m=(0.4, 0.2, 0.2)),
        Instance(3, "jar", center_m=(-0.28, -0.1, 1.0), size_m=(0.1, 0.2, 0.1)),
    ),
    plane=Plane((0.0, -1.0, 0.0), 0.0),
)
SIDE = 0.25 + GAP_M


@pytest.mark.parametrize(
    ("relation", "place"),
    [
        ("on", (0.0, -0.25, 1.0)),  # the box is 0.2 high, the cup's centre 0.05 above its upper side
        ("inside", (0.0, -0.1, 1.0)),
        ("left_of", (-SIDE, -0.05, 1.0)),
        ("right_of", (SIDE, -0.05, 1.0)),
        ("in_front_of", (0.0, -0.05, 1.0 - 0.15 - GAP_M)),
        ("behind", (0.0, -0.05, 1.0 + 0.15 + GAP_M)),
        ("near", (SIDE, -0.05, 1.0)),  # on the left stands the jar
    ],
)
def test_a_thing_is_placed_by_its_relation_to_the_destination(relation, place):
    assert place_of(Command((1,), relation, (2,)), TWIN) == pytest.approx(place)


def test_between_two_is_the_middle():
    assert place_of(Command((1,), "near", (2, 3)), TWIN) == pytest.approx((-0.14, -0.05, 1.0))


def test_the_camera_and_what_has_no_depth_give_no_place():
    assert place_of(Command((1,), "near", (), "camera"), TWIN) is None
    assert place_of(Command((1,), "on", (7,)), TWIN) is None
