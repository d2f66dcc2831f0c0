"""Where up is, from the samples of an accelerometer."""

from __future__ import annotations

import math

import pytest

from fastreasonseg_ros.io.accelerometer import AccelerometerFilter

G = 9.80665


def test_at_rest_up_is_where_the_acceleration_points() -> None:
    one = AccelerometerFilter()
    assert one.up is None
    assert one.add(1.0, (0.0, -G, 0.0))
    assert one.up == (0.0, -1.0, 0.0)


@pytest.mark.parametrize("length", [0.0, 0.94 * G, 1.06 * G, math.nan, math.inf])
def test_a_sample_that_is_not_as_long_as_gravity_is_passed_over(length: float) -> None:
    one = AccelerometerFilter()
    assert not one.add(1.0, (0.0, 0.0, length))
    assert one.up is None


@pytest.mark.parametrize("length", [0.96 * G, 1.04 * G])
def test_a_sample_within_5_percent_of_gravity_counts(length: float) -> None:
    one = AccelerometerFilter()
    assert one.add(1.0, (0.0, 0.0, length))
    assert one.up == pytest.approx((0.0, 0.0, 1.0))


def test_noise_is_averaged_and_a_turned_sensor_is_followed_within_two_seconds() -> None:
    one = AccelerometerFilter()
    for n in range(200):  # 100 Hz, 10 degrees of noise to both sides
        angle = math.radians(10 if n % 2 else -10)
        one.add(n * 0.01, (G * math.sin(angle), -G * math.cos(angle), 0.0))
    assert one.up is not None
    assert abs(math.degrees(math.atan2(one.up[0], -one.up[1]))) < 0.5
    for n in range(200, 400):
        one.add(n * 0.01, (G, 0.0, 0.0))
    assert one.up[0] < 1.0  # low-pass: not at once
    assert one.up == pytest.approx((1.0, 0.0, 0.0), abs=0.03)


@pytest.mark.parametrize("stamp_s", [0.5, 9.0])
def test_stamps_that_go_back_and_long_gaps_begin_anew(stamp_s: float) -> None:
    one = AccelerometerFilter()
    one.add(1.0, (0.0, -G, 0.0))
    one.add(stamp_s, (G, 0.0, 0.0))
    assert one.up == (1.0, 0.0, 0.0)


def test_samples_that_contradict_each_other_give_no_direction() -> None:
    one = AccelerometerFilter()
    one.add(1.0, (0.0, -G, 0.0))
    for n in range(35):  # 0.35 s of the opposite
        one.add(1.0 + n * 0.01, (0.0, G, 0.0))
    assert one.up is None
