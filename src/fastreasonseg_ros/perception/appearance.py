"""What a thing looks like, in 70 numbers, so that tracking knows it again: its colours and how much of each.

Histograms of CIELAB's a and b (hue and strength of colour) and, as coarse as light changes, of L. The square roots make
the dot product of two such vectors the Bhattacharyya coefficient of the histograms: 1 for the same, 0 for none alike
(Comaniciu, Ramesh and Meer, Kernel-Based Object Tracking, PAMI 2003).
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

TINTS, LIGHTS = 8, 6
SPAN = (72, 184)  # of a and b as OpenCV stores them (128 = gray); what is stronger counts as this strong
KERNEL = np.outer([1, 2, 1], [1, 2, 1]).astype(np.float32) / 16


def appearance(crop: UInt8[np.ndarray, "h w 3"], inside: Bool[np.ndarray, "h w"]) -> Float32[np.ndarray, "70"] | None:
    """Unit vector of the RGB pixels inside the mask; None for an empty one. Pixels at the rim are left out."""
    mask = inside.astype(np.uint8)
    core = cv2.erode(mask, np.ones((3, 3), np.uint8), borderValue=0)
    mask = core if np.count_nonzero(core) >= 30 else mask
    step = max(1, int(np.sqrt(np.count_nonzero(mask) / 2000)))
    rows, columns = np.nonzero(mask[::step, ::step])
    if not len(rows):
        return None
    pixels = crop[::step, ::step][rows, columns][None]
    lab = np.clip(cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB), (0, SPAN[0], SPAN[0]), (255, SPAN[1] - 1, SPAN[1] - 1))
    lab = lab.astype(np.uint8)
    tints = cv2.calcHist([lab], [1, 2], None, [TINTS, TINTS], [*SPAN, *SPAN])
    # Neighbouring bins share, so that a little more light does not make another thing of it.
    tints = cv2.filter2D(tints, cv2.CV_32F, KERNEL, borderType=cv2.BORDER_REPLICATE)
    lights = cv2.calcHist([lab], [0], None, [LIGHTS], [0, 256]).ravel()
    lights = np.convolve(lights, [0.25, 0.5, 0.25], mode="same")
    both = np.concatenate([0.7 * tints.ravel() / tints.sum(), 0.3 * lights / lights.sum()])
    return np.sqrt(both).astype(np.float32)
