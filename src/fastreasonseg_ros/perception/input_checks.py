"""Plausibility checks of colour and depth images, before they are processed."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, UInt8

from ..errors import FrameError

NEAREST_M, FARTHEST_M = 0.02, 60.0  # limits of the median depth; supported cameras measure from 0.07 m to about 20 m
GLARE = 0.9  # maximum share of saturated pixels
WHITE = 250  # all channels at least this: saturated
STRIDE = 6  # sampling step in pixels


def check_color(color: UInt8[np.ndarray, "h w 3"]) -> None:
    """Raises FrameError for a nearly all-white image: labels and colours from it would be wrong."""
    red, green, blue = (color[::STRIDE, ::STRIDE, c] for c in range(3))
    white = float((np.minimum(np.minimum(red, green), blue) >= WHITE).mean())
    if white > GLARE:
        raise FrameError(
            f"{white:.0%} of the colour picture is pure white: turn the camera out of the glare or expose less"
        )


def check_depth(depth_m: Float32[np.ndarray, "h w"]) -> None:
    """Raises FrameError for depth (metres, NaN invalid) that is constant, or not in metres."""
    valid = depth_m[::STRIDE, ::STRIDE]
    valid = valid[np.isfinite(valid)]
    if not len(valid):
        return
    lowest = float(valid.min())
    if depth_m.size > 1 and lowest == float(valid.max()) and not (np.abs(depth_m - lowest) > 0).any():
        raise FrameError(
            f"the depth image says {lowest:.3f} m everywhere, which no scene does: check that the driver publishes "
            "what the sensor measures, not a cleared buffer or a test picture"
        )
    median = float(np.median(valid))
    if median > FARTHEST_M:
        raise FrameError(
            f"half of the depth image is beyond {median:.0f} m. If these are millimetres, publish them as 16UC1, or "
            "divide them by 1000 for 32FC1, which is in metres (REP-118)"
        )
    if median < NEAREST_M:
        raise FrameError(
            f"half of the depth image is nearer than {median * 1000:.2g} mm. If these are metres, publish them as "
            "32FC1, or multiply them by 1000 for 16UC1, which is in millimetres (REP-118)"
        )
