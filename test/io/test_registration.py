"""Depth in colour's pixels: what is aligned, what is scaled, what is projected, and what cannot be known."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from fastreasonseg_ros.errors import FrameError
from fastreasonseg_ros.io.depth_projection import DepthProjection, scale_depth
from fastreasonseg_ros.io.registration import Alignment, CameraView, DepthAligner, choose_alignment, fit_depth
from fastreasonseg_ros.io.transforms import IDENTITY, RigidTransform, transform_from_quaternion
from fastreasonseg_ros.twin.types import CameraIntrinsics

COLOR_CAMERA = CameraIntrinsics(64, 48, 60.0, 60.0, 31.5, 23.5)
DEPTH_CAMERA = CameraIntrinsics(64, 48, 45.0, 45.0, 31.5, 23.5)
HALF_CAMERA = CameraIntrinsics(32, 24, 30.0, 30.0, 15.5, 11.5)
COLOR = CameraView(64, 48, "color", COLOR_CAMERA)
TO_RIGHT = RigidTransform(np.eye(3), np.array([0.05, 0.0, 0.0]))  # the depth camera is 5 cm to the right of colour's


def test_depth_of_the_same_frame_and_size_is_aligned() -> None:
    for depth in (CameraView(64, 48, "color"), CameraView(64, 48, "/color", COLOR_CAMERA), CameraView(64, 48)):
        assert choose_alignment(COLOR, depth, None).alignment is Alignment.ALIGNED


def test_depth_of_another_frame_is_aligned_only_with_the_same_camera_in_the_same_place() -> None:
    same = CameraView(64, 48, "depth", COLOR_CAMERA)
    assert choose_alignment(COLOR, same, IDENTITY).alignment is Alignment.ALIGNED
    assert choose_alignment(COLOR, same, TO_RIGHT).alignment is Alignment.REGISTER
    assert choose_alignment(COLOR, same, None).alignment is Alignment.UNKNOWN


def test_half_size_depth_of_the_same_camera_is_scaled() -> None:
    for depth in (CameraView(32, 24, "color"), CameraView(32, 24, "color", HALF_CAMERA), CameraView(32, 24)):
        assert choose_alignment(COLOR, depth, None).alignment is Alignment.SCALED
    depth_m = np.arange(32 * 24, dtype=np.float32).reshape(24, 32)
    assert np.array_equal(fit_depth(depth_m, 64, 48), np.kron(depth_m, np.ones((2, 2), np.float32)))
    assert np.array_equal(scale_depth(np.kron(depth_m, np.ones((2, 2), np.float32)), 32, 24), depth_m)


def test_scaling_invents_no_depth_between_two_surfaces() -> None:
    depth_m = np.array([[0.5, 2.0, np.nan]], np.float32)
    scaled = scale_depth(depth_m, 10, 4)
    assert set(np.unique(scaled[~np.isnan(scaled)])) == {np.float32(0.5), np.float32(2.0)}
    assert np.isnan(scaled[:, 7:]).all()


def test_depth_of_the_same_size_with_another_camera_is_registered_and_not_taken_as_aligned() -> None:
    choice = choose_alignment(COLOR, CameraView(64, 48, "depth", DEPTH_CAMERA), TO_RIGHT)
    assert choice.alignment is Alignment.REGISTER
    assert choice.transform is TO_RIGHT
    assert "depth of depth is registered to color" in choice.message


def test_another_camera_model_in_the_same_frame_is_registered_without_a_transform() -> None:
    assert choose_alignment(COLOR, CameraView(64, 48, "color", DEPTH_CAMERA), None).alignment is Alignment.REGISTER


@pytest.mark.parametrize(
    ("color", "depth", "transform", "missing"),
    [
        (COLOR, CameraView(64, 48, "depth", DEPTH_CAMERA), None, "the transform from depth to color"),
        (COLOR, CameraView(64, 48, "depth"), TO_RIGHT, "the depth camera's camera_info"),
        (CameraView(64, 48, "color"), CameraView(64, 48, "depth", DEPTH_CAMERA), TO_RIGHT, "the colour camera's"),
        (COLOR, CameraView(60, 48, "color"), None, "the depth camera's camera_info"),
    ],
)
def test_what_is_missing_for_registration_is_named(color, depth, transform, missing: str) -> None:
    choice = choose_alignment(color, depth, transform)
    assert choice.alignment is Alignment.UNKNOWN
    assert missing in choice.message
    assert "use the driver's registered depth" in choice.message


def test_unregistered_depth_of_the_same_size_is_given_with_a_warning_and_of_another_size_refused() -> None:
    aligner = DepthAligner(lambda target, source: None)
    depth_m = np.ones((48, 64), np.float32)
    assert aligner.align(depth_m, COLOR, CameraView(64, 48, "depth", DEPTH_CAMERA)) is depth_m
    assert "depth is in the frame depth but colour in color" in aligner.warning
    with pytest.raises(FrameError, match="depth is 60x48 but colour is 64x48"):
        aligner.align(np.ones((48, 60), np.float32), COLOR, CameraView(60, 48, "depth"))
    aligner.align(depth_m, COLOR, CameraView(64, 48, "color"))
    assert aligner.warning == ""


def test_a_transform_that_comes_later_is_used_from_then_on() -> None:
    known: list[RigidTransform] = []
    aligner = DepthAligner(
        lambda target, source: known[0] if known and (target, source) == ("color", "depth") else None
    )
    depth_m, view = np.ones((48, 64), np.float32), CameraView(64, 48, "depth", DEPTH_CAMERA)
    aligner.align(depth_m, COLOR, view)
    assert aligner.warning
    known.append(TO_RIGHT)
    aligner.align(depth_m, COLOR, view)
    assert aligner.choice is not None
    assert aligner.choice.alignment is Alignment.REGISTER
    assert aligner.warning == ""


def depth_from(camera: CameraIntrinsics, center_m: tuple[float, float, float], half_m: float, far_m: float):
    """Depth of a square of side 2 half_m parallel to the picture before a wall, for a camera at the origin, and where
    the square is."""
    u, v = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    x, y = (u - camera.cx) / camera.fx * center_m[2], (v - camera.cy) / camera.fy * center_m[2]
    square = (np.abs(x - center_m[0]) < half_m) & (np.abs(y - center_m[1]) < half_m)
    return np.where(square, center_m[2], far_m).astype(np.float32), square


def test_a_square_before_a_wall_is_where_the_colour_camera_sees_it() -> None:
    """The depth camera 5 cm to the right with a wider view; colour's view by geometry is the truth."""
    depth_m, _ = depth_from(DEPTH_CAMERA, (-0.05, 0.0, 0.5), 0.08, 1.5)
    truth_m, square = depth_from(COLOR_CAMERA, (0.0, 0.0, 0.5), 0.08, 1.5)
    registered_m = DepthProjection(DEPTH_CAMERA, COLOR_CAMERA, TO_RIGHT)(depth_m)
    known = ~np.isnan(registered_m)
    wrong = known & (np.abs(registered_m - truth_m) > 0.01)
    ring = np.ones((5, 5), np.uint8)  # two pixels to either side of the square's outline
    outline = cv2.dilate(square.astype(np.uint8), ring) - cv2.erode(square.astype(np.uint8), ring)
    assert not (wrong & (outline == 0)).any()
    assert (known | (outline == 1))[square].all()
    # Left of the square the wall is hidden from the depth camera: 5 cm at 0.5 m, against 1.5 m, are 4 pixels.
    hidden = ~known & ~square
    columns = np.flatnonzero(hidden[24])
    edge = np.flatnonzero(square[24])[0]
    assert 2 <= np.count_nonzero((columns < edge) & (columns >= edge - 6)) <= 6


