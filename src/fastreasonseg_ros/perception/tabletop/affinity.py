"""What the segmenter's network sees of a frame.

The network looks at geometry only: what simulated depth has in common with real depth is its shapes, and what
simulated colour has is little (Xie et al., Unseen Object Instance Segmentation for Robotic Environments, T-RO 2021).
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32

from ...twin.types import CameraIntrinsics, Plane

CHANNELS = 7
WIDTH_PX, HEIGHT_PX = 160, 120
# Rows and columns; the long ones tell of parts of one thing on both sides of what hides its middle.
OFFSETS = ((0, 2), (2, 0), (0, 6), (6, 0), (5, 5), (5, -5), (0, 16), (16, 0))

Features = Float32[np.ndarray, "c h w"]


def look(depth_m: Float32[np.ndarray, "h w"], k: CameraIntrinsics, plane: Plane) -> Features:
    """Seven channels about -1..1: height over the plane; the normal upwards, to the right and away; how far a pixel
    sticks out of its surroundings; distance; whether depth is known. Unknown is 0 in all of them."""
    known = np.isfinite(depth_m) & (depth_m > 0)
    inverse = np.zeros(depth_m.shape, np.float32)
    np.divide(np.float32(1), depth_m, out=inverse, where=known)
    weight = known.astype(np.float32)
    slope_u, slope_v = _slope(inverse, weight, 1), _slope(inverse, weight, 0)
    u = np.arange(k.width, dtype=np.float32) - np.float32(k.cx)
    v = np.arange(k.height, dtype=np.float32)[:, None] - np.float32(k.cy)
    right, down = slope_u * np.float32(-k.fx), slope_v * np.float32(-k.fy)
    ahead = slope_u * u + slope_v * v - inverse
    scale = 1 / (np.sqrt(right * right + down * down + ahead * ahead) + np.float32(1e-9))
    turned = [(x * right + y * down + z * ahead) * scale for x, y, z in _axes(plane)]
    depth = np.where(known, depth_m, np.float32(0))
    a, b, c = (np.float32(x) for x in plane.normal)
    height = depth * (u * (a / np.float32(k.fx)) + v * (b / np.float32(k.fy)) + c) - np.float32(plane.offset_m)
    window = (15, 15)
    share = cv2.blur(weight, window)
    around = cv2.blur(inverse, window) / np.maximum(share, np.float32(1e-3))
    out = np.stack(
        [
            np.clip(height / np.float32(0.15), -0.5, 2.0),
            *turned,
            np.clip((inverse - around) * depth * np.float32(10), -1, 1),
            np.clip(depth / np.float32(1.5), 0, 2) - np.float32(0.5),
            np.ones_like(depth),
        ]
    )
    return (out * weight).astype(np.float32)


def _slope(inverse: np.ndarray, weight: np.ndarray, axis: int) -> np.ndarray:
    """Change of 1/z a pixel, from neighbours on both sides that are known, averaged across over three pixels."""
    size = inverse.shape[axis]
    before, after = (np.clip(np.arange(size) + d, 0, size - 1) for d in (-1, 1))
    both = weight.take(before, axis) * weight.take(after, axis)
    change = (inverse.take(after, axis) - inverse.take(before, axis)) * both
    kernel = (1, 3) if axis == 1 else (3, 1)
    total = cv2.blur(change, kernel)
    return total / np.maximum(2 * cv2.blur(both, kernel), np.float32(1e-3))


def _axes(plane: Plane) -> Float32[np.ndarray, "3 3"]:
    """Rows: up, to the camera's right along the plane, away from the camera along it."""
    up = np.asarray(plane.normal, np.float32)
    right = np.array([1, 0, 0], np.float32) - up[0] * up
    right /= np.linalg.norm(right) + np.float32(1e-9)
    return np.stack([up, right, np.cross(up, right)])
