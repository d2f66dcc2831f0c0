"""Frames come back from a bag as they were written: pictures, depth to the millimetre, truth and its words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fastreasonseg_ros.errors import DatasetError
from fastreasonseg_ros.io.bags.reader import bag_info, read_bag
from fastreasonseg_ros.io.bags.writer import START_S, write_bag
from fastreasonseg_ros.twin.types import CameraIntrinsics, Frame, GroundTruth

CAMERA = CameraIntrinsics(64, 48, 60.0, 61.0, 31.5, 23.5)


def frames(count: int = 4) -> list[Frame]:
    made = []
    for k in range(count):
        color = np.zeros((48, 64, 3), np.uint8)
        color[:, :32] = (200, 40, 30)
        depth_m = np.linspace(0.5, 2.0, 48 * 64, dtype=np.float32).reshape(48, 64)
        depth_m[:5] = np.nan
        ids = np.zeros((48, 64), np.uint16)
        ids[10:20, 5 + k : 15 + k] = 3
        words = {3: "mug"}
        if k >= 2:
            ids[30:40, 40:50] = 700
            words[700] = "tea box"
        truth = GroundTruth(ids, words, dict.fromkeys(words, "red"))
        made.append(Frame(color, depth_m, CAMERA, k / 10, truth=truth))
    return made


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
@pytest.mark.parametrize("compressed", [True, False])
def test_a_bag_gives_back_what_was_written(tmp_path: Path, compressed: bool, storage: str) -> None:
    written = frames()
    assert write_bag(tmp_path / "bag", written, compressed=compressed, storage=storage) == 4
    read = list(read_bag(tmp_path / "bag"))
    assert len(read) == 4
    for before, after in zip(written, read, strict=True):
        assert after.stamp_s == pytest.approx(START_S + before.stamp_s, abs=1e-6)
        assert after.intrinsics == CAMERA
        assert after.frame_id == before.frame_id
        assert np.abs(after.color.astype(int) - before.color).mean() < (3 if compressed else 0.01)
        assert np.array_equal(np.isnan(after.depth_m), np.isnan(before.depth_m))
        assert np.nanmax(np.abs(after.depth_m - before.depth_m)) <= 0.00051
        assert np.array_equal(after.truth.ids, before.truth.ids)
        assert after.truth.labels == before.truth.labels
        assert after.truth.colors == before.truth.colors


def test_frames_without_depth_or_truth_make_a_bag_of_colour_alone(tmp_path: Path) -> None:
    write_bag(tmp_path / "bag", [Frame(frames(1)[0].color)])
    assert set(bag_info(tmp_path / "bag").topics) == {"/color/image_raw/compressed"}
    [frame] = read_bag(tmp_path / "bag")
    assert frame.depth_m is None
    assert frame.truth is None


def test_a_truncated_bag_is_an_error_that_names_it(tmp_path: Path) -> None:
    write_bag(tmp_path / "bag", frames())
    [file] = (tmp_path / "bag").glob("*.mcap")
    content = file.read_bytes()
    for share in (0.9, 0.5, 0.05):
        file.write_bytes(content[: int(share * len(content))])
        with pytest.raises(DatasetError, match="bag"):
            list(read_bag(tmp_path / "bag"))


def test_a_bag_is_not_overwritten_and_an_empty_one_not_made(tmp_path: Path) -> None:
    write_bag(tmp_path / "bag", frames(1))
    with pytest.raises(DatasetError, match="is there already"):
        write_bag(tmp_path / "bag", frames(1))
    with pytest.raises(DatasetError, match="no frame"):
        write_bag(tmp_path / "other", [])
    with pytest.raises(DatasetError, match="mcap, sqlite3"):
        write_bag(tmp_path / "third", frames(1), storage="paper")
