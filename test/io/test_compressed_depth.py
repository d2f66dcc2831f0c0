"""compressedDepth in PNG and RVL, of millimetres and of inverse depth, against an encoder written from the format."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rvl_encoder import A, B, header, png, quantised, rvl

from fastreasonseg_ros.errors import FrameError
from fastreasonseg_ros.io.compressed_depth import decode_depth, decode_ids

MM = np.array([[0, 0, 1500, 1501, 1400], [700, 0, 0, 65535, 1]], np.uint16)
METRES = np.array([[np.nan, 0.8, 1.25], [2.0, 3.5, np.nan]], np.float32)


@pytest.mark.parametrize(
    ("format", "data"),
    [
        ("16UC1; compressedDepth png", header() + png(MM)),
        ("16UC1; compressedDepth", header() + png(MM)),
        ("16UC1", header() + png(MM)),
        ("16UC1; png compressed ", png(MM)),
        ("png", png(MM)),
        ("16UC1; compressedDepth rvl", header() + rvl(MM)),
    ],
)
def test_millimetres_come_back_to_the_count(format: str, data: bytes) -> None:
    depth_m = decode_depth(data, format)
    assert depth_m.dtype == np.float32
    assert np.array_equal(np.isnan(depth_m), MM == 0)
    assert np.array_equal(np.rint(np.nan_to_num(depth_m) * 1000), MM)
    assert np.array_equal(decode_ids(data, format), MM)
    assert decode_depth(data, format, 0.0001)[0, 2] == pytest.approx(0.15)


@pytest.mark.parametrize(("word", "code"), [("png", png), ("rvl", rvl)])
def test_inverse_depth_of_floats_is_turned_into_metres(word: str, code) -> None:
    depth_m = decode_depth(header(A, B) + code(quantised(METRES)), f"32FC1; compressedDepth {word}")
    assert np.array_equal(np.isnan(depth_m), np.isnan(METRES))
    assert depth_m[0, 1:].tolist() == pytest.approx([0.8, 1.25], rel=2e-3)
    assert depth_m[1, :2].tolist() == pytest.approx([2.0, 3.5], rel=2e-3)


@settings(max_examples=200)
@given(
    st.lists(st.one_of(st.just(0), st.integers(0, 65535), st.integers(1000, 1010)), min_size=1, max_size=80),
    st.integers(1, 4),
)
def test_any_image_survives_rvl(values: list[int], rows: int) -> None:
    samples = np.array([values] * rows, np.uint16)
    assert np.array_equal(decode_ids(header() + rvl(samples), "16UC1; compressedDepth rvl"), samples)


@settings(max_examples=300)
@given(st.binary(max_size=40), st.integers(0, 9), st.integers(0, 9))
def test_any_bytes_are_an_image_of_their_size_or_an_error(stream: bytes, width: int, height: int) -> None:
    data = header() + width.to_bytes(4, "little") + height.to_bytes(4, "little") + stream
    try:
        shape = decode_ids(data, "16UC1; compressedDepth rvl").shape
    except FrameError:  # any other error is a fault
        return
    assert shape == (height, width)


def test_a_stream_that_is_cut_off_within_its_last_run_is_an_error() -> None:
    """Seven differences of one group each after the two run lengths: the second word begins with the last two."""
    cut = rvl(np.array([[1, 2, 3, 4, 5, 6, 7, 8]], np.uint16))[:-4]
    with pytest.raises(FrameError, match="ends before 8x1 pixels"):
        decode_ids(header() + cut, "16UC1; compressedDepth rvl")


@pytest.mark.parametrize("samples", [np.zeros((3, 4), np.uint16), np.full((3, 4), 65535, np.uint16)])
def test_an_empty_and_a_full_image_survive_rvl(samples: np.ndarray) -> None:
    assert np.array_equal(decode_ids(header() + rvl(samples), "16UC1; compressedDepth rvl"), samples)


def test_rvl_of_a_whole_picture_is_decoded_fast_enough_for_a_stream() -> None:
    """Noisy 640x480 with 15,000 holes; 35 ms of processor time when measured."""
    rng = np.random.default_rng(0)
    samples = rng.integers(900, 1100, (480, 640)).astype(np.uint16)
    samples[rng.random(samples.shape) < 0.05] = 0
    data = header() + rvl(samples)
    spent = []
    for _ in range(5):
        before = time.thread_time()
        assert np.array_equal(decode_ids(data, "16UC1; compressedDepth rvl"), samples)
        spent.append(time.thread_time() - before)
    assert min(spent) < 0.2


@pytest.mark.parametrize(
    ("format", "data", "message"),
    [
        ("16UC1; compressedDepth png", b"", "empty"),
        ("16UC1; compressedDepth png", header(), "ends within its header"),
        ("16UC1; compressedDepth png", header() + b"no picture", "16-bit PNG"),
        ("16UC1; compressedDepth rvl", header() + rvl(MM)[:6], "ends within its size"),
        ("16UC1; compressedDepth rvl", header() + rvl(MM)[:12], "ends before 5x2 pixels"),
        ("16UC1; compressedDepth rvl", header() + bytes(8) + rvl(MM)[8:], "its size is 0x0"),
        ("16UC1; compressedDepth rvl", header() + b"\xff\xff\xff\x7f" * 2 + rvl(MM)[8:], "its size is"),
        ("16UC1; compressedDepth rvl", header() + rvl(MM)[:8] + bytes(12), "ends before 5x2 pixels"),
        ("32FC1; png compressed", png(MM), "lacks the header"),
        ("jpeg", cv2.imencode(".jpg", np.zeros((4, 4), np.uint8))[1].tobytes(), r"uint8 \(4, 4\); it is not a 16-bit"),
    ],
)
def test_damaged_data_is_named(format: str, data: bytes, message: str) -> None:
    with pytest.raises(FrameError, match=message):
        decode_depth(data, format)


def test_a_number_that_does_not_fit_the_picture_is_damage() -> None:
    stream = rvl(np.array([[5, 5, 5, 5]], np.uint16))
    with pytest.raises(FrameError, match="has more than 3x1 pixels"):
        decode_ids(header() + b"\x03\x00\x00\x00\x01\x00\x00\x00" + stream[8:], "16UC1; compressedDepth rvl")


def test_a_png_that_would_unfold_to_gigabytes_is_refused_before_it_does() -> None:
    small = bytearray(png(np.ones((2, 2), np.uint16)))
    small[16:24] = (16_000).to_bytes(4, "big") * 2
    for data, format in ((header() + bytes(small), "16UC1; compressedDepth png"), (bytes(small), "16UC1; png")):
        with pytest.raises(FrameError, match="16000x16000"):
            decode_ids(data, format)
