"""Shape profile of an object: width per height slice, height per radial ring, its largest face, and its texture."""

from __future__ import annotations

import math

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

SLICES, RINGS = 6, 5
PROFILE = 2 * SLICES + RINGS + 10  # numbers in a profile
TEXTURE = 5
_SAME_DIRECTION = np.float32(np.cos(np.radians(16)))


def profile(
    points: Float32[np.ndarray, "n 3"],
    normals: Float32[np.ndarray, "n 3"],
    up: Float32[np.ndarray, "3"],
    flat: Float32[np.ndarray, "n 2"],
    heights: Float32[np.ndarray, "n"],
) -> Float32[np.ndarray, "profile"]:
    """PROFILE features of about 0..1 for the label classifier; lengths as logarithms of metres.

    up: unit normal of the support. flat: positions on the support plane, metres, the camera above (0, 0). heights:
    above the support, metres.
    """
    return np.concatenate([_slices(flat, heights), _rings(flat, heights), _face(points, normals, up)])


def _slices(flat: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Width and lateral offset of six horizontal slices, relative to the full width across the viewing direction.

    They describe necks, tapers, feet and handles independently of the viewing direction.
    """
    view = flat.mean(axis=0)
    view /= max(float(np.hypot(*view)), 1e-6)
    across = flat @ np.array([-view[1], view[0]], np.float32)
    order = np.argsort(across)
    across, heights = across[order], heights[order]
    trim = len(across) // 50
    left, right = float(across[trim]), float(across[-1 - trim])
    width, centre = max(right - left, 1e-3), (left + right) / 2
    top = max(float(heights.max()), 1e-3)
    number = np.clip((heights / top * SLICES).astype(np.int32), 0, SLICES - 1)
    result = np.zeros(2 * SLICES, np.float32)
    for k in range(SLICES):
        part = across[number == k]
        if len(part) >= 4:
            trim = len(part) // 25
            a, b = float(part[trim]), float(part[-1 - trim])
            result[k], result[SLICES + k] = (b - a) / width, 2 * abs((a + b) / 2 - centre) / width
    return result


def _rings(flat: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Mean height of five concentric rings around the top's centre, relative to the height; -0.2 where not visible."""
    low, high = float(heights.min()), float(heights.max())
    rim = flat[heights > low + 0.7 * (high - low)]
    centre = (rim.min(axis=0) + rim.max(axis=0)) / 2 if len(rim) >= 4 else flat.mean(axis=0)
    distance = np.hypot(*(flat - centre).T)
    number = np.minimum((distance / max(float(distance.max()), 1e-3) * RINGS).astype(np.int32), RINGS - 1)
    count = np.bincount(number, minlength=RINGS)
    total = np.bincount(number, heights - low, RINGS)
    mean = total / np.maximum(count, 1) / max(high - low, 1e-3)
    return np.where(count >= 4, mean, -0.2).astype(np.float32)


def _face(points: np.ndarray, normals: np.ndarray, up: np.ndarray) -> np.ndarray:
    """The dominant surface direction: share, tilt, size of the box aligned with it, and roundness of the face.

    The values do not depend on the pose of the object: a box keeps its three sizes, a can on its side its round face.
    """
    seeds = normals[:: max(1, len(normals) // 48)]
    similar = seeds @ normals.T > _SAME_DIRECTION
    counts = np.count_nonzero(similar, axis=1)
    first = int(counts.argmax())
    inside = similar[first]
    x, y, z = np.add.reduce(normals[inside]).tolist()
    length = max(math.sqrt(x * x + y * y + z * z), 1e-6)
    x, y, z = x / length, y / length, z / length
    normal = np.array([x, y, z], np.float32)
    # The second direction must be perpendicular: a curved surface has many others.
    perpendicular = np.abs(seeds @ normal) < 0.35
    second = int(np.where(perpendicular, counts, 0).argmax())
    has_second = bool(perpendicular.any())
    a, b, c = (y, -x, 0.0) if abs(z) < 0.9 else (0.0, z, -y)  # perpendicular to the normal
    length = math.sqrt(a * a + b * b + c * c)
    a, b, c = a / length, b / length, c / length
    axes = np.array([[a, y * c - z * b], [b, z * a - x * c], [c, x * b - y * a]], np.float32)
    on_face = points @ axes
    _, (a, b), _ = cv2.minAreaRect(on_face)
    along = np.sort(points @ normal)
    trim = len(along) // 50
    thickness = float(along[-1 - trim] - along[trim])
    hull = cv2.convexHull(on_face[inside])[:, 0]
    area, perimeter = cv2.contourArea(hull), cv2.arcLength(hull, True)
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
            math.log(max(thickness, 0.003)) / 2,
            4 * np.pi * area / max(perimeter * perimeter, 1e-9),
            area / max(fa * fb, 1e-9),
            min(fa, fb) / max(fa, fb, 1e-6),
        ],
        np.float32,
    )


def texture(
    color: UInt8[np.ndarray, "h w 3"], mask: Bool[np.ndarray, "h w"], shares: Float32[np.ndarray, "11"]
) -> Float32[np.ndarray, "texture"]:
    """Texture: entropy of colours, share of the main colour, edge strength, spread of brightness and of chroma.

    Computed at 32 x 32 pixels, which makes it insensitive to noise and sharpness.
    """
    size = (32, 32)
    red, green, blue = cv2.split(cv2.resize(color, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255)
    filled = cv2.resize(mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA) > 200
    inside = cv2.erode(filled.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    inside = inside if np.count_nonzero(inside) >= 8 else filled
    if np.count_nonzero(inside) < 8:
        return np.zeros(TEXTURE, np.float32)
    light = cv2.max(cv2.max(red, green), blue)
    pairs = inside[1:] & inside[:-1], inside[:, 1:] & inside[:, :-1]
    gradients = cv2.absdiff(light[1:], light[:-1]), cv2.absdiff(light[:, 1:], light[:, :-1])
    edges = sum(float(s[pair].sum()) / max(np.count_nonzero(pair), 1) for s, pair in zip(gradients, pairs, strict=True))
    chroma = (light - cv2.min(cv2.min(red, green), blue))[inside]
    light = light[inside]
    nonzero = shares[shares > 0]
    entropy = -float((nonzero * np.log(nonzero)).sum())
    values = [entropy / 2, float(shares.max()), 2 * edges]
    return np.array([*values, 3 * float(light.std()), 3 * float(chroma.std())], np.float32)
