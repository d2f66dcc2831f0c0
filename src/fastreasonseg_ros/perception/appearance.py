"""Appearance descriptor of an object for re-identification in tracking: a colour histogram of 70 values.

A joint histogram of CIELAB a and b (hue and chroma) and a coarse histogram of L, which depends on illumination. Square
roots are stored, so that the dot product of two descriptors is the Bhattacharyya coefficient of the histograms: 1 for
identical, 0 for disjoint ones (Comaniciu, Ramesh and Meer, Kernel-Based Object Tracking, PAMI 2003).
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

AB_BINS, L_BINS = 8, 6
AB_RANGE = (72, 184)  # range of a and b as stored by OpenCV (128 = gray); values outside are clipped
KERNEL = np.outer([1, 2, 1], [1, 2, 1]).astype(np.float32) / 16


def appearance(crop: UInt8[np.ndarray, "h w 3"], inside: Bool[np.ndarray, "h w"]) -> Float32[np.ndarray, "70"] | None:
    """Descriptor (unit vector) of the RGB pixels inside the mask, without its border pixels; None for an empty mask."""
    mask = inside.astype(np.uint8)
    core = cv2.erode(mask, np.ones((3, 3), np.uint8), borderValue=0)
    mask = core if np.count_nonzero(core) >= 30 else mask
    step = max(1, int(np.sqrt(np.count_nonzero(mask) / 2000)))
    rows, columns = np.nonzero(mask[::step, ::step])
    if not len(rows):
        return None
    pixels = crop[::step, ::step][rows, columns][None]
    lab = np.clip(
        cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB), (0, AB_RANGE[0], AB_RANGE[0]), (255, AB_RANGE[1] - 1, AB_RANGE[1] - 1)
    )
    lab = lab.astype(np.uint8)
    chroma = cv2.calcHist([lab], [1, 2], None, [AB_BINS, AB_BINS], [*AB_RANGE, *AB_RANGE])
    # Smoothing over neighbouring bins tolerates small changes of illumination.
    chroma = cv2.filter2D(chroma, cv2.CV_32F, KERNEL, borderType=cv2.BORDER_REPLICATE)
    lightness = cv2.calcHist([lab], [0], None, [L_BINS], [0, 256]).ravel()
    lightness = np.convolve(lightness, [0.25, 0.5, 0.25], mode="same")
    histograms = np.concatenate([0.7 * chroma.ravel() / chroma.sum(), 0.3 * lightness / lightness.sum()])
    return np.sqrt(histograms).astype(np.float32)
