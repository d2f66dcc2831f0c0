"""Numbers that describe one thing seen by an RGB-D camera: what its shape and its name are told from."""

from __future__ import annotations

from dataclasses import dataclass, fields

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from ...twin.geometry import footprint, pixels_of, quantiles, smallest_rectangle
from ...twin.types import Plane
from .color import color_shares
from .outline_profile import LOOK, PROFILE, look, profile

SAMPLE = 600  # points that are looked at
# Where Features.vector has what comes from colour: contrast, the shares of colours, the look.
COLOR_FEATURES = [15, *range(20, 31), *range(31 + PROFILE, 31 + PROFILE + LOOK)]


@dataclass(frozen=True)
class Features:
    """Lengths in metres, the others are ratios and shares (about 0..1) unless said.

    length >= width: upright box seen from above; height: above what it stands on, as far as seen. low: of its lowest
    point over the support. flatness: share of the surface in its three main directions. upward, upright: share of it
    that faces up, or sideways. hollow: how deep it is in the middle, relative to its height.
    curvature: 1/m, convex > 0. round_top: how circular it is from above. sphere_miss: rms distance to the best sphere,
    relative to its radius. ribbed: how close all normals are to one plane (a cylinder's side or a box's two sides: 0).
    solid: mask over its hull. filled: mask over its smallest rectangle. aspect: of that rectangle, short over long.
    colors: shares of the basic terms. profile, look: see profile.py. covered: share of its outline that something in
    front of it cuts off, and share at the picture's edge. distance: from the camera along z, metres.
    """

    length: float
    width: float
    height: float
    low: float
    flatness: float
    upward: float
    upright: float
    hollow: float
    curvature: float
    round_top: float
    sphere_miss: float
    ribbed: float
    solid: float
    filled: float
    aspect: float
    contrast: float
    colors: tuple[float, ...]
    profile: tuple[float, ...]
    look: tuple[float, ...]
    covered: tuple[float, float]
    distance: float

    def vector(self) -> Float32[np.ndarray, "n"]:
        """All of it as one vector; lengths as logarithms, so that ratios of sizes are differences."""
        values = [getattr(self, f.name) for f in fields(self) if f.type == "float" and f.name != "distance"]
        values[:3] = [np.log(max(v, 0.003)) for v in values[:3]]
        values[8] = np.clip(values[8] / 50.0, -1, 1)
        longest = max(self.length, 0.003)
        values += [self.width / longest, self.height / longest, min(self.length * self.width * self.height * 200, 5.0)]
        values += [min(self.distance, 4.0) / 2, *self.colors, *self.profile, *self.look, *self.covered]
        return np.array(values, np.float32)


