"""Where the camera is, from its own pictures, for cameras that move and whose pose nobody tells.

Corners are followed from a key frame (Lucas-Kanade with pyramids, forth and back; Bouguet 2001), depth makes points in
space of them, and the motion that most of them share is the camera's (RANSAC; Kabsch 1976). What moves by itself
disagrees and is left out. The first picture's camera frame is the frame that stands still; errors add up with every
key frame, so that this tells velocities, and not where one is after a minute.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float

from ..twin.pose import STILL, Pose
from ..twin.types import Frame

Points = Float[np.ndarray, "n 3"]


@dataclass(frozen=True)
class EgoMotionConfig:
    """corners: how many are followed. inlier_m: at a metre, growing with the square of depth as a sensor's noise does.

    A new key frame is taken when under `keep_share` of the corners are left, or the camera is beyond key_m or key_deg.
    least: corners that must agree; with fewer, the camera is taken to stand still.
    """

    corners: int = 250
    inlier_m: float = 0.012
    keep_share: float = 0.5
    key_m: float = 0.15
    key_deg: float = 12.0
    least: int = 12
    width_px: int = 320


class EgoMotion:
    """Feed it every picture, in order; one object a camera, one thread."""

    def __init__(self, config: EgoMotionConfig = EgoMotionConfig()) -> None:
        self.config = config
        self._stamp_s = float("inf")
        self._pose = self._key_pose = STILL
        self._size = (0, 0)
        self._key_gray = np.zeros((0, 0), np.uint8)
        self._key_pixels = np.zeros((0, 1, 2), np.float32)
        self._key_points = np.zeros((0, 3))

    def pose(self, frame: Frame) -> Pose | None:
        """The camera's pose in the frame of the first picture's; None without depth or camera model.

        A picture older than the last one, or of another size, begins anew.
        """
        if frame.depth_m is None or frame.intrinsics is None:
            return None
        gray = self._small(frame)
        if frame.stamp_s < self._stamp_s or gray.shape != self._key_gray.shape:
            self._pose = STILL
            self._new_key(gray, frame)
        else:
            self._follow(gray, frame)
        self._stamp_s = frame.stamp_s
        return self._pose

    def _small(self, frame: Frame) -> np.ndarray:
        gray = cv2.cvtColor(frame.color, cv2.COLOR_RGB2GRAY)
        h, w = gray.shape
        factor = max(1, round(w / self.config.width_px))
        return gray if factor == 1 else cv2.resize(gray, (w // factor, h // factor), interpolation=cv2.INTER_AREA)

    def _new_key(self, gray: np.ndarray, frame: Frame) -> None:
        c = self.config
        corners = cv2.goodFeaturesToTrack(gray, c.corners, 0.005, 5, blockSize=5)
        pixels = np.zeros((0, 1, 2), np.float32) if corners is None else corners
        points, known = _points(frame, pixels[:, 0], gray.shape)
        self._key_gray, self._key_pixels, self._key_points = gray, pixels[known], points[known]
        self._key_pose = self._pose

    def _follow(self, gray: np.ndarray, frame: Frame) -> None:
        c, count = self.config, len(self._key_points)
        found = None
        if count >= c.least:
            now, kept = _flow(self._key_gray, gray, self._key_pixels)
            points, known = _points(frame, now[:, 0], gray.shape)
            good = kept & known
            found = rigid_motion(points[good], self._key_points[good], c.inlier_m, c.least)
        if found is None:  # nothing to hold on to: begin again where the camera was last
            self._new_key(gray, frame)
            return
        motion, inliers = found
        self._pose = self._key_pose.after(motion)
        far = motion.distance_m > c.key_m or np.degrees(motion.angle_rad) > c.key_deg
        if far or np.count_nonzero(inliers) < c.keep_share * count:
            self._new_key(gray, frame)


def rigid_motion(
    source: Points, target: Points, inlier_m: float, least: int = 12, tries: int = 150, seed: int = 0
) -> tuple[Pose, Bool[np.ndarray, "n"]] | None:
    """The motion target = turn @ source + at that most pairs share, and which do; None where fewer than `least` do.

    inlier_m: allowed distance at 1 m from the camera; it grows with the square of depth.
    """
    n = len(source)
    if n < least:
        return None
    random = np.random.default_rng(seed)
    limit = inlier_m * np.maximum(target[:, 2], 0.3) ** 2 + 0.002
    samples = random.integers(0, n, (tries, 3))
    turns, shifts = _kabsch(source[samples], target[samples])
    away = np.linalg.norm(np.einsum("tij,nj->tni", turns, source) + shifts[:, None] - target, axis=2)
    near = away[np.count_nonzero(away < limit, axis=1).argmax()] < limit
    turn, shift = np.eye(3), np.zeros(3)
    for _ in range(3):
        if np.count_nonzero(near) < least:
            return None
        turn, shift = (m[0] for m in _kabsch(source[near][None], target[near][None]))
        near = np.linalg.norm(source @ turn.T + shift - target, axis=1) < limit
    return (Pose(turn, shift), near) if np.count_nonzero(near) >= least else None


def _kabsch(source: Float[np.ndarray, "t n 3"], target: Float[np.ndarray, "t n 3"]) -> tuple[np.ndarray, np.ndarray]:
    """Rotations (t, 3, 3) and translations (t, 3) of least squares."""
    a, b = source.mean(axis=1), target.mean(axis=1)
    u, _, vt = np.linalg.svd(np.einsum("tni,tnj->tij", source - a[:, None], target - b[:, None]))
    sign = np.ones((len(a), 3))
    sign[:, 2] = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    turns = np.einsum("tji,tj,tkj->tik", vt, sign, u)
    return turns, b - np.einsum("tij,tj->ti", turns, a)


def _flow(before: np.ndarray, now: np.ndarray, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the corners are now, and which of them come back to where they were when followed backwards."""
    options = {"winSize": (15, 15), "maxLevel": 3}
    there, ok, _ = cv2.calcOpticalFlowPyrLK(before, now, pixels, None, **options)  # type: ignore[call-overload]
    back, ok_back, _ = cv2.calcOpticalFlowPyrLK(now, before, there, None, **options)  # type: ignore[call-overload]
    close = np.linalg.norm(back - pixels, axis=2)[:, 0] < 0.7
    return there, (ok[:, 0] > 0) & (ok_back[:, 0] > 0) & close


def _points(frame: Frame, pixels: Float[np.ndarray, "n 2"], shape: tuple[int, int]) -> tuple[Points, np.ndarray]:
    """Points in space of pixels of a picture of that shape, and which of them are known and on no step in depth."""
    assert frame.depth_m is not None
    assert frame.intrinsics is not None
    k, depth = frame.intrinsics, frame.depth_m
    factor = k.width // shape[1]
    full = pixels * factor + (factor - 1) / 2
    columns, rows = np.round(full).astype(int).T.reshape(2, -1)
    inside = (columns >= 2) & (rows >= 2) & (columns < k.width - 2) & (rows < k.height - 2)
    columns, rows = np.where(inside, columns, 2), np.where(inside, rows, 2)
    around = np.stack([depth[rows + dy, columns + dx] for dy in (-2, 0, 2) for dx in (-2, 0, 2)])
    with np.errstate(invalid="ignore"):
        z = around.mean(axis=0)
        flat = np.ptp(around, axis=0) < 0.03 * z
    known = inside & np.isfinite(z) & (z > 0) & flat
    z = np.where(known, z, 1.0)
    x, y = (full[:, 0] - k.cx) / k.fx * z, (full[:, 1] - k.cy) / k.fy * z
    return np.stack([x, y, z], axis=1), known
