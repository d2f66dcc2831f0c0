"""Back-projection, planes and boxes against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from fastreasonseg_ros.errors import FrameError, MissingDataError
from fastreasonseg_ros.twin import geometry
from fastreasonseg_ros.twin.types import CameraIntrinsics, Frame, Plane

CAMERA = CameraIntrinsics(3, 3, fx=10.0, fy=20.0, cx=1.0, cy=1.0)
TABLE = Plane((0.0, -1.0, 0.0), -0.5)  # y = 0.5 m below the camera, up is -y


def test_the_principal_point_looks_straight_ahead_and_unknown_depth_stays_unknown():
    depth = np.full((3, 3), 2.0, np.float32)
    depth[0, 0] = np.nan
    points = geometry.back_project(depth, CAMERA)
    assert points[1, 1].tolist() == [0.0, 0.0, 2.0]
    assert points[1, 2].tolist() == pytest.approx([0.2, 0.0, 2.0])
    assert points[2, 1].tolist() == pytest.approx([0.0, 0.1, 2.0])
    assert np.isnan(points[0, 0]).all()
    with pytest.raises(FrameError, match="4x4"):
        geometry.back_project(np.ones((4, 4), np.float32), CAMERA)


def test_a_plane_is_found_among_outliers_and_points_to_the_camera():
    random = np.random.default_rng(1)
    on = np.c_[random.uniform(-1, 1, (400, 1)), np.full((400, 1), 0.5), random.uniform(0.5, 2, (400, 1))]
    off = random.uniform(-1, 1, (150, 3)) + np.array([0.0, -1.0, 1.0])
    points = np.r_[on + random.normal(0, 0.002, on.shape), off].astype(np.float32)
    plane, share = geometry.fit_plane(points)
    assert plane.normal == pytest.approx((0, -1, 0), abs=0.01)
    assert plane.offset_m == pytest.approx(-0.5, abs=0.005)
    assert 0.65 < share < 0.85
    assert plane.height_m(np.array([[0.0, 0.4, 1.0]], np.float32))[0] == pytest.approx(0.1, abs=0.01)


def test_no_plane_goes_through_two_points_or_a_line():
    line = np.outer(np.arange(50), [1, 0, 0]).astype(np.float32)
    assert geometry.fit_plane(line) is None
    assert geometry.fit_plane(line[:2]) is None
    with pytest.raises(MissingDataError, match="three"):
        geometry.least_squares_plane(line[:2])


def test_points_of_little_weight_do_not_turn_a_plane():
    near = np.stack(np.meshgrid([-0.2, 0.0, 0.2], [0.5], [0.8, 1.0, 1.2]), axis=-1).reshape(-1, 3)
    far = np.array([[-1.0, 1.5, 4.0], [1.0, 1.5, 4.0]])
    points = np.r_[near, far].astype(np.float32)
    weights = np.r_[np.ones(len(near)), np.full(len(far), 1e-6)]
    assert geometry.weighted_plane(points, weights).normal == pytest.approx((0, -1, 0), abs=0.001)
    assert geometry.least_squares_plane(points).normal != pytest.approx((0, -1, 0), abs=0.1)


def test_extent_elevation_and_box_of_a_turned_brick():
    random = np.random.default_rng(2)
    brick = random.uniform(-0.5, 0.5, (20000, 3)) * [0.2, 0.1, 0.06]  # length, height, width
    turn = np.radians(30)
    rotation = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    points = (brick @ rotation.T + [0.1, 0.45, 1.0]).astype(np.float32)
    centre, size = geometry.extent(points, trim=0.0)
    assert centre == pytest.approx((0.1, 0.45, 1.0), abs=0.003)
    assert size[1] == pytest.approx(0.1, abs=0.002)
    assert geometry.elevation(points, TABLE, trim=0.0) == pytest.approx((0.0, 0.1), abs=0.002)
    corners = geometry.hull(geometry.footprint(points, TABLE))
    assert geometry.smallest_rectangle(corners) == pytest.approx((0.2, 0.06), abs=0.004)


def test_quantiles_are_those_of_numpy():
    values = np.random.default_rng(3).normal(size=(37, 3)).astype(np.float32)
    expected = np.quantile(values, [0.01, 0.5, 1.0], axis=0)
    np.testing.assert_allclose(geometry.quantiles(values, 0.01, 0.5, 1.0), expected, atol=1e-6)
    assert geometry.quantiles(values[:1], 0.5)[0].tolist() == values[0].tolist()


def test_the_hull_of_many_points_has_the_corners_that_qhull_finds():
    points = np.random.default_rng(5).normal(size=(500, 2))
    assert {tuple(p) for p in geometry.hull(points)} == {tuple(p) for p in points[ConvexHull(points).vertices]}


def test_measures_of_nothing_are_none():
    nothing = np.full((4, 3), np.nan, np.float32)
    assert geometry.extent(nothing) is None
    assert geometry.elevation(nothing, TABLE) is None


def test_inside_a_convex_polygon_with_and_without_margin():
    square = geometry.hull(np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0.5, 0.5]], float))
    assert len(square) == 4
    points = np.array([[0.5, 0.5], [1.05, 0.5], [2.0, 0.5]])
    assert geometry.inside_hull(points, square).tolist() == [True, False, False]
    assert geometry.inside_hull(points, square, 0.1).tolist() == [True, True, False]
    assert not geometry.inside_hull(points, square[:2]).any()


@pytest.mark.parametrize(
    ("depth", "camera", "message"),
    [
        (None, CAMERA, "no depth image"),
        (np.ones((3, 3), np.float32), None, "camera_info"),
        (np.full((3, 3), np.nan, np.float32), CAMERA, "no valid pixel"),
        (np.zeros((3, 3), np.float32), CAMERA, "no valid pixel"),
    ],
)
def test_a_frame_without_usable_depth_is_refused_with_what_to_do(depth, camera, message):
    frame = Frame(np.zeros((3, 3, 3), np.uint8), depth, camera)
    with pytest.raises(FrameError, match=message):
        geometry.require_depth(frame)


def test_depth_of_another_size_than_the_picture_is_refused():
    with pytest.raises(FrameError, match="4x2 but colour is 3x3"):
        Frame(np.zeros((3, 3, 3), np.uint8), np.ones((2, 4), np.float32), CAMERA)
