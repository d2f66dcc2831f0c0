"""The size of a whole thing from the part of it that is seen: what stands on a surface goes down to it, and round
things go on behind as they do beside."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from ...twin.geometry import quantiles
from ...twin.types import Plane, Vector

SAMPLE = 1500  # points that are looked at
BOWL_FOOT = 0.55  # width of a bowl's foot over that of its rim
BLEED_M = 0.008  # up to this height over the support, a point of a mask may be the support's
CONTACT_M = 0.02  # what is seen down to this height over the support stands on it: its foot is mostly not seen


def whole_box(
    points: Float32[np.ndarray, "n 3"], plane: Plane | None, shape: str | None, pixel: float
) -> tuple[Vector, Vector] | None:
    """Centre and size (metres) along the camera's axes of the thing with these surface points; None without any.

    pixel: width of a pixel at a distance of 1 m. Every visible point stands for a pixel, and things are solid below
    what is seen of their top: the points are also taken where they would touch the support, or the lowest that is seen.
    """
    points = points[np.isfinite(points[:, 2])]
    if not len(points):
        return None
    points = points[:: max(1, len(points) // SAMPLE)]
    heights = None if plane is None else plane.height_m(points)
    base = 0.0 if heights is None else float(quantiles(heights, 0.01)[0])
    if heights is not None and np.count_nonzero(heights > BLEED_M) > 0.5 * len(points):
        # Masks bleed onto the table at the rim; of a thing that stands on it, the foot is put back below.
        above = np.flatnonzero(heights > min(BLEED_M, 0.3 * float(heights.max())))
        points, heights = points.take(above, axis=0), heights[above]
    low, high, near, far = quantiles(points, 0.005, 0.995, 0.01, 0.99)
    low[2], high[2] = near[2], far[2]
    if plane is not None and heights is not None and shape != "sphere":
        top = float(quantiles(heights, 0.99)[0])
        base = 0.0 if base < CONTACT_M else base
        drop = np.clip(heights, base, max(top, base)) - base
        feet = points - drop[:, None] * np.asarray(plane.normal, np.float32)
        if shape == "bowl":  # its foot is narrow
            middle = feet.mean(axis=0)
            feet = middle + BOWL_FOOT * (feet - middle)
        feet_low, feet_high = quantiles(feet, 0.01, 0.99)
        low, high = np.minimum(low, feet_low), np.maximum(high, feet_high)
    half = 0.5 * pixel * float(points[:, 2].mean())
    low[:2] -= half
    high[:2] += half
    if shape == "sphere":
        high[2] = max(high[2], low[2] + float(high[0] - low[0] + high[1] - low[1]) / 2)
    centre, size = (low + high) / 2, high - low
    return _triple(centre), _triple(size)


def _triple(row: np.ndarray) -> Vector:
    x, y, z = row.tolist()
    return x, y, z
