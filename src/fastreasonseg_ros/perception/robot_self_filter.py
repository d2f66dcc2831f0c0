"""Self filter: invalidates depth where the robot sees itself, by a static mask image in the camera's resolution."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float32

from ..errors import ConfigError, FrameError


def read_self_mask(path: str) -> Bool[np.ndarray, "h w"]:
    """Reads the mask image: True where brighter than 127. Raises ConfigError if it cannot be read."""
    picture = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise ConfigError(f"body_mask {path}: is no picture that can be read; white is where the robot sees itself")
    return picture > 127


def remove_robot(depth_m: Float32[np.ndarray, "h w"], self_mask: Bool[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """Depth (metres) with NaN inside the mask. Raises FrameError for a mask of another size."""
    if self_mask.shape != depth_m.shape:
        raise FrameError(
            f"body_mask is {self_mask.shape[1]}x{self_mask.shape[0]} but the pictures are "
            f"{depth_m.shape[1]}x{depth_m.shape[0]}: make it from a picture of this camera"
        )
    return np.where(self_mask, np.float32(np.nan), depth_m)
