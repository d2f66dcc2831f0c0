"""Whole things from the part of them that is seen: sizes and places of boxes and balls, looked at from above."""

from __future__ import annotations

import numpy as np
import pytest
from rays import Ball, Box, picture

from fastreasonseg_ros.perception import make_perceiver
from fastreasonseg_ros.perception.attributes.amodal_box import amodal_box
from fastreasonseg_ros.perception.attributes.describe import _middle
from fastreasonseg_ros.twin.types import Plane

DOWN = Plane((0.0, 0.0, -1.0), -1.0)  # 1 m below a camera that looks straight down


def top(low: float, high: float, z: float) -> np.ndarray:
    x, y = np.meshgrid(np.linspace(low, high, 41), np.linspace(low, high, 41))
    return np.stack([x.ravel(), y.ravel(), np.full(x.size, z)], axis=1).astype(np.float32)


def test_what_stands_on_the_table_goes_down_to_it():
    centre, size = amodal_box(np.concatenate([top(-0.05, 0.05, 0.9), top(0.04, 0.05, 0.995)]), DOWN, "box", 0.0)
    assert size == pytest.approx((0.1, 0.1, 0.1), abs=0.003)
    assert centre == pytest.approx((0.0, 0.0, 0.95), abs=0.002)


def test_what_is_held_above_the_table_does_not():
    _, size = amodal_box(np.concatenate([top(-0.05, 0.05, 0.7), top(0.04, 0.05, 0.78)]), DOWN, "box", 0.0)
    assert size[2] == pytest.approx(0.08, abs=0.003)


def test_a_ball_is_as_deep_as_it_is_wide_and_every_pixel_counts_half_on_each_side():
    half_ball = top(-0.04, 0.04, 0.0)
    half_ball = half_ball[np.hypot(half_ball[:, 0], half_ball[:, 1]) < 0.04]
    half_ball[:, 2] = 0.94 - np.sqrt(0.04**2 - (half_ball[:, :2] ** 2).sum(axis=1))
    _, size = amodal_box(half_ball, None, "sphere", 0.0)
    assert size[2] == pytest.approx(0.08, abs=0.005)
    wider = amodal_box(half_ball, None, "sphere", 0.004)[1]
    assert wider[0] - size[0] == pytest.approx(0.004 * half_ball[:, 2].mean(), abs=1e-4)


def test_nothing_seen_has_no_size():
    assert amodal_box(np.full((5, 3), np.nan, np.float32), DOWN, "box", 0.0) is None


@pytest.mark.parametrize(
    "thing", [Box((0.0, 0.0), (0.12, 0.08, 0.1), (200, 40, 40)), Ball((0.0, 0.0), 0.05, (40, 90, 200))]
)
def test_the_perceiver_measures_a_whole_thing_to_a_centimetre(thing):
    (detection,) = make_perceiver("tabletop").perceive(picture(thing, noise=0.001)).detections
    wide = 0.12 if isinstance(thing, Box) else 0.1
    assert detection.size_m[0] == pytest.approx(wide, abs=0.01)


def test_the_seen_middle_of_a_thing_of_two_points_lies_between_them():
    two = np.array([[0.0, 0.0, 0.9], [0.1, 0.2, 1.1]], np.float32)
    assert _middle(two) == pytest.approx((0.05, 0.1, 1.0))
    noisy = np.stack([np.zeros(100), np.zeros(100), np.r_[0.1, np.full(98, 0.9), 3.0]], axis=1).astype(np.float32)
    assert _middle(noisy) == pytest.approx((0.0, 0.0, 0.9))
