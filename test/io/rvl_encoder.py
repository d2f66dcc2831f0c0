"""compressedDepth messages for tests, written from the description of the format (see io/compressed_depth.py)."""

from __future__ import annotations

import struct

import cv2
import numpy as np

A, B = 10100.0, -1009.0  # depth_quantization 100, depth_max 10: a = 100 * 101, b = 1 - a / 10


def numbers_of(samples: np.ndarray) -> list[int]:
    """The numbers of the RVL stream: zeros, non-zeros, then the zigzag coded differences, and again."""
    numbers, previous, at = [], 0, 0
    flat = [int(v) for v in samples.ravel()]
    while at < len(flat):
        begin = at
        while at < len(flat) and flat[at] == 0:
            at += 1
        numbers.append(at - begin)
        begin = at
        while at < len(flat) and flat[at] != 0:
            at += 1
        numbers.append(at - begin)
        for value in flat[begin:at]:
            difference = value - previous
            numbers.append(2 * difference if difference >= 0 else -2 * difference - 1)
            previous = value
    return numbers


def rvl(samples: np.ndarray) -> bytes:
    """Size and stream: every number in groups of 4 bits, the lowest 3 bits first, bit 3 set where another follows;
    eight groups a 32-bit word, the first in the top bits, words in little endian."""
    groups = []
    for number in numbers_of(samples):
        while number >= 8:
            groups.append(number % 8 + 8)
            number //= 8
        groups.append(number)
    groups += [0] * (-len(groups) % 8)
    words = b"".join(
        struct.pack("<I", int("".join(f"{g:x}" for g in groups[k : k + 8]), 16)) for k in range(0, len(groups), 8)
    )
    return struct.pack("<II", samples.shape[1], samples.shape[0]) + words


def png(samples: np.ndarray) -> bytes:
    return cv2.imencode(".png", samples)[1].tobytes()


def header(a: float = 0.0, b: float = 0.0) -> bytes:
    return struct.pack("<iff", 0, a, b)


def quantised(depth_m: np.ndarray) -> np.ndarray:
    """Inverse depth as compressedDepth stores 32FC1; NaN is 0."""
    with np.errstate(invalid="ignore"):
        return np.where(np.isnan(depth_m), 0, A / depth_m + B).astype(np.uint16)
