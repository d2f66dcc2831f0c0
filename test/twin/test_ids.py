"""Ids never run out: what is long forgotten gives its id back, what is remembered does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fastreasonseg_ros.errors import FrameError
from fastreasonseg_ros.perception.foundation.detector import DetectedBox
from fastreasonseg_ros.perception.foundation.tracks import Tracks
from fastreasonseg_ros.twin.ids import MAX_ID, fresh_ids
from fastreasonseg_ros.twin.tracking import update
from fastreasonseg_ros.twin.types import Detection, DigitalTwin, Frame, Perceived


def detection(column: int) -> Detection:
    """One pixel of an 8 x 8 picture; without depth, so that only its place in the picture tells what it is."""
    mask = np.zeros((8, 8), bool)
    mask[4, column] = True
    return Detection(mask, "cup", 0.5, (float(column), 4.0, column + 1.0, 5.0))


def test_ids_count_up_begin_again_after_the_last_and_skip_what_is_taken():
    assert fresh_ids(3, 0, ()) == [1, 2, 3]
    assert fresh_ids(2, 5, {6, 7, 9}) == [8, 10]
    assert fresh_ids(3, MAX_ID - 1, {1}) == [MAX_ID, 2, 3]
    assert fresh_ids(0, 7, ()) == []


def test_more_objects_than_ids_are_refused_with_what_to_do():
    assert fresh_ids(2, 40, set(range(1, MAX_ID - 1))) == [MAX_ID - 1, MAX_ID]
    with pytest.raises(FrameError, match="2 new objects need ids, and only 1 of 65535 are free"):
        fresh_ids(2, 40, set(range(1, MAX_ID)))


def test_after_70000_flickers_ids_are_valid_and_none_is_reused_before_all_others():
    last, given_at, remembered = 0, {}, [1, 2, 3]
    for count in range(70_000):
        (last,) = fresh_ids(1, last, remembered)
        assert 1 <= last <= MAX_ID
        assert last not in remembered
        assert count - given_at.get(last, -MAX_ID) >= MAX_ID - 60
        given_at[last] = count
        remembered = [1, 2, 3, *remembered[3:][-50:], last]


def test_flickers_past_the_last_id_are_tracked_beside_a_thing_that_stays():
    picture, thing = np.zeros((8, 8, 3), np.uint8), detection(7)
    flickers = tuple(detection(column) for column in range(7))
    twin = update(DigitalTwin(), Perceived((thing,)), Frame(picture))
    twin, given = replace(twin, last_id=MAX_ID - 70), []
    for second in range(1, 41):
        perceived = Perceived((*flickers, thing) if second % 2 else (thing,))
        twin = update(twin, perceived, Frame(picture, stamp_s=float(second)))
        given += [i.id for i in twin.instances if i.first_seen_s == second]
    assert given == [*range(MAX_ID - 69, MAX_ID + 1), *range(2, 72)]
    assert twin.instance(1).visible
    assert twin.last_id == 71


def test_an_id_that_is_remembered_is_not_given_to_another_object():
    picture = np.zeros((8, 8, 3), np.uint8)
    twin = update(DigitalTwin(last_id=MAX_ID), Perceived((detection(1), detection(6))), Frame(picture))
    assert [i.id for i in twin.instances] == [1, 2]
    twin = update(twin, Perceived(()), Frame(picture, stamp_s=0.1))  # both stay, out of view
    forgotten = replace(twin.instances[1], id=3)
    twin = replace(twin, last_id=MAX_ID, forgotten=(forgotten,))
    other = replace(detection(3), track_hint=None, label="bowl")
    twin = update(twin, Perceived((other,)), Frame(picture, stamp_s=0.2))
    assert [(i.id, i.visible) for i in twin.instances] == [(1, False), (2, False), (4, True)]


def test_the_open_vocabulary_tracker_reuses_ids_too():
    tracks = Tracks()
    tracks._last_id = MAX_ID
    ids, _ = tracks.match(
        [DetectedBox((0.0, 0.0, 5.0, 5.0), "cup", 0.9), DetectedBox((9.0, 9.0, 14.0, 14.0), "cup", 0.9)], 0.0, (64, 48)
    )
    assert ids == [1, 2]
