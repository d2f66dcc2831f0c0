"""Which objects are reclassified and which keep their label, on synthetic label images."""

from __future__ import annotations

import numpy as np
import pytest

from fastreasonseg_ros.perception.attributes.label_cache import CHANGED_INTERVAL, INTERVALS, LOST_FRAMES, LabelCache
from fastreasonseg_ros.twin.types import Detection

RED, DARK, BLUE = (200, 30, 30), (185, 30, 30), (30, 30, 200)


class Camera:
    """Feeds frames of rectangles to a LabelCache; returns which of them needed classification."""

    def __init__(self) -> None:
        self.cache, self.stamp_s = LabelCache(), 10.0

    def show_all(self, *things: tuple[int, int, tuple], after_s: float = 0.1) -> list[bool]:
        """things: left side, width (pixels) and RGB colour of each rectangle."""
        self.stamp_s += after_s
        labels, color = np.zeros((60, 1200), np.int32), np.zeros((60, 1200, 3), np.uint8)
        boxes = [(slice(10, 40), slice(x, x + width)) for x, width, _ in things]
        for n, (box, (_, _, paint)) in enumerate(zip(boxes, things, strict=True), 1):
            labels[box], color[box] = n, paint
        known = self.cache.begin(labels, boxes, color, self.stamp_s)
        for n, (rows, columns) in enumerate(boxes, 1):
            corners = tuple(float(v) for v in (columns.start, rows.start, columns.stop, rows.stop))
            fresh = Detection(labels == n, "mug", 0.9, corners)  # type: ignore[arg-type]
            self.cache.store(n, known.get(n, fresh), n not in known)
        assert all(found.label == "mug" for found in known.values())
        return [n not in known for n in range(1, len(things) + 1)]

    def show(self, x: int = 20, width: int = 20, paint: tuple = RED, after_s: float = 0.1) -> bool:
        return self.show_all((x, width, paint), after_s=after_s)[0]

    def with_longest_interval(self) -> Camera:
        """This camera, after its rectangle was classified until the longest interval applies."""
        assert self.show()
        for interval in [*INTERVALS, INTERVALS[-1]]:
            assert [self.show() for _ in range(interval + 1)] == [False] * interval + [True]
        return self


def test_a_thing_that_stays_is_named_at_growing_intervals():
    assert list(INTERVALS) == sorted(INTERVALS)
    camera = Camera().with_longest_interval()
    assert [camera.show() for _ in range(2 * INTERVALS[-1] + 2)] == 2 * ([False] * INTERVALS[-1] + [True])


@pytest.mark.parametrize(
    "change",
    [{"paint": BLUE}, {"width": 40}, {"x": 60}, {"after_s": 5.0}, {"after_s": -1.0}, {"after_s": 0.0}],
    ids=lambda change: str(change),
)
def test_what_looks_or_lies_quite_otherwise_is_another_thing_and_named_at_once(change: dict):
    assert Camera().with_longest_interval().show(**change)


@pytest.mark.parametrize("change", [{"paint": DARK}, {"width": 27}], ids=lambda change: str(change))
def test_a_thing_that_is_seen_otherwise_is_named_soon_and_keeps_its_words_until_then(change: dict):
    camera = Camera().with_longest_interval()
    assert [camera.show(**change) for _ in range(CHANGED_INTERVAL + 1)] == [False] * CHANGED_INTERVAL + [True]
    assert not camera.show(**change)


def test_a_thing_that_moves_a_little_keeps_its_words():
    assert not Camera().with_longest_interval().show(x=23)


def test_what_is_known_is_named_one_thing_at_a_time_and_none_waits_for_ever():
    things = [(40 * n, 20, RED) for n in range(12)]
    camera = Camera()
    assert all(camera.show_all(*things))
    later = np.array([camera.show_all(*things) for _ in range(60)])
    assert later.sum(axis=1).max() == 1
    assert later.sum(axis=0).min() >= 4


def test_what_is_new_is_named_beside_what_is_known():
    camera = Camera().with_longest_interval()
    assert camera.show_all((20, 20, RED), (100, 20, BLUE), (140, 20, BLUE), (180, 20, BLUE)) == [
        False,
        True,
        True,
        True,
    ]


def test_pictures_of_another_size_are_another_camera():
    camera = Camera().with_longest_interval()
    camera.cache.begin(np.zeros((30, 60), np.int32), [], np.zeros((30, 60, 3), np.uint8), camera.stamp_s + 0.1)
    assert camera.show()


@pytest.mark.parametrize(
    ("frames", "change", "anew"),
    [(1, {}, False), (LOST_FRAMES - 1, {}, False), (LOST_FRAMES + 1, {}, True), (1, {"paint": BLUE}, True),
     (1, {"x": 40}, True)],
)  # fmt: skip
def test_what_comes_back_at_once_to_its_place_as_it_was_keeps_its_words(frames: int, change: dict, anew: bool):
    camera = Camera().with_longest_interval()
    for _ in range(frames):
        camera.show_all((200, 20, BLUE))
    assert camera.show(**change) is anew
