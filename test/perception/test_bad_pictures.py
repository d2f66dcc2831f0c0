"""Pictures that cannot be right are refused in words that say what to do, and leave the twin as it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fastreasonseg_ros.errors import FrameError
from fastreasonseg_ros.evaluation.benchmark.scene import table_of_balls
from fastreasonseg_ros.perception.tabletop import TabletopPerceiver
from fastreasonseg_ros.pipeline import observe
from fastreasonseg_ros.twin.types import DigitalTwin, Frame

GOOD = table_of_balls(3, 320, 240, stamp_s=1.0)


def depth(values: np.ndarray) -> Frame:
    return replace(GOOD, depth_m=np.asarray(values, np.float32), stamp_s=1.1)


@pytest.fixture(scope="module")
def seen() -> tuple[TabletopPerceiver, DigitalTwin]:
    perceiver = TabletopPerceiver()
    return perceiver, observe(DigitalTwin(image_size=(320, 240)), GOOD, perceiver)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (depth(np.full((240, 320), np.nan)), "holds no valid pixel"),
        (depth(np.zeros((240, 320))), "holds no valid pixel"),
        (depth(np.full((240, 320), 0.8)), "0.800 m everywhere"),
        (depth(np.where(np.isnan(GOOD.depth_m), np.nan, 1.2)), "1.200 m everywhere"),
        (depth(GOOD.depth_m * 1000), "divide them by 1000 for 32FC1"),
        (depth(GOOD.depth_m / 1000), "publish them as 32FC1"),
        (replace(GOOD, color=np.full_like(GOOD.color, 253), stamp_s=1.1), "glare"),
        (replace(GOOD, depth_m=None, stamp_s=1.1), "use a depth camera"),
        (replace(GOOD, intrinsics=None, stamp_s=1.1), "publish camera_info"),
        (replace(GOOD, stamp_s=0.5), "0.500 s older than the twin"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_frame_says_what_to_do_and_the_next_good_one_goes_on(seen, frame: Frame, message: str):
    perceiver, twin = seen
    before = repr(twin)
    with pytest.raises(FrameError, match=message):
        observe(twin, frame, perceiver)
    assert repr(twin) == before
    after = observe(twin, replace(GOOD, stamp_s=1.2), perceiver)
    assert [i.id for i in after.instances] == [i.id for i in twin.instances] == [1, 2, 3]


def test_depth_of_another_size_than_colour_makes_no_frame():
    with pytest.raises(FrameError, match="depth is 160x120 but colour is 320x240: publish depth registered to colour"):
        replace(GOOD, depth_m=GOOD.depth_m[::2, ::2])


def test_a_wall_seen_from_the_front_is_a_picture_like_any_other():
    noise = np.random.default_rng(0).normal(0, 0.001, (240, 320))
    TabletopPerceiver().perceive(depth(1.0 + noise))


def test_a_hundred_things_are_told_apart():
    scene = table_of_balls(100, 640, 480)
    found = TabletopPerceiver().perceive(scene).detections
    balls = {int(np.bincount(scene.truth.ids[thing.mask]).argmax()) for thing in found}
    assert len(found) == len(balls) >= 90  # the farthest are of 300 pixels


def test_random_pictures_and_depth_are_no_crash():
    random, perceiver = np.random.default_rng(1), TabletopPerceiver()
    for n in range(3):
        color = random.integers(0, 256, (240, 320, 3), dtype=np.uint8)
        noise = np.where(random.random((240, 320)) < 0.3 * n, np.nan, random.uniform(0.2, 9.0, (240, 320)))
        perceiver.perceive(Frame(color, noise.astype(np.float32), GOOD.intrinsics, float(n)))
