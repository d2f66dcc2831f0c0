"""`ask` says what it read and what is doubtful about it, and takes topics, slop and depth unit as options."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from bag_fixtures import RIGHT, frames
from scripted import Scripted

from fastreasonseg_ros.cli import main
from fastreasonseg_ros.evaluation.bag_writer import write_bag


@pytest.fixture
def asker(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    scripted = Scripted(RIGHT)
    scripted.meaning = None  # type: ignore[attr-defined]
    monkeypatch.setattr("fastreasonseg_ros.evaluation.ask.asker_of", lambda args: scripted)
    return scripted


def ask(*arguments: str) -> int:
    return main(["ask", *arguments, "--perception", "oracle"])


def test_the_topics_of_a_bag_are_said_with_the_answer(bag: Path, asker, tmp_path: Path, capsys) -> None:
    out = tmp_path / "answer.json"
    assert ask(str(bag), "the mug", "--json", str(out)) == 0
    printed = capsys.readouterr().out
    assert "colour: /color/image_raw (rgb8 64x48, " in printed
    assert "depth: /depth/image_raw (16UC1 64x48, " in printed
    assert "warning" not in printed
    written = json.loads(out.read_text())
    assert written["topics"][0].startswith("colour: /color/image_raw")
    assert "warnings" not in written


def test_a_depth_unit_that_makes_the_scene_implausible_is_warned_of(bag: Path, asker, tmp_path: Path, capsys) -> None:
    out = tmp_path / "answer.json"
    assert ask(str(bag), "the mug", "--depth-unit", "0.0001", "--json", str(out)) == 0
    assert "warning: depth is implausible: 95% of it lies nearer than 0.2 m" in capsys.readouterr().out
    assert "0.001 m a count would give" in json.loads(out.read_text())["warnings"][0]


def test_the_topics_and_the_slop_of_ask_are_those_of_bag_eval(bag: Path, asker, capsys) -> None:
    assert ask(str(bag), "the mug", "--color-topic", "/nowhere") == 2
    assert "has no topic /nowhere" in capsys.readouterr().err
    assert ask(str(bag), "the mug", "--depth-topic", "none") == 0
    assert "depth: none" in capsys.readouterr().out
    assert ask(str(bag), "the mug", "--slop", "-1") == 2
    assert "slop -1.0: expected seconds" in capsys.readouterr().err
    assert ask(str(bag), "the mug", "--depth-unit", "0") == 2
    assert "depth unit 0.0: expected metres a count" in capsys.readouterr().err


def test_options_of_bags_are_refused_for_what_is_none(tmp_path: Path, asker, capsys) -> None:
    cv2.imwrite(str(tmp_path / "rgb.png"), np.zeros((4, 6, 3), np.uint8))
    assert ask(str(tmp_path / "rgb.png"), "the mug", "--depth-info-topic", "/a") == 2
    assert "is no bag and has no topics; leave --depth-info-topic out" in capsys.readouterr().err


def write_picture_with_depth(folder: Path, depth: np.ndarray) -> tuple[str, ...]:
    cv2.imwrite(str(folder / "rgb.png"), np.zeros((4, 6, 3), np.uint8))
    cv2.imwrite(str(folder / "depth.png"), depth)
    camera = {"width": 6, "height": 4, "fx": 5, "fy": 5, "cx": 3, "cy": 2}
    (folder / "camera.json").write_text(json.dumps(camera))
    return str(folder / "rgb.png"), "--depth", str(folder / "depth.png"), "--camera", str(folder / "camera.json")


def test_the_unit_holds_for_a_picture_with_its_depth_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fastreasonseg_ros.evaluation.sources import ReadOptions, frames_of

    source, _, depth, _, camera = write_picture_with_depth(tmp_path, np.full((2, 3), 5000, np.uint16))
    [frame] = frames_of(source, depth, camera, ReadOptions(depth_unit_m=0.0001))
    assert frame.depth_m is not None
    assert frame.depth_m.shape == (4, 6)  # of half the size: scaled
    assert frame.depth_m[0, 0] == pytest.approx(0.5)
    [frame] = frames_of(source, depth, camera)
    assert frame.depth_m is not None
    assert frame.depth_m[0, 0] == pytest.approx(5.0)


def test_an_8_bit_depth_picture_is_refused_with_the_reason(tmp_path: Path, asker, capsys) -> None:
    source, *rest = write_picture_with_depth(tmp_path, np.full((4, 6), 100, np.uint8))
    assert ask(source, "the mug", *rest) == 2
    assert "depth.png: has 8 bits a pixel, which cannot hold depth" in capsys.readouterr().err


def test_bag_eval_keeps_topics_and_warnings_in_its_result(tmp_path: Path, asker, monkeypatch, capsys) -> None:
    monkeypatch.setattr("fastreasonseg_ros.evaluation.run_bag.asker_of", lambda args: asker)
    write_bag(tmp_path / "bag", frames(3), compressed=False)
    (tmp_path / "questions.jsonl").write_text('{"text": "the mug", "target_ids": [1]}\n')
    arguments = ["bag", "eval", str(tmp_path / "bag"), "--queries", str(tmp_path / "questions.jsonl")]
    out = tmp_path / "result.json"
    assert main([*arguments, "--perception", "oracle", "--depth-unit", "0.0001", "--json", str(out)]) == 0
    result = json.loads(out.read_text())
    assert result["topics"]["bag"][0].startswith("colour: /color/image_raw (rgb8 64x48")
    assert result["warnings"][0].startswith("bag: depth is implausible")
    assert "warning: bag: depth is implausible" in capsys.readouterr().out
    assert main(["bag", "info", str(tmp_path / "bag")]) == 0
    assert "colour: /color/image_raw (rgb8 64x48" in capsys.readouterr().out


def test_eval_warns_of_a_data_set_whose_depth_is_implausible(tmp_path: Path, asker, monkeypatch, capsys) -> None:
    monkeypatch.setattr("fastreasonseg_ros.evaluation.run_eval.asker_of", lambda args: asker)
    folder = tmp_path / "scene" / "000000"
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "rgb.png"), np.zeros((4, 6, 3), np.uint8))
    cv2.imwrite(str(folder / "ids.png"), np.ones((4, 6), np.uint16))
    cv2.imwrite(str(folder / "depth.png"), np.full((4, 6), 90, np.uint16))
    camera = {"width": 6, "height": 4, "fx": 5, "fy": 5, "cx": 3, "cy": 2}
    (folder.parent / "camera.json").write_text(json.dumps(camera))
    (tmp_path / "queries.jsonl").write_text('{"scene": "scene", "text": "the mug", "target_ids": [1]}\n')
    out = tmp_path / "result.json"
    assert main(["eval", str(tmp_path), "--perception", "oracle", "--json", str(out)]) == 0
    assert "nearer than 0.2 m (median 0.09 m)" in json.loads(out.read_text())["warnings"][0]
    assert "warning: depth is implausible" in capsys.readouterr().out
