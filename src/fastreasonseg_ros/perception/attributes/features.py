"""Geometry and colour features of one segmented object, for the classification of shape and label."""

from __future__ import annotations

from dataclasses import dataclass, fields

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from ...twin.geometry import footprint, pixels_of, quantiles, smallest_rectangle
from ...twin.types import Plane
from .color import color_shares
from .outline_profile import PROFILE, TEXTURE, profile, texture

SAMPLE = 600  # maximum number of points used
# Indices in Features.vector of colour features: contrast, shares of colours, texture.
COLOR_FEATURES = [15, *range(20, 31), *range(31 + PROFILE, 31 + PROFILE + TEXTURE)]


@dataclass(frozen=True)
class Features:
    """Lengths in metres; other values are ratios and shares (about 0..1) unless stated.

    length >= width: smallest rectangle seen from above; height: visible extent above the support. low: height of the
    lowest point over the support. flatness: share of normals in the three main directions. upward, upright: shares of
    the surface facing up and sideways. hollow: depth of the centre below the rim, relative to the height.
    curvature: 1/m, convex > 0. round_top: circularity seen from above. sphere_error: rms distance to the best sphere,
    relative to its radius. ribbed: smallest eigenvalue of the normals' scatter (0 for a cylinder's side).
    solid: mask area over its convex hull. filled: mask area over its smallest rectangle. aspect: short over long side
    of that rectangle. contrast: standard deviation of brightness over 128. colors: shares of the basic terms. profile,
    texture: see outline_profile.py. occlusion: shares of the outline that are occluded and cut by the image border.
    distance: from the camera along z, metres.
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
    sphere_error: float
    ribbed: float
    solid: float
    filled: float
    aspect: float
    contrast: float
    colors: tuple[float, ...]
    profile: tuple[float, ...]
    texture: tuple[float, ...]
    occlusion: tuple[float, float]
    distance: float

    def vector(self) -> Float32[np.ndarray, "n"]:
        """All features as one vector (float32); lengths as logarithms."""
        values = [getattr(self, f.name) for f in fields(self) if f.type == "float" and f.name != "distance"]
        values[:3] = [np.log(max(v, 0.003)) for v in values[:3]]
        values[8] = np.clip(values[8] / 50.0, -1, 1)
        longest = max(self.length, 0.003)
        values += [self.width / longest, self.height / longest, min(self.length * self.width * self.height * 200, 5.0)]
        values += [min(self.distance, 4.0) / 2, *self.colors, *self.profile, *self.texture, *self.occlusion]
        return np.array(values, np.float32)


def measure(
    points: Float32[np.ndarray, "n 3"], normals: Float32[np.ndarray, "n 3"], plane: Plane,
    mask: Bool[np.ndarray, "h w"], color: UInt8[np.ndarray, "h w 3"], occlusion: tuple[float, float] = (0.0, 0.0),
) -> Features | None:  # fmt: skip
    """Features of an object from surface points (metres) and unit normals; None for fewer than 8 valid points.

    mask and color: crops of the same size; the mask must not be empty. occlusion: see Features.
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
    up_axis = np.asarray(plane.normal, np.float32)
    up = normals @ up_axis
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
        sphere_error=_sphere_error(points),
        ribbed=float(np.linalg.eigvalsh(normals.T @ normals / len(normals))[0]),
        solid=solid,
        filled=filled,
        aspect=aspect,
        contrast=float(light.std() / 128),
        colors=tuple(shares.tolist()),
        profile=tuple(profile(points, normals, up_axis, flat, heights).tolist()),
        texture=tuple(texture(color, mask, shares).tolist()),
        occlusion=occlusion,
        distance=float(points[:, 2].mean()),
    )


def _central(points: np.ndarray, normals: np.ndarray, keep: float = 0.985) -> tuple[np.ndarray, np.ndarray]:
    """Removes the points farthest from the median: outliers of depth edges."""
    offsets = points - quantiles(points, 0.5)[0]
    squared = np.einsum("ij,ij->i", offsets, offsets)
    near = np.flatnonzero(squared <= max(float(quantiles(squared, keep)[0]), 1e-12))
    return points[near], normals[near]


