"""Boxes lie along the sides of things and not of the picture: ray casting, a camera that looks down by 40 degrees."""

from __future__ import annotations

import math

import numpy as np
import pytest
from rays import ABOVE, FAR, TILT, Ball, Box, picture

from fastreasonseg_ros.perception import make_perceiver
from fastreasonseg_ros.twin.geometry import rectangle_angle, smallest_rectangle
from fastreasonseg_ros.twin.oriented_box import OrientedBox, boxes_of, oriented_box
from fastreasonseg_ros.twin.tracking import update
from fastreasonseg_ros.twin.types import DigitalTwin, Instance, Plane

# Rows: the table's right, away and up in the camera's frame.
TABLE = np.array([[1, 0, 0], [0, -math.sin(TILT), math.cos(TILT)], [0, -math.cos(TILT), -math.sin(TILT)]])


def box_of(thing: Box | Ball, noise: float = 0.002) -> OrientedBox:
    frame = picture(thing, noise=noise)
    twin = update(DigitalTwin(), make_perceiver("oracle").perceive(frame), frame)
    (box,) = boxes_of(twin, frame).values()
    return box


def on_the_table(point: tuple[float, float, float]) -> np.ndarray:
    """Right, away from the table's middle, up; metres."""
    return TABLE @ np.array(point) + [0, -FAR, ABOVE]


@pytest.mark.parametrize("turn_deg", [-75, -40, -10, 0, 20, 45, 70, 90])
def test_a_box_is_turned_as_the_thing_is(turn_deg: int) -> None:
    box = box_of(Box((0.05, 0.0), (0.2, 0.1, 0.06), turn_deg=turn_deg))
    x, y, z = TABLE @ box.axes[:, 0], TABLE @ box.axes[:, 1], TABLE @ box.axes[:, 2]
    yaw_deg = math.degrees(math.atan2(x[1], x[0]))
    off_deg = abs((yaw_deg - turn_deg + 90) % 180 - 90)  # a box looks the same after half a turn
    assert off_deg < 3
    assert z @ (0, 0, 1) > 0.999
    assert np.allclose(np.cross(x, y), z, atol=1e-6)
    assert box.size_m == pytest.approx((0.2, 0.1, 0.06), abs=0.012)
    assert on_the_table(box.center_m) == pytest.approx((0.05, 0.0, 0.03), abs=0.008)
    assert box.is_aligned


def test_x_points_to_the_right_and_the_longer_side_is_along_it() -> None:
    for turn_deg in (0, 30, 89, 91, 150, 180, 269):
        box = box_of(Box((0.0, 0.0), (0.2, 0.08, 0.05), turn_deg=turn_deg), noise=0.0)
        assert box.axes[0, 0] > -0.02
        assert box.size_m[0] > box.size_m[1]


def test_a_thing_with_equal_sides_is_turned_by_less_than_an_eighth() -> None:
    for turn_deg in (10, 35, 55, 80, 100):
        box = box_of(Box((0.0, 0.0), (0.1, 0.1, 0.08), turn_deg=turn_deg), noise=0.0)
        assert box.axes[0, 0] > math.cos(math.radians(47))


def test_a_ball_is_as_deep_as_it_is_wide_and_has_no_sides() -> None:
    box = box_of(Ball((-0.05, 0.05), 0.06))
    assert box.size_m == pytest.approx((0.12, 0.12, 0.12), abs=0.015)
    assert on_the_table(box.center_m) == pytest.approx((-0.05, 0.05, 0.06), abs=0.015)
    assert box.axes[:, 0] == pytest.approx((1, 0, 0), abs=0.02)


def test_without_a_plane_boxes_lie_along_the_cameras_axes() -> None:
    known = Instance(1, "cup", center_m=(0.1, 0.0, 1.0), size_m=(0.1, 0.2, 0.05))
    hidden = Instance(2, "cup", center_m=(0.1, 0.0, 1.0), size_m=(0.1, 0.2, 0.05), visible=False)
    frame = picture()
    boxes = boxes_of(DigitalTwin((known, hidden, Instance(3, "fog")), image_size=frame.image_size), frame)
    assert list(boxes) == [1]
    assert (boxes[1].center_m, boxes[1].size_m, boxes[1].is_aligned) == (known.center_m, known.size_m, False)


def test_seen_from_straight_above_a_thing_reaches_down_to_what_it_stands_on() -> None:
    x, y = np.meshgrid(np.linspace(-0.1, 0.1, 30), np.linspace(-0.05, 0.05, 20))
    upper_side = np.stack([x, y, np.full(x.shape, 0.8)], axis=-1).reshape(-1, 3).astype(np.float32)
    table, thing = Plane((0.0, 0.0, -1.0), -1.0), Instance(1, "book")
    for foot_m in (0.0, 0.15):
        box = oriented_box(upper_side, table, thing, foot_m)
        assert box is not None
        assert box.size_m == pytest.approx((0.2, 0.1, 0.2 - foot_m), abs=0.005)
        assert box.center_m == pytest.approx((0.0, 0.0, 0.9 - foot_m / 2), abs=0.005)


def test_a_few_points_are_no_box() -> None:
    plane, thing = Plane((0.0, -1.0, 0.0), 0.0), Instance(1, "crumb")
    assert oriented_box(np.ones((5, 3), np.float32), plane, thing) is None
    assert oriented_box(np.full((50, 3), np.nan, np.float32), plane, thing) is None
    spot = oriented_box(np.ones((50, 3), np.float32) * (0.1, -0.2, 0.5), plane, thing)  # all in one place
    assert spot is not None
    assert np.isfinite(spot.axes).all()


def test_the_angle_of_a_rectangle_is_that_of_its_longer_side() -> None:
    angle = math.radians(110)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    corners = np.array([[2.0, 1.0], [-2.0, 1.0], [-2.0, -1.0], [2.0, -1.0]]) @ turn
    assert rectangle_angle(corners) == pytest.approx(angle, abs=0.01)
    assert smallest_rectangle(corners) == pytest.approx((4.0, 2.0), abs=0.05)
