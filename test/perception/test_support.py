"""The surface that things stand on is found among floors, walls and waves of the depth; what is missing is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rays import CAMERA, Ball, Box, picture

from fastreasonseg_ros.perception.support.structure import Reach, find_layout
from fastreasonseg_ros.perception.support.surface import analyse
from fastreasonseg_ros.perception.support.survey import find_support
from fastreasonseg_ros.perception.tabletop import TabletopConfig, TabletopPerceiver
from fastreasonseg_ros.twin import masks
from fastreasonseg_ros.twin.types import Frame

REACH = Reach(0.005, 0.6, 0.1)
TABLE = (0.0, -np.cos(np.radians(40)), -np.sin(np.radians(40)))  # its normal in the camera's frame
THINGS = Box((-0.06, 0.0), (0.06, 0.05, 0.1)), Ball((0.06, -0.02), 0.04)
FLOOR = Box((0.0, 1.0), (8.0, 8.0, 0.02), (90, 90, 90), on=-0.75)


def layout_of(frame: Frame):
    return find_layout(analyse(frame.depth_m, frame.intrinsics), REACH)


def waved(frame: Frame, height_m: float, length_m: float) -> Frame:
    """The frame with depth that goes up and down by so much, as that of stereo cameras does."""
    u, v = np.meshgrid(np.arange(CAMERA.width), np.arange(CAMERA.height))
    x, y = (u - CAMERA.cx) / CAMERA.fx * frame.depth_m, (v - CAMERA.cy) / CAMERA.fy * frame.depth_m
    wave = height_m * np.sin(2 * np.pi * x / length_m) * np.sin(2 * np.pi * y / length_m)
    return replace(frame, depth_m=(frame.depth_m + wave).astype(np.float32))


def test_a_small_table_is_found_above_a_floor_that_covers_more_of_the_picture():
    frame = picture(*THINGS, FLOOR, half_table=0.14, noise=0.001)
    on_table = (frame.truth.ids == 0) & np.isfinite(frame.depth_m)
    assert (frame.truth.ids == 3).sum() > 3 * on_table.sum()
    layout = layout_of(frame)
    assert np.dot(layout.ground.normal, TABLE) > np.cos(np.radians(2))
    assert layout.ground.offset_m == pytest.approx(-0.5, abs=0.01)
    seen = TabletopPerceiver(TabletopConfig(names=False)).perceive(frame).detections
    assert len(seen) == 2
    for id in (1, 2):
        assert max(masks.iou(d.mask, frame.truth.ids == id) for d in seen) > 0.75


@pytest.mark.parametrize("bend_m", [-0.02, 0.02])
def test_a_warped_table_is_one_surface_and_has_no_second_level(bend_m):
    frame = picture(*THINGS, half_table=0.45, noise=0.001)
    v = np.arange(CAMERA.height)[:, None] / CAMERA.height
    bent = replace(frame, depth_m=(frame.depth_m + bend_m * np.cos(2 * np.pi * v)).astype(np.float32))
    assert len(layout_of(bent).levels) == 1
    seen = TabletopPerceiver(TabletopConfig(names=False)).perceive(bent).detections
    for id in (1, 2):
        assert max(masks.iou(d.mask, frame.truth.ids == id) for d in seen) > 0.7
    assert sum(d.mask[frame.truth.ids == 0].mean() for d in seen) < 0.05


def test_waves_of_the_depth_do_not_turn_the_table():
    layout = layout_of(waved(picture(*THINGS, FLOOR, noise=0.001), 0.006, 0.12))
    assert np.dot(layout.ground.normal, TABLE) > np.cos(np.radians(2))
    assert len(layout.levels) == 1


def test_a_far_floor_with_noisy_depth_does_not_pull_the_table_to_it():
    frame = picture(*THINGS, FLOOR, half_table=0.3, noise=0.004)
    plane = layout_of(frame).ground
    assert np.dot(plane.normal, TABLE) > np.cos(np.radians(2))


def test_a_wall_is_no_support_where_gravity_is_known():
    u, _ = np.meshgrid(np.arange(CAMERA.width), np.arange(CAMERA.height))
    ray = (u - CAMERA.cx) / CAMERA.fx
    with np.errstate(divide="ignore"):
        depth = np.where(ray < -0.05, -0.3 / ray, np.nan)  # a side of a shelf, 0.3 m to the left
    depth[depth > 2.5] = np.nan
    surface = analyse(
        (1 / (1 / depth + np.random.default_rng(0).normal(0, 0.001, depth.shape))).astype(np.float32), CAMERA
    )
    assert find_support(surface, up=(0.0, -1.0, 0.0)) is None
    layout = find_layout(surface, REACH, up=(0.0, -1.0, 0.0))
    assert layout.levels == ()
    assert "no surface" in layout.note


def test_a_surface_that_holds_little_of_what_is_near_is_said_to():
    beside = Box((0.55, 0.35), (0.7, 1.2, 0.02), (90, 90, 90), on=-0.45), Box((-0.55, 0.35), (0.7, 1.2, 0.02), on=-0.45)
    frame = picture(*THINGS, *beside, half_table=0.16, noise=0.001)
    note = TabletopPerceiver(TabletopConfig(names=False)).perceive(frame).note
    assert "of what is seen within 2 m lies on the surface that was found" in note
    assert TabletopPerceiver(TabletopConfig(names=False)).perceive(picture(*THINGS, noise=0.001)).note == ""
