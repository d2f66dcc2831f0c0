"""The offset between two streams, as it is named where pictures find no partner."""

from __future__ import annotations

import numpy as np
import pytest

from fastreasonseg_ros.errors import ConfigError
from fastreasonseg_ros.io.stamp_offset import check_slop, stamp_offset

COLOR_S = np.arange(20) * 0.3


def test_depth_that_is_120_ms_later_is_measured_and_named() -> None:
    offset = stamp_offset(COLOR_S, COLOR_S + 0.12)
    assert offset is not None
    assert offset.median_s == pytest.approx(0.12)
    assert offset.spread_s == pytest.approx(0.0, abs=1e-9)
    assert offset.needed_slop_s == 0.13
    assert offset.describe("depth", "colour") == "depth is 120 ms later than colour (median of 20, spread 0 ms)"


def test_an_earlier_stream_has_a_negative_offset() -> None:
    offset = stamp_offset(COLOR_S, COLOR_S - 0.05)
    assert offset is not None
    assert offset.median_s == pytest.approx(-0.05)
    assert "depth is 50 ms earlier than colour" in offset.describe("depth", "colour")


def test_one_pair_that_agrees_by_chance_does_not_hide_the_offset_of_the_others() -> None:
    depth_s = COLOR_S + 0.12
    depth_s[7] = COLOR_S[7]
    offset = stamp_offset(COLOR_S, depth_s)
    assert offset is not None
    assert offset.median_s == pytest.approx(0.12)


def test_the_spread_tells_a_constant_offset_from_streams_that_drift() -> None:
    """10 Hz against 9 Hz: the nearest stamp is anywhere within half a period."""
    offset = stamp_offset(np.arange(100) / 10, np.arange(90) / 9)
    assert offset is not None
    assert offset.spread_s > 0.06
    assert abs(offset.median_s) < 0.02


def test_only_the_time_that_both_streams_cover_counts() -> None:
    offset = stamp_offset(np.arange(100) * 0.1, 5.0 + np.arange(20) * 0.1 + 0.02)
    assert offset is not None
    assert offset.median_s == pytest.approx(0.02)
    assert offset.largest_s < 0.1


def test_stamps_of_another_clock_are_far_apart_and_an_empty_stream_has_no_offset() -> None:
    offset = stamp_offset([1.0, 2.0], [1_700_000_000.0])
    assert offset is not None
    assert offset.median_s > 1e9
    assert "1699999998.5 s later" in offset.describe("depth", "colour")
    assert stamp_offset([], [1.0]) is None
    assert stamp_offset([1.0], []) is None


def test_order_does_not_matter() -> None:
    assert stamp_offset(COLOR_S[::-1], (COLOR_S + 0.12)[::-1]) == stamp_offset(COLOR_S, COLOR_S + 0.12)


@pytest.mark.parametrize("slop", [-0.01, float("nan"), float("inf")])
def test_a_slop_that_is_none_is_refused(slop: float) -> None:
    with pytest.raises(ConfigError, match="expected seconds"):
        check_slop(slop)
    assert check_slop(0.0) == 0.0