def test_more_pixels_in_colour_than_in_depth_leave_no_holes_in_a_surface() -> None:
    big = CameraIntrinsics(160, 120, 150.0, 150.0, 79.5, 59.5)
    registered_m = DepthProjection(HALF_CAMERA, big, RigidTransform(np.eye(3), np.array([0.01, 0.0, 0.0])))(
        np.full((24, 32), 0.8, np.float32)
    )
    inside = registered_m[8:-8, 8:-8]
    assert np.isnan(inside).mean() == 0.0
    assert np.allclose(inside, 0.8)


def test_the_nearest_of_several_surfaces_on_a_pixel_is_kept_in_any_order() -> None:
    """Moved by 0.5 m with a focal length of 10 pixels: 0.5 m is shifted by 10 pixels, 1 m by 5, 5 m by 1."""
    camera = CameraIntrinsics(32, 1, 10.0, 10.0, 15.5, 0.0)
    for side in (1, -1):
        depth_m = np.full((1, 32), np.nan, np.float32)
        for shift, z in ((10, 0.5), (5, 1.0), (1, 5.0)):
            depth_m[0, 16 - side * shift] = z
        registered_m = DepthProjection(camera, camera, RigidTransform(np.eye(3), np.array([side * 0.5, 0, 0])))(depth_m)
        assert registered_m[0, 16] == 0.5
        assert np.count_nonzero(~np.isnan(registered_m)) == 1


