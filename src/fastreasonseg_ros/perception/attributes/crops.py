"""The part of a picture that shows one object, for networks that look at pictures of single things."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

MARGIN = 0.12  # of the longer side, on every side


def crop_of(color: UInt8[np.ndarray, "h w 3"], box: tuple[slice, slice]) -> UInt8[np.ndarray, "h2 w2 3"]:
    """A square around a box (rows, columns) with a margin, cut at the picture's border."""
    rows, columns = box
    y, x = (rows.start + rows.stop) // 2, (columns.start + columns.stop) // 2
    half = int(np.ceil((0.5 + MARGIN) * max(rows.stop - rows.start, columns.stop - columns.start)))
    return color[max(y - half, 0) : y + half, max(x - half, 0) : x + half]
