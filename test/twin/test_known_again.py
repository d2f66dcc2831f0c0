"""What was away comes back with its id by its looks; pieces of one thing stay one; memory is bounded."""

from __future__ import annotations

import numpy as np
import pytest

from fastreasonseg_ros.twin.merge_fragments import joined
from fastreasonseg_ros.twin.tracking import TrackingConfig, update
from fastreasonseg_ros.twin.types import Detection, DigitalTwin, Frame, Perceived

RED, BLUE = np.array([1.0, 0, 0], np.float32), np.array([0, 1.0, 0], np.float32)
START, USUAL = DigitalTwin(), TrackingConfig()


def thing(x_m: float, looks: np.ndarray | None = RED, size_m: float = 0.08, part: slice = slice(0, 8)) -> Detection:
    """A square of 8 x 8 pixels; part: only these of its rows are seen, as many of its height and size."""
    mask = np.zeros((60, 120), bool)
    u, share = round(60 + 50 * x_m), (part.stop - part.start) / 8
    mask[26 + part.start : 26 + part.stop, u - 4 : u + 4] = True
    box = (float(u - 4), 26.0 + part.start, float(u + 4), 26.0 + part.stop)
    middle = size_m * ((part.start + part.stop) / 16 - 0.5)
    size = (size_m, size_m * share, size_m)
    return Detection(mask, "object", 0.5, box, center_m=(x_m, middle, 1.0), size_m=size, appearance=looks)


def run(*frames, config=USUAL, twin=START, dt=0.1):
    twins = []
    for n, detections in enumerate(frames):
        stamp_s = twin.stamp_s + dt if twin.sequence or n else 0.0
        twin = update(
            twin, Perceived(tuple(detections)), Frame(np.zeros((60, 120, 3), np.uint8), stamp_s=stamp_s), config
        )
        twins.append(twin)
    return twins


def visible(twin):
    return [i.id for i in twin.instances if i.visible]


AWAY = [[]] * 15


def test_what_left_comes_back_elsewhere_with_its_id_by_its_looks():
    twins = run(*[[thing(-0.9)]] * 5, *AWAY, [thing(0.9)])
    assert visible(twins[-1]) == [1]


def test_another_thing_in_another_place_does_not_get_the_id_of_what_left():
    twins = run(*[[thing(-0.9)]] * 5, *AWAY, [thing(0.9, BLUE)])
    assert visible(twins[-1]) == [2]
    twins = run(*[[thing(-0.9)]] * 5, *AWAY, [thing(0.9, RED, size_m=0.3)])
    assert visible(twins[-1]) == [2]


def test_what_is_no_part_of_the_twin_any_more_is_still_known_again():
    config = TrackingConfig(keep_s=0.5)
    twins = run(*[[thing(0.0)]] * 5, *AWAY, [thing(0.4)], config=config)
    assert twins[-2].instances == ()
    assert [i.id for i in twins[-2].forgotten] == [1]
    assert visible(twins[-1]) == [1]
    assert twins[-1].instances[0].first_seen_s == 0.0
    assert twins[-1].forgotten == ()


def test_flickers_and_things_without_looks_are_not_remembered():
    config = TrackingConfig(keep_s=0.5)
    assert run([thing(0.0)], *AWAY, config=config)[-1].forgotten == ()
    assert run(*[[thing(0.0, None)]] * 5, *AWAY, config=config)[-1].forgotten == ()


def test_memory_holds_the_newest_and_ends():
    config = TrackingConfig(keep_s=0.15, remember=3, remember_s=20.0)
    looks = np.eye(6, dtype=np.float32)
    twin = run(*([thing(0.35 * k - 0.9, looks[k])] for k in range(6) for _ in range(5)), config=config)[-1]
    twin = run(*AWAY, twin=twin, config=config)[-1]
    assert len(twin.forgotten) == 3
    assert max(i.id for i in twin.forgotten) == twin.last_id
    assert run([], twin=twin, config=config, dt=30.0)[-1].forgotten == ()


UPPER, LOWER = slice(0, 3), slice(3, 8)


def test_pieces_of_what_was_whole_are_one_thing_with_one_id():
    whole, pieces = [thing(0.0)], [thing(0.0, part=UPPER), thing(0.0, part=LOWER)]
    twins = run(*[whole] * 3, pieces, pieces, whole, pieces)
    assert [visible(t) for t in twins] == [[1]] * 7
    assert twins[3].instances[0].size_m == pytest.approx((0.08, 0.08, 0.08))
    assert np.count_nonzero(twins[3].ids == 1) == 64


def test_two_things_that_were_always_two_stay_two_after_they_were_taken_for_one():
    pieces = [thing(0.0, part=UPPER), thing(0.0, BLUE, part=LOWER)]
    twins = run(*[pieces] * 6, [thing(0.0)], pieces)
    assert [visible(t) for t in (twins[0], twins[-1])] == [[1, 2], [1, 2]]


def test_a_joined_detection_has_the_words_of_its_main_piece_and_the_extent_of_both():
    both = joined(thing(0.0, part=LOWER), [thing(0.0, BLUE, part=UPPER)])
    assert both.appearance is RED
    assert both.box_xyxy == (56.0, 26.0, 64.0, 34.0)
    assert both.center_m == pytest.approx((0.0, 0.0, 1.0))
