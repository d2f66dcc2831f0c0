"""Parts that shape tears apart are one object where they share a strong hue across a bridge."""

from __future__ import annotations

import numpy as np
import pytest
from rays import ABOVE, CAMERA, FAR, TILT, Ball, Box, picture

from fastreasonseg_ros.perception.support.surface import analyse
from fastreasonseg_ros.perception.tabletop import TabletopConfig, TabletopPerceiver
from fastreasonseg_ros.perception.tabletop.color_cue import same_hue_parts
from fastreasonseg_ros.perception.tabletop.grouping import Border
from fastreasonseg_ros.perception.tabletop.merge_segments import Group, Scene
from fastreasonseg_ros.twin import masks
from fastreasonseg_ros.twin.types import CameraIntrinsics, Frame, GroundTruth, Plane

ORANGE = (235, 100, 20)


@pytest.fixture(scope="module")
def perceiver():
    return TabletopPerceiver(TabletopConfig(names=False))


def owners(perceiver, frame, *ids: int) -> list[int]:
    """Number of the detection that has most of each thing's pixels, 0 for none."""
    image = np.zeros(frame.color.shape[:2], int)
    for n, thing in enumerate(perceiver.perceive(frame).detections, 1):
        image[thing.mask] = n
    return [int(np.bincount(image[frame.truth.ids == id]).argmax()) for id in ids]


def parts(second: tuple[float, float], joined: float = 1.0, between: int = 1) -> Scene:
    """Group 1: orange on the left, its dark grip in the middle; group 2 on the right; 0.5 m before the camera.

    second: CIELAB's a and b of group 2. joined: of their border. between: label of what is in the middle.
    """
    labels = np.zeros((40, 120), np.int32)
    labels[5:35, 10:40], labels[5:35, 40:80], labels[5:35, 80:110] = 1, between, 2
    depth = np.full(labels.shape, 0.5, np.float32)
    camera = CameraIntrinsics(120, 40, 300.0, 300.0, 60.0, 20.0)
    surface = analyse(depth, camera)
    tints = np.full((*labels.shape, 2), 128, np.float32)
    tints[:, :40], tints[:, 80:] = (170, 180), second

    def group(label: int) -> Group:
        at = labels == label
        return Group(
            surface.points[at], surface.normals[at], int(at.sum()), 0.0, 0.05, 0.0, tints[at].mean(axis=0), tints[at]
        )

    border = Border(1, 2, 30, joined, -20.0, 0.5)
    groups = {label: group(label) for label in np.unique(labels[labels > 0]).tolist()}
    return Scene(groups, {(1, 2): border}, labels, surface, Plane((0.0, 0.0, -1.0), -0.55), camera)


def test_two_parts_of_one_strong_hue_with_a_dark_bridge_are_one_thing():
    assert same_hue_parts(parts((160, 168)), 1, 2)


def test_parts_of_two_hues_or_of_none_are_two_things():
    assert not same_hue_parts(parts((180, 140)), 1, 2)
    assert not same_hue_parts(parts((130, 132)), 1, 2)


def test_a_third_thing_or_the_table_between_them_or_a_step_keeps_parts_apart():
    assert not same_hue_parts(parts((160, 168), between=3), 1, 2)
    assert not same_hue_parts(parts((160, 168), between=0), 1, 2)
    assert not same_hue_parts(parts((160, 168), joined=0.2), 1, 2)


def bowl_with_jar() -> Frame:
    """A half sphere, open above, that stands on the table, and a box in it; ids 1 and 2."""
    frame = picture(noise=0.0)
    u, v = np.meshgrid(np.arange(CAMERA.width), np.arange(CAMERA.height))
    rays = np.stack([(u - CAMERA.cx) / CAMERA.fx, (v - CAMERA.cy) / CAMERA.fy, np.ones(u.shape)], axis=-1)
    down, ahead = np.sin(TILT), np.cos(TILT)
    world = np.stack(
        [rays[..., 0], ahead * rays[..., 2] - down * rays[..., 1], -down * rays[..., 2] - ahead * rays[..., 1]], axis=-1
    )
    eye, rim = np.array([0.0, 0.0, ABOVE]), 0.08
    start = eye - [0.0, FAR, rim]
    a, b, c = (world * world).sum(axis=-1), world @ start, start @ start - rim**2
    root = np.sqrt(np.maximum(b * b - a * c, 0))
    hits = [np.where(b * b > a * c, (-b + sign * root) / a, np.inf) for sign in (-1, 1)]
    hits = [np.where(ABOVE + h * world[..., 2] < rim, h, np.inf) for h in hits]
    bowl = np.minimum(*hits)
    jar = picture(Box((0.0, 0.0), (0.035, 0.035, 0.1), on=0.005))
    depth, ids = np.where(np.isfinite(frame.depth_m), frame.depth_m, np.inf), np.zeros(u.shape, np.uint16)
    color = frame.color.copy()
    ids[bowl < depth], depth = 1, np.minimum(bowl, depth)
    front = (jar.truth.ids == 1) & (jar.depth_m < depth)
    ids[front], depth = 2, np.where(front, jar.depth_m, depth)
    color[ids == 1], color[ids == 2] = (60, 170, 160), (230, 230, 230)
    depth = 1 / (1 / depth + np.random.default_rng(0).normal(0, 0.001, depth.shape))
    depth = np.where(np.isfinite(frame.depth_m) | (ids > 0), depth, np.nan)
    return Frame(color, depth.astype(np.float32), CAMERA, truth=GroundTruth(ids))


def test_a_bowl_with_a_jar_in_it_is_one_thing_and_the_jar_another(perceiver):
    frame = bowl_with_jar()
    seen = perceiver.perceive(frame).detections
    ids = frame.truth.ids
    bowl = max(seen, key=lambda d: masks.iou(d.mask, ids == 1))
    assert masks.iou(bowl.mask, ids == 1) > 0.8
    assert max(masks.iou(d.mask, ids == 2) for d in seen if d is not bowl) > 0.7


def test_two_balls_of_one_colour_with_the_table_between_them_are_two(perceiver):
    frame = picture(Ball((-0.06, 0.0), 0.045, ORANGE), Ball((0.06, 0.0), 0.045, ORANGE), noise=0.001)
    first, second = owners(perceiver, frame, 1, 2)
    assert 0 < first != second > 0
