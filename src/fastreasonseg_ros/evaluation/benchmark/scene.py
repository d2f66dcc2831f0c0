"""Tables with as many balls as one likes, in any picture size: what the cost of perception is measured on.

Exact colour and depth by ray casting, without a simulator. The balls stand apart in rows on a table that a camera looks
down on, so that a perceiver that works finds every one of them.
"""

from __future__ import annotations

import math

import numpy as np

from ...twin.types import CameraIntrinsics, Frame, GroundTruth

TILT = math.radians(50)  # the camera looks down by so much
HEIGHT_M, AWAY_M = 0.8, 0.7  # of the camera over the table, and of the table's middle from the camera's foot
TABLE_M = (1.1, 0.8)  # width and depth
COLORS = ((200, 40, 40), (40, 90, 200), (40, 150, 60), (230, 190, 40), (240, 240, 240), (40, 40, 40))


def table_of_balls(count: int, width: int, height: int, stamp_s: float = 0.0) -> Frame:
    """A frame of `count` balls (ids 1 ... count); colours and sizes vary a little, and follow from the number alone."""
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
    """Right, away (of the camera's foot) and radius, metres, of every ball."""
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
