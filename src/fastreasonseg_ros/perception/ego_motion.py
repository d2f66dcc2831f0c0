"""Visual odometry from RGB-D frames, for moving cameras without a pose from TF.

Corners are tracked from a key frame (pyramidal Lucas-Kanade with forward-backward check; Bouguet 2001) and projected to
3-D with depth; the camera motion is the rigid motion with the most inliers (RANSAC; Kabsch 1976). Independently moving
objects are outliers. The fixed frame is the camera frame of the first image. Drift accumulates with every key frame:
suitable for velocities, not for a position after a minute.
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
    """corners: how many are tracked. inlier_m: inlier distance at 1 m; grows with depth squared, as sensor noise does.

    A new key frame is taken when fewer than `keep_share` of the corners are inliers, or the camera moved by more than
    key_m or key_deg. least: minimum inliers; with fewer, the last pose is kept. width_px: width of the tracked image.
    """

    corners: int = 250
    inlier_m: float = 0.012
    keep_share: float = 0.5
    key_m: float = 0.15
    key_deg: float = 12.0
    least: int = 12
    width_px: int = 320


class EgoMotion:
    """Pose estimator for one camera; needs every frame in order. Not thread-safe."""

    def __init__(self, config: EgoMotionConfig = EgoMotionConfig()) -> None:
        self.config = config
        self._stamp_s = float("inf")
        self._pose = self._key_pose = STILL
        self._size = (0, 0)
        self._key_gray = np.zeros((0, 0), np.uint8)
        self._key_pixels = np.zeros((0, 1, 2), np.float32)
        self._key_points = np.zeros((0, 3))

    def pose(self, frame: Frame) -> Pose | None:
        """Camera pose in the camera frame of the first image; None without depth or intrinsics.

        An earlier timestamp or another image size resets the estimate.
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
        if found is None:  # too few inliers: new key frame at the last pose
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
    """The rigid motion target = rotation @ source + translation with the most inliers, and the inlier mask.

    None with fewer than `least` inliers. inlier_m: inlier distance at 1 m depth; it grows with depth squared.
    """
    n = len(source)
    if n < least:
        return None
    random = np.random.default_rng(seed)
    limit = inlier_m * np.maximum(target[:, 2], 0.3) ** 2 + 0.002
    samples = random.integers(0, n, (tries, 3))
    rotations, translations = _kabsch(source[samples], target[samples])
    residuals = np.linalg.norm(np.einsum("tij,nj->tni", rotations, source) + translations[:, None] - target, axis=2)
    inliers = residuals[np.count_nonzero(residuals < limit, axis=1).argmax()] < limit
    rotation, translation = np.eye(3), np.zeros(3)
    for _ in range(3):
        if np.count_nonzero(inliers) < least:
            return None
        rotation, translation = (m[0] for m in _kabsch(source[inliers][None], target[inliers][None]))
        inliers = np.linalg.norm(source @ rotation.T + translation - target, axis=1) < limit
    return (Pose(rotation, translation), inliers) if np.count_nonzero(inliers) >= least else None


def _kabsch(source: Float[np.ndarray, "t n 3"], target: Float[np.ndarray, "t n 3"]) -> tuple[np.ndarray, np.ndarray]:
    """Least-squares rotations (t, 3, 3) and translations (t, 3) (Kabsch 1976)."""
    a, b = source.mean(axis=1), target.mean(axis=1)
    u, _, vt = np.linalg.svd(np.einsum("tni,tnj->tij", source - a[:, None], target - b[:, None]))
    sign = np.ones((len(a), 3))
    sign[:, 2] = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    rotations = np.einsum("tji,tj,tkj->tik", vt, sign, u)
    return rotations, b - np.einsum("tij,tj->ti", rotations, a)


def _flow(before: np.ndarray, now: np.ndarray, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tracked corner positions, and which pass the forward-backward check (0.7 pixels)."""
    options = {"winSize": (15, 15), "maxLevel": 3}
    tracked, ok, _ = cv2.calcOpticalFlowPyrLK(before, now, pixels, None, **options)  # type: ignore[call-overload]
    returned, ok_back, _ = cv2.calcOpticalFlowPyrLK(now, before, tracked, None, **options)  # type: ignore[call-overload]
    close = np.linalg.norm(returned - pixels, axis=2)[:, 0] < 0.7
    return tracked, (ok[:, 0] > 0) & (ok_back[:, 0] > 0) & close


def _points(frame: Frame, pixels: Float[np.ndarray, "n 2"], shape: tuple[int, int]) -> tuple[Points, np.ndarray]:
    """3-D points (metres) of pixels of an image of that shape, and which have valid depth off depth edges."""
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
