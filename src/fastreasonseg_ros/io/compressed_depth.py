"""Decodes depth of CompressedImage: 16-bit PNG of `compressed`, and PNG or RVL of `compressedDepth`.

Format of compressedDepth (ros-perception/image_transport_plugins, compressed_depth_image_transport), little endian:
- `format` is "ENCODING; compressedDepth png", "ENCODING; compressedDepth rvl" or, older, without the last word (png).
- data: a header of 12 bytes (int32 format, float32 a, float32 b), then the payload.
- payload of png: a 16-bit PNG. Of rvl: uint32 width, uint32 height, then the RVL stream.
- 16UC1: the samples themselves. 32FC1: inverse depth, sample = a / depth + b, 0 = unknown; so depth = a / (sample - b).

RVL (A. D. Wilson, Fast Lossless Depth Image Compression, 2017): pairs of runs (zeros, then non-zeros), each a number,
followed by one number for each non-zero pixel: its difference to the previous non-zero pixel, zigzag coded. A number is
a sequence of 4-bit groups, lowest 3 bits first, the top bit set where another follows; groups fill 32-bit words from
the top.
"""

from __future__ import annotations

import struct
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float32, Int64, UInt8, UInt16

from ..errors import FrameError
from .depth_units import to_metres

PNG_MAGIC = b"\x89PNG"
HEADER = struct.Struct("<iff")
PNG_SIZE = struct.Struct(">II")  # width and height, 16 bytes into the file
RVL_SIZE = struct.Struct("<II")
MAX_PIXELS = 2**25  # larger sizes are taken as damage, to bound memory


def decode_depth(data: Any, format: str, depth_unit_m: float | None = None) -> Float32[np.ndarray, "h w"]:
    """Depth along z in metres, NaN where unknown, of a CompressedImage.

    depth_unit_m: metres per count of 16UC1 (None: millimetres, REP-118), or per unit of 32FC1 (None: metres).

    Raises FrameError for an unknown format or damaged data.
    """
    samples, a, b = _decode(np.frombuffer(memoryview(data), np.uint8), format)
    if not _is_float(format):
        return to_metres(samples, depth_unit_m)
    if a is None or b is None:
        raise FrameError(f"compressed depth image ({format!r}) lacks the header that holds its scale")
    with np.errstate(divide="ignore"):
        depth = np.where(samples > 0, np.float32(a) / (samples.astype(np.float32) - np.float32(b)), np.float32(np.nan))
    return to_metres(depth.astype(np.float32), depth_unit_m)


def decode_ids(data: Any, format: str) -> UInt16[np.ndarray, "h w"]:
    """The 16-bit samples of a CompressedImage, for id images. Raises FrameError as decode_depth."""
    return _decode(np.frombuffer(memoryview(data), np.uint8), format)[0]


def _is_float(format: str) -> bool:
    return format.partition(";")[0].strip() == "32FC1"


def _decode(data: UInt8[np.ndarray, " n"], format: str) -> tuple[UInt16[np.ndarray, "h w"], float | None, float | None]:
    """The samples, and a and b of the header; None if there is no header."""
    if data.size == 0:
        raise FrameError("compressed image is empty: the driver sent no data")
    words = format.partition(";")[2].split()
    if "compressedDepth" in words or data[HEADER.size : HEADER.size + 4].tobytes() == PNG_MAGIC:
        if data.size <= HEADER.size:
            raise FrameError(f"compressed depth image ({format!r}) is broken: it ends within its header")
        _, a, b = HEADER.unpack(data[: HEADER.size].tobytes())
        payload = data[HEADER.size :]
        return (_decode_rvl(payload, format) if "rvl" in words else _decode_png(payload, format)), a, b
    return _decode_png(data, format), None, None


def _decode_png(data: UInt8[np.ndarray, " n"], format: str) -> UInt16[np.ndarray, "h w"]:
    if data.size >= 24 and data[: len(PNG_MAGIC)].tobytes() == PNG_MAGIC:
        _check_size(*PNG_SIZE.unpack(data[16:24].tobytes()), format)
    try:
        image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    except cv2.error:
        image = None
    if image is None or image.ndim != 2 or image.dtype != np.uint16:
        got = "cannot be decoded" if image is None else f"is an image of {image.dtype} {image.shape}"
        raise FrameError(
            f"compressed depth image ({format!r}) {got}; it is not a 16-bit PNG: compress depth without loss, by "
            "compressedDepth (png or rvl) or png"
        )
    return image


def _check_size(width: int, height: int, format: str) -> None:
    """Raises FrameError for a size that is damage."""
    if not 0 < width * height <= MAX_PIXELS:
        raise FrameError(f"compressed depth image ({format!r}) is broken: its size is {width}x{height}")


def _decode_rvl(data: UInt8[np.ndarray, " n"], format: str) -> UInt16[np.ndarray, "h w"]:
    broken = f"compressed depth image ({format!r}) is broken"
    if data.size < RVL_SIZE.size:
        raise FrameError(f"{broken}: it ends within its size")
    width, height = RVL_SIZE.unpack(data[: RVL_SIZE.size].tobytes())
    stream = data[RVL_SIZE.size :]
    _check_size(width, height, format)
    pixels = width * height
    values = _rvl_values(stream)
    image = np.zeros(pixels, np.uint16)
    starts, lengths, firsts = [], [], []  # of the runs of non-zero pixels: in the image, and in `values`
    at = done = 0
    numbers = values.tolist()
    while done < pixels and at < len(numbers):
        zeros = numbers[at]
        count = numbers[at + 1] if at + 1 < len(numbers) else 0
        if zeros == 0 and count == 0:
            break
        done, at = done + zeros, at + 2
        if count:
            starts.append(done)
            lengths.append(count)
            firsts.append(at)
        done, at = done + count, at + count
        if count and at > len(numbers):
            break
    if done > pixels:
        raise FrameError(f"{broken}: its RVL stream has more than {width}x{height} pixels")
    if done < pixels or (lengths and firsts[-1] + lengths[-1] > len(numbers)):
        raise FrameError(f"{broken}: its RVL stream ends before {width}x{height} pixels")
    if starts:
        length = np.array(lengths)
        within = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
        coded = values[np.repeat(firsts, length) + within]
        # The difference is to the previous non-zero pixel, across runs of zeros; sums wrap as 16 bits do.
        image[np.repeat(starts, length) + within] = np.cumsum((coded >> 1) ^ -(coded & 1)).astype(np.uint16)
    return image.reshape(height, width)


def _rvl_values(stream: UInt8[np.ndarray, " n"]) -> Int64[np.ndarray, " m"]:
    """All numbers of an RVL stream; a truncated last number is left out."""
    words = stream[: stream.size // 4 * 4].reshape(-1, 4)[:, ::-1]  # the top byte of each word first
    groups = np.empty((words.size, 2), np.uint8)
    flat = np.ascontiguousarray(words).reshape(-1)
    groups[:, 0], groups[:, 1] = flat >> 4, flat & 15
    groups = groups.reshape(-1)
    ends = np.flatnonzero(groups < 8)
    if ends.size == 0:
        return np.zeros(0, np.int64)
    groups = groups[: ends[-1] + 1]
    begins = np.concatenate([[0], ends[:-1] + 1])
    position = np.arange(groups.size) - np.repeat(begins, ends - begins + 1)
    # 11 groups hold any number of 32 bits; more is damage, which the run lengths show.
    parts = (groups & 7).astype(np.int64) << (3 * np.minimum(position, 10))
    return np.add.reduceat(parts, begins)
