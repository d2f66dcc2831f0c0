"""A table with boxes and balls, pictured by ray casting: exact depth for tests, without a simulator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastreasonseg_ros.twin.types import CameraIntrinsics, Frame, GroundTruth

CAMERA = CameraIntrinsics(320, 240, 270.0, 270.0, 159.5, 119.5)
TILT = np.radians(40)  # the camera looks down by so much
ABOVE = 0.5  # metres over the table
FAR = 0.6  # from the camera's foot to the middle of the table


@dataclass(frozen=True)
class Box:
    """centre (right, away) and size (right, away, up) on the table, metres; standing at height `on`."""

    at: tuple[float, float]
    size: tuple[float, float, float]
    rgb: tuple[int, int, int] = (200, 30, 30)
    on: float = 0.0
    turn_deg: float = 0.0


@dataclass(frozen=True)
class Ball:
    at: tuple[float, float]
    radius: float
    rgb: tuple[int, int, int] = (30, 60, 200)


def picture(*things: Box | Ball, half_table: float = 0.45, noise: float = 0.0) -> Frame:
    """Ids are 1, 2, ... in the order of the things. noise: standard deviation of 1/z."""
    u, v = np.meshgrid(np.arange(CAMERA.width), np.arange(CAMERA.height))
    rays = np.stack([(u - CAMERA.cx) / CAMERA.fx, (v - CAMERA.cy) / CAMERA.fy, np.ones(u.shape)], axis=-1)
    # world: x right, y away, z up; the camera's foot at the origin
    down, ahead = np.sin(TILT), np.cos(TILT)
    world = np.stack(
        [rays[..., 0], ahead * rays[..., 2] - down * rays[..., 1], -down * rays[..., 2] - ahead * rays[..., 1]], axis=-1
    )
    eye = np.array([0.0, 0.0, ABOVE])
    with np.errstate(divide="ignore", invalid="ignore"):
        depth = np.where(world[..., 2] < 0, -ABOVE / world[..., 2], np.inf)
        ground = eye + world * np.where(np.isfinite(depth), depth, 0)[..., None]
    off = (np.abs(ground[..., 0]) > half_table) | (np.abs(ground[..., 1] - FAR) > half_table)
    depth[off] = np.inf
    color = np.full((*u.shape, 3), (180, 150, 120), np.uint8)
    ids = np.zeros(u.shape, np.uint16)
    for n, thing in enumerate(things, 1):
        hit = _ball(thing, eye, world) if isinstance(thing, Ball) else _box(thing, eye, world)
        nearer = hit < depth
        depth[nearer], ids[nearer], color[nearer] = hit[nearer], n, thing.rgb
    depth = np.where(np.isfinite(depth), depth, np.nan)
    if noise:
        depth = 1 / (1 / depth + np.random.default_rng(0).normal(0, noise, depth.shape))
    return Frame(color, depth.astype(np.float32), CAMERA, truth=GroundTruth(ids))


def _box(box: Box, eye: np.ndarray, rays: np.ndarray) -> np.ndarray:
    c, s = np.cos(np.radians(box.turn_deg)), np.sin(np.radians(box.turn_deg))
    turn = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    start = turn @ (eye - [box.at[0], box.at[1], box.on + box.size[2] / 2] - np.array([0, FAR, 0]))
    along = rays @ turn.T
    half = np.array(box.size) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        first, second = (-half - start) / along, (half - start) / along
    enter, leave = np.minimum(first, second).max(axis=-1), np.maximum(first, second).min(axis=-1)
    return np.where((enter < leave) & (enter > 0), enter, np.inf)


def _ball(ball: Ball, eye: np.ndarray, rays: np.ndarray) -> np.ndarray:
    start = eye - [ball.at[0], ball.at[1] + FAR, ball.radius]
    a, b = (rays * rays).sum(axis=-1), rays @ start
    inside = b * b - a * (start @ start - ball.radius**2)
    return np.where(inside > 0, (-b - np.sqrt(np.maximum(inside, 0))) / a, np.inf)
