"""Counts to metres, and what is said of depth that cannot be a scene before a robot."""

from __future__ import annotations

import numpy as np
import pytest

from fastreasonseg_ros.io.depth_units import DepthRangeMonitor, depth_range_warning, to_metres

TABLE_MM = np.linspace(600, 1400, 480 * 640).reshape(480, 640).astype(np.uint16)


def test_tenths_of_a_millimetre_are_read_with_their_unit() -> None:
    assert np.allclose(to_metres(TABLE_MM * 10, 0.0001), TABLE_MM * 0.001)


def test_a_table_is_plausible_and_so_is_depth_with_few_near_or_far_pixels() -> None:
    depth_m = to_metres(TABLE_MM)
    assert depth_range_warning(depth_m) == ""
    depth_m[:240] = 0.1  # half of it a hand
    assert depth_range_warning(depth_m) == ""
    depth_m[:240] = 60.0
    assert depth_range_warning(depth_m) == ""
    assert depth_range_warning(np.full((4, 4), np.nan, np.float32)) == ""


def test_depth_that_is_all_within_20_cm_is_implausible() -> None:
    """Millimetres read as tenths of millimetres."""
    warning = depth_range_warning(to_metres(TABLE_MM, 0.0001), 0.0001)
    assert "95% of it lies nearer than 0.2 m (median 0.0998 m) with 0.0001 m a count" in warning
    assert "0.001 m a count would give 0.998 m" in warning


def test_depth_that_is_all_beyond_20_m_is_implausible() -> None:
    """Millimetres in 32FC1, which REP-118 has in metres."""
    warning = depth_range_warning(to_metres(TABLE_MM.astype(np.float32)), 1.0)
    assert "beyond 20 m (median 998 m)" in warning
    assert "0.001 m a count would give 0.998 m" in warning
    assert depth_range_warning(to_metres(TABLE_MM.astype(np.float32))).endswith("to what the driver publishes")


@pytest.mark.parametrize(("depth_m", "implausible"), [(0.19, True), (0.21, False), (19.9, False), (20.1, True)])
def test_the_limits_are_20_cm_and_20_m(depth_m: float, implausible: bool) -> None:
    assert bool(depth_range_warning(np.full((10, 10), depth_m, np.float32))) is implausible


def test_a_stream_is_implausible_where_most_of_its_pictures_are() -> None:
    monitor, hand, table = DepthRangeMonitor(), np.full((4, 4), 0.1, np.float32), np.full((4, 4), 1.0, np.float32)
    monitor.add(table)
    monitor.add(hand)
    assert monitor.warning == ""
    monitor.add(hand)
    assert "nearer than 0.2 m" in monitor.warning
