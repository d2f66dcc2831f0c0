"""Decodes Image and CompressedImage messages of rclpy or rosbags to arrays."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from jaxtyping import Float32, UInt8, UInt16

from ..errors import FrameError
from .compressed_depth import decode_depth, decode_ids
from .image_encodings import to_depth_m, to_ids, to_rgb


def color_of(message: Any) -> UInt8[np.ndarray, "h w 3"]:
    """RGB of a raw or compressed image. Raises FrameError for an unknown encoding or broken data."""
    if not is_compressed(message):
        return to_rgb(*_buffer(message))
    if len(message.data) == 0:
        raise FrameError("compressed image is empty: the driver sent no data")
    try:
        bgr = cv2.imdecode(np.frombuffer(memoryview(message.data), np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        bgr = None
    if bgr is None:
        raise FrameError(
            f"compressed colour image ({message.format!r}) is broken or of a format that OpenCV cannot read"
        )
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def depth_of(message: Any, depth_unit_m: float | None = None) -> Float32[np.ndarray, "h w"]:
    """Depth along z in metres, NaN where unknown, of a raw or compressed image.

    depth_unit_m: metres per count; None: by the encoding (REP-118). Raises FrameError for an unknown encoding or broken
    data.
    """
    if is_compressed(message):
        return decode_depth(message.data, message.format, depth_unit_m)
    return to_depth_m(*_buffer(message), depth_unit_m)


def ids_of(message: Any) -> UInt16[np.ndarray, "h w"]:
    """An id image, 0 = background. Raises FrameError unless it has 16 bits, or for broken data."""
    return decode_ids(message.data, message.format) if is_compressed(message) else to_ids(*_buffer(message))


def is_compressed(message: Any) -> bool:
    """Whether it is a CompressedImage; else an Image."""
    return not hasattr(message, "encoding")


def stamp_ns(message: Any) -> int:
    """The header's stamp in nanoseconds."""
    return int(message.header.stamp.sec) * 10**9 + int(message.header.stamp.nanosec)


def stamp_s(message: Any) -> float:
    """The header's stamp in seconds."""
    return message.header.stamp.sec + message.header.stamp.nanosec * 1e-9


def _buffer(message: Any) -> tuple[Any, int, int, int, str, bool]:
    height, width, step = int(message.height), int(message.width), int(message.step)
    return message.data, height, width, step, message.encoding, bool(message.is_bigendian)
