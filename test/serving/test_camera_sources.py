"""Every kind of source gives frames in order of time, or says what it expected."""

from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest
from written_scene import write_scene

from fastreasonseg_ros.errors import ConfigError, DatasetError
from fastreasonseg_ros.serving.camera_sources import SOURCES, frames_of

RED, BLUE = (200, 20, 20), (20, 20, 200)


def picture(color: tuple[int, int, int]) -> np.ndarray:
    return np.full((48, 64, 3), color[::-1], np.uint8)


def test_a_folder_of_pictures_comes_in_the_order_of_names(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "b.png"), picture(BLUE))
    cv2.imwrite(str(tmp_path / "a.png"), picture(RED))
    (tmp_path / "notes.txt").write_text("no picture")
    frames = list(frames_of("folder", str(tmp_path)))
    assert [tuple(int(v) for v in f.color[0, 0]) for f in frames] == [RED, BLUE]
    assert frames[0].stamp_s < frames[1].stamp_s
    assert frames[0].depth_m is None


def test_a_video_comes_at_its_own_pace(tmp_path: Path) -> None:
    path = str(tmp_path / "clip.avi")
    video = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"MJPG"), 5.0, (64, 48))
    for color in (RED, BLUE, RED):
        video.write(picture(color))
    video.release()
    frames = list(frames_of("video", path))
    assert [f.stamp_s for f in frames] == pytest.approx([0.0, 0.2, 0.4])
    assert np.abs(frames[1].color.astype(int) - BLUE).max() < 30


def test_a_scene_of_a_data_set_brings_depth_camera_and_truth(tmp_path: Path) -> None:
    frames = list(frames_of("scene", str(write_scene(tmp_path / "data", frames=2))))
    assert len(frames) == 2
    assert frames[0].truth is not None
    assert frames[0].truth.labels == {1: "mug", 2: "plate", 3: "book"}
    assert frames[0].depth_m is not None
    assert frames[0].intrinsics is not None


def test_the_simulation_gives_the_same_table_for_the_same_seed() -> None:
    first, again, other = (next(iter(frames_of("simulation", seed))) for seed in ("5", "5", "6"))
    assert first.truth is not None
    assert len(first.truth.labels) >= 3
    assert np.array_equal(first.truth.ids, again.truth.ids)
    assert not np.array_equal(first.truth.ids, other.truth.ids)


@pytest.mark.parametrize("kind", SOURCES)
def test_a_path_that_is_not_there_is_told(kind: str, tmp_path: Path) -> None:
    path = str(tmp_path / "nothing")
    with pytest.raises((DatasetError, ConfigError), match=path if kind != "simulation" else "seed"):
        list(itertools.islice(frames_of(kind, path), 1))


def test_an_unknown_kind_is_told_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="'telescope'; known are device, video"):
        frames_of("telescope", "")
