"""Sides of bins, frames beside a table, a robot's arm and waves of the depth are no things."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rays import CAMERA, Box, picture

from fastreasonseg_ros.perception.support.structure import Reach, find_layout
from fastreasonseg_ros.perception.support.surface import analyse
from fastreasonseg_ros.perception.tabletop import TabletopConfig, TabletopPerceiver
from fastreasonseg_ros.twin import masks
from fastreasonseg_ros.twin.types import Frame

THING = Box((-0.1, 0.0), (0.08, 0.06, 0.1))


@pytest.fixture(scope="module")
def perceiver():
    return TabletopPerceiver(TabletopConfig(names=False))


def slanted_bin(half_m: float = 0.16, slope_deg: float = 60.0) -> tuple[Frame, np.ndarray]:
    """A bin 0.2 m deep, its bottom 0.7 m below the camera, its sides so steep; its frame, and where a ball in it is."""
    u, v = np.meshgrid(np.arange(CAMERA.width), np.arange(CAMERA.height))
    rays = np.stack([(u - CAMERA.cx) / CAMERA.fx, (v - CAMERA.cy) / CAMERA.fy, np.ones(u.shape)], axis=-1)
    s, c = np.sin(np.radians(slope_deg)), np.cos(np.radians(slope_deg))
    depth = np.full(u.shape, 0.7)
    for side in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        normal = np.array([-s * side[0], -s * side[1], -c])  # into the bin
        offset = normal @ [half_m * side[0], half_m * side[1], 0.7]
        along = rays @ normal
        with np.errstate(divide="ignore"):
            depth = np.where(along < 0, np.minimum(depth, offset / along), depth)
    depth[depth < 0.5] = np.nan  # nothing is seen beyond its rim
    centre, radius = np.array([0.03, 0.02, 0.66]), 0.04
    a, b = (rays * rays).sum(axis=-1), rays @ centre
    inside = b * b - a * (centre @ centre - radius**2)
    hit = np.where(inside > 0, (b - np.sqrt(np.maximum(inside, 0))) / a, np.inf)
    ball = np.isfinite(hit) & ~(hit > depth)
    depth = 1 / (1 / np.where(ball, hit, depth) + np.random.default_rng(0).normal(0, 0.002, depth.shape))
    color = np.full((*u.shape, 3), 150, np.uint8)
    return Frame(color, depth.astype(np.float32), CAMERA), ball


@pytest.mark.parametrize("slope_deg", [35.0, 60.0, 85.0])
def test_slanted_sides_of_a_bin_are_no_things_and_its_bottom_is_the_support(perceiver, slope_deg):
    frame, ball = slanted_bin(slope_deg=slope_deg)
    layout = find_layout(analyse(frame.depth_m, frame.intrinsics), Reach(0.005, 0.6, 0.1))
    assert layout.ground.normal == pytest.approx((0, 0, -1), abs=0.03)
    seen = perceiver.perceive(frame).detections
    assert len(seen) == 1
    assert masks.iou(seen[0].mask, ball) > 0.75


def test_what_lies_beside_the_table_a_little_higher_is_none_of_its_things(perceiver):
    frame = picture(THING, Box((0.36, 0.0), (0.1, 0.5, 0.03), (160, 160, 160), on=0.02), half_table=0.3, noise=0.001)
    assert (frame.truth.ids == 2).sum() > 2000
    seen = perceiver.perceive(frame).detections
    assert len(seen) == 1
    assert masks.iou(seen[0].mask, frame.truth.ids == 1) > 0.75


def test_a_thing_that_hangs_over_the_edge_of_the_table_is_kept(perceiver):
    frame = picture(THING, Box((0.3, 0.0), (0.12, 0.1, 0.08), (30, 160, 60)), half_table=0.3, noise=0.001)
    seen = perceiver.perceive(frame).detections
    assert max(masks.iou(d.mask, frame.truth.ids == 2) for d in seen) > 0.7


def test_an_arm_that_reaches_in_over_the_lower_edge_is_no_thing(perceiver):
    frame = picture(THING, Box((0.12, -0.5), (0.3, 0.5, 0.06), (200, 200, 200), on=0.12), noise=0.001)
    assert (frame.truth.ids[-1] == 2).sum() > 40
    seen = perceiver.perceive(frame).detections
    assert all(masks.iou(d.mask, frame.truth.ids == 2) < 0.1 for d in seen)
    assert max(masks.iou(d.mask, frame.truth.ids == 1) for d in seen) > 0.75


def test_waves_of_the_depth_are_no_things_and_a_thin_book_is_one(perceiver):
    frame = picture(THING, Box((0.12, 0.0), (0.1, 0.14, 0.02), (30, 60, 200)), noise=0.0005)
    u, v = np.meshgrid(np.arange(CAMERA.width), np.arange(CAMERA.height))
    wave = 0.009 * np.sin(u / 19.0) * np.sin(v / 23.0)
    seen = perceiver.perceive(replace(frame, depth_m=(frame.depth_m + wave).astype(np.float32))).detections
    covered = np.zeros(frame.truth.ids.shape, bool)
    for thing in seen:
        covered |= thing.mask
    assert covered[frame.truth.ids == 0].mean() < 0.05
    assert covered[frame.truth.ids == 2].mean() > 0.6
