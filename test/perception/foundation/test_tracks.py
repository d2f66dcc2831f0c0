"""Ids through loss, return and merging, and the rule that says when to look again: no network needed."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from fastreasonseg_ros.perception.foundation.detector import DetectedBox
from fastreasonseg_ros.perception.foundation.keyframes import KeyframeConfig, KeyframeRule
from fastreasonseg_ros.perception.foundation.tracks import TrackConfig, Tracks

SIZE = (100, 100)
CUP, MUG, BOX = (10.0, 10.0, 30.0, 30.0), (60.0, 60.0, 80.0, 80.0), (0.0, 60.0, 20.0, 90.0)


def found(label: str, box, score: float = 0.9) -> DetectedBox:
    return DetectedBox(box, label, score)


def test_a_box_continues_the_object_it_overlaps_and_others_are_new() -> None:
    tracks = Tracks()
    assert tracks.match([found("cup", CUP), found("mug", MUG)], 0.0, SIZE) == ([1, 2], [])
    moved = (12.0, 11.0, 33.0, 31.0)
    ids, _ = tracks.match([found("box", BOX), found("glass", moved), found("mug", MUG)], 1.0, SIZE)
    assert ids == [3, 1, 2]
    assert tracks[1].label == "glass"


def test_a_lost_object_keeps_its_id_when_it_comes_back_in_time_and_nearby() -> None:
    tracks = Tracks(TrackConfig(keep_s=5.0, reach=0.3))
    tracks.match([found("cup", CUP)], 0.0, SIZE)
    assert tracks.follow({1: None}, 1.0) == (1, [])
    assert tracks.follow({1: None}, 1.1) == (0, [])  # lost once, not on every frame
    near = (25.0, 20.0, 45.0, 40.0)
    assert tracks.match([found("mug", near), found("cup", near)], 2.0, SIZE)[0] == [2, 1]
    tracks.follow({1: None, 2: near}, 3.0)
    assert tracks.match([found("cup", (80.0, 80.0, 99.0, 99.0))], 3.5, SIZE)[0] == [3]  # too far to be the same
    assert tracks.follow({2: near, 3: near}, 9.0)[1] == [1]
    assert 1 not in tracks


def test_what_the_detector_keeps_missing_is_forgotten() -> None:
    tracks = Tracks(TrackConfig(unconfirmed=2))
    tracks.match([found("cup", CUP)], 0.0, SIZE)
    assert tracks.match([], 1.0, SIZE) == ([], [])
    assert tracks.match([], 2.0, SIZE) == ([], [])
    assert tracks.match([], 3.0, SIZE) == ([], [1])


def test_of_two_objects_with_one_mask_the_older_stays() -> None:
    tracks = Tracks()
    tracks.match([found("cup", CUP), found("mug", CUP), found("box", BOX)], 0.0, SIZE)
    mask = np.zeros((100, 100), bool)
    mask[10:30, 10:30] = True
    almost = mask.copy()
    almost[10] = False
    assert tracks.merge({2: almost, 1: mask, 3: np.roll(mask, 50, axis=0)}) == [2]
    assert 2 not in tracks
    assert tracks.match([found("fork", (90.0, 0.0, 99.0, 9.0))], 1.0, SIZE)[0] == [4]  # no id comes twice


def test_key_frames_come_by_time_motion_loss_and_request() -> None:
    rule = KeyframeRule(KeyframeConfig(interval_s=2.0, motion=0.2, least_s=0.3))
    still = np.full((120, 160, 3), 90, np.uint8)
    half = still.copy()
    half[:, :80] = 200
    corner = still.copy()
    corner[:20, :20] = 200
    assert rule.due(still, 10.0) == "first"
    assert rule.due(still, 10.5) == ""
    assert rule.due(corner, 10.6) == ""
    assert rule.due(half, 10.2) == ""  # too soon
    assert rule.due(half, 10.7) == "motion"
    assert rule.due(half, 10.9, lost=1) == ""  # too soon
    assert rule.due(half, 11.1, lost=1) == "lost"
    rule.request("vocabulary")
    assert rule.due(half, 11.15) == "vocabulary"
    assert rule.due(half, 11.2) == ""
    assert rule.due(half, 13.2) == "time"
    assert rule.due(half, 1.0) == "first"  # time went back
    with pytest.raises(ValueError, match=r"interval_s must be above 0"):
        KeyframeConfig(interval_s=0.0)


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (33, 31), (480, 640), (2160, 3840)])
def test_pictures_of_any_size_have_a_thumbnail(size) -> None:
    rule = KeyframeRule(KeyframeConfig(interval_s=100.0, motion=0.5))
    dark, light = np.full((*size, 3), 20, np.uint8), np.full((*size, 3), 220, np.uint8)
    assert [rule.due(dark, 0.0), rule.due(dark, 1.0), rule.due(light, 2.0)] == ["first", "", "motion"]
