"""Directions of motion, and where things were before, as people say them; and the places that a twin keeps for that."""

from __future__ import annotations

import numpy as np
import pytest
from rooms import TABLE_Y_M, answer, scene, thing

from fastreasonseg_ros.errors import MissingDataError
from fastreasonseg_ros.twin.resting import KEPT, RestingPlace, earlier_place
from fastreasonseg_ros.twin.serialization import twin_from_json, twin_to_json
from fastreasonseg_ros.twin.tracking import update
from fastreasonseg_ros.twin.types import Detection, DigitalTwin, Frame, Perceived

ROAD = scene(
    thing(1, "bus", velocity=(-2.0, 0.0, 0.1)),
    thing(2, "car", velocity=(1.0, 0.0, -0.2)),
    thing(3, "drone", velocity=(0.0, -0.5, 0.1)),
    thing(4, "leaf", velocity=(0.1, 0.4, 0.0)),
    thing(5, "dog", velocity=(0.1, 0.0, -0.8)),
    thing(6, "cat", velocity=(0.0, 0.0, 0.6)),
    thing(7, "post", velocity=(0.0, 0.0, 0.0)),
)


@pytest.mark.parametrize(
    ("direction", "ids"),
    [
        ("left", (1,)),
        ("right", (2,)),
        ("up", (3,)),
        ("down", (4,)),
        ("towards", (5,)),
        ("away", (6,)),
        ("across", (1, 2)),
    ],
)
def test_what_moves_in_a_direction(direction, ids):
    assert answer(ROAD, f"a = heading(all, {direction})") == ids
    assert answer(ROAD, "a = moving(all)") == (1, 2, 3, 4, 5, 6)


def at(x: float, z: float, height: float = 0.1, base: float = 0.0, stamp_s: float = 0.0, **more) -> RestingPlace:
    return RestingPlace(stamp_s, (x, TABLE_Y_M - base - height / 2, z), **more)


STILL = {"velocity": (0.0, 0.0, 0.0)}
# The mug stood on the tray, where the bottle stands now; the vase was upright; the pan hangs in the air; the ball
# stopped three seconds ago.
KITCHEN = scene(
    thing(1, "tray", 0.0, 1.0, (0.4, 0.02, 0.3), past=(at(0.0, 1.0, 0.02),), **STILL),
    thing(2, "mug", 0.8, 1.0, past=(at(0.1, 1.0, base=0.02, on=1), at(0.8, 1.0, stamp_s=80.0)), **STILL),
    thing(3, "bottle", 0.1, 1.0, (0.08, 0.3, 0.08), base=0.02,
          past=(at(-0.8, 1.0, 0.3), at(0.1, 1.0, 0.3, 0.02, 90.0, on=1)), **STILL),
    thing(4, "vase", 1.5, 1.0, (0.3, 0.1, 0.1),
          past=(at(1.3, 1.0, 0.3, pose="upright"), at(1.5, 1.0, 0.1, stamp_s=70.0, pose="lying")), **STILL),
    thing(5, "pan", 0.3, 1.5, base=0.4, past=(at(0.3, 1.5),), **STILL),
    thing(6, "ball", -0.5, 1.4, past=(at(-1.5, 1.4), at(-0.5, 1.4, stamp_s=97.0)), **STILL),
    thing(7, "log", 2.0, 1.0, (0.5, 0.1, 0.1), past=(at(2.0, 1.0, pose="lying"),), **STILL),
    on=((3, 1),),
)  # fmt: skip


@pytest.mark.parametrize(
    ("phrase", "plan", "ids", "wrong"),
    [
        ("which fell over", "a = fell(all)", (4,), "a = find(pose=lying)"),
        ("which was lifted", "a = lifted(all)", (5,), "a = max(all, height)"),
        ("what stopped just now", "a = less(all, rest, 5 s)", (6,), "a = still(all)"),
        (
            "what stood here before, where the bottle is",
            "a = find(label=bottle); b = was(all, at, a)",
            (2,),
            "a = find(label=bottle); b = near(all, a)",
        ),
        (
            "what was on the tray before",
            "a = find(label=tray); b = was(all, on, a)",
            (2,),
            "a = find(label=tray); b = on(all, a)",
        ),
        (
            "what did the mug stand on before",
            "a = find(label=mug); b = was(all, under, a)",
            (1,),
            "a = find(label=mug); b = under(all, a)",
        ),
        (
            "what stands where the mug was",
            "a = find(label=mug); b = in_place_of(all, a)",
            (3,),
            "a = find(label=mug); b = near(all, a)",
        ),
        (
            "what was left of the tray before",
            "a = find(label=tray); b = was(all, left_of, a)",
            (3, 6),
            "a = find(label=tray); b = left_of(all, a)",
        ),
    ],
)
def test_where_things_were_before(phrase, plan, ids, wrong):
    assert answer(KITCHEN, plan) == ids
    assert answer(KITCHEN, wrong) != ids


def test_without_a_history_it_is_said_that_none_is_known():
    for plan in ("a = lifted(all)", "a = fell(all)", "a = any(all, 1); b = was(a, on, gone)"):
        with pytest.raises(MissingDataError, match="no earlier resting place of any of them is known"):
            answer(ROAD, plan)


def test_past_places_colours_and_poses_survive_json():
    assert twin_from_json(twin_to_json(KITCHEN)) == KITCHEN


def watched(*steps: tuple[float, float]) -> DigitalTwin:
    """A cup seen at 10 Hz: (seconds, x in metres to which it has come by then)."""
    twin, stamp_s, x = DigitalTwin(), 0.0, steps[0][1]
    mask = np.zeros((40, 60), bool)
    mask[10:30, 10:30] = True
    for seconds, to in steps:
        frames = round(seconds * 10)
        begin = x
        for n in range(1, frames + 1):
            x = begin + (to - begin) * n / frames
            cup = Detection(
                mask, "cup", 0.9, (10.0, 10.0, 30.0, 30.0), center_m=(x, 0.1, 1.0), size_m=(0.1, 0.2, 0.1), track_hint=1
            )
            twin = update(twin, Perceived((cup,)), Frame(np.zeros((40, 60, 3), np.uint8), stamp_s=stamp_s))
            stamp_s += 0.1
    return twin


def test_tracking_keeps_the_places_where_a_thing_rested():
    cup = watched((1.0, 0.0), (1.0, 0.5), (2.0, 0.5)).instance(1)
    assert [round(p.center_m[0], 2) for p in cup.past] == [0.0, 0.5]
    assert [p.pose for p in cup.past] == ["upright", "upright"]
    assert cup.past[0].stamp_s == 0.0
    assert cup.past[1].stamp_s == pytest.approx(2.5, abs=0.3)  # it is known to rest half a second after it stopped
    place = earlier_place(cup)
    assert place is not None
    assert round(place.center_m[0], 2) == 0.0


def test_a_thing_that_stands_still_has_one_place_and_no_earlier_one():
    cup = watched((3.0, 0.0)).instance(1)
    assert len(cup.past) == 1
    assert earlier_place(cup) is None


def test_only_the_last_places_are_kept():
    steps = [pair for n in range(1, 8) for pair in ((0.5, 0.3 * n), (1.0, 0.3 * n))]
    cup = watched((1.0, 0.0), *steps).instance(1)
    assert len(cup.past) == KEPT
    assert round(cup.past[-1].center_m[0], 2) == 2.1
