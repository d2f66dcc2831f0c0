"""Raw images of every encoding become RGB, metres or ids; what cannot be is refused with what can."""

from __future__ import annotations

import array

import numpy as np
import pytest

from fastreasonseg_ros.errors import ConfigError, FrameError
from fastreasonseg_ros.io.image_encodings import COLOR_ENCODINGS, to_depth_m, to_ids, to_rgb

RGB = np.array([[[250, 10, 20], [0, 200, 30]], [[5, 6, 7], [90, 91, 92]]], np.uint8)
ALPHA = np.full((2, 2, 1), 9, np.uint8)


def rgb_of(samples: np.ndarray, encoding: str, big: bool = False) -> np.ndarray:
    height, width = samples.shape[:2]
    return to_rgb(samples.tobytes(), height, width, samples.strides[0], encoding, big)


@pytest.mark.parametrize(
    ("encoding", "samples"),
    [
        ("rgb8", RGB),
        ("bgr8", RGB[..., ::-1]),
        ("8UC3", RGB[..., ::-1]),
        ("rgba8", np.concatenate([RGB, ALPHA], 2)),
        ("bgra8", np.concatenate([RGB[..., ::-1], ALPHA], 2)),
        ("8UC4", np.concatenate([RGB[..., ::-1], ALPHA], 2)),
        ("rgb16", RGB.astype(np.uint16) * 257),
        ("bgr16", RGB[..., ::-1].astype(np.uint16) * 257),
        ("rgba16", np.concatenate([RGB, ALPHA], 2).astype(np.uint16) * 257),
        ("bgra16", np.concatenate([RGB[..., ::-1], ALPHA], 2).astype(np.uint16) * 257),
        ("16UC3", RGB[..., ::-1].astype(np.uint16) * 257),
        ("16UC4", np.concatenate([RGB[..., ::-1], ALPHA], 2).astype(np.uint16) * 257),
    ],
)
def test_every_order_and_depth_of_channels_gives_the_same_rgb(encoding: str, samples: np.ndarray) -> None:
    assert np.array_equal(rgb_of(np.ascontiguousarray(samples), encoding), RGB)


@pytest.mark.parametrize(("encoding", "scale"), [("mono8", 1), ("8UC1", 1), ("mono16", 257)])
def test_gray_is_repeated_in_all_channels(encoding: str, scale: int) -> None:
    gray = np.array([[1, 2], [3, 255]], np.uint16 if scale > 1 else np.uint8) * scale
    assert np.array_equal(rgb_of(gray.astype(gray.dtype), encoding), np.dstack([[[1, 2], [3, 255]]] * 3))


@pytest.mark.parametrize("encoding", ["uyvy", "yuv422", "yuyv", "yuv422_yuy2"])
def test_packed_yuv_has_its_luma_and_chroma_where_the_encoding_says(encoding: str) -> None:
    """Limited range of BT.601: Y 16 is black, 235 white; Y 81, U 90, V 240 is pure red."""
    luma, u, v = np.array([[16, 235, 81, 81]], np.uint8), [128, 90], [128, 240]
    chroma = np.array([[u[0], v[0], u[1], v[1]]], np.uint8)
    pair = [chroma, luma] if encoding in ("uyvy", "yuv422") else [luma, chroma]
    rgb = rgb_of(np.dstack(pair), encoding)
    assert rgb[0, :2].tolist() == [[0, 0, 0], [255, 255, 255]]
    assert np.abs(rgb[0, 2:].astype(int) - [254, 0, 0]).max() <= 2


@pytest.mark.parametrize("encoding", ["nv12", "nv21", "nv24"])
def test_planar_yuv_has_luma_first_and_then_chroma_in_pairs(encoding: str) -> None:
    luma = np.array([[16, 235, 81, 81], [16, 235, 81, 81]], np.uint8)
    order = slice(None, None, -1 if encoding == "nv21" else 1)
    gray, red = [128, 128], [90, 240][order]
    chroma = [gray, red] if encoding != "nv24" else [gray, gray, red, red] * 2
    data = luma.tobytes() + np.array(chroma, np.uint8).tobytes()
    rgb = to_rgb(data, 2, 4, 4, encoding)
    assert rgb.shape == (2, 4, 3)
    assert rgb[0, :2].tolist() == [[0, 0, 0], [255, 255, 255]]
    assert np.abs(rgb[:, 2:].astype(int) - [254, 0, 0]).max() <= 2


def test_the_height_of_nv12_may_count_the_rows_of_chroma() -> None:
    data = np.full(6 * 4, 128, np.uint8).tobytes()
    assert np.array_equal(to_rgb(data, 6, 4, 4, "nv12"), to_rgb(data, 4, 4, 4, "nv12"))


def test_planar_yuv_with_padded_rows_is_read_by_its_step() -> None:
    planes = np.full((6, 8), 77, np.uint8)
    planes[:, :4] = 128
    assert np.array_equal(to_rgb(planes.tobytes(), 4, 4, 8, "nv12"), to_rgb(bytes([128] * 24), 4, 4, 4, "nv12"))
    nv24 = np.full((2, 24), 77, np.uint8).reshape(6, 8)
    nv24[:2, :4], nv24[2:, :] = 128, 128
    assert np.array_equal(to_rgb(nv24.tobytes(), 2, 4, 8, "nv24"), to_rgb(bytes([128] * 24), 2, 4, 4, "nv24"))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
