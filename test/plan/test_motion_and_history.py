"""Operators about time where something is not known, or moves with something else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fastreasonseg_ros.errors import MissingDataError
from fastreasonseg_ros.plan.executor import execute
from fastreasonseg_ros.plan.parser import parse_plan
from fastreasonseg_ros.plan.temporal import BEGINNING_UNKNOWN
from fastreasonseg_ros.twin.tracking import update
from fastreasonseg_ros.twin.types import Detection, DigitalTwin, Frame, Instance, Perceived

STILL = (0.0, 0.0, 0.0)


def moving(id: int, label: str, x_m: float, velocity: tuple[float, float, float] | None) -> Instance:
    return Instance(id, label, center_m=(x_m, 0.0, 2.0), size_m=(0.3, 0.3, 0.3), velocity=velocity)


def run(plan: str, *instances: Instance, begun_s: float | None = None):
    return execute(parse_plan(plan), DigitalTwin(instances, begun_s=begun_s))


def test_what_was_first_seen_after_the_twin_began_entered_though_nothing_older_is_left():
    mug = Instance(3, "mug", first_seen_s=20.0)
    assert run("a = entered(all)", mug, begun_s=0.0).ids == (3,)
    assert run("a = entered(all)", mug, begun_s=20.0).ids == ()
    assert run("a = entered(all)", mug, begun_s=19.8).ids == ()


def test_where_the_beginning_is_not_known_the_first_object_counts_and_the_trace_says_so():
    done = run("a = entered(all)", Instance(1, "plate", first_seen_s=1.0), Instance(2, "mug", first_seen_s=20.0))
    assert (done.ids, done.trace[0].note) == ((2,), BEGINNING_UNKNOWN)


def test_a_twin_keeps_the_stamp_of_its_first_frame():
    def frame(stamp_s: float) -> Frame:
        return Frame(np.zeros((40, 60, 3), np.uint8), stamp_s=stamp_s)

    mask = np.zeros((40, 60), bool)
    mask[10:20, 10:20] = True
    mug = Detection(mask, "mug", 0.9, (10.0, 10.0, 20.0, 20.0))
    twin = update(DigitalTwin(), Perceived(()), frame(5.0))
    twin = update(twin, Perceived((mug,)), frame(20.0))
    assert twin.begun_s == 5.0
    assert execute(parse_plan("a = entered(all)"), twin).ids == (1,)
    unknown = replace(twin, begun_s=None)  # from an old file
    assert update(unknown, Perceived((mug,)), frame(21.0)).begun_s is None


def test_one_thing_without_velocity_is_left_out_of_what_approaches():
    done = run(
        "a = approaching(all, camera)",
        moving(1, "ball", 0.0, (0.0, 0.0, -0.5)),
        moving(2, "cup", 1.0, None),
        Instance(3, "lamp", velocity=(0.0, 0.0, -1.0)),
    )
    assert (done.ids, done.trace[0].note) == ((1,), "2 without a known velocity left out")
    with pytest.raises(MissingDataError, match="two frames"):
        run("a = approaching(all, camera)", moving(2, "cup", 1.0, None))


@pytest.mark.parametrize(
    ("dog", "cat", "approaching", "receding"),
    [
        (STILL, (-1.0, 0.0, 0.0), False, False),  # the cat comes to the dog, which stands still
        (STILL, (1.0, 0.0, 0.0), False, False),  # it runs away
        ((1.0, 0.0, 0.0), STILL, True, False),
        ((-1.0, 0.0, 0.0), STILL, False, True),
        ((2.0, 0.0, 0.0), (1.0, 0.0, 0.0), True, False),  # the dog catches up
        ((1.0, 0.0, 0.0), (2.0, 0.0, 0.0), False, False),  # it runs after the cat in vain
        ((-1.0, 0.0, 0.0), (-2.0, 0.0, 0.0), False, False),  # the dog is caught up with
        ((1.0, 0.0, 0.0), (-1.0, 0.0, 0.0), True, False),
        ((-1.0, 0.0, 0.0), (1.0, 0.0, 0.0), False, True),
        ((0.0, 1.0, 0.0), (0.0, -1.0, 0.0), False, False),  # past each other
        ((1.0, 0.0, 0.0), None, True, False),  # a reference of unknown velocity counts as standing still
    ],
)
def test_what_approaches_moves_towards_the_reference_and_comes_nearer(dog, cat, approaching, receding):
    pair = moving(1, "dog", 0.0, dog), moving(2, "cat", 3.0, cat)
    for operator, expected in (("approaching", approaching), ("receding", receding)):
        plan = f"a = find(label=dog)\nb = find(label=cat)\nc = {operator}(a, b)"
        assert run(plan, *pair).ids == ((1,) if expected else ())