def _corners(flat: np.ndarray) -> np.ndarray:
    """Corners of the 2-D convex hull (float32)."""
    return cv2.convexHull(np.ascontiguousarray(flat, np.float32))[:, 0]


def _flatness(normals: np.ndarray) -> float:
    """Share of normals within 14 degrees of one of three directions, found greedily: the most common of those left."""
    remaining, total = normals, 0
    for _ in range(3):
        if len(remaining) < 4:
            break
        seeds = remaining[:: max(1, len(remaining) // 40)]
        near = seeds @ remaining.T > np.float32(np.cos(np.radians(14)))
        best = near[int(np.count_nonzero(near, axis=1).argmax())]
        total += np.count_nonzero(best)
        remaining = remaining[~best]
    return total / len(normals)


def _hollow(flat: np.ndarray, heights: np.ndarray, low_high: tuple[float, float]) -> float:
    """Depth of the centre below the rim over the height: 0 for a closed top, 1 for a cup visible to its bottom."""
    height = max(low_high[1] - low_high[0], 1e-3)
    rim = flat[heights > low_high[1] - 0.2 * height]
    if len(rim) < 8:
        return 0.0
    low, high = quantiles(rim, 0.03, 0.97)
    centre, half = (low + high) / 2, np.maximum((high - low) / 2, 1e-3)
    x, y = ((flat - centre) / half).T
    centre_heights = heights[x * x + y * y < 0.4**2]
    if len(centre_heights) < 4:
        return 0.0
    return min(max((low_high[1] - float(quantiles(centre_heights, 0.5)[0])) / height, 0.0), 1.0)


def _curvature(points: np.ndarray, normals: np.ndarray) -> float:
    dx = points - points.mean(axis=0)
    return float(np.vdot(dx, normals) / max(float(np.vdot(dx, dx)), 1e-9))  # sum(dx) = 0, so the mean normal cancels


def _round_top(flat: np.ndarray, heights: np.ndarray, low_high: tuple[float, float]) -> float:
    """4 pi area / perimeter squared of the hull of the upper part: 1 for a disk, 0.79 for a square."""
    top = flat[heights > low_high[0] + 0.6 * (low_high[1] - low_high[0])]
    corners = _corners(top if len(top) >= 12 else flat)
    perimeter = cv2.arcLength(corners, True)
    return 4 * np.pi * cv2.contourArea(corners) / max(perimeter * perimeter, 1e-12)


def _sphere_error(points: np.ndarray) -> float:
    """Relative rms error of the algebraic least-squares sphere; 1 for a radius outside 1 mm..0.2 m."""
    p = (points - points.mean(axis=0)).astype(np.float64)
    squared = np.einsum("ij,ij->i", p, p)
    # The points are centred: three equations give the sphere's centre, the mean squared distance its radius.
    try:
        centre = np.linalg.solve(2 * (p.T @ p), p.T @ squared)
    except np.linalg.LinAlgError:  # coplanar points
        return 1.0
    square = squared.mean() + centre @ centre
    if not 1e-6 < square < 0.04:
        return 1.0
    radius = np.sqrt(square)
    residuals = np.sqrt(squared - 2 * (p @ centre) + centre @ centre) - radius
    return float(min(np.sqrt(np.vdot(residuals, residuals) / len(residuals)) / radius, 1.0))


def _outline(mask: np.ndarray) -> tuple[float, float, float]:
    """Solidity, fill of the smallest rectangle, and that rectangle's short over long side."""
    outlines, _ = cv2.findContours(np.pad(mask, 1).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return 0.0, 0.0, 0.0
    corners = cv2.convexHull(np.concatenate(outlines))
    area = float(np.count_nonzero(mask))
    _, (w, h), _ = cv2.minAreaRect(corners)
    perimeter = cv2.arcLength(corners, True)
    # Contours run through pixel centres: the enclosed area lacks half a pixel on every side.
    full = cv2.contourArea(corners) + perimeter / 2 + 1
    w, h = w + 1, h + 1
    return min(area / full, 1.0), min(area / (w * h), 1.0), min(w, h) / max(w, h)
