"""From depth to metres: back-projection, planes, extents. Camera optical frame unless a plane gives another."""

from __future__ import annotations

import functools
import math

import numpy as np
from jaxtyping import Float, Float32

from ..errors import FrameError, MissingDataError
from .types import CameraIntrinsics, Frame, Plane, Vector

Points = Float32[np.ndarray, "n 3"]


def require_depth(frame: Frame) -> tuple[Float32[np.ndarray, "h w"], CameraIntrinsics]:
    """Depth (metres, NaN where unknown) and camera model of a frame; FrameError if either is missing or empty.

    The depth may be the frame's own: it is not to be written to.
    """
    if frame.depth_m is None:
        raise FrameError("this frame has no depth image: use a depth camera, or the perceiver monocular")
    if frame.intrinsics is None:
        raise FrameError("this frame has no camera model: publish camera_info beside the pictures")
    depth = np.asarray(frame.depth_m, np.float32)
    good = (depth > 0) & (depth < np.inf)
    if not good.any():
        raise FrameError(
            "the depth image holds no valid pixel: check that the camera is not covered or too near, "
            "and that its unit is right (16UC1 in millimetres, 32FC1 in metres)"
        )
    if not (good | np.isnan(depth)).all():  # otherwise it says unknown as it should
        depth = np.where(good, depth, np.float32(np.nan))
    return depth, frame.intrinsics


def back_project(depth_m: Float32[np.ndarray, "h w"], intrinsics: CameraIntrinsics) -> Float32[np.ndarray, "h w 3"]:
    """Points in metres for every pixel of a pinhole camera; NaN where depth is."""
    if depth_m.shape != (intrinsics.height, intrinsics.width):
        raise FrameError(
            f"depth is {depth_m.shape[1]}x{depth_m.shape[0]}, "
            f"but the camera model {intrinsics.width}x{intrinsics.height}: use the camera_info of this stream"
        )
    u = (np.arange(intrinsics.width, dtype=np.float32) - np.float32(intrinsics.cx)) / np.float32(intrinsics.fx)
    v = (np.arange(intrinsics.height, dtype=np.float32) - np.float32(intrinsics.cy)) / np.float32(intrinsics.fy)
    points = np.empty((*depth_m.shape, 3), np.float32)
    np.multiply(depth_m, u, out=points[..., 0])
    np.multiply(depth_m, v[:, None], out=points[..., 1])
    points[..., 2] = depth_m
    return points


def least_squares_plane(points: Float[np.ndarray, "n 3"]) -> Plane:
    """Plane of least squared distance; its normal points to the camera (origin). Needs three points."""
    return weighted_plane(points, np.ones(len(points)))


def weighted_plane(points: Float[np.ndarray, "n 3"], weights: Float[np.ndarray, "n"]) -> Plane:
    """Plane of least weighted squared distance; its normal points to the camera (origin). Needs three points.

    weights: 0 or more, relative; the inverse variance of each point makes it the most likely plane.
    """
    if len(points) < 3:
        raise MissingDataError(f"a plane needs three points, got {len(points)}")
    mean = (weights @ points.astype(np.float64)) / weights.sum()
    centred = points - mean
    normal = np.linalg.eigh((centred * weights[:, None]).T @ centred)[1][:, 0]
    offset = float(normal @ mean)
    if offset > 0:
        normal, offset = -normal, -offset
    return Plane(_vector(normal), offset)


def fit_plane(
    points: Points, inlier_m: float = 0.01, hypotheses: int = 200, seed: int = 0
) -> tuple[Plane, float] | None:
    """The plane with most points within `inlier_m` (RANSAC, refined by least squares), and the share of inliers.

    None if fewer than three points are given or all lie on a line. The same seed gives the same plane.
    """
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) < 3:
        return None
    random = np.random.default_rng(seed)
    sample = points if len(points) <= 4000 else points[random.choice(len(points), 4000, replace=False)]
    corners = sample[random.integers(0, len(sample), (hypotheses, 3))].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1)
    good = lengths > 1e-9
    if not good.any():
        return None
    normals = normals[good] / lengths[good, None]
    offsets = np.einsum("ij,ij->i", normals, corners[good, 0])
    counts = (np.abs(sample @ normals.T - offsets) < inlier_m).sum(axis=0)
    best = int(counts.argmax())
    near = np.abs(points @ normals[best] - offsets[best]) < inlier_m
    plane = None
    for _ in range(3):
        if np.count_nonzero(near) < 3:
            break
        plane = least_squares_plane(points[near])
        near = np.abs(plane.height_m(points)) < inlier_m
    return None if plane is None else (plane, float(near.mean()))


@functools.lru_cache(maxsize=8)  # asked for every thing of a frame
def plane_axes(plane: Plane) -> Float[np.ndarray, "3 3"]:
    """Rows: two horizontal axes of the plane (the first nearest to the camera's x) and its normal. Read-only."""
    up = np.asarray(plane.normal, np.float64)
    seed = np.array([1.0, 0.0, 0.0]) if abs(up[0]) < 0.9 else np.array([0.0, 0.0, 1.0])
    first = seed - up * (seed @ up)
    first /= np.linalg.norm(first)
    axes = np.stack([first, np.cross(up, first), up])
    axes.flags.writeable = False
    return axes


