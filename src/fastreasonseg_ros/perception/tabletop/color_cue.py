"""Merging of parts of one object by a common saturated hue, where neither shape nor network joins them.

Example: a drill of two orange parts with a black grip between them that has little valid depth.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from .merge_segments import Group, Scene, extent_m, line_of_sight

MIN_CHROMA = 22.0  # minimum CIELAB chroma of a significant hue; wood, cardboard and skin are below
SAME_HUE_DEG = 9.0
MIN_COLORED = 0.2  # minimum share of a part with the saturated colour
NEAR_M, FAR_M = 0.012, 0.09  # distance between the parts; nearer parts touch and are grouped by shape
BRIDGE_M = 0.025  # maximum depth difference between bridge and straight line
MIN_JOINED = 0.5  # minimum share of the border of the two parts, bridge included, without a depth step
MAX_LENGTH_M = 0.35  # maximum size of the merged object


def same_hue_parts(scene: Scene, a: int, b: int) -> bool:
    """Whether a and b share a saturated hue and are connected by a bridge of pixels of a or b.

    Two red apples side by side are separated by the table, or touch; they are not merged.
    """
    border = scene.borders.get((min(a, b), max(a, b)))
    if border is None or border.joined < MIN_JOINED:
        return False
    one, two = _colored_points(scene.groups[a]), _colored_points(scene.groups[b])
    if one is None or two is None or not _same_hue(one[1], two[1]):
        return False
    if extent_m(np.concatenate([scene.groups[a].points, scene.groups[b].points])) > MAX_LENGTH_M:
        return False
    first, second = _nearest(one[0], two[0])
    if not NEAR_M < float(np.linalg.norm(first - second)) < FAR_M:
        return False
    pixels = line_of_sight(scene, first, second)
    labels = scene.labels[pixels]
    depth = scene.surface.points[pixels][:, 2]
    invalid = ~np.isfinite(depth)
    depth_error = np.abs(depth - np.linspace(first[2], second[2], 24)[2:-2])
    bridge = ((labels == a) | (labels == b)) & (depth_error < BRIDGE_M)
    return float((bridge | invalid).mean()) > 0.8 and float(bridge.mean()) > 0.5


def _colored_points(group: Group) -> tuple[Float32[np.ndarray, "n 3"], Float32[np.ndarray, "2"]] | None:
    """Points (metres) of a group with its saturated colour, and the median (a, b) relative to gray; None for few."""
    ab = group.ab - np.float32(128)
    strong = np.hypot(*ab.T) > MIN_CHROMA
    if np.count_nonzero(strong) < max(8, MIN_COLORED * len(strong)):
        return None
    middle = np.median(ab[strong], axis=0)
    similar = strong & (np.hypot(*(ab - middle).T) < 0.5 * np.hypot(*middle))
    return (group.points[similar], middle) if np.count_nonzero(similar) >= 8 else None


def _same_hue(one: np.ndarray, two: np.ndarray) -> bool:
    cosine = float(one @ two) / float(np.linalg.norm(one) * np.linalg.norm(two))
    return cosine > np.cos(np.radians(SAME_HUE_DEG))


def _nearest(one: np.ndarray, two: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The closest pair of points of two sets."""
    squared = ((one[:, None] - two[None]) ** 2).sum(axis=2)
    i, j = np.unravel_index(int(squared.argmin()), squared.shape)
    return one[i], two[j]
