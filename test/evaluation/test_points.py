"""Points as ground truth: the reader, and what counts as right, told apart and a phantom."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import cv2
import numpy as np
import pytest
from scripted import Scripted

from fastreasonseg_ros.cli import main
from fastreasonseg_ros.errors import DatasetError, FrameError
from fastreasonseg_ros.evaluation.reports.compare import compare
from fastreasonseg_ros.evaluation.reports.outputs import table
from fastreasonseg_ros.evaluation.runners.evaluate import evaluate
from fastreasonseg_ros.evaluation.runners.ray_workers import SceneWorker
from fastreasonseg_ros.io.bags.from_dataset import make_bags
from fastreasonseg_ros.io.datasets import open_dataset
from fastreasonseg_ros.twin.types import Detection, Frame, Perceived

H, W = 48, 64
CAMERA = {"width": W, "height": H, "fx": 60.0, "fy": 60.0, "cx": 32.0, "cy": 24.0, "depth_unit_m": 0.001}
MUG, PLATE, FORK = 1, 2, 3
THINGS = [
    {"id": MUG, "label": "white mug", "also": ["cup"], "color": "white", "points": [[6, 6], [8, 8], [10, 6]]},
    {"id": PLATE, "label": "plate", "color": "blue", "points": [[30, 6], [32, 8]]},
    {"id": FORK, "label": "fork", "points": [[50, 6], [52, 8]]},
]
BACKGROUND = [[4, 40], [60, 40], [20, 30], [40, 30]]
QUESTIONS = [
    {"text": "the cup", "target_ids": [MUG], "category": "semantic", "level": 1},
    {"text": "what I eat with", "target_ids": [PLATE, FORK], "category": "affordance", "level": 2},
    {"text": "a spoon", "target_ids": [], "category": "semantic", "level": 1},
]
# (x0, y0, x1, y1), label, colour by id of the twin: plate and fork are one, and something covers a background point.
SEEN = {
    1: ((4, 4, 14, 12), "mug", "gray"),
    2: ((28, 4, 56, 12), "plate", "blue"),
    3: ((0, 36, 8, 44), "box", "red"),
}


class Boxes:
    """Sees SEEN in every picture with depth."""

    def perceive(self, frame: Frame) -> Perceived:
        if frame.depth_m is None:
            raise FrameError("no depth")
        found = []
        for id, (box, label, color) in SEEN.items():
            mask = np.zeros((H, W), bool)
            mask[box[1] : box[3], box[0] : box[2]] = True
            found.append(Detection(mask, label, 1.0, box, color=color, center_m=(id, 0.0, 1.0), track_hint=id))
        return Perceived(tuple(found))

    def set_vocabulary(self, words: object) -> None: ...


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("a_table", "b_table"):
        write_picture(tmp_path / name)
    return tmp_path


def write_picture(folder: Path, depth: bool = True) -> None:
    folder.mkdir()
    cv2.imwrite(str(folder / "rgb.png"), np.full((H, W, 3), 90, np.uint8))
    if depth:
        cv2.imwrite(str(folder / "depth.png"), np.full((H, W), 1000, np.uint16))
        (folder / "camera.json").write_text(json.dumps(CAMERA))
    (folder / "objects.json").write_text(json.dumps(THINGS))
    (folder / "background.json").write_text(json.dumps(BACKGROUND))
    (folder / "questions.jsonl").write_text("".join(json.dumps(q) + "\n" for q in QUESTIONS))


def measured(root: Path, answers: dict[str, tuple[int, ...]]) -> tuple[dict, list[dict]]:
    rows: list[dict] = []
    result = evaluate(open_dataset(root), Boxes(), Scripted(answers), rows.append)
    return result, rows


def test_an_answer_holds_the_points_of_all_that_is_meant_and_of_nothing_else(root: Path) -> None:
    result, rows = measured(root, {"the cup": (1,), "what I eat with": (2,)})
    assert [r["right"] for r in rows if "n" in r] == [True] * 6
    assert result["points"]["answers"] == result["answers"] == 1.0
    too_much, _ = measured(root, {"the cup": (1, 2), "what I eat with": (2, 3), "a spoon": (3,)})
    assert too_much["points"]["answers"] == 0.0
    too_little, _ = measured(root, {"a spoon": ()})
    assert too_little["points"]["answers"] == pytest.approx(1 / 3)
    assert too_little["points"]["by_category"] == {"affordance": 0.0, "semantic": 0.5}


def test_things_told_apart_phantoms_names_and_colours(root: Path) -> None:
    result, _ = measured(root, {})
    points = result["points"]
    assert points["told_apart"] == pytest.approx(1 / 3)  # plate and fork share an instance
    assert points["phantoms"] == pytest.approx(1 / 4)
    assert points["label_accuracy"] == 1.0  # a white mug is a mug
    assert points["color_accuracy"] == 0.0
    assert (points["things"], points["background"], points["labelled"], points["pictures"]) == (6, 8, 2, 2)
    shown = table(result)
    assert "points told apart: 0.333 of 6" in shown
    assert "answers" in shown.splitlines()[0]


def test_results_are_compared_by_what_is_right(root: Path) -> None:
    here, there = (measured(root, a)[0]["questions"] for a in ({"the cup": (1,)}, {"the cup": (2,)}))
    compared = compare(here, there)
    assert compared["measures"]["answers"]["difference"] == pytest.approx(1 / 3)
    assert compared["better"] == 2


def test_one_folder_with_its_picture_is_a_data_set_too(root: Path) -> None:
    dataset = open_dataset(root / "a_table")
    assert (dataset.format, dataset.scene_names, len(dataset.questions)) == ("points", ("a_table",), 3)


def test_pictures_without_a_question_still_measure_perception(root: Path) -> None:
    (root / "b_table/questions.jsonl").unlink()
    result, _ = measured(root, {})
    assert (result["n"], result["points"]["pictures"]) == (3, 2)
    assert set(open_dataset(root).limited(2).by_scene()) == {"a_table"}


def test_pictures_without_depth_are_left_out_where_depth_is_needed(root: Path) -> None:
    write_picture(root / "c_photo", depth=False)
    dataset = open_dataset(root)
    dataset.check_perceiver("tabletop")
    assert set(dataset.seen_by("tabletop").by_scene()) == {"a_table", "b_table"}
    assert "1 picture without depth is left out" in (dataset.caution("tabletop") or "")
    assert set(dataset.seen_by("monocular").by_scene()) == {"a_table", "b_table", "c_photo"}
    assert dataset.scene("c_photo").frame(0).intrinsics is None
    with pytest.raises(DatasetError, match="no masks"):
        dataset.check_perceiver("oracle")
    for name in ("a_table", "b_table"):
        (root / name / "depth.png").unlink()
    with pytest.raises(DatasetError, match="--perception monocular"):
        open_dataset(root).check_perceiver("tabletop")


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("objects.json", json.dumps([{"id": 1, "label": "mug", "points": []}]), "'mug' .1. has no point"),
        ("objects.json", json.dumps([{"id": 1, "label": "mug", "points": [[64, 3]]}]), "outside its picture of 64x48"),
        ("questions.jsonl", json.dumps({"text": "it", "target_ids": [7]}), "'it' means 7"),
        ("camera.json", "{}", "camera.json: needs numbers"),
    ],
)
def test_what_cannot_be_used_is_named(root: Path, file: str, text: str, message: str) -> None:
    (root / "a_table" / file).write_text(text)
    with pytest.raises(DatasetError, match=message):
        open_dataset(root).scene("a_table").frame(0)


def test_a_worker_numbers_questions_as_the_command_does(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_picture(root / "a_photo", depth=False)  # comes first, and is left out
    workers = "fastreasonseg_ros.evaluation.runners.ray_workers"
    monkeypatch.setattr(f"{workers}.perceiver_of", lambda args: Boxes())
    monkeypatch.setattr(f"{workers}.asker_of", lambda args: Scripted({"the cup": (1,)}))
    seen = open_dataset(root).seen_by("tabletop")
    args = Namespace(dataset=root, format=None, split=None, limit=None, perception="tabletop", seed=0)
    rows, _ = SceneWorker(args).run("b_table", [n for n, _ in seen.by_scene()["b_table"]], ())
    assert [(r["n"], r["scene"], r["right"]) for r in rows if "n" in r] == [
        (3, "b_table", True),
        (4, "b_table", False),
        (5, "b_table", True),
    ]


def test_a_bag_cannot_hold_points(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(DatasetError, match="points and no ids"):
        make_bags(open_dataset(root), tmp_path_factory.mktemp("bags"))


def test_the_command_measures_them(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    out = tmp_path_factory.mktemp("out")
    write_picture(root / "c_photo", depth=False)
    for name in ("a_table", "b_table", "c_photo"):
        (root / name / "questions.jsonl").unlink()
    files = ["--json", str(out / "r.json"), "--html", str(out / "r.html")]
    assert main(["eval", str(root), "--perception", "tabletop", *files]) == 0
    result = json.loads((out / "r.json").read_text())
    assert result["format"] == "points"
    assert result["points"]["pictures"] == 2
    assert "left out" in result["caution"]
    assert "Perception, by points" in (out / "r.html").read_text()
