"""A data set in the folder form is read frame by frame, and every flaw is named with its file and line."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from fastreasonseg_ros.errors import DatasetError
from fastreasonseg_ros.io.datasets import open_dataset
from fastreasonseg_ros.io.datasets.base import read_questions, read_twin_scenes
from fastreasonseg_ros.io.datasets.folder import FolderScene

CAMERA = {"width": 4, "height": 3, "fx": 5.0, "fy": 5.0, "cx": 1.5, "cy": 1.0, "depth_unit_m": 0.001}


def write_scene(root: Path, name: str, frames: int = 1) -> Path:
    scene = root / name
    for number in range(frames):
        folder = scene / f"{number:06d}"
        folder.mkdir(parents=True)
        rgb = np.zeros((3, 4, 3), np.uint8)
        rgb[0, 0] = (255, 10, 0)  # a red pixel
        depth = np.full((3, 4), 1500, np.uint16)
        depth[2, 3] = 0
        ids = np.zeros((3, 4), np.uint16)
        ids[0, 0], ids[1, number] = 1, 300
        cv2.imwrite(str(folder / "rgb.png"), rgb[..., ::-1])
        cv2.imwrite(str(folder / "depth.png"), depth)
        cv2.imwrite(str(folder / "ids.png"), ids)
    (scene / "camera.json").write_text(json.dumps(CAMERA))
    return scene


def write_lines(path: Path, *lines: dict | str) -> Path:
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + "\n")
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_scene(tmp_path, "a")
    write_scene(tmp_path, "video", frames=3)
    write_lines(
        tmp_path / "queries.jsonl",
        {"scene": "a", "text": "the red one", "target_ids": [1], "category": "attribute", "level": 1},
        "",
        {"scene": "video", "text": "what moved?", "target_ids": [300], "frames": [0, 2]},
    )
    write_lines(tmp_path / "labels.jsonl", {"scene": "a", "id": 1, "label": "mug", "colour": "red"})
    return tmp_path


def test_frames_carry_colour_depth_camera_and_truth(root: Path) -> None:
    [(number, frame)] = open_dataset(root).scene("a").frames()
    assert (number, frame.stamp_s) == (0, 0.0)
    assert frame.color[0, 0].tolist() == [255, 10, 0]
    assert frame.depth_m is not None
    assert frame.intrinsics is not None
    assert frame.truth is not None
    assert frame.depth_m[0, 0] == pytest.approx(1.5)
    assert np.isnan(frame.depth_m[2, 3])
    assert frame.intrinsics.cx == 1.5
    assert frame.truth.ids[1, 0] == 300
    assert (frame.truth.labels, frame.truth.colors) == ({1: "mug"}, {1: "red"})


def test_a_video_is_read_one_frame_at_a_time_with_rising_stamps(root: Path) -> None:
    scene = open_dataset(root).scene("video")
    assert [round(f.stamp_s, 3) for _, f in scene.frames()] == [0.0, 0.1, 0.2]
    assert [n for n, _ in scene.frames(last=1)] == [0, 1]
    frames = scene.frames()
    next(frames)
    (root / "video" / "000001" / "rgb.png").unlink()  # not looked at before its turn
    with pytest.raises(DatasetError, match=r"000001/rgb\.png: picture is missing"):
        next(frames)


def test_questions_keep_the_order_of_the_file_and_know_their_line(root: Path) -> None:
    first, second = open_dataset(root).questions
    assert (first.category, first.level, first.frames) == ("attribute", 1, None)
    assert (second.category, second.level, second.frames) == (None, None, (0, 2))
    assert second.where == f"{root}/queries.jsonl:3"


def test_depth_and_truth_may_be_absent(root: Path) -> None:
    scene = FolderScene(root / "a")
    for name in ("depth", "ids"):
        (scene.path / "000000" / f"{name}.png").unlink()
    frame = scene.frame(0)
    assert frame.depth_m is None
    assert frame.truth is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"scene": "b", "text": "x", "target_ids": []}, "queries.jsonl:1: unknown scene 'b'; there is no folder"),
        ({"scene": "a", "text": "x", "target_ids": [7]}, "queries.jsonl:1: target id 7 is in no annotation of"),
        ({"scene": "a", "text": "x", "target_ids": [], "frames": [0, 4]}, "queries.jsonl:1: frame 4 is not in"),
        ({"scene": "a", "text": "x"}, "queries.jsonl:1: target_ids: expected a list of ids from 1"),
        ({"scene": "a", "text": "x", "target_ids": [0]}, "queries.jsonl:1: target_ids: expected a list of ids"),
        ({"scene": "a", "target_ids": []}, "queries.jsonl:1: text: expected text, got None"),
        ({"scene": "a", "text": "x", "target_ids": [], "frames": [2, 1]}, "frames: expected [first, last], got [2, 1]"),
        ({"scene": "a", "text": "x", "target_ids": [], "level": "hard"}, "level: expected a whole number, got 'hard'"),
        ('{"scene": "a", ', "queries.jsonl:1: is not JSON: "),
        ("[1]", "queries.jsonl:1: expected a JSON object, got list"),
    ],
)
def test_a_flawed_question_is_named_with_file_and_line(root: Path, line: dict | str, message: str) -> None:
    write_lines(root / "queries.jsonl", line)
    with pytest.raises(DatasetError) as error:
        open_dataset(root)
    assert message in str(error.value)
    assert str(root) in str(error.value)


def test_flawed_files_are_named(root: Path) -> None:
    scene = root / "a"
    cases = [
        (scene / "000000" / "rgb.png", b"no picture", "rgb.png: is not a picture that can be read"),
        (scene / "camera.json", b'{"width": 4}', "camera.json: needs numbers width height fx fy cx cy"),
        (scene / "camera.json", json.dumps(CAMERA | {"width": 5}).encode(), "000000: camera_info is for 5x3"),
    ]
    for path, content, message in cases:
        good = path.read_bytes()
        path.write_bytes(content)
        with pytest.raises(DatasetError) as error:
            open_dataset(root).scene("a").frame(0)
        assert message in str(error.value)
        path.write_bytes(good)
    with pytest.raises(DatasetError, match=r"has no queries\.jsonl"):
        open_dataset(root / "a")


def test_depth_of_another_size_is_named_with_its_frame(root: Path) -> None:
    cv2.imwrite(str(root / "a" / "000000" / "depth.png"), np.ones((2, 2), np.uint16))
    with pytest.raises(DatasetError, match="a/000000: depth is 2x2 but colour is 4x3"):
        open_dataset(root).scene("a").frame(0)


def test_twin_questions_are_read_with_their_twins(tmp_path: Path) -> None:
    twin = {"stamp": 7.5, "instances": [{"id": 2, "label": "ladle"}]}
    scenes = write_lines(tmp_path / "scenes.jsonl", {"scene": "p01", "twin": twin})
    questions = write_lines(tmp_path / "queries.jsonl", {"scene": "p01", "text": "for soup", "target_ids": [2]})
    assert read_twin_scenes(scenes)["p01"].instance(2).label == "ladle"
    assert read_questions(questions)[0].target_ids == (2,)
    twin["instances"].append({"id": 2, "label": "fork"})
    write_lines(scenes, {"scene": "p01", "twin": twin})
    with pytest.raises(DatasetError, match=r"scenes\.jsonl:1: twin: instances\[1\]\.id: 2 is used twice"):
        read_twin_scenes(scenes)
    with pytest.raises(DatasetError, match=r"nowhere\.jsonl: cannot be read"):
        read_questions(tmp_path / "nowhere.jsonl")