def test_bayer_patterns_are_named_by_their_first_two_rows(pattern: str, bits: int) -> None:
    """A picture of one colour, seen through the filter of the pattern, has that colour again."""
    color = {"r": 200, "g": 100, "b": 50}
    tile = np.array([[color[pattern[0]], color[pattern[1]]], [color[pattern[2]], color[pattern[3]]]])
    samples = np.tile(tile, (4, 4)).astype(np.uint8 if bits == 8 else np.uint16) * (1 if bits == 8 else 257)
    rgb = rgb_of(samples.astype(np.uint8 if bits == 8 else np.uint16), f"bayer_{pattern}{bits}")
    assert np.array_equal(rgb, np.broadcast_to([200, 100, 50], (8, 8, 3)))


def test_samples_of_16_bits_are_in_the_byte_order_of_the_message() -> None:
    big = (RGB.astype(np.uint16) * 257).astype(">u2")
    big[0, 0, 0] = 0x00FF  # swapped it would be 0xFF00
    assert rgb_of(big, "rgb16", big=True)[0, 0, 0] == 1
    assert to_depth_m(np.array([[1500]], ">u2").tobytes(), 1, 1, 2, "16UC1", True)[0, 0] == pytest.approx(1.5)
    assert to_depth_m(np.array([[1.5]], ">f4").tobytes(), 1, 1, 4, "32FC1", True)[0, 0] == 1.5


@pytest.mark.parametrize("kind", [bytes, lambda b: array.array("B", b), lambda b: np.frombuffer(b, np.uint8)])
def test_padding_after_each_row_is_left_out_for_every_kind_of_buffer(kind) -> None:
    padded = np.full((2, 10), 77, np.uint8)
    padded[:, :6] = RGB.reshape(2, 6)
    assert np.array_equal(to_rgb(kind(padded.tobytes()), 2, 2, 10, "rgb8"), RGB)
    assert np.array_equal(to_rgb(kind(padded.tobytes()[:16]), 2, 2, 10, "rgb8"), RGB)  # the last row without padding
    depth = np.array([[1000, 9], [2000, 9]], np.uint16)
    assert to_depth_m(kind(depth.tobytes()), 2, 1, 4, "16UC1").tolist() == pytest.approx(np.array([[1.0], [2.0]]))


def test_an_unknown_encoding_is_named_with_all_that_are_known() -> None:
    with pytest.raises(FrameError, match="'yuv411'; known are rgb8, bgr8") as error:
        to_rgb(bytes(8), 2, 2, 4, "yuv411")
    assert all(encoding in str(error.value) for encoding in COLOR_ENCODINGS)


@pytest.mark.parametrize(
    ("height", "width", "step", "size", "encoding"),
    [(2, 2, 6, 11, "rgb8"), (2, 2, 3, 12, "rgb8"), (0, 0, 0, 0, "rgb8"), (2, 4, 4, 11, "nv12"), (2, 4, 4, 23, "nv24"),
     (2, 3, 6, 12, "yuyv"), (1, 4, 4, 6, "nv12"), (1, 2, 2, 2, "bayer_rggb8")],
)  # fmt: skip
def test_data_that_does_not_fit_its_header_is_broken(height: int, width: int, step: int, size: int, encoding: str):
    with pytest.raises(FrameError, match="broken"):
        to_rgb(bytes(size), height, width, step, encoding)


def test_depth_is_in_the_unit_of_its_encoding_or_the_one_given() -> None:
    counts = np.array([[0, 1500, 65535]], np.uint16).tobytes()
    for encoding in ("16UC1", "mono16"):
        depth_m = to_depth_m(counts, 1, 3, 6, encoding)
        assert depth_m.dtype == np.float32
        assert np.isnan(depth_m[0, 0])
        assert depth_m[0, 1:].tolist() == pytest.approx([1.5, 65.535])
    assert to_depth_m(counts, 1, 3, 6, "16UC1", depth_unit_m=0.0001)[0, 1] == pytest.approx(0.15)
    metres = np.array([[0.5, np.inf, np.nan, 0, -1]], np.float32).tobytes()
    depth_m = to_depth_m(metres, 1, 5, 20, "32FC1")
    assert depth_m[0, 0] == 0.5
    assert np.isnan(depth_m[0, 1:]).all()
    assert to_depth_m(metres, 1, 5, 20, "32FC1", depth_unit_m=0.001)[0, 0] == pytest.approx(0.0005)


@pytest.mark.parametrize("unit", [0.0, -0.001, float("nan"), float("inf")])
def test_a_depth_unit_that_is_not_positive_is_refused(unit: float) -> None:
    with pytest.raises(ConfigError, match="metres a count"):
        to_depth_m(bytes(2), 1, 1, 2, "16UC1", depth_unit_m=unit)


@pytest.mark.parametrize("encoding", ["mono8", "8UC1", "bgr8", "rgb8"])
def test_a_picture_of_8_bits_is_not_taken_for_depth(encoding: str) -> None:
    with pytest.raises(FrameError, match=f"'{encoding}'; known are 16UC1, mono16, 32FC1: 8 bits cannot hold depth"):
        to_depth_m(bytes(12), 2, 2, 6, encoding)


def test_ids_are_read_as_they_are_and_only_from_16_bits() -> None:
    ids = np.array([[0, 7], [65535, 1]], np.uint16)
    assert np.array_equal(to_ids(ids.tobytes(), 2, 2, 4, "mono16"), ids)
    with pytest.raises(FrameError, match="id image has the encoding 'mono8'"):
        to_ids(bytes(4), 2, 2, 2, "mono8")
