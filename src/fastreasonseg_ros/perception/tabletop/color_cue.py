"""Parts of one object that neither shape nor the network joins, joined by a strong hue they share.

Example: a drill is two orange parts with a black grip between them that returns little depth.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from .merge_segments import Group, Scene, extent_m, line_of_sight

STRONG = 22.0  # chroma in CIELAB from which on a hue tells something: wood, cardboard and skin are below
SAME_HUE_DEG = 9.0
PAINTED = 0.2  # least share of a part that has its strong colour
NEAR_M, FAR_M = 0.012, 0.09  # between the coloured parts: nearer ones touch, and are judged by their shape
BRIDGE_M = 0.025  # by which the bridge may lie off the straight way, in depth
JOINED = 0.5  # least share of the border of the two parts, bridge included, without a step in depth
LONGEST_M = 0.35  # of the whole


def same_hue_parts(scene: Scene, a: int, b: int) -> bool:
    """Whether a and b have one strong hue and a bridge between them that is of a or b, and of no third thing.

    Two red apples side by side have the table between them, or touch; then they stay two.
    """
    border = scene.borders.get((min(a, b), max(a, b)))
    if border is None or border.joined < JOINED:
        return False
    one, two = _painted(scene.groups[a]), _painted(scene.groups[b])
    if one is None or two is None or not _same_hue(one[1], two[1]):
        return False
    if extent_m(np.concatenate([scene.groups[a].points, scene.groups[b].points])) > LONGEST_M:
        return False
    first, second = _nearest(one[0], two[0])
    if not NEAR_M < float(np.linalg.norm(first - second)) < FAR_M:
        return False
    seen = line_of_sight(scene, first, second)
    between = scene.labels[seen]
    depth = scene.surface.points[seen][:, 2]
    hole = ~np.isfinite(depth)
    off = np.abs(depth - np.linspace(first[2], second[2], 24)[2:-2])
    bridge = ((between == a) | (between == b)) & (off < BRIDGE_M)
    return float((bridge | hole).mean()) > 0.8 and float(bridge.mean()) > 0.5


def _painted(group: Group) -> tuple[Float32[np.ndarray, "n 3"], Float32[np.ndarray, "2"]] | None:
    """Points of a group that have a strong colour, and its a and b from gray; None where they are few."""
    tints = group.tints - np.float32(128)
    strong = np.hypot(*tints.T) > STRONG
    if np.count_nonzero(strong) < max(8, PAINTED * len(strong)):
        return None
    middle = np.median(tints[strong], axis=0)
    same = strong & (np.hypot(*(tints - middle).T) < 0.5 * np.hypot(*middle))
    return (group.points[same], middle) if np.count_nonzero(same) >= 8 else None


def _same_hue(one: np.ndarray, two: np.ndarray) -> bool:
    cosine = float(one @ two) / float(np.linalg.norm(one) * np.linalg.norm(two))
    return cosine > np.cos(np.radians(SAME_HUE_DEG))


def _nearest(one: np.ndarray, two: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two points of two sets that are nearest to each other."""
    away = ((one[:, None] - two[None]) ** 2).sum(axis=2)
    i, j = np.unravel_index(int(away.argmin()), away.shape)
    return one[i], two[j]
