"""How a thing's outline runs from bottom to top and from its middle to its rim, and its largest flat face."""

from __future__ import annotations

import math

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

SLICES, RINGS = 6, 5
PROFILE = 2 * SLICES + RINGS + 10  # numbers in a profile
LOOK = 5
_SAME_WAY = np.float32(np.cos(np.radians(16)))


def profile(
    points: Float32[np.ndarray, "n 3"],
    normals: Float32[np.ndarray, "n 3"],
    up: Float32[np.ndarray, "3"],
    flat: Float32[np.ndarray, "n 2"],
    heights: Float32[np.ndarray, "n"],
) -> Float32[np.ndarray, "profile"]:
    """Numbers of about 0..1 that a name can be told from; PROFILE of them, metres as logarithms.

    flat: seen from above, in metres, the camera above (0, 0). heights: above the support, metres.
    """
    return np.concatenate([_slices(flat, heights), _rings(flat, heights), _face(points, normals, up)])


def _slices(flat: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Width and sideways shift of six slices between support and top, over the whole width as the camera sees it.

    A neck, a taper, a foot and a handle show in them, from whichever side a thing is seen.
    """
    away = flat.mean(axis=0)
    away /= max(float(np.hypot(*away)), 1e-6)
    across = flat @ np.array([-away[1], away[0]], np.float32)
    order = np.argsort(across)
    across, heights = across[order], heights[order]
    cut = len(across) // 50
    left, right = float(across[cut]), float(across[-1 - cut])
    whole, middle = max(right - left, 1e-3), (left + right) / 2
    top = max(float(heights.max()), 1e-3)
    number = np.clip((heights / top * SLICES).astype(np.int32), 0, SLICES - 1)
    result = np.zeros(2 * SLICES, np.float32)
    for k in range(SLICES):
        part = across[number == k]
        if len(part) >= 4:
            trim = len(part) // 25
            a, b = float(part[trim]), float(part[-1 - trim])
            result[k], result[SLICES + k] = (b - a) / whole, 2 * abs((a + b) / 2 - middle) / whole
    return result


def _rings(flat: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Height of five rings about the middle of the top, inside to outside, over the whole height; -0.2 unseen."""
    low, high = float(heights.min()), float(heights.max())
    rim = flat[heights > low + 0.7 * (high - low)]
    middle = (rim.min(axis=0) + rim.max(axis=0)) / 2 if len(rim) >= 4 else flat.mean(axis=0)
    away = np.hypot(*(flat - middle).T)
    number = np.minimum((away / max(float(away.max()), 1e-3) * RINGS).astype(np.int32), RINGS - 1)
    count = np.bincount(number, minlength=RINGS)
    total = np.bincount(number, heights - low, RINGS)
    mean = total / np.maximum(count, 1) / max(high - low, 1e-3)
    return np.where(count >= 4, mean, -0.2).astype(np.float32)


def _face(points: np.ndarray, normals: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Of the most common direction of the surface: share, tilt, size of the box along it, and how round the face is.

    A box has the same three sizes however it lies or leans, and a tin on its edge still has a round face.
    """
    seeds = normals[:: max(1, len(normals) // 48)]
    near = seeds @ normals.T > _SAME_WAY
    counts = np.count_nonzero(near, axis=1)
    first = int(counts.argmax())
    inside = near[first]
    x, y, z = np.add.reduce(normals[inside]).tolist()
    long = max(math.sqrt(x * x + y * y + z * z), 1e-6)
    x, y, z = x / long, y / long, z / long
    normal = np.array([x, y, z], np.float32)
    # The second direction stands across the first: a curved side has many that do not.
    square = np.abs(seeds @ normal) < 0.35
    second = int(np.where(square, counts, 0).argmax())
    has_second = bool(square.any())
    a, b, c = (y, -x, 0.0) if abs(z) < 0.9 else (0.0, z, -y)  # across the normal
    long = math.sqrt(a * a + b * b + c * c)
    a, b, c = a / long, b / long, c / long
    axes = np.array([[a, y * c - z * b], [b, z * a - x * c], [c, x * b - y * a]], np.float32)
    on_face = points @ axes
    _, (a, b), _ = cv2.minAreaRect(on_face)
    along = np.sort(points @ normal)
    cut = len(along) // 50
    thick = float(along[-1 - cut] - along[cut])
    hull = cv2.convexHull(on_face[inside])[:, 0]
    area, around = cv2.contourArea(hull), cv2.arcLength(hull, True)
    _, (fa, fb), _ = cv2.minAreaRect(hull)
    total = len(points)
    return np.array(
        [
            counts[first] / total,
            counts[second] / total if has_second else 0.0,
            abs(float(normal @ up)),
            abs(float(seeds[second] @ up)) if has_second else 0.0,
            math.log(max(a, b, 0.003)) / 2,
            math.log(max(min(a, b), 0.003)) / 2,
            math.log(max(thick, 0.003)) / 2,
            4 * np.pi * area / max(around * around, 1e-9),
            area / max(fa * fb, 1e-9),
            min(fa, fb) / max(fa, fb, 1e-6),
        ],
        np.float32,
    )


def look(
    color: UInt8[np.ndarray, "h w 3"], mask: Bool[np.ndarray, "h w"], shares: Float32[np.ndarray, "11"]
) -> Float32[np.ndarray, "look"]:
    """How printed a thing looks: number of colours, share of the first, edges, spread of light and of colour.

    Looked at in 32 x 32 pixels, so that sensor noise and sharpness matter little.
    """
    size = (32, 32)
    red, green, blue = cv2.split(cv2.resize(color, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255)
    filled = cv2.resize(mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA) > 200
    inside = cv2.erode(filled.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    inside = inside if np.count_nonzero(inside) >= 8 else filled
    if np.count_nonzero(inside) < 8:
        return np.zeros(LOOK, np.float32)
    light = cv2.max(cv2.max(red, green), blue)
    both = inside[1:] & inside[:-1], inside[:, 1:] & inside[:, :-1]
    steps = cv2.absdiff(light[1:], light[:-1]), cv2.absdiff(light[:, 1:], light[:, :-1])
    edges = sum(float(s[pair].sum()) / max(np.count_nonzero(pair), 1) for s, pair in zip(steps, both, strict=True))
    chroma = (light - cv2.min(cv2.min(red, green), blue))[inside]
    light = light[inside]
    known = shares[shares > 0]
    entropy = -float((known * np.log(known)).sum())
    values = [entropy / 2, float(shares.max()), 2 * edges]
    return np.array([*values, 3 * float(light.std()), 3 * float(chroma.std())], np.float32)
