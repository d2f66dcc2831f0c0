"""Surfaces from depth: edge-preserving local planes, normals, and how noisy the sensor is.

All fits are done in inverse depth, 1/z: a plane in space is linear there over the pixels, and the noise of
triangulating cameras (structured light and stereo alike) is constant over the whole range.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32

from ...twin.types import CameraIntrinsics


@dataclass(frozen=True)
class Surface:
    """Surface per pixel of the working image.

    points: metres, NaN where depth is invalid. normals: unit, towards the camera; NaN without a fitted plane.
    inverse_m: 1/z in 1/m, 0 where invalid. noise_per_m: standard deviation of 1/z over the image.
    """

    points: Float32[np.ndarray, "h w 3"]
    normals: Float32[np.ndarray, "h w 3"]
    inverse_m: Float32[np.ndarray, "h w"]
    valid: Bool[np.ndarray, "h w"]
    noise_per_m: float

    def part(self, box: tuple[slice, slice]) -> Surface:
        """Crop by rows and columns; contiguous copies, so that flat indices are valid."""
        images = (np.ascontiguousarray(i[box]) for i in (self.points, self.normals, self.inverse_m, self.valid))
        return Surface(*images, self.noise_per_m)

    def noise_m(self, depth_m: float | np.ndarray) -> float | np.ndarray:
        """Standard deviation of depth at that distance, metres."""
        return self.noise_per_m * depth_m * depth_m


def shrink(depth_m: Float32[np.ndarray, "h w"], factor: int) -> Float32[np.ndarray, "h2 w2"]:
    """Depth downsampled by `factor`: mean of the valid pixels within 2 % of the nearest one in each block."""
    if factor == 1:
        return depth_m
    h, w = depth_m.shape[0] // factor * factor, depth_m.shape[1] // factor * factor
    blocks = [np.ascontiguousarray(depth_m[i:h:factor, j:w:factor]) for i in range(factor) for j in range(factor)]
    near = blocks[0]
    for block in blocks[1:]:
        near = np.fmin(near, block)
    limit = near * np.float32(1.02)
    total, count = np.zeros_like(near), np.zeros_like(near)
    for block in blocks:
        same = block <= limit
        np.add(total, block, out=total, where=same)
        count += same
    with np.errstate(invalid="ignore", divide="ignore"):
        return total / count


def shrink_intrinsics(k: CameraIntrinsics, factor: int) -> CameraIntrinsics:
    """Intrinsics of the image downsampled by `factor`."""
    if factor == 1:
        return k
    shift = (factor - 1) / 2
    return CameraIntrinsics(
        k.width // factor,
        k.height // factor,
        k.fx / factor,
        k.fy / factor,
        (k.cx - shift) / factor,
        (k.cy - shift) / factor,
    )


def part_intrinsics(k: CameraIntrinsics, box: tuple[slice, slice]) -> CameraIntrinsics:
    """Intrinsics of a crop (rows, columns)."""
    rows, columns = box
    size = columns.stop - columns.start, rows.stop - rows.start
    return CameraIntrinsics(*size, k.fx, k.fy, k.cx - columns.start, k.cy - rows.start)


def analyse(depth_m: Float32[np.ndarray, "h w"], k: CameraIntrinsics, radius_px: int = 3) -> Surface:
    """Fits a local plane at every pixel, in the best of nine shifted windows of 2 * radius_px + 1 pixels.

    Selecting among shifted windows (Kuwahara filter) preserves creases and depth edges: at an edge, windows on one side
    of it fit best. depth_m: metres; NaN or 0 is invalid.
    """
    valid = np.isfinite(depth_m) & (depth_m > 0)
    inverse = np.zeros(depth_m.shape, np.float32)
    np.divide(np.float32(1), depth_m, out=inverse, where=valid)
    slope_u, slope_v, level, spread = _local_planes(inverse, valid, radius_px)
    spreads = spread[::2, ::2]
    spreads = spreads[np.isfinite(spreads)]
    noise = max(float(np.sqrt(np.median(spreads))) if len(spreads) else 0.0, 4e-4)
    slope_u, slope_v, level = _best_shift(slope_u, slope_v, level, spread, inverse, radius_px, noise)
    u = np.arange(k.width, dtype=np.float32) - np.float32(k.cx)
    v = np.arange(k.height, dtype=np.float32)[:, None] - np.float32(k.cy)
    ahead = slope_u * u + slope_v * v - level
    right, down = slope_u * np.float32(-k.fx), slope_v * np.float32(-k.fy)
    scale = 1 / np.sqrt(right * right + down * down + ahead * ahead)
    normals = cv2.merge([right * scale, down * scale, ahead * scale])
    depth = np.where(valid, depth_m, np.float32(np.nan))
    points = cv2.merge([depth * (u / np.float32(k.fx)), depth * (v / np.float32(k.fy)), depth])
    return Surface(points, normals, inverse, valid, noise)


def _local_planes(inverse: np.ndarray, valid: np.ndarray, r: int) -> tuple[np.ndarray, ...]:
    """Least squares 1/z = level + slope_u du + slope_v dv in every window; spread is the mean squared residual."""
    line = np.arange(-r, r + 1, dtype=np.float32)
    one, square = np.ones_like(line), line * line
    weight = valid.astype(np.float32)

    def total(image: np.ndarray, over_u: np.ndarray, over_v: np.ndarray) -> np.ndarray:
        return cv2.sepFilter2D(image, cv2.CV_32F, over_u, over_v, borderType=cv2.BORDER_CONSTANT)

    n = total(weight, one, one)
    nu, nv = total(weight, line, one), total(weight, one, line)
    nuu, nvv, nuv = total(weight, square, one), total(weight, one, square), total(weight, line, line)
    # The window's mean is subtracted first: squares of 1/z would lose the noise in float32.
    mean = total(inverse, one, one) / np.maximum(n, 1)
    yu = total(inverse, line, one) - mean * nu
    yv = total(inverse, one, line) - mean * nv
    middle = np.float32(inverse.sum(dtype=np.float64) / max(np.count_nonzero(valid), 1))
    base = (inverse - middle) * weight
    m = np.where(n > 0, mean - middle, 0)
    yy = total(base * base, one, one) - n * m * m
    with np.errstate(invalid="ignore", divide="ignore"):
        inv = 1 / n
        cuu, cvv, cuv = nuu - nu * nu * inv, nvv - nv * nv * inv, nuv - nu * nv * inv
        # The sum of (1/z - mean) over the window is zero, so yu and yv are centred.
        det = cuu * cvv - cuv * cuv
        det[(n < (2 * r + 1) ** 2 * 0.3) | ~(det > 1)] = np.nan  # propagates to all results
        slope_u = (yu * cvv - yv * cuv) / det
        slope_v = (yv * cuu - yu * cuv) / det
        level = mean - (slope_u * nu + slope_v * nv) * inv
        spread = np.maximum(yy - slope_u * yu - slope_v * yv, 0) * inv
    return slope_u, slope_v, level, spread


def _best_shift(
    slope_u: np.ndarray, slope_v: np.ndarray, level: np.ndarray, spread: np.ndarray,
    inverse: np.ndarray, r: int, noise: float,
) -> tuple[np.ndarray, ...]:  # fmt: skip
    """Per pixel the plane of the window, among nine that contain it, with the smallest residual."""
    h, w = inverse.shape
    best = np.full((h, w), np.inf, np.float32)
    which = np.zeros((h, w), np.uint8)
    misfit = np.maximum(spread, np.float32(noise * noise))
    lead = np.float32(1.3)  # factor by which another window must beat the centred one
    shifted = misfit * lead
    shifts = [(v, u) for v, u in _SHIFTS if abs(v) * r < h and abs(u) * r < w]
    room, other = np.empty((2, h * w), np.float32)
    for n, (dv, du) in enumerate(shifts):
        dv, du = dv * r, du * r
        here = (slice(max(0, -dv), h - max(0, dv)), slice(max(0, -du), w - max(0, du)))
        there = (slice(max(0, dv), h - max(0, -dv)), slice(max(0, du), w - max(0, -du)))
        size = (h - abs(dv), w - abs(du))
        cost, term = (m[: size[0] * size[1]].reshape(size) for m in (room, other))
        np.subtract(level[there], inverse[here], out=cost)
        if du:
            np.multiply(slope_u[there], np.float32(du), out=term)
            cost -= term
        if dv:
            np.multiply(slope_v[there], np.float32(dv), out=term)
            cost -= term
        cost *= cost
        cost *= np.float32(0.25) * lead if n else np.float32(0.25)
        cost += (shifted if n else misfit)[there]
        better = cost < best[here]
        cv2.copyTo(cost, better.view(np.uint8), best[here])
        cv2.copyTo(np.full(size, n, np.uint8), better.view(np.uint8), which[here])
    down, right = np.zeros((2, 256), np.float32)
    down[: len(shifts)], right[: len(shifts)] = zip(*((r * v, r * u) for v, u in shifts), strict=True)
    at = cv2.LUT(which, (down * w + right).astype(np.int32)).astype(np.intp)
    at += np.arange(h * w).reshape(h, w)
    a, b, predicted = (image.take(at, mode="clip") for image in (slope_u, slope_v, level))
    predicted -= a * cv2.LUT(which, right)
    predicted -= b * cv2.LUT(which, down)
    none = ~np.isfinite(best)
    for image in (a, b, predicted):
        image[none] = np.nan
    return a, b, predicted


_SHIFTS = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))