def measure(
    points: Float32[np.ndarray, "n 3"], normals: Float32[np.ndarray, "n 3"], plane: Plane,
    mask: Bool[np.ndarray, "h w"], color: UInt8[np.ndarray, "h w 3"], covered: tuple[float, float] = (0.0, 0.0),
) -> Features | None:  # fmt: skip
    """Features of the thing with these surface points (metres) and unit normals; None for fewer than 8 of them.

    mask and color: a crop around it, of one size; the mask must not be empty. covered: see Features.
    """
    good = np.flatnonzero(np.isfinite(points.sum(axis=1) + normals.sum(axis=1)))
    if len(good) < 8:
        return None
    good = good[:: max(1, len(good) // SAMPLE)]
    points, normals = _central(points[good], normals[good])
    flat, heights = footprint(points, plane), plane.height_m(points)
    length, width = smallest_rectangle(_corners(flat))
    low, high = quantiles(heights, 0.01, 0.99)
    low_high = float(low), float(high)
    upwards = np.asarray(plane.normal, np.float32)
    up = normals @ upwards
    solid, filled, aspect = _outline(mask)
    pixels = pixels_of(color, mask)
    shares = color_shares(pixels)
    light = np.maximum(np.maximum(pixels[:, 0], pixels[:, 1]), pixels[:, 2]).astype(np.float32)
    return Features(
        length=length,
        width=width,
        height=low_high[1] - low_high[0],
        low=low_high[0],
        flatness=_flatness(normals),
        upward=np.count_nonzero(up > 0.85) / len(up),
        upright=np.count_nonzero(np.abs(up) < 0.35) / len(up),
        hollow=_hollow(flat, heights, low_high),
        curvature=_curvature(points, normals),
        round_top=_round_top(flat, heights, low_high),
        sphere_miss=_sphere_miss(points),
        ribbed=float(np.linalg.eigvalsh(normals.T @ normals / len(normals))[0]),
        solid=solid,
        filled=filled,
        aspect=aspect,
        contrast=float(light.std() / 128),
        colors=tuple(shares.tolist()),
        profile=tuple(profile(points, normals, upwards, flat, heights).tolist()),
        look=tuple(look(color, mask, shares).tolist()),
        covered=covered,
        distance=float(points[:, 2].mean()),
    )


def _central(points: np.ndarray, normals: np.ndarray, keep: float = 0.985) -> tuple[np.ndarray, np.ndarray]:
    """Without the far-off points that depth edges leave."""
    away = points - quantiles(points, 0.5)[0]
    squared = np.einsum("ij,ij->i", away, away)
    near = np.flatnonzero(squared <= max(float(quantiles(squared, keep)[0]), 1e-12))
    return points[near], normals[near]


def _corners(flat: np.ndarray) -> np.ndarray:
    """Corners of the convex hull of points in a plane (float32)."""
    return cv2.convexHull(np.ascontiguousarray(flat, np.float32))[:, 0]


def _flatness(normals: np.ndarray) -> float:
    """Share of normals within 14 degrees of one of three directions, each the most common of what is left."""
    left, total = normals, 0
    for _ in range(3):
        if len(left) < 4:
            break
        seeds = left[:: max(1, len(left) // 40)]
        near = seeds @ left.T > np.float32(np.cos(np.radians(14)))
        best = near[int(np.count_nonzero(near, axis=1).argmax())]
        total += np.count_nonzero(best)
        left = left[~best]
    return total / len(normals)


def _hollow(flat: np.ndarray, heights: np.ndarray, low_high: tuple[float, float]) -> float:
    """How far the middle lies below the rim, over the height: 0 for a closed top, 1 for a cup seen to its ground."""
    height = max(low_high[1] - low_high[0], 1e-3)
    rim = flat[heights > low_high[1] - 0.2 * height]
    if len(rim) < 8:
        return 0.0
    low, high = quantiles(rim, 0.03, 0.97)
    centre, half = (low + high) / 2, np.maximum((high - low) / 2, 1e-3)
    x, y = ((flat - centre) / half).T
    middle = heights[x * x + y * y < 0.4**2]
    if len(middle) < 4:
        return 0.0
    return min(max((low_high[1] - float(quantiles(middle, 0.5)[0])) / height, 0.0), 1.0)


def _curvature(points: np.ndarray, normals: np.ndarray) -> float:
    dx = points - points.mean(axis=0)
    return float(np.vdot(dx, normals) / max(float(np.vdot(dx, dx)), 1e-9))  # dx adds up to 0: so does dx * mean normal


def _round_top(flat: np.ndarray, heights: np.ndarray, low_high: tuple[float, float]) -> float:
    """4 pi area / perimeter squared of the hull of the upper part: 1 for a disk, 0.79 for a square."""
    top = flat[heights > low_high[0] + 0.6 * (low_high[1] - low_high[0])]
    corners = _corners(top if len(top) >= 12 else flat)
    around = cv2.arcLength(corners, True)
    return 4 * np.pi * cv2.contourArea(corners) / max(around * around, 1e-12)


def _sphere_miss(points: np.ndarray) -> float:
    """Algebraic least squares sphere; 1 where it is no sphere of a thing's size at all."""
    p = (points - points.mean(axis=0)).astype(np.float64)
    squared = np.einsum("ij,ij->i", p, p)
    # The points' mean is 0, so the centre follows from three equations, and the radius from the mean distance to it.
    try:
        centre = np.linalg.solve(2 * (p.T @ p), p.T @ squared)
    except np.linalg.LinAlgError:  # all on a plane
        return 1.0
    square = squared.mean() + centre @ centre
    if not 1e-6 < square < 0.04:
        return 1.0
    radius = np.sqrt(square)
    miss = np.sqrt(squared - 2 * (p @ centre) + centre @ centre) - radius
    return float(min(np.sqrt(np.vdot(miss, miss) / len(miss)) / radius, 1.0))


def _outline(mask: np.ndarray) -> tuple[float, float, float]:
    """Solidity, fill of the smallest rectangle, and that rectangle's short over long side."""
    outlines, _ = cv2.findContours(np.pad(mask, 1).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return 0.0, 0.0, 0.0
    corners = cv2.convexHull(np.concatenate(outlines))
    area = float(np.count_nonzero(mask))
    _, (w, h), _ = cv2.minAreaRect(corners)
    around = cv2.arcLength(corners, True)
    # Outlines run through pixel centres: half a pixel all around is missing in the area they enclose.
    full = cv2.contourArea(corners) + around / 2 + 1
    w, h = w + 1, h + 1
    return min(area / full, 1.0), min(area / (w * h), 1.0), min(w, h) / max(w, h)
