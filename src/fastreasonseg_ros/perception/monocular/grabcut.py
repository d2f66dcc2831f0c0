"""Masks from boxes by GrabCut (Rother et al., "GrabCut: interactive foreground extraction", 2004), and a test of them.

A box that the detector is hardly sure of is believed where the colours agree with it: what GrabCut separates from the
surroundings then fills the box from side to side. A box about nothing, or about part of a thing, comes out empty,
scattered, or of another size.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, UInt8

from ...twin.masks import box_iou
from ...twin.types import Box

SIDE = 72  # pixels to which the longer side of a crop is scaled down
MARGIN = 0.25  # of the box's sides, around it: what the background's colours are learnt from
FEWEST = 20  # pixels of the scaled crop in the box, and around it; with fewer nothing is told
_ROUNDS = 1  # of GrabCut; a second one changes the mask of a thing little, and takes as long again


@dataclass(frozen=True)
class CutOut:
    """mask: in the whole picture. tightness: IoU of its box with the given one. fill: its share of the given box."""

    mask: Bool[np.ndarray, "h w"]
    tightness: float
    fill: float


def cut_out(picture: UInt8[np.ndarray, "h w 3"], box: Box) -> CutOut | None:
    """The largest connected part of what GrabCut finds in a box (pixels), with its holes filled.

    None where nothing is found, and where the box is too small, or leaves too little of the picture around it.
    """
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = box
    wide, high = MARGIN * (x1 - x0), MARGIN * (y1 - y0)
    left, top = max(0, int(x0 - wide)), max(0, int(y0 - high))
    right, bottom = min(width, int(x1 + wide) + 1), min(height, int(y1 + high) + 1)
    if right - left < 2 or bottom - top < 2:
        return None
    scale = min(1.0, SIDE / max(right - left, bottom - top))
    columns, rows = max(2, round((right - left) * scale)), max(2, round((bottom - top) * scale))
    crop = cv2.resize(picture[top:bottom, left:right], (columns, rows), interpolation=cv2.INTER_AREA)
    to_crop = np.array([columns / (right - left), rows / (bottom - top)] * 2)
    inner = np.round((np.array(box) - (left, top, left, top)) * to_crop).astype(int).tolist()
    found = np.full((rows, columns), cv2.GC_BGD, np.uint8)
    found[inner[1] : inner[3], inner[0] : inner[2]] = cv2.GC_PR_FGD
    inside = int(np.count_nonzero(found))
    if min(inside, found.size - inside) < FEWEST:
        return None
    cv2.setRNGSeed(0)  # its colour clusters begin at random
    cv2.grabCut(crop, found, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), _ROUNDS, cv2.GC_INIT_WITH_MASK)
    _, parts, stats, _ = cv2.connectedComponentsWithStats((found & 1).astype(np.uint8), connectivity=4)
    if len(stats) < 2:
        return None
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    outlines, _ = cv2.findContours((parts == largest).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(np.zeros(found.shape, np.uint8), outlines, -1, 1, cv2.FILLED)
    x, y, w, h = cv2.boundingRect(filled)
    mask = np.zeros((height, width), bool)
    soft = cv2.resize(filled.astype(np.float32), (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    mask[top:bottom, left:right] = soft > 0.5
    tightness = box_iou((x, y, x + w, y + h), (inner[0], inner[1], inner[2], inner[3]))
    return CutOut(mask, tightness, float(np.count_nonzero(filled)) / inside)
