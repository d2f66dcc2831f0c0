"""A robot's own gripper, painted once in a mask, is no thing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from rays import Ball, Box, picture

from fastreasonseg_ros.errors import ConfigError, FrameError
from fastreasonseg_ros.perception import make_perceiver


def test_what_the_mask_covers_is_not_reported_and_the_rest_is(tmp_path) -> None:
    frame = picture(Ball((0.12, 0.05), 0.05), Box((-0.1, -0.2), (0.05, 0.1, 0.12)))
    gripper = cv2.dilate((frame.truth.ids == 2).astype(np.uint8) * 255, np.ones((5, 5), np.uint8))
    cv2.imwrite(str(tmp_path / "body.png"), gripper)
    perceiver = make_perceiver("tabletop", None, ["names=false", f"body_mask={tmp_path}/body.png"])
    (ball,) = perceiver.perceive(frame).detections
    assert ball.shape == "sphere"
    assert len(make_perceiver("tabletop", None, ["names=false"]).perceive(frame).detections) == 2


def test_a_mask_of_another_size_and_one_that_is_missing_are_refused(tmp_path) -> None:
    with pytest.raises(ConfigError, match="white is where the robot sees itself"):
        make_perceiver("tabletop", None, ["names=false", f"body_mask={tmp_path}/none.png"])
    cv2.imwrite(str(tmp_path / "small.png"), np.zeros((12, 16), np.uint8))
    perceiver = make_perceiver("tabletop", None, ["names=false", f"body_mask={tmp_path}/small.png"])
    with pytest.raises(FrameError, match="body_mask is 16x12 but the pictures are 320x240"):
        perceiver.perceive(picture(Ball((0.0, 0.0), 0.05)))
