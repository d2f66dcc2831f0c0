"""Depth of one camera projected into another one: forward projection with a z-buffer, in numpy."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Int32

from ..errors import FrameError
from ..twin.types import CameraIntrinsics
from .transforms import RigidTransform

NEAREST_M = 0.01
LARGEST_FOOTPRINT = 12  # pixels of the target that one depth pixel may cover, along one side


def scale_depth(depth_m: Float32[np.ndarray, "h w"], width: int, height: int) -> Float32[np.ndarray, "H W"]:
    """Depth resampled to another resolution by nearest neighbour, so that no values between surfaces arise."""
    rows = ((np.arange(height) + 0.5) * depth_m.shape[0] / height).astype(np.intp)
    columns = ((np.arange(width) + 0.5) * depth_m.shape[1] / width).astype(np.intp)
    return np.ascontiguousarray(depth_m[rows[:, None], columns])


class DepthProjection:
    """Projects depth of a source camera into a target camera.

    Every depth pixel is projected as a rectangle parallel to the image plane, so that surfaces stay closed when the
    target has more pixels. Of several depths on a pixel the nearest is kept. Pixels that the depth camera does not see
    (occlusion, outside of its view) are NaN: nothing is filled in. Distortion is ignored.
    """

    def __init__(self, source: CameraIntrinsics, target: CameraIntrinsics, transform: RigidTransform) -> None:
        """transform: from the source camera's optical frame to the target's."""
        self._source, self._target = source, target
        u, v = np.meshgrid(np.arange(source.width), np.arange(source.height))
        rays = np.stack([(u - source.cx) / source.fx, (v - source.cy) / source.fy, np.ones(u.shape)])
        x, y, z = (transform.rotation @ rays.reshape(3, -1)).astype(np.float32)
        # Premultiplied by the target's camera matrix: u = (x depth + tx) / (z depth + tz), v likewise.
        tx, ty, tz = transform.translation_m
        self._x, self._y, self._z = target.fx * x + target.cx * z, target.fy * y + target.cy * z, z
        self._tx, self._ty = np.float32(target.fx * tx + target.cx * tz), np.float32(target.fy * ty + target.cy * tz)
        self._tz = np.float32(tz)
        self._half_x = np.float32(0.5 * target.fx / source.fx)
        self._half_y = np.float32(0.5 * target.fy / source.fy)

    def __call__(self, depth_m: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "H W"]:
        """Metres along z of the target camera, NaN where unknown. Raises FrameError for depth of another size."""
        source, target = self._source, self._target
        if depth_m.shape != (source.height, source.width):
            raise FrameError(
                f"depth is {depth_m.shape[1]}x{depth_m.shape[0]} but its camera_info is for "
                f"{source.width}x{source.height}: use the depth stream's camera_info"
            )
        depth = np.nan_to_num(depth_m.reshape(-1), nan=0.0, posinf=0.0, neginf=0.0)
        far = self._z * depth + self._tz
        known = (far > NEAREST_M) & (depth > 0)
        inverse = 1 / np.where(known, far, np.float32(1))
        size = depth * inverse
        x0, x1 = _covered((self._x * depth + self._tx) * inverse, self._half_x * size, target.width)
        y0, y1 = _covered((self._y * depth + self._ty) * inverse, self._half_y * size, target.height)
        known &= (x0 < x1) & (y0 < y1)
        x0, x1, y0, y1, far = x0[known], x1[known], y0[known], y1[known], far[known]
        first = y0 * np.int32(target.width) + x0
        image = np.full(target.width * target.height, np.inf, np.float32)
        wide, high = x1 - x0, y1 - y0
        for dy in range(min(int(np.max(high, initial=0)), LARGEST_FOOTPRINT)):
            for dx in range(min(int(np.max(wide, initial=0)), LARGEST_FOOTPRINT)):
                if dx == dy == 0:
                    _keep_nearest(image, first, far)
                    continue
                part = np.flatnonzero((wide > dx) & (high > dy))
                _keep_nearest(image, first[part] + np.int32(dy * target.width + dx), far[part])
        image[np.isinf(image)] = np.nan
        return image.reshape(target.height, target.width)


def _covered(
    middle: Float32[np.ndarray, " n"], half: Float32[np.ndarray, " n"], size: int
) -> tuple[Int32[np.ndarray, " n"], Int32[np.ndarray, " n"]]:
    """First and last + 1 of the pixels whose centre lies in [middle - half, middle + half), within 0..size."""
    first, last = (np.clip(np.ceil(edge), 0, size).astype(np.int32) for edge in (middle - half, middle + half))
    return first, last


def _keep_nearest(
    image: Float32[np.ndarray, " p"], at: Int32[np.ndarray, " n"], depth: Float32[np.ndarray, " n"]
) -> None:
    """image[at] = min(image[at], depth); indices may be repeated."""
    closer = depth < image[at]
    while closer.any():
        at, depth = at[closer], depth[closer]
        image[at] = depth  # of repeated indices one is written; nearer ones are written in the next iteration
        closer = depth < image[at]
