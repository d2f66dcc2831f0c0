"""The oracle tells the truth, and only that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rays import Ball, Box, picture

from fastreasonseg_ros.errors import ConfigError, FrameError
from fastreasonseg_ros.perception import make_perceiver
from fastreasonseg_ros.twin.tracking import update
from fastreasonseg_ros.twin.types import DigitalTwin, Frame, GroundTruth


def test_masks_ids_and_words_are_the_true_ones_and_geometry_comes_from_depth():
    frame = picture(Box((-0.15, 0.0), (0.12, 0.08, 0.1)), Ball((0.12, 0.05), 0.05))
    ids = np.where(frame.truth.ids == 2, 40, frame.truth.ids).astype(np.uint16)
    frame = replace(frame, truth=GroundTruth(ids, {1: "brick", 40: "globe"}, {1: "grey"}))
    perceived = make_perceiver("oracle").perceive(frame)
    box, ball = perceived.detections
    assert (box.track_hint, box.label, box.color, box.score) == (1, "brick", "gray", 1.0)
    assert (ball.track_hint, ball.label, ball.color) == (40, "globe", "blue")
    assert np.array_equal(ball.mask, ids == 40)
    assert ball.shape == "sphere"
    assert ball.center_m[0] == pytest.approx(0.12, abs=0.01)
    assert perceived.plane.offset_m == pytest.approx(-0.5, abs=0.01)
    twin = update(DigitalTwin(), perceived, frame)
    assert [i.id for i in twin.instances] == [1, 40]
    assert np.array_equal(twin.ids, ids)


def test_without_names_things_are_objects_and_without_depth_nothing_is_measured():
    frame = picture(Ball((0.0, 0.0), 0.05))
    flat = Frame(frame.color, truth=frame.truth)
    (detection,) = make_perceiver("oracle").perceive(flat).detections
    assert (detection.label, detection.color) == ("object", "blue")
    assert detection.center_m is None
    assert detection.elevation_m is None
    assert detection.box_xyxy[0] < detection.box_xyxy[2]


def test_a_true_thing_without_any_depth_pixel_stays_without_a_place():
    frame = picture(Ball((0.0, 0.0), 0.05))
    frame.depth_m[frame.truth.ids == 1] = np.nan
    (detection,) = make_perceiver("oracle").perceive(frame).detections
    assert detection.center_m is None
    assert detection.mask.sum() == (frame.truth.ids == 1).sum()


def test_frames_without_truth_are_refused_and_there_is_no_vocabulary():
    frame = picture()
    oracle = make_perceiver("oracle")
    assert oracle.perceive(frame).detections == ()
    with pytest.raises(FrameError, match="ground truth"):
        oracle.perceive(replace(frame, truth=None))
    with pytest.raises(ConfigError, match="vocabulary"):
        oracle.set_vocabulary(["cup"])
