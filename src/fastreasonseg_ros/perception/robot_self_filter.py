"""What a robot sees of itself, told by a mask that its owner paints once: it is no thing, and nothing stands on it."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float32

from ..errors import ConfigError, FrameError


def read_body_mask(path: str) -> Bool[np.ndarray, "h w"]:
    """True where the picture is brighter than half. Raises ConfigError for what is no picture."""
    picture = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise ConfigError(f"body_mask {path}: is no picture that can be read; white is where the robot sees itself")
    return picture > 127


def without_body(depth_m: Float32[np.ndarray, "h w"], body: Bool[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """Depth that is unknown (NaN) where the robot sees itself. Raises FrameError for a mask of another size."""
    if body.shape != depth_m.shape:
        raise FrameError(
            f"body_mask is {body.shape[1]}x{body.shape[0]} but the pictures are {depth_m.shape[1]}x{depth_m.shape[0]}: "
            "make it from a picture of this camera"
        )
    return np.where(body, np.float32(np.nan), depth_m)
