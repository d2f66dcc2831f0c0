"""Pictures that no camera in order takes: told as errors that say what to do, before anything is read into them."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, UInt8

from ..errors import FrameError

NEAREST_M, FARTHEST_M = 0.02, 60.0  # of the median depth; the cameras in use measure from 0.07 m to about 20 m
GLARE = 0.9  # share of pixels that are white at full scale
WHITE = 250
STRIDE = 6  # pixels that are looked at


def check_color(color: UInt8[np.ndarray, "h w 3"]) -> None:
    """Raises FrameError for a picture that is nearly all white: names and colours read from it would be wrong."""
    red, green, blue = (color[::STRIDE, ::STRIDE, c] for c in range(3))
    white = float((np.minimum(np.minimum(red, green), blue) >= WHITE).mean())
    if white > GLARE:
        raise FrameError(
            f"{white:.0%} of the colour picture is pure white: turn the camera out of the glare or expose less"
        )


def check_depth(depth_m: Float32[np.ndarray, "h w"]) -> None:
    """Raises FrameError for depth (metres, NaN unknown) that is the same everywhere, or not in metres."""
    some = depth_m[::STRIDE, ::STRIDE]
    some = some[np.isfinite(some)]
    if not len(some):
        return
    least = float(some.min())
    if depth_m.size > 1 and least == float(some.max()) and not (np.abs(depth_m - least) > 0).any():
        raise FrameError(
            f"the depth image says {least:.3f} m everywhere, which no scene does: check that the driver publishes what "
            "the sensor measures, not a cleared buffer or a test picture"
        )
    middle = float(np.median(some))
    if middle > FARTHEST_M:
        raise FrameError(
            f"half of the depth image is beyond {middle:.0f} m. If these are millimetres, publish them as 16UC1, or "
            "divide them by 1000 for 32FC1, which is in metres (REP-118)"
        )
    if middle < NEAREST_M:
        raise FrameError(
            f"half of the depth image is nearer than {middle * 1000:.2g} mm. If these are metres, publish them as "
            "32FC1, or multiply them by 1000 for 16UC1, which is in millimetres (REP-118)"
        )
