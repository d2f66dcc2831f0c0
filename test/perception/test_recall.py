"""What is named anew and what keeps its words, by hand-made label images."""

from __future__ import annotations

import numpy as np
import pytest

from fastreasonseg_ros.perception.recall import EVERY, SURE, Recall
from fastreasonseg_ros.twin.types import Detection

RED, BLUE = (200, 30, 30), (30, 30, 200)


class Camera:
    """Shows one rectangle, and tells whether it was named anew."""

    def __init__(self) -> None:
        self.recall, self.stamp_s = Recall(), 10.0

    def show(self, x: int = 20, width: int = 20, paint: tuple = RED, after_s: float = 0.1) -> bool:
        self.stamp_s += after_s
        labels, color = np.zeros((60, 120), np.int32), np.zeros((60, 120, 3), np.uint8)
        box = slice(10, 40), slice(x, x + width)
        labels[box], color[box] = 1, paint
        mask, asked = labels == 1, []

        def describe(before: Detection | None) -> Detection:
            asked.append(before)
            return before or Detection(mask, "mug", 0.9, (float(x), 10.0, float(x + width), 40.0))

        self.recall.begin(labels, self.stamp_s)
        assert self.recall.describe(1, box, color, describe).label == "mug"
        assert len(asked) == 1
        return asked[0] is None

    def settled(self) -> Camera:
        for _ in range(SURE):
            assert self.show()
        return self


def test_a_thing_that_stays_is_named_a_few_times_and_then_in_one_frame_of_some():
    camera = Camera().settled()
    later = [camera.show() for _ in range(4 * EVERY)]
    assert sum(later) == 4
    assert not later[0]
    assert np.diff(np.flatnonzero(later)).tolist() == [EVERY] * 3


@pytest.mark.parametrize(
    "change",
    [{"paint": BLUE}, {"width": 30}, {"x": 60}, {"after_s": 5.0}, {"after_s": -1.0}, {"after_s": 0.0}],
    ids=lambda change: str(change),
)
def test_a_thing_that_looks_or_lies_otherwise_is_named_anew(change: dict):
    camera = Camera().settled()
    assert camera.show(**change)


def test_a_thing_that_moves_a_little_keeps_its_words():
    camera = Camera().settled()
    assert not camera.show(x=23)


def test_pictures_of_another_size_are_another_camera():
    camera = Camera().settled()
    camera.recall.begin(np.zeros((30, 60), np.int32), camera.stamp_s + 0.1)
    assert camera.show()
