"""Frames of bags as they are recorded in the field: units, registration, compression, binning, stamps that differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rvl_encoder as encoder
from recorded import RGB, camera_info, image, packed, picture, static_transform, write

from fastreasonseg_ros.errors import ConfigError, DatasetError
from fastreasonseg_ros.io.bags.reader import read_bag
from fastreasonseg_ros.io.bags.topic_selection import BagTopics
from fastreasonseg_ros.io.input_report import InputReport
from fastreasonseg_ros.twin.types import CameraIntrinsics, Frame

SIZE = (32, 24)
COLOR, DEPTH = "/cam/color/image_raw", "/cam/depth/image_raw"
COLOR_INFO, DEPTH_INFO = "/cam/color/camera_info", "/cam/depth/camera_info"


def color(stamp_s: float = 0.0, frame: str = "rgb", encoding: str = "rgb8") -> tuple[str, Any]:
    return COLOR, picture(encoding, SIZE, frame, stamp_s)


def depth(stamp_s: float = 0.0, frame: str = "rgb", encoding: str = "16UC1", size=SIZE) -> tuple[str, Any]:
    return DEPTH, picture(encoding, size, frame, stamp_s)


def info(stamp_s: float = 0.0, frame: str = "rgb", topic: str = COLOR_INFO, **more: Any) -> tuple[str, Any]:
    return topic, camera_info(more.pop("size", SIZE), frame, stamp_s, **more)


def read(tmp_path: Path, messages: list, **how: Any) -> tuple[list[Frame], InputReport]:
    report = InputReport()
    return list(read_bag(write(tmp_path / "bag", messages), report=report, **how)), report


def test_depth_in_tenths_of_a_millimetre_is_read_with_the_unit_that_is_given(tmp_path: Path) -> None:
    [frame], _ = read(tmp_path, [info(), color(), depth()], depth_unit_m=0.0001)
    assert frame.depth_m is not None
    assert frame.depth_m[0, 0] == pytest.approx(0.125)
    with pytest.raises(ConfigError, match="metres a count"):
        list(read_bag(tmp_path / "bag", depth_unit_m=-1.0))


def test_a_scene_within_20_cm_or_beyond_20_m_is_warned_of(tmp_path: Path) -> None:
    _, report = read(tmp_path / "a", [info(), color(), depth()], depth_unit_m=0.0001)
    assert "nearer than 0.2 m (median 0.125 m) with 0.0001 m a count" in report.warnings[0]
    _, report = read(tmp_path / "b", [info(), color(), depth()], depth_unit_m=1.0)
    assert "beyond 20 m" in report.warnings[0]
    _, report = read(tmp_path / "c", [info(), color(), depth()])
    assert report.warnings == []


def test_depth_of_another_camera_is_registered_with_both_camera_infos_and_tf_static(tmp_path: Path) -> None:
    """A block at 0.5 m before a wall at 1.25 m; the depth camera is 5 cm to the right: 30 * 0.05 / 0.5 = 3 pixels."""
    mm = np.full((24, 32), 1250, np.uint16)
    mm[8:16, 10:20] = 500
    messages = [
        ("/tf_static", static_transform("link", "rgb", 0.0)),
        ("/tf_static", static_transform("link", "ir", 0.05)),
        info(), info(frame="ir", topic=DEPTH_INFO), color(), (DEPTH, image(mm, "16UC1", "ir", 0.0)),
    ]  # fmt: skip
    [frame], report = read(tmp_path, messages)
    assert frame.depth_m is not None
    assert np.array_equal(np.argwhere(frame.depth_m == 0.5).min(axis=0), [8, 13])
    assert np.array_equal(np.argwhere(frame.depth_m == 0.5).max(axis=0), [15, 22])
    assert report.warnings == []


def test_depth_of_another_camera_without_a_transform_is_said_to_be_unregistered(tmp_path: Path) -> None:
    messages = [info(), info(frame="ir", topic=DEPTH_INFO, f=20.0), color(), depth(frame="ir")]
    [frame], report = read(tmp_path, messages)
    assert frame.depth_m is not None
    assert "depth is in the frame ir but colour in rgb" in report.warnings[0]
    assert "the transform from ir to rgb (/tf_static)" in report.warnings[0]


def test_aligned_depth_of_half_the_size_is_scaled(tmp_path: Path) -> None:
    [frame], report = read(tmp_path, [info(), color(), depth(size=(16, 12))])
    assert frame.depth_m is not None
    assert frame.depth_m.shape == (24, 32)
    assert (frame.depth_m == np.float32(1.25)).all()
    assert report.warnings == []


@pytest.mark.parametrize("word", ["png", "rvl"])
@pytest.mark.parametrize("kind", ["16UC1", "32FC1"])
def test_compressed_depth_of_every_kind_is_metres(tmp_path: Path, kind: str, word: str) -> None:
    depth_m = np.full((24, 32), 1.25, np.float32)
    depth_m[0, 0] = np.nan
    floats = kind == "32FC1"
    samples = encoder.quantised(depth_m) if floats else np.nan_to_num(depth_m * 1000).astype(np.uint16)
    head = encoder.header(encoder.A, encoder.B) if floats else encoder.header()
    data = head + getattr(encoder, word)(samples)
    message = packed(data, f"{kind}; compressedDepth {word}", "rgb", 0.0)
    [frame], _ = read(tmp_path, [info(), color(), (f"{DEPTH}/compressedDepth", message)])
    assert frame.depth_m is not None
    assert np.isnan(frame.depth_m[0, 0])
    assert frame.depth_m[1:].ravel().tolist() == pytest.approx([1.25] * (23 * 32), rel=1e-3)


def test_binned_pictures_have_the_binned_camera(tmp_path: Path) -> None:
    [frame], _ = read(tmp_path, [info(size=(64, 48), f=60.0, binning=2), color(), depth()])
    assert frame.intrinsics == CameraIntrinsics(32, 24, 30.0, 30.0, 15.75, 11.75)


def test_a_picture_before_the_first_camera_info_has_that_camera(tmp_path: Path) -> None:
    messages = [color(), depth(), info(0.1), color(0.1), depth(0.1)]
    frames, _ = read(tmp_path, messages)
    assert len(frames) == 2
    assert frames[0].intrinsics == CameraIntrinsics(32, 24, 30.0, 30.0, 15.5, 11.5)


def test_pictures_that_do_not_meet_name_the_offset_and_the_slop_that_would_do(tmp_path: Path) -> None:
    messages = [info()]
    for k in range(6):
        messages += [color(k * 0.5), depth(k * 0.5 + 0.12)]
    path = write(tmp_path / "bag", messages)
    with pytest.raises(DatasetError, match="depth is 120 ms later than colour .*; try --slop 0.13$"):
        list(read_bag(path))
    assert len(list(read_bag(path, slop_s=0.13))) == 6
    with pytest.raises(ConfigError, match="slop -1"):
        list(read_bag(path, slop_s=-1.0))


def test_the_nearest_picture_is_the_partner_whatever_the_slop(tmp_path: Path) -> None:
    """Depth at 20 Hz, of which one is exact: with a slop of 0.13 the first within it would be 100 ms old."""
    messages = [info()]
    for k in range(20):
        mm = np.full((24, 32), 1000 + k, np.uint16)
        messages.append((DEPTH, image(mm, "16UC1", "rgb", k * 0.05)))
        if k % 4 == 0:
            messages.append(color(k * 0.05))
    frames, _ = read(tmp_path, messages, slop_s=0.13)
    assert [round(float(f.depth_m[0, 0]) * 1000) for f in frames if f.depth_m is not None] == [
        1000,
        1004,
        1008,
        1012,
        1016,
    ]


def test_a_slower_depth_camera_is_no_reason_to_warn(tmp_path: Path) -> None:
    messages = [info()]
    for k in range(12):
        messages += [color(k / 30)] + ([depth(k / 30)] if k % 3 == 0 else [])
    frames, report = read(tmp_path, messages)
    assert len(frames) == 4
    assert report.warnings == []


def test_few_pairs_among_many_pictures_are_warned_of(tmp_path: Path) -> None:
    messages = [info(), color(), depth()]
    for k in range(1, 10):
        messages += [color(k * 0.5), depth(k * 0.5 + 0.05)]
    frames, report = read(tmp_path, messages)
    assert len(frames) == 1
    assert "1 of 10 pictures of /cam/color/image_raw met depth" in report.warnings[0]
    assert report.warnings[0].endswith("try --slop 0.06")


def test_an_8_bit_picture_of_depth_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="'mono8'; known are 16UC1, mono16, 32FC1: 8 bits cannot hold depth"):
        read(tmp_path, [info(), color(), depth(encoding="mono8")])
    [frame] = read_bag(tmp_path / "bag", BagTopics(COLOR, None, COLOR_INFO))
    assert frame.depth_m is None


@pytest.mark.parametrize("encoding", ["yuv422_yuy2", "bayer_rggb8"])
def test_colour_of_raw_sensors_is_read(tmp_path: Path, encoding: str) -> None:
    samples = np.full((24, 32, 2) if "yuv" in encoding else (24, 32), 128, np.uint8)
    [frame], _ = read(tmp_path, [info(), (COLOR, image(samples, encoding, "rgb", 0.0)), depth()])
    assert (frame.color == frame.color[0, 0]).all()
    assert abs(int(frame.color[0, 0, 0]) - 130) <= 2


def test_padded_rows_of_colour_are_read_by_their_step(tmp_path: Path) -> None:
    padded = np.zeros((24, 128), np.uint8)
    padded[:, :96] = RGB.reshape(24, 96)
    message = image(padded, "rgb8", "rgb", 0.0)
    message.width = 32
    [frame], _ = read(tmp_path, [info(), (COLOR, message), depth()])
    assert np.array_equal(frame.color, RGB)
