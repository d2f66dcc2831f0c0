"""Things on a table are found, told apart and described; what cannot be used is refused."""

from __future__ import annotations

import numpy as np
import pytest
from rays import CAMERA, Ball, Box, picture

from fastreasonseg_ros.errors import ConfigError, FrameError, ModelError
from fastreasonseg_ros.perception import make_perceiver
from fastreasonseg_ros.perception.tabletop import TabletopConfig, TabletopPerceiver
from fastreasonseg_ros.twin import masks
from fastreasonseg_ros.twin.types import CameraIntrinsics, Frame

KINECT = 0.0015  # its noise in 1/z


@pytest.fixture(scope="module")
def perceiver():
    return TabletopPerceiver(TabletopConfig(names=False))


def found(perceiver, frame):
    """The detection of every true id, by IoU; fails where one is missing or there are more detections than things."""
    perceived = perceiver.perceive(frame)
    true = masks.masks_from_ids(frame.truth.ids)
    result = {}
    for id, mask in true.items():
        result[id] = max(perceived.detections, key=lambda d: masks.iou(d.mask, mask), default=None)
        assert result[id] is not None
        assert masks.iou(result[id].mask, mask) > 0.8, f"thing {id}"
    assert len(perceived.detections) == len(true)
    return result


@pytest.mark.parametrize("noise", [0.0, KINECT])
def test_a_box_and_a_ball_are_found_with_place_size_color_and_shape(perceiver, noise):
    frame = picture(Box((-0.15, 0.0), (0.12, 0.08, 0.1)), Ball((0.12, 0.05), 0.05), noise=noise)
    things = found(perceiver, frame)
    box, ball = things[1], things[2]
    assert (box.color, box.shape, box.label) == ("red", "box", "box")
    assert (ball.color, ball.shape, ball.label) == ("blue", "sphere", "ball")
    assert box.elevation_m == pytest.approx((0.0, 0.1), abs=0.012)
    assert box.size_m[0] == pytest.approx(0.12, abs=0.015)
    assert ball.center_m[0] == pytest.approx(0.12, abs=0.01)
    assert ball.depth_mean_m == pytest.approx(np.nanmean(frame.depth_m[frame.truth.ids == 2]), abs=0.01)


def test_the_plane_is_the_table(perceiver):
    plane = perceiver.perceive(picture(Ball((0.0, 0.0), 0.05), noise=KINECT)).plane
    assert plane.normal == pytest.approx((0.0, -np.cos(np.radians(40)), -np.sin(np.radians(40))), abs=0.01)
    assert plane.offset_m == pytest.approx(-0.5, abs=0.005)


def test_the_table_is_found_when_things_cover_most_of_the_view(perceiver):
    wall = Box((0.0, 0.1), (0.6, 0.1, 0.25)), Box((0.0, -0.1), (0.5, 0.2, 0.06), (30, 160, 60))
    frame = picture(*wall, noise=KINECT)
    assert (frame.truth.ids > 0).sum() > 1.1 * (np.isfinite(frame.depth_m) & (frame.truth.ids == 0)).sum()
    assert perceiver.perceive(frame).plane.offset_m == pytest.approx(-0.5, abs=0.01)


def test_a_stack_comes_apart_where_it_is_concave(perceiver):
    frame = picture(
        Box((0.0, 0.0), (0.2, 0.15, 0.08)), Box((0.02, 0.01), (0.1, 0.07, 0.07), (30, 160, 60), on=0.08), noise=KINECT
    )
    things = found(perceiver, frame)
    assert things[2].elevation_m[0] == pytest.approx(0.08, abs=0.012)
    assert things[2].color == "green"


def test_two_that_touch_at_an_angle_come_apart(perceiver):
    found(perceiver, picture(Box((-0.08, 0.0), (0.1, 0.1, 0.1)), Box((0.07, -0.02), (0.1, 0.1, 0.14), turn_deg=40)))


def test_two_parts_behind_something_nearer_are_one_thing(perceiver):
    bar, post = Box((0.0, 0.12), (0.4, 0.06, 0.06)), Box((0.0, -0.08), (0.07, 0.05, 0.2), (30, 160, 60))
    frame = picture(bar, post, noise=KINECT)
    assert frame.truth.ids[:, 150:170].max() == 2
    found(perceiver, frame)


def test_holes_in_the_depth_of_a_thing_are_filled(perceiver):
    frame = picture(Box((0.0, 0.0), (0.2, 0.15, 0.1)))
    rows, columns = np.nonzero(frame.truth.ids == 1)
    y, x = int(rows.mean()), int(columns.mean())
    frame.depth_m[y - 3 : y + 3, x - 3 : x + 3] = np.nan
    assert found(perceiver, frame)[1].mask[y, x]


def test_an_empty_table_is_empty_and_no_surface_is_no_error(perceiver):
    assert perceiver.perceive(picture()).detections == ()
    steps = np.indices((240, 320)).sum(axis=0) % 7 + 0.5
    noise = Frame(np.zeros((240, 320, 3), np.uint8), steps.astype(np.float32), CAMERA)
    assert perceiver.perceive(noise).detections == ()


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (40, 40)])
def test_small_pictures_do_not_crash_and_constant_depth_is_refused(perceiver, size):
    w, h = size
    color, camera = np.zeros((h, w, 3), np.uint8), CameraIntrinsics(w, h, 50.0, 50.0, 1.0, 1.0)
    slope = np.linspace(0.9, 1.1, h * w, dtype=np.float32).reshape(h, w)
    assert perceiver.perceive(Frame(color, slope, camera)).detections == ()
    if h * w > 1:
        with pytest.raises(FrameError, match="everywhere"):
            perceiver.perceive(Frame(color, np.ones((h, w), np.float32), camera))


def test_frames_that_cannot_be_used_are_refused_with_what_to_do(perceiver):
    color = np.zeros((240, 320, 3), np.uint8)
    with pytest.raises(FrameError, match="no depth image"):
        perceiver.perceive(Frame(color, None, CAMERA))
    with pytest.raises(FrameError, match="camera_info"):
        perceiver.perceive(Frame(color, np.ones((240, 320), np.float32)))
    with pytest.raises(FrameError, match="no valid pixel"):
        perceiver.perceive(Frame(color, np.full((240, 320), np.nan, np.float32), CAMERA))


def test_perceivers_are_made_by_name_and_settings_are_checked(tmp_path):
    made = make_perceiver("tabletop", None, ["segment.min_object_px=30", "names=false"])
    assert made.config.segment.min_object_px == 30
    with pytest.raises(ConfigError, match="min_object_px"):
        make_perceiver("tabletop", None, ["segment.min_objct_px=30"])
    with pytest.raises(ConfigError, match="did you mean 'tabletop'"):
        make_perceiver("tabeltop")
    with pytest.raises(ConfigError, match="smooth_deg"):
        make_perceiver("tabletop", None, ["segment.smooth_deg=50"])
    with pytest.raises(ConfigError, match="cannot look for cup"):
        made.set_vocabulary(["cup"])
    broken = tmp_path / "labels.npz"
    broken.write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"labels.npz.*train labels"):
        make_perceiver("tabletop", None, [f"label_model={broken}"])