def test_depth_is_along_the_colour_cameras_own_axis() -> None:
    """The depth camera looks 90 degrees to the left of colour's: 1 m before it is 1 m to the left."""
    turn = transform_from_quaternion((0.0, 0.0, 2.0), (0.0, -np.sin(np.pi / 4), 0.0, np.cos(np.pi / 4)))
    camera = CameraIntrinsics(3, 3, 1.0, 1.0, 1.0, 1.0)
    depth_m = np.full((3, 3), np.nan, np.float32)
    depth_m[1, 1] = 1.0
    registered_m = DepthProjection(camera, CameraIntrinsics(9, 9, 4.0, 4.0, 4.0, 4.0), turn)(depth_m)
    rows, columns = np.nonzero(~np.isnan(registered_m))
    assert registered_m[rows[0], columns[0]] == pytest.approx(2.0)  # its z in the colour frame is the translation's
    assert (round(rows.mean()), round(columns.mean())) == (4, 2)  # x = -1 m at 2 m: 4 - 4 / 2


def test_points_behind_the_colour_camera_and_unknown_depth_give_nothing() -> None:
    behind = RigidTransform(np.eye(3), np.array([0.0, 0.0, -2.0]))
    depth_m = np.full((48, 64), 1.0, np.float32)
    assert np.isnan(DepthProjection(DEPTH_CAMERA, COLOR_CAMERA, behind)(depth_m)).all()
    for unknown in (np.nan, np.inf, 0.0, -1.0):
        depth_m[:] = unknown
        assert np.isnan(DepthProjection(DEPTH_CAMERA, COLOR_CAMERA, TO_RIGHT)(depth_m)).all()


def test_depth_of_another_size_than_its_camera_is_refused() -> None:
    with pytest.raises(FrameError, match="depth is 3x2 but its camera_info is for 64x48"):
        DepthProjection(DEPTH_CAMERA, COLOR_CAMERA, TO_RIGHT)(np.ones((2, 3), np.float32))


def test_a_picture_of_640x480_is_registered_within_a_frame() -> None:
    """11 ms of processor time when measured on a busy machine."""
    depth, color = (CameraIntrinsics(640, 480, f, f, 319.5, 239.5) for f in (580.0, 525.0))
    rng = np.random.default_rng(0)
    depth_m = (1 + 0.3 * np.sin(np.arange(640) / 90) + 0.002 * rng.standard_normal((480, 640))).astype(np.float32)
    depth_m[rng.random(depth_m.shape) < 0.05] = np.nan
    project = DepthProjection(depth, color, RigidTransform(np.eye(3), np.array([0.025, 0.0, 0.0])))
    spent = []
    for _ in range(10):
        before = time.thread_time()
        project(depth_m)
        spent.append(time.thread_time() - before)
    assert min(spent) < 0.06
