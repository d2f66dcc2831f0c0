"""Parts that shape tears apart are one thing where a colour or what stands between them says so."""

from __future__ import annotations

import numpy as np
import pytest
from rays import ABOVE, CAMERA, FAR, TILT, Ball, Box, picture

from fastreasonseg_ros.perception.tabletop import TabletopConfig, TabletopPerceiver
from fastreasonseg_ros.twin.types import Frame

ORANGE, BLACK = (235, 100, 20), (25, 25, 25)


@pytest.fixture(scope="module")
def perceiver():
    return TabletopPerceiver(TabletopConfig(names=False))


def owners(perceiver, frame, *ids: int) -> list[int]:
    """Number of the detection that has most of each thing's pixels, 0 for none."""
    image = np.zeros(frame.color.shape[:2], int)
    for n, thing in enumerate(perceiver.perceive(frame).detections, 1):
        image[thing.mask] = n
    return [int(np.bincount(image[frame.truth.ids == id]).argmax()) for id in ids]


def drill(second: tuple[int, int, int]) -> Frame:
    """Two blocks, and a thin black one from the upper part of one to the other."""
    return picture(
        Box((-0.07, 0.0), (0.06, 0.09, 0.08), ORANGE),
        Box((0.0, 0.0), (0.08, 0.03, 0.035), BLACK),
        Box((0.07, 0.0), (0.06, 0.09, 0.05), second),
        noise=0.001,
    )


def test_two_parts_of_one_strong_colour_with_a_dark_bridge_are_one_thing(perceiver):
    first, _, second = owners(perceiver, drill(ORANGE), 1, 2, 3)
    assert first == second > 0


def test_two_parts_of_two_colours_with_a_dark_bridge_are_two(perceiver):
    first, _, second = owners(perceiver, drill((30, 60, 200)), 1, 2, 3)
    assert 0 < first != second > 0


def test_two_balls_of_one_colour_with_the_table_between_them_are_two(perceiver):
    frame = picture(Ball((-0.06, 0.0), 0.045, ORANGE), Ball((0.06, 0.0), 0.045, ORANGE), noise=0.001)
    first, second = owners(perceiver, frame, 1, 2)
    assert 0 < first != second > 0
