"""Amodal box: position and size of a complete object from its visible surface points.

Assumptions: an object that rests on the support extends down to it, and a sphere is as deep as it is wide.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from ...twin.geometry import quantiles
from ...twin.types import Plane, Vector

SAMPLE = 1500  # maximum number of points used
BOWL_FOOT = 0.55  # assumed width of a bowl's foot, relative to its rim
BLEED_M = 0.008  # points below this height over the support may belong to the support (mask bleeding)
CONTACT_M = 0.02  # an object visible down to this height rests on the support; its lowest part is often occluded


def amodal_box(
    points: Float32[np.ndarray, "n 3"], plane: Plane | None, shape: str | None, pixel: float
) -> tuple[Vector, Vector] | None:
    """Centre and size (metres) along the camera axes of the object with these surface points; None without points.

    points: camera frame, metres. pixel: width of a pixel at 1 m, metres; the box is extended by half a pixel. Objects
    are taken as solid below their visible surface: every point is also projected down along the plane's normal to the
    support, or to the lowest visible height of an object above it.
    """
    points = points[np.isfinite(points[:, 2])]
    if not len(points):
        return None
    points = points[:: max(1, len(points) // SAMPLE)]
    heights = None if plane is None else plane.height_m(points)
    base = 0.0 if heights is None else float(quantiles(heights, 0.01)[0])
    if heights is not None and np.count_nonzero(heights > BLEED_M) > 0.5 * len(points):
        # Removes mask bleeding onto the support; for objects that rest on it, the foot is added again below.
        above = np.flatnonzero(heights > min(BLEED_M, 0.3 * float(heights.max())))
        points, heights = points.take(above, axis=0), heights[above]
    low, high, near, far = quantiles(points, 0.005, 0.995, 0.01, 0.99)
    low[2], high[2] = near[2], far[2]
    if plane is not None and heights is not None and shape != "sphere":
        top = float(quantiles(heights, 0.99)[0])
        base = 0.0 if base < CONTACT_M else base
        height_above_base = np.clip(heights, base, max(top, base)) - base
        feet = points - height_above_base[:, None] * np.asarray(plane.normal, np.float32)
        if shape == "bowl":  # the foot is narrower than the rim
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
