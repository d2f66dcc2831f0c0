"""Masks: one Boolean image an object, or one id image for all of them (uint16, pixel = id, 0 = background).

SciPy is imported where it is used: nodes that only pass masks on start a third of a second sooner.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from jaxtyping import Bool, UInt16

from ..errors import FrameError
from .types import Box

Mask = Bool[np.ndarray, "h w"]
FEW = 4  # ids that select() compares one by one


def ids_from_masks(masks: Mapping[int, Mask], shape: tuple[int, int]) -> UInt16[np.ndarray, "h w"]:
    """The id image of `masks` (id -> mask), all of `shape` (h, w); where masks overlap, the later one wins.

    Raises FrameError for a mask of another shape, ValueError for an id outside 1..65535.
    """
    image = np.zeros(shape, np.uint16)
    for id, mask in masks.items():
        if not 1 <= id <= np.iinfo(np.uint16).max:
            raise ValueError(f"ids of an id image are 1..65535, got {id}")
        if mask.shape != tuple(shape):
            raise FrameError(f"mask of id {id} has shape {mask.shape}, the picture {tuple(shape)}: resize it first")
        rows = np.flatnonzero(mask.any(axis=1))
        if len(rows):  # most of a picture is not of a thing
            part = slice(rows[0], rows[-1] + 1)
            np.copyto(image[part], np.uint16(id), where=mask[part])
    return image


def masks_from_ids(ids: UInt16[np.ndarray, "h w"]) -> dict[int, Mask]:
    """One mask for every id in the image, in the order of ids; 0 is background and has none."""
    return {int(i): ids == i for i in np.unique(ids) if i != 0}


def union(masks: Iterable[Mask], shape: tuple[int, int]) -> Mask:
    """Pixels in any of `masks`; all False of `shape` (h, w) for none."""
    result = np.zeros(shape, bool)
    for mask in masks:
        result |= mask
    return result


def select(ids: UInt16[np.ndarray, "h w"], wanted: Iterable[int]) -> Mask:
    """Pixels of an id image that belong to any of the wanted ids."""
    wanted = {id for id in wanted if 0 < id <= np.iinfo(ids.dtype).max}
    if len(wanted) <= FEW:  # a comparison takes a tenth of a look-up
        result = np.zeros(ids.shape, bool)
        for id in wanted:
            result |= ids == id
        return result
    table = np.zeros(int(ids.max(initial=0)) + 1, bool)
    for id in wanted:
        if 0 < id < len(table):
            table[id] = True
    return table[ids]


def iou(a: Mask, b: Mask) -> float:
    """Intersection over union, 0..1; two empty masks agree fully (1)."""
    either = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / either if either else 1.0


def box(mask: Mask) -> Box | None:
    """x0, y0, x1, y1 in pixels around the mask, end exclusive; None for an empty mask."""
    columns = np.flatnonzero(mask.any(axis=0))
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(columns):
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def box_iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes (x0, y0, x1, y1), 0..1."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def boundary(mask: Mask) -> Mask:
    """The mask's own pixels with a 4-neighbour outside it; the picture's border counts as outside."""
    from scipy import ndimage

    return mask & ~ndimage.binary_erosion(mask)


def dilate(mask: Mask, radius_px: float) -> Mask:
    """The mask grown by a disk of that radius."""
    if not mask.any():
        return mask.copy()
    from scipy import ndimage

    return np.asarray(ndimage.distance_transform_edt(~mask)) <= radius_px


def fill_holes(mask: Mask) -> Mask:
    """The mask without holes, that is with every background pixel from which no path leads to the border."""
    from scipy import ndimage

    return np.asarray(ndimage.binary_fill_holes(mask))
