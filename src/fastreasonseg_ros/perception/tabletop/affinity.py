"""Input channels of the affinity network.

The input is geometry only: shapes transfer from simulated to real depth, simulated colour does not (Xie et al., Unseen
Object Instance Segmentation for Robotic Environments, T-RO 2021).
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32

from ...twin.types import CameraIntrinsics, Plane

CHANNELS = 7
WIDTH_PX, HEIGHT_PX = 160, 120
# Pixel pairs as (rows, columns); the long offsets connect parts of an object on both sides of an occluder.
OFFSETS = ((0, 2), (2, 0), (0, 6), (6, 0), (5, 5), (5, -5), (0, 16), (16, 0))

Features = Float32[np.ndarray, "c h w"]


def network_input(depth_m: Float32[np.ndarray, "h w"], k: CameraIntrinsics, plane: Plane) -> Features:
    """Seven channels of about -1..1: height above the plane; normal components up, right and away from the camera;
    height above the local mean surface; distance; validity of depth. All channels are 0 where depth is invalid."""
    valid = np.isfinite(depth_m) & (depth_m > 0)
    inverse = np.zeros(depth_m.shape, np.float32)
    np.divide(np.float32(1), depth_m, out=inverse, where=valid)
    weight = valid.astype(np.float32)
    slope_u, slope_v = _slope(inverse, weight, 1), _slope(inverse, weight, 0)
    u = np.arange(k.width, dtype=np.float32) - np.float32(k.cx)
    v = np.arange(k.height, dtype=np.float32)[:, None] - np.float32(k.cy)
    right, down = slope_u * np.float32(-k.fx), slope_v * np.float32(-k.fy)
    ahead = slope_u * u + slope_v * v - inverse
    scale = 1 / (np.sqrt(right * right + down * down + ahead * ahead) + np.float32(1e-9))
    normal_channels = [(x * right + y * down + z * ahead) * scale for x, y, z in _axes(plane)]
    depth = np.where(valid, depth_m, np.float32(0))
    a, b, c = (np.float32(x) for x in plane.normal)
    height = depth * (u * (a / np.float32(k.fx)) + v * (b / np.float32(k.fy)) + c) - np.float32(plane.offset_m)
    window = (15, 15)
    share = cv2.blur(weight, window)
    local_mean = cv2.blur(inverse, window) / np.maximum(share, np.float32(1e-3))
    out = np.stack(
        [
            np.clip(height / np.float32(0.15), -0.5, 2.0),
            *normal_channels,
            np.clip((inverse - local_mean) * depth * np.float32(10), -1, 1),
            np.clip(depth / np.float32(1.5), 0, 2) - np.float32(0.5),
            np.ones_like(depth),
        ]
    )
    return (out * weight).astype(np.float32)


def _slope(inverse: np.ndarray, weight: np.ndarray, axis: int) -> np.ndarray:
    """Central difference of 1/z per pixel where both neighbours are valid, averaged over three pixels across."""
    size = inverse.shape[axis]
    before, after = (np.clip(np.arange(size) + d, 0, size - 1) for d in (-1, 1))
    both_valid = weight.take(before, axis) * weight.take(after, axis)
    change = (inverse.take(after, axis) - inverse.take(before, axis)) * both_valid
    kernel = (1, 3) if axis == 1 else (3, 1)
    total = cv2.blur(change, kernel)
    return total / np.maximum(2 * cv2.blur(both_valid, kernel), np.float32(1e-3))


def _axes(plane: Plane) -> Float32[np.ndarray, "3 3"]:
    """Rows: normal of the plane, right and away from the camera along the plane."""
    up = np.asarray(plane.normal, np.float32)
    right = np.array([1, 0, 0], np.float32) - up[0] * up
    right /= np.linalg.norm(right) + np.float32(1e-9)
    return np.stack([up, right, np.cross(up, right)])
