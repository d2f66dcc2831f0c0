"""Numbers that describe one thing seen by an RGB-D camera: what its shape and its name are told from."""

from __future__ import annotations

from dataclasses import dataclass, fields

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from ..twin.geometry import elevation, footprint, hull, upright_box
from ..twin.types import Plane
from .color import color_shares

SAMPLE = 600  # points that are looked at


@dataclass(frozen=True)
class Features:
    """Lengths in metres, the others are ratios and shares (about 0..1) unless said.

    length >= width: upright box seen from above; height: above what it stands on, as far as seen. low: of its lowest
    point over the support. flatness: share of the surface in its three main directions. upward, upright: share of it
    that faces up, or sideways. hollow: how deep it is in the middle, relative to its height.
    curvature: 1/m, convex > 0. round_top: how circular it is from above. sphere_miss: rms distance to the best sphere,
    relative to its radius. ribbed: how close all normals are to one plane (a cylinder's side or a box's two sides: 0).
    solid: mask over its hull. filled: mask over its smallest rectangle. aspect: of that rectangle, short over long.
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

    def vector(self) -> Float32[np.ndarray, "n"]:
        """All of it as one vector; lengths as logarithms, so that ratios of sizes are differences."""
        values = [getattr(self, f.name) for f in fields(self) if f.name != "colors"]
        values[:3] = [np.log(max(v, 0.003)) for v in values[:3]]
        values[8] = np.clip(values[8] / 50.0, -1, 1)
        longest = max(self.length, 0.003)
        values += [self.width / longest, self.height / longest, min(self.length * self.width * self.height * 200, 5.0)]
        return np.array([*values, *self.colors], np.float32)


def measure(
    points: Float32[np.ndarray, "n 3"], normals: Float32[np.ndarray, "n 3"], plane: Plane,
    mask: Bool[np.ndarray, "h w"], color: UInt8[np.ndarray, "h w 3"],
) -> Features | None:  # fmt: skip
    """Features of the thing with these surface points (metres) and unit normals; None for fewer than 8 of them.

    mask and color: a crop around it, of one size; the mask must not be empty.
    """
    good = np.isfinite(points).all(axis=1) & np.isfinite(normals).all(axis=1)
    points, normals = points[good], normals[good]
    if len(points) < 8:
        return None
    step = max(1, len(points) // SAMPLE)
    points, normals = _central(points[::step], normals[::step])
    size = upright_box(points, plane)
    low_high = elevation(points, plane)
    if size is None or low_high is None:
        return None
    length, width, height = size
    up = normals @ np.asarray(plane.normal, np.float32)
    flat = footprint(points, plane)
    heights = plane.height_m(points)
    solid, filled, aspect = _outline(mask)
    shares = color_shares(color[mask])
    light = color[mask].max(axis=1).astype(np.float32)
    return Features(
        length=length,
        width=width,
        height=height,
        low=low_high[0],
        flatness=_flatness(normals),
        upward=float((up > 0.85).mean()),
        upright=float((np.abs(up) < 0.35).mean()),
        hollow=_hollow(flat, heights, low_high),
        curvature=_curvature(points, normals),
        round_top=_round_top(flat, heights, low_high),
        sphere_miss=_sphere_miss(points),
        ribbed=float(np.linalg.eigvalsh(normals.T @ normals / len(normals))[0]),
        solid=solid,
        filled=filled,
        aspect=aspect,
        contrast=float(light.std() / 128),
        colors=tuple(float(s) for s in shares),
    )


def _central(points: np.ndarray, normals: np.ndarray, keep: float = 0.985) -> tuple[np.ndarray, np.ndarray]:
    """Without the far-off points that depth edges leave."""
    distance = np.linalg.norm(points - np.median(points, axis=0), axis=1)
    near = distance <= max(float(np.quantile(distance, keep)), 1e-6)
    return points[near], normals[near]


def _flatness(normals: np.ndarray) -> float:
    """Share of normals within 14 degrees of one of three directions, each the most common of what is left."""
    left, total = normals, 0
    for _ in range(3):
        if len(left) < 4:
            break
        seeds = left[:: max(1, len(left) // 40)]
        near = left @ seeds.T > np.cos(np.radians(14))
        best = near[:, int(near.sum(axis=0).argmax())]
        total += int(best.sum())
        left = left[~best]
    return total / len(normals)


def _hollow(flat: np.ndarray, heights: np.ndarray, low_high: tuple[float, float]) -> float:
    """How far the middle lies below the rim, over the height: 0 for a closed top, 1 for a cup seen to its ground."""
    height = max(low_high[1] - low_high[0], 1e-3)
    rim = flat[heights > low_high[1] - 0.2 * height]
    if len(rim) < 8:
        return 0.0
    low, high = np.quantile(rim, [0.03, 0.97], axis=0)
    centre, half = (low + high) / 2, np.maximum((high - low) / 2, 1e-3)
    middle = (((flat - centre) / half) ** 2).sum(axis=1) < 0.4**2
    if np.count_nonzero(middle) < 4:
        return 0.0
    return float(np.clip((low_high[1] - np.median(heights[middle])) / height, 0, 1))


def _curvature(points: np.ndarray, normals: np.ndarray) -> float:
    dx, dn = points - points.mean(axis=0), normals - normals.mean(axis=0)
    return float((dx * dn).sum() / max(float((dx * dx).sum()), 1e-9))


def _round_top(flat: np.ndarray, heights: np.ndarray, low_high: tuple[float, float]) -> float:
    """4 pi area / perimeter squared of the hull of the upper part: 1 for a disk, 0.79 for a square."""
    top = flat[heights > low_high[0] + 0.6 * (low_high[1] - low_high[0])]
    corners = hull(top if len(top) >= 12 else flat)
    if len(corners) < 3:
        return 0.0
    turned = np.roll(corners, -1, axis=0)
    area = abs(float((corners[:, 0] * turned[:, 1] - corners[:, 1] * turned[:, 0]).sum())) / 2
    around = float(np.linalg.norm(turned - corners, axis=1).sum())
    return 4 * np.pi * area / max(around * around, 1e-12)


def _sphere_miss(points: np.ndarray) -> float:
    """Algebraic least squares sphere; 1 where it is no sphere of a thing's size at all."""
    p = (points - points.mean(axis=0)).astype(np.float64)
    system = np.c_[2 * p, np.ones(len(p))]
    solution, *_ = np.linalg.lstsq(system, (p * p).sum(axis=1), rcond=None)
    square = solution[3] + solution[:3] @ solution[:3]
    if not 1e-6 < square < 0.04:
        return 1.0
    radius = np.sqrt(square)
    miss = np.linalg.norm(p - solution[:3], axis=1) - radius
    return float(min(np.sqrt((miss * miss).mean()) / radius, 1.0))


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