def quantiles(values: Float[np.ndarray, "n *k"], *shares: float) -> list[Float[np.ndarray, "*k"]]:
    """The quantiles of the first axis, by linear interpolation like np.quantile, at a tenth of its cost for few rows.

    Needs at least one row, and no NaN.
    """
    ordered = np.sort(values.T).T  # of columns one after another: half the time
    found = []
    for share in shares:
        at = share * (len(ordered) - 1)
        low = ordered[math.floor(at)]
        found.append(low + (ordered[math.ceil(at)] - low) * (at - math.floor(at)))
    return found


def _vector(row: np.ndarray) -> Vector:
    x, y, z = row
    return float(x), float(y), float(z)


def pixels_of(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """image[mask], one row a pixel, of a contiguous (h, w, k) image: in a tenth of the time."""
    return image.reshape(-1, image.shape[-1]).take(np.flatnonzero(mask), axis=0)


def extent(points: Points, trim: float = 0.01) -> tuple[Vector, Vector] | None:
    """Centre and size (metres) along x, y, z; the share `trim` is cut at each end as noise. None if empty."""
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return None
    low, high = quantiles(points, trim, 1 - trim)
    centre, size = (low + high) / 2, high - low
    return _vector(centre), _vector(size)


def elevation(points: Points, plane: Plane, trim: float = 0.01) -> tuple[float, float] | None:
    """Height of the lowest and highest point above the plane, metres; trimmed like `extent`. None if empty."""
    heights = plane.height_m(points[np.isfinite(points).all(axis=1)])
    if not len(heights):
        return None
    low, high = quantiles(heights, trim, 1 - trim)
    return float(low), float(high)


def footprint(points: Points, plane: Plane) -> Float[np.ndarray, "n 2"]:
    """Points seen from above: coordinates along the two horizontal axes of the plane, metres."""
    return points @ plane_axes(plane)[:2].T.astype(points.dtype)


_TURN = (np.arange(48) + 0.5) * (2 * np.pi / 48)
_AROUND = np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1)


def hull(flat: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "k 2"]:
    """Corners of the convex hull, counter-clockwise, at most 48; under three where the points span no area.

    The points that lie farthest in each of 48 directions: what an exact hull has besides sticks out by less than 0.3 %
    of its width, a fraction of what depth is known to, and takes many times as long.
    """
    if len(flat) < 3:
        return flat
    extremes = (_AROUND.astype(flat.dtype) @ flat.T).argmax(axis=1)
    return flat[extremes[extremes != np.roll(extremes, 1)]]


def beyond_hull(flat: Float[np.ndarray, "n 2"], corners: Float[np.ndarray, "k 2"]) -> Float[np.ndarray, "n"]:
    """How far each point lies outside the nearest side of the convex polygon, metres: up to 0 inside; infinite for
    under three corners."""
    if len(corners) < 3:
        return np.full(len(flat), np.inf, flat.dtype)
    edges = np.concatenate([corners[1:], corners[:1]]) - corners
    normals = np.stack([edges[:, 1], -edges[:, 0]], axis=1)
    normals /= np.maximum(np.hypot(edges[:, 0], edges[:, 1]), 1e-12)[:, None]
    away = normals @ flat.T
    away -= (normals * corners).sum(axis=1)[:, None]
    return away.max(axis=0)


def inside_hull(flat: Float[np.ndarray, "n 2"], corners: Float[np.ndarray, "k 2"], margin_m: float = 0.0) -> np.ndarray:
    """Which points lie inside the convex polygon grown by the margin (Boolean, n); nothing lies in under 3 corners."""
    return beyond_hull(flat, corners) <= margin_m


def smallest_rectangle(corners: Float[np.ndarray, "k 2"]) -> tuple[float, float]:
    """Length >= width of the smallest rectangle around a convex polygon."""
    return _smallest_rectangle(corners)[:2]


def rectangle_angle(corners: Float[np.ndarray, "k 2"]) -> float:
    """From the first axis to the longer side of the smallest rectangle around a convex polygon; radians, 0 to pi."""
    return _smallest_rectangle(corners)[2]


def _smallest_rectangle(corners: Float[np.ndarray, "k 2"]) -> tuple[float, float, float]:
    """Length, width, and the angle of the longer side.

    It has a side along an edge of the polygon (Freeman and Shapira, 1975).
    """
    x, y = np.concatenate([corners[1:], corners[:1]]).T - corners.T
    angles = np.unique(np.round(np.arctan2(y, x) % (np.pi / 2), 2))
    cos, sin = np.cos(angles), np.sin(angles)
    along, across = (np.ptp(corners @ axis, axis=0) for axis in (np.stack([cos, sin]), np.stack([-sin, cos])))
    best = int((along * across).argmin())
    one, other, angle = float(along[best]), float(across[best]), float(angles[best])
    return (one, other, angle) if one >= other else (other, one, angle + np.pi / 2)
