"""Sizes that are zero or not known."""

from __future__ import annotations

import pytest

from fastreasonseg_ros.errors import MissingDataError
from fastreasonseg_ros.plan.executor import execute
from fastreasonseg_ros.plan.parser import parse_plan
from fastreasonseg_ros.twin.types import DigitalTwin, Instance


def sized(id: int, size_m: tuple[float, float, float] | None) -> Instance:
    return Instance(id, "thing", center_m=(0.1 * id, 0.0, 1.0), box_xyxy=(0, 0, 50 * id, 50 * id), size_m=size_m)


def ids(plan: str, *instances: Instance) -> tuple[int, ...]:
    return execute(parse_plan(plan), DigitalTwin(instances)).ids


def test_a_depth_of_zero_is_zero_and_not_a_metre():
    assert ids("a = max(all, volume)", sized(1, (0.5, 0.5, 0.0)), sized(2, (0.1, 0.1, 0.1))) == (2,)


def test_a_size_that_is_not_known_is_left_out_and_not_zero():
    known, unknown = sized(1, (0.1, 0.1, 0.1)), sized(2, None)
    for key in ("width", "height", "length", "volume"):
        done = execute(parse_plan(f"a = min(all, {key})"), DigitalTwin((known, unknown)))
        assert (done.ids, done.trace[0].note) == ((1,), f"1 without {key} left out")
        with pytest.raises(MissingDataError, match=f"no {key} is known"):
            ids(f"a = max(all, {key})", unknown)
    assert ids("a = find(pose=upright)", unknown) == ()


def test_without_depth_the_largest_has_the_largest_area_in_the_picture():
    flat = (Instance(1, "thing", box_xyxy=(0, 0, 60, 60)), Instance(2, "thing", box_xyxy=(0, 0, 20, 100)))
    assert ids("a = max(all, volume)", *flat) == (1,)
