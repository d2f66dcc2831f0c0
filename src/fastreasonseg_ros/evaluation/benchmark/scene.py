"""Synthetic RGB-D frames of a table with a given number of balls, to measure the cost of perception.

Exact colour and depth by ray casting, without a simulator. The balls are in separate rows on a table below the camera,
so that a perceiver should find all of them.
"""

from __future__ import annotations

import math

import numpy as np

from ...twin.types import CameraIntrinsics, Frame, GroundTruth

TILT = math.radians(50)  # pitch of the camera below the horizontal
HEIGHT_M, AWAY_M = 0.8, 0.7  # camera above the table; horizontal distance from the camera to the table's centre
TABLE_M = (1.1, 0.8)  # width and depth
COLORS = ((200, 40, 40), (40, 90, 200), (40, 150, 60), (230, 190, 40), (240, 240, 240), (40, 40, 40))


def table_of_balls(count: int, width: int, height: int, stamp_s: float = 0.0) -> Frame:
    """A frame of `count` balls (ids 1 ... count) with ground truth. Colours and sizes are a function of the id."""
    camera = CameraIntrinsics(width, height, 0.82 * width, 0.82 * width, (width - 1) / 2, (height - 1) / 2)
    u, v = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    x, y = (u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy
    down, ahead = math.sin(TILT), math.cos(TILT)
    # World: x to the right, y away, z up, the camera over the origin; rays have z = 1 in the camera's frame.
    rays = np.stack([x, ahead - down * y, -down - ahead * y], axis=-1)
    depth = np.where(rays[..., 2] < 0, -HEIGHT_M / np.minimum(rays[..., 2], -1e-9), np.inf)
    ground = rays * np.where(np.isfinite(depth), depth, 0)[..., None]
    off = (np.abs(ground[..., 0]) > TABLE_M[0] / 2) | (np.abs(ground[..., 1] - AWAY_M) > TABLE_M[1] / 2)
    depth = np.where(off, np.inf, depth)
    color = np.where(off[..., None], np.uint8(90), np.array((185, 160, 130), np.uint8))
    ids = np.zeros((height, width), np.uint16)
    squared = (rays**2).sum(axis=-1)
    for id, (right_m, away_m, radius_m) in enumerate(_places(count), 1):
        # |t ray - centre| = radius, with the camera as the origin
        centre = np.array((right_m, away_m, radius_m - HEIGHT_M), np.float32)
        along = rays @ centre
        inside = along**2 - squared * (centre @ centre - np.float32(radius_m**2))
        hit = np.where(inside > 0, (along - np.sqrt(np.maximum(inside, 0))) / squared, np.inf)
        nearer = hit < depth
        depth, ids = np.where(nearer, hit, depth), np.where(nearer, np.uint16(id), ids)
        color = np.where(nearer[..., None], np.array(COLORS[id % len(COLORS)], np.uint8), color)
    depth = np.where(np.isfinite(depth), depth, np.nan).astype(np.float32)
    return Frame(color, depth, camera, stamp_s, truth=GroundTruth(ids, dict.fromkeys(range(1, count + 1), "ball")))


def _places(count: int) -> list[tuple[float, float, float]]:
    """For every ball: right and forward of the point below the camera, and radius; metres."""
    columns = max(1, min(count, round(math.sqrt(count * TABLE_M[0] / TABLE_M[1]))))
    rows = math.ceil(count / columns)
    gap = min(TABLE_M[0] / (columns + 1), TABLE_M[1] / (rows + 1))
    return [
        (
            (n % columns - (columns - 1) / 2) * TABLE_M[0] / (columns + 1),
            AWAY_M + (n // columns - (rows - 1) / 2) * TABLE_M[1] / (rows + 1),
            min(0.045, gap * (0.28 + 0.06 * (n % 3) / 2)),
        )
        for n in range(count)
    ]
