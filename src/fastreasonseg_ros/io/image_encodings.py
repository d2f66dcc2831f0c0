"""Decodes raw image buffers of sensor_msgs/Image to arrays: RGB, depth in metres, id images.

Encodings are those of sensor_msgs/image_encodings.hpp. Rows may be padded (`step` bytes from row to row). Samples of
16 and 32 bits are in the byte order that `is_bigendian` says. Bayer patterns are named by their first two pixels of the
first two rows; OpenCV names them by the pixels from (1, 1) on, so bayer_rggb is its COLOR_BayerBG.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from jaxtyping import Float32, UInt8, UInt16

from ..errors import FrameError
from .depth_units import to_metres

# encoding: (sample type, channels, OpenCV conversion to RGB or None where the samples are RGB already)
_INTERLEAVED: dict[str, tuple[type[np.generic], int, int | None]] = {
    "rgb8": (np.uint8, 3, None),
    "bgr8": (np.uint8, 3, cv2.COLOR_BGR2RGB),
    "rgba8": (np.uint8, 4, cv2.COLOR_RGBA2RGB),
    "bgra8": (np.uint8, 4, cv2.COLOR_BGRA2RGB),
    "8UC3": (np.uint8, 3, cv2.COLOR_BGR2RGB),  # OpenCV's own order
    "8UC4": (np.uint8, 4, cv2.COLOR_BGRA2RGB),
    "mono8": (np.uint8, 1, cv2.COLOR_GRAY2RGB),
    "8UC1": (np.uint8, 1, cv2.COLOR_GRAY2RGB),
    "rgb16": (np.uint16, 3, None),
    "bgr16": (np.uint16, 3, cv2.COLOR_BGR2RGB),
    "rgba16": (np.uint16, 4, cv2.COLOR_RGBA2RGB),
    "bgra16": (np.uint16, 4, cv2.COLOR_BGRA2RGB),
    "16UC3": (np.uint16, 3, cv2.COLOR_BGR2RGB),
    "16UC4": (np.uint16, 4, cv2.COLOR_BGRA2RGB),
    "mono16": (np.uint16, 1, cv2.COLOR_GRAY2RGB),
    "uyvy": (np.uint8, 2, cv2.COLOR_YUV2RGB_UYVY),
    "yuv422": (np.uint8, 2, cv2.COLOR_YUV2RGB_UYVY),
    "yuyv": (np.uint8, 2, cv2.COLOR_YUV2RGB_YUY2),
    "yuv422_yuy2": (np.uint8, 2, cv2.COLOR_YUV2RGB_YUY2),
} | {
    f"bayer_{pattern}{bits}": (kind, 1, conversion)
    for pattern, conversion in (
        ("rggb", cv2.COLOR_BayerBG2RGB),
        ("bggr", cv2.COLOR_BayerRG2RGB),
        ("gbrg", cv2.COLOR_BayerGR2RGB),
        ("grbg", cv2.COLOR_BayerGB2RGB),
    )
    for bits, kind in ((8, np.uint8), (16, np.uint16))
}
# A plane of Y, then U and V interleaved, with half the rows and columns of Y.
_PLANAR_420 = {"nv12": cv2.COLOR_YUV2RGB_NV12, "nv21": cv2.COLOR_YUV2RGB_NV21}
_NV24 = "nv24"  # a plane of Y, then U and V interleaved, in full resolution
# BT.601 with limited range (Y 16..235), as OpenCV converts the other YUV formats; columns Y, U, V, offset.
_YUV_TO_RGB = np.array(
    [
        [1.164, 0.0, 1.596, -1.164 * 16 - 1.596 * 128],
        [1.164, -0.391, -0.813, -1.164 * 16 + (0.391 + 0.813) * 128],
        [1.164, 2.018, 0.0, -1.164 * 16 - 2.018 * 128],
    ]
)
_DEPTH: dict[str, type[np.generic]] = {"16UC1": np.uint16, "mono16": np.uint16, "32FC1": np.float32}
COLOR_ENCODINGS = (*_INTERLEAVED, *_PLANAR_420, _NV24)
DEPTH_ENCODINGS = tuple(_DEPTH)
GRAY_ENCODINGS = ("mono8", "8UC1", "mono16")  # of COLOR_ENCODINGS: one channel of brightness


def to_rgb(
    data: Any, height: int, width: int, step: int, encoding: str, is_bigendian: bool = False
) -> UInt8[np.ndarray, "h w 3"]:
    """RGB of a raw image, 0..255; samples of 16 bits are scaled from 0..65535, gray is repeated in all channels.

    data: the message's bytes (bytes, array.array or uint8 array). For nv12 and nv21 the message's height may be that of
    the image, or of Y and chroma together (3/2 of it), which is decided by the size of the data.

    Raises FrameError for an encoding that is not in COLOR_ENCODINGS, or for data that is shorter than its header says.
    """
    if encoding in _PLANAR_420:
        return _planar_420_to_rgb(_flat(data), height, width, step, encoding)
    if encoding == _NV24:
        return _nv24_to_rgb(_flat(data), height, width, step)
    if encoding not in _INTERLEAVED:
        raise FrameError(
            f"colour image has the encoding {encoding!r}; known are {', '.join(COLOR_ENCODINGS)}: "
            "publish one of these, or convert it with image_proc or cv_bridge before"
        )
    kind, channels, conversion = _INTERLEAVED[encoding]
    if channels == 2 and width % 2:
        raise FrameError(f"image of {width}x{height} {encoding}: 4:2:2 needs an even width; the image is broken")
    samples = _samples(data, height, width, step, encoding, kind, channels, is_bigendian)
    if encoding.startswith("bayer_") and min(height, width) < 2:
        raise FrameError(f"image of {width}x{height} {encoding}: a Bayer pattern needs 2x2 pixels; the image is broken")
    rgb = samples.copy() if conversion is None else cv2.cvtColor(samples, conversion)
    return rgb if rgb.dtype == np.uint8 else cv2.convertScaleAbs(rgb, alpha=255 / 65535)


def to_depth_m(
    data: Any,
    height: int,
    width: int,
    step: int,
    encoding: str,
    is_bigendian: bool = False,
    depth_unit_m: float | None = None,
) -> Float32[np.ndarray, "h w"]:
    """Depth along z in metres, NaN where unknown (0, negative or not finite).

    depth_unit_m: metres a count; None: by the encoding (REP-118): 16UC1 and mono16 millimetres, 32FC1 metres.

    Raises FrameError for an encoding that is not in DEPTH_ENCODINGS (8 bits cannot hold depth), for broken data, and
    for a unit that is not positive.
    """
    if encoding not in _DEPTH:
        advice = "publish millimetres as 16UC1 or metres as 32FC1 (REP-118)"
        if _has_8_bits(encoding):
            advice = "8 bits cannot hold depth, this is a picture for viewing; use the topic of the depth itself"
        raise FrameError(f"depth image has the encoding {encoding!r}; known are {', '.join(DEPTH_ENCODINGS)}: {advice}")
    return to_metres(_samples(data, height, width, step, encoding, _DEPTH[encoding], 1, is_bigendian), depth_unit_m)


def to_ids(
    data: Any, height: int, width: int, step: int, encoding: str, is_bigendian: bool = False
) -> UInt16[np.ndarray, "h w"]:
    """An image of ids, 0 = background. Raises FrameError unless it is mono16 or 16UC1."""
    if encoding not in ("mono16", "16UC1"):
        raise FrameError(f"id image has the encoding {encoding!r}, expected mono16 (pixel = id, 0 = background)")
    return _samples(data, height, width, step, encoding, np.uint16, 1, is_bigendian).copy()


def _has_8_bits(encoding: str) -> bool:
    return encoding.startswith(("8U", "8S")) or (encoding in COLOR_ENCODINGS and not encoding.endswith("16"))


def _flat(data: Any) -> UInt8[np.ndarray, " n"]:
    return np.frombuffer(memoryview(data), np.uint8)


def _samples(
    data: Any,
    height: int,
    width: int,
    step: int,
    encoding: str,
    kind: type[np.generic],
    channels: int,
    is_bigendian: bool,
) -> np.ndarray:
    """(h, w) or (h, w, channels) in native byte order; a view of the data where possible."""
    kind = np.dtype(kind)
    rows = _rows(_flat(data), height, width, step, width * channels * kind.itemsize, encoding)
    typed = np.ascontiguousarray(rows).view(kind.newbyteorder(">" if is_bigendian else "<"))
    shape = (height, width) if channels == 1 else (height, width, channels)
    return typed.reshape(shape).astype(kind, copy=False)


def _rows(
    flat: UInt8[np.ndarray, " n"], height: int, width: int, step: int, row: int, encoding: str
) -> UInt8[np.ndarray, "h row"]:
    """The rows without padding. Raises FrameError if the data is too short."""
    if width == 0 or height == 0 or step < row or flat.size < step * (height - 1) + row:
        raise FrameError(
            f"image of {width}x{height} {encoding} needs rows of {row} bytes, but has step {step} and {flat.size} "
            "bytes in all: the driver sent a broken image"
        )
    if flat.size < step * height:  # the last row without its padding
        flat = np.concatenate([flat, np.zeros(step * height - flat.size, np.uint8)])
    return flat[: step * height].reshape(height, step)[:, :row]


def _planar_420_to_rgb(
    flat: UInt8[np.ndarray, " n"], height: int, width: int, step: int, encoding: str
) -> UInt8[np.ndarray, "h w 3"]:
    step = step or width
    if flat.size < step * (height + height // 2) and height % 3 == 0 and flat.size >= step * height:
        height = height * 2 // 3
    if height % 2 or width % 2:
        raise FrameError(f"image of {width}x{height} {encoding}: 4:2:0 needs even sizes; the image is broken")
    planes = _rows(flat, height + height // 2, width, step, width, encoding)
    return cv2.cvtColor(np.ascontiguousarray(planes), _PLANAR_420[encoding])


def _nv24_to_rgb(flat: UInt8[np.ndarray, " n"], height: int, width: int, step: int) -> UInt8[np.ndarray, "h w 3"]:
    step = step or width
    luma = _rows(flat, height, width, step, width, _NV24)
    chroma = _rows(flat[step * height :], height, width, 2 * step, 2 * width, _NV24)
    yuv = np.dstack([luma, np.ascontiguousarray(chroma).reshape(height, width, 2)])
    return cv2.transform(yuv, _YUV_TO_RGB)
