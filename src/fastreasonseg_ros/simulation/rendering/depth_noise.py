"""Noise models of depth cameras: quantisation, edge jitter, shadows and holes.

Structured light after Khoshelham and Elberink (Sensors 2012) and Handa et al. (ICRA 2014): a disparity of 1/8 pixel
steps, with lateral jitter. Stereo: smooth matching error, fattened foreground, flying pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

Depth = Float32[np.ndarray, "h w"]


@dataclass(frozen=True)
class Sensor:
    """baseline_m: between the cameras (or camera and projector). disparity_px: standard deviation of its error."""

    baseline_m: float
    near_m: float
    far_m: float
    disparity_px: float


KINECT = Sensor(0.075, 0.45, 4.5, 0.05)
REALSENSE = Sensor(0.05, 0.28, 6.0, 0.06)


def structured_light(
    depth_m: Depth,
    focal_px: float,
    rng: np.random.Generator,
    dim: Bool[np.ndarray, "h w"],
    clear: Bool[np.ndarray, "h w"],
) -> Depth:
    """Depth (metres) with the noise of a structured-light camera (Kinect); NaN where invalid.

    dim, clear: masks of dark and of transparent pixels, which lose depth more often.
    """
    h, w = depth_m.shape
    depth_fb = np.float32(focal_px * KINECT.baseline_m)
    measured = _jittered(depth_m, rng, 0.4)
    # The projector's dots are matched in windows: the error is correlated over a few pixels.
    error = _correlated(rng, (h, w), 1.5) * KINECT.disparity_px
    disparity = np.round(8 * (depth_fb / measured + error)) / 8
    out = depth_fb / np.maximum(disparity, 0.125)
    holes = _shadow(depth_m, depth_fb) | _edges(depth_m, rng, 0.45) | _grazing(depth_m, focal_px, 0.06)
    holes |= _patches(rng, (h, w), 0.12, 4) & dim
    holes |= _patches(rng, (h, w), 0.75, 6) & clear
    return _in_range(out, holes, KINECT)


def stereo(
    depth_m: Depth,
    focal_px: float,
    rng: np.random.Generator,
    dim: Bool[np.ndarray, "h w"],
    clear: Bool[np.ndarray, "h w"],
) -> Depth:
    """Depth (metres) with the noise of an active stereo camera; NaN where invalid."""
    h, w = depth_m.shape
    depth_fb = np.float32(focal_px * REALSENSE.baseline_m)
    filled = np.nan_to_num(depth_m, nan=50.0)
    near = cv2.erode(filled, np.ones((3, 5), np.uint8))  # matching windows that touch the foreground get its depth
    measured = np.where((filled - near > 0.02 * filled) & _patches(rng, (h, w), 0.5, 8), near, filled)
    rim = _edges(depth_m, rng, 0.35)
    flying = cv2.GaussianBlur(measured, (5, 5), 0)
    measured = np.where(rim & _patches(rng, (h, w), 0.5, 3), flying, measured)
    error = (_correlated(rng, (h, w), 3.0) + 0.4 * _correlated(rng, (h, w), 1.0)) * REALSENSE.disparity_px
    out = depth_fb / np.maximum(depth_fb / measured + error, 0.125)
    holes = _shadow(depth_m, depth_fb) | ~np.isfinite(depth_m) | (rim & _patches(rng, (h, w), 0.3, 3))
    holes |= (
        _grazing(depth_m, focal_px, 0.08)
        | (_patches(rng, (h, w), 0.05, 5) & dim)
        | (_patches(rng, (h, w), 0.45, 8) & clear)
    )
    return _in_range(np.round(out, 3), holes, REALSENSE)


Noise = Callable[[Depth, float, np.random.Generator, np.ndarray, np.ndarray], Depth]
SENSORS: dict[str, Noise] = {"structured_light": structured_light, "stereo": stereo}


def color_noise(
    color: UInt8[np.ndarray, "h w 3"], rng: np.random.Generator, blur_px: float = 0.75, spread: float = 2.5
) -> UInt8[np.ndarray, "h w 3"]:
    """Colour camera model: automatic exposure, blur, noise and vignetting."""
    h, w = color.shape[:2]
    sample = color[::8, ::8].max(axis=2)
    gain = min(165 / max(float(sample.mean()), 1.0), 250 / max(float(np.percentile(sample, 96)), 1.0))
    soft = cv2.GaussianBlur(color, (0, 0), blur_px).astype(np.float32) * np.float32(np.clip(gain, 0.8, 2.2))
    x, y = np.linspace(-1, 1, w, dtype=np.float32), np.linspace(-1, 1, h, dtype=np.float32)[:, None]
    soft *= (1.0 - 0.09 * (x * x + y * y))[..., None]
    grain = rng.standard_normal((h, w), np.float32) * spread
    tint = cv2.resize(rng.standard_normal((h // 2, w // 2, 3), np.float32), (w, h)) * (0.7 * spread)
    return np.clip(soft + grain[..., None] + tint, 0, 255).astype(np.uint8)


def _correlated(rng: np.random.Generator, shape: tuple[int, int], reach_px: float) -> Depth:
    """Noise of unit standard deviation, correlated over reach_px pixels."""
    noise = cv2.GaussianBlur(rng.standard_normal(shape, np.float32), (0, 0), reach_px)
    return noise * np.float32(2.0 * np.sqrt(np.pi) * reach_px)


def _jittered(depth_m: Depth, rng: np.random.Generator, spread_px: float) -> Depth:
    """Depth sampled with random lateral shifts, which makes edges ragged."""
    h, w = depth_m.shape
    wander = np.float32(spread_px) * np.stack([_correlated(rng, (h, w), 0.8) for _ in range(2)], axis=2)
    columns, rows = np.meshgrid(np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32))
    return cv2.remap(
        depth_m, columns + wander[..., 0], rows + wander[..., 1], cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE
    )


def _shadow(depth_m: Depth, depth_fb: np.float32) -> Bool[np.ndarray, "h w"]:
    """Mask of pixels occluded from the second camera or projector on the right."""
    columns = np.arange(depth_m.shape[1], dtype=np.float32)
    other = columns - depth_fb / np.nan_to_num(depth_m, nan=50.0)
    nearest = np.minimum.accumulate(other[:, ::-1], axis=1)[:, ::-1]
    return other > nearest + 0.5


def _edges(depth_m: Depth, rng: np.random.Generator, share: float) -> Bool[np.ndarray, "h w"]:
    """A random share of the pixels at steps of more than 3 % in depth."""
    filled = np.nan_to_num(depth_m, nan=50.0)
    kernel = np.ones((3, 3), np.uint8)
    step = cv2.dilate(filled, kernel) - cv2.erode(filled, kernel)
    return (step > 0.03 * filled) & (rng.random(depth_m.shape, np.float32) < share)


def _grazing(depth_m: Depth, focal_px: float, cosine: float) -> Bool[np.ndarray, "h w"]:
    """Surfaces seen almost edge-on."""
    dx, dy = (np.abs(cv2.Sobel(np.nan_to_num(depth_m, nan=50.0), cv2.CV_32F, i, 1 - i, scale=1 / 8)) for i in (1, 0))
    slope = np.hypot(dx, dy) * focal_px / np.nan_to_num(depth_m, nan=50.0)
    return slope > 1.0 / cosine


def _patches(rng: np.random.Generator, shape: tuple[int, int], share: float, size_px: int) -> Bool[np.ndarray, "h w"]:
    """Random blobs of about that size that cover that share of the picture."""
    h, w = shape
    coarse = rng.standard_normal((h // size_px + 2, w // size_px + 2), np.float32)
    field = cv2.resize(coarse, (w, h), interpolation=cv2.INTER_CUBIC)
    return field > np.quantile(field[::4, ::4], 1.0 - share)


def _in_range(depth_m: Depth, holes: Bool[np.ndarray, "h w"], sensor: Sensor) -> Depth:
    bad = holes | ~np.isfinite(depth_m) | (depth_m < sensor.near_m) | (depth_m > sensor.far_m)
    return np.where(bad, np.float32(np.nan), depth_m).astype(np.float32)
