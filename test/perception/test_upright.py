"""Cameras on their side or upside down: the same things are found, in the picture as it came, and it is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rays import Ball, Box, picture

from fastreasonseg_ros.errors import ConfigError, FrameError
from fastreasonseg_ros.perception import make_perceiver
from fastreasonseg_ros.perception.upright import needs_rotation, quarters_to_upright, rotated, rotated_vector
from fastreasonseg_ros.pipeline import observe
from fastreasonseg_ros.plan.space import View
from fastreasonseg_ros.twin import masks
from fastreasonseg_ros.twin.types import DigitalTwin

FRAME = picture(Box((-0.15, 0.0), (0.12, 0.08, 0.1)), Ball((0.12, 0.05), 0.05), noise=0.001)
UP = (0.0, -np.cos(np.radians(40)), -np.sin(np.radians(40)))
MOUNTED = {1: "on its side, up is to the left", 2: "upside down", 3: "on its side, up is to the right"}


def as_mounted(count: int):
    """The frame and its true ids, as a camera takes them that is turned by so many quarters."""
    return rotated(replace(FRAME, truth=None), count), np.rot90(FRAME.truth.ids, count)


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_things_are_found_and_named_as_by_an_upright_camera(count, known):
    frame, ids = as_mounted(count)
    if known:
        frame = replace(frame, up=rotated_vector(UP, count))
    upright = make_perceiver("tabletop").perceive(FRAME).detections
    seen = make_perceiver("tabletop").perceive(frame)
    assert len(seen.detections) == 2
    for id in (1, 2):
        mine = max(seen.detections, key=lambda d: masks.iou(d.mask, ids == id))
        same = max(upright, key=lambda d: masks.iou(d.mask, FRAME.truth.ids == id))
        assert masks.iou(mine.mask, ids == id) > 0.8
        assert (mine.label, mine.color, mine.shape) == (same.label, same.color, same.shape)
        assert mine.center_m == pytest.approx(rotated_vector(same.center_m, count), abs=0.005)
        rows, columns = np.nonzero(mine.mask)
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert mine.box_xyxy == pytest.approx(box)
        assert np.sort(mine.size_m) == pytest.approx(np.sort(same.size_m), abs=0.005)
    assert seen.plane.normal == pytest.approx(rotated_vector(UP, count), abs=0.02)
    assert f"the camera is mounted {MOUNTED[count]}" in seen.note


def test_an_upright_camera_and_one_that_looks_straight_down_are_not_said_to_be_turned():
    assert make_perceiver("tabletop", None, ["names=false"]).perceive(FRAME).note == ""
    assert quarters_to_upright((0.1, 0.2, -0.97)) == 0
    assert [quarters_to_upright(rotated_vector(UP, k)) for k in range(4)] == [0, 3, 2, 1]


def test_a_camera_held_askew_is_turned_once_and_not_back():
    askew = (np.sin(np.radians(50)), -np.cos(np.radians(50)), 0.0)
    assert quarters_to_upright(askew) == 1
    assert not needs_rotation(askew)
    assert not needs_rotation(rotated_vector(askew, 1))


def test_above_follows_the_support_and_left_the_picture():
    frame, ids = as_mounted(2)
    twin = observe(DigitalTwin(image_size=frame.image_size), frame, make_perceiver("tabletop", None, ["names=false"]))
    view = View(twin)
    box, ball = (int(np.bincount(twin.ids[ids == id]).argmax()) for id in (1, 2))
    assert view.place(box).right > view.place(ball).right  # the box is the left one of the upright picture
    assert view.place(box).extent[1] == pytest.approx(0.1, abs=0.015)


def test_the_mounting_can_be_set_and_what_is_no_direction_is_refused():
    frame, _ = as_mounted(2)
    x, y, z = rotated_vector(UP, 2)
    made = make_perceiver("tabletop", None, ["names=false", f"up=[{x}, {y}, {z}]"])
    assert len(made.perceive(frame).detections) == 2
    with pytest.raises(ConfigError, match="up is a unit vector"):
        make_perceiver("tabletop", None, ["up=[0, 0, 0]"])
    with pytest.raises(FrameError, match="up is a unit vector"):
        replace(FRAME, up=(0.0, 0.0, 9.8))
