"""The camera's motion from its own pictures: of a wall of random texture, and of points of which many move."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fastreasonseg_ros.perception.ego_motion import EgoMotion, rigid_motion
from fastreasonseg_ros.twin.types import CameraIntrinsics, Frame

CAMERA = CameraIntrinsics(160, 120, 150.0, 150.0, 79.5, 59.5)
WALL = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, (200, 300, 3), np.uint8), (0, 0), 1.5) * 2


def view(shift_px: int, stamp_s: float, wall: np.ndarray = WALL) -> Frame:
    """A wall 1 m away, from a camera that moved to the right by shift_px / 150 m."""
    color = np.ascontiguousarray(wall[40:160, 60 + shift_px : 220 + shift_px])
    return Frame(color, np.ones((120, 160), np.float32), CAMERA, stamp_s)


def test_the_camera_is_where_it_moved_to_also_over_several_key_frames() -> None:
    ego = EgoMotion()
    poses = [ego.pose(view(n * 4, n / 10)) for n in range(16)]
    assert poses[0].distance_m == 0.0
    assert poses[5].translation == pytest.approx([20 / 150, 0, 0], abs=0.003)
    assert poses[15].translation == pytest.approx([60 / 150, 0, 0], abs=0.01)
    assert np.degrees(poses[15].angle_rad) < 1.0


def test_an_older_picture_or_one_of_another_size_begins_anew() -> None:
    ego = EgoMotion()
    ego.pose(view(0, 1.0))
    assert ego.pose(view(8, 1.1)).distance_m > 0.04
    assert ego.pose(view(8, 0.5)).distance_m == 0.0


def test_without_anything_to_hold_on_to_the_camera_is_taken_to_stand_still() -> None:
    ego, bare = EgoMotion(), np.full_like(WALL, 128)
    assert [ego.pose(view(n, n / 10, bare)).distance_m for n in range(3)] == [0.0, 0.0, 0.0]


def test_without_depth_there_is_no_pose() -> None:
    assert EgoMotion().pose(Frame(np.zeros((120, 160, 3), np.uint8))) is None


def test_the_motion_that_most_share_is_found_when_a_third_move_otherwise() -> None:
    random = np.random.default_rng(1)
    turn = cv2.Rodrigues(np.array([0.05, -0.1, 0.02]))[0]
    points = random.uniform([-0.5, -0.4, 0.7], [0.5, 0.4, 1.5], (90, 3))
    there = points @ turn.T + [0.03, -0.01, 0.05]
    there[:30] += [0.1, 0.0, 0.05]
    motion, agree = rigid_motion(points, there, 0.012)
    assert motion.rotation == pytest.approx(turn, abs=1e-6)
    assert motion.translation == pytest.approx([0.03, -0.01, 0.05], abs=1e-6)
    assert not agree[:30].any()
    assert agree[30:].all()
    assert rigid_motion(points[:8], there[:8], 0.012) is None
