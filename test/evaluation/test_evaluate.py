"""Evaluation end to end on a data set written here: a perceiver that reads the truth, a model that is a table."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from fastreasonseg_ros.errors import ConfigError, FrameError
from fastreasonseg_ros.evaluation.reports.outputs import Output, table
from fastreasonseg_ros.evaluation.runners.evaluate import evaluate, evaluate_twins
from fastreasonseg_ros.evaluation.runners.scene_state import Ask
from fastreasonseg_ros.io.datasets import open_dataset
from fastreasonseg_ros.io.datasets.base import Dataset, read_questions
from fastreasonseg_ros.pipeline import reason
from fastreasonseg_ros.twin.masks import box
from fastreasonseg_ros.twin.types import Answer, Detection, DigitalTwin, Frame, Instance, Perceived, Query

H, W = 48, 64
CAMERA = {"width": W, "height": H, "fx": 60.0, "fy": 60.0, "cx": 32.0, "cy": 24.0, "depth_unit_m": 0.001}
MUG, PLATE = "a = find(label=mug)", "a = find(label=plate)"


class TruthPerceiver:
    """Detections from the ground truth, as the oracle does it; refuses frames without depth."""

    def __init__(self) -> None:
        self.stamps: list[float] = []

    def perceive(self, frame: Frame) -> Perceived:
        self.stamps.append(frame.stamp_s)
        if frame.depth_m is None:
            raise FrameError("no depth")
        assert frame.truth is not None
        detections = []
        for id in (int(i) for i in np.unique(frame.truth.ids) if i):
            mask = frame.truth.ids == id
            x0, y0, x1, y1 = box(mask) or (0, 0, 0, 0)
            center = ((x0 + x1) / 2 / W, (y0 + y1) / 2 / H, 1.0)
            label = frame.truth.labels.get(id, "thing")
            detections.append(Detection(mask, label, 1.0, (x0, y0, x1, y1), center_m=center, track_hint=id))
        return Perceived(tuple(detections))

    def set_vocabulary(self, words: Sequence[str]) -> None:
        raise ConfigError("all that is true is seen")


class TableModel:
    """A language model that looks its rollout up; questions that are not in the table get none."""

    name = "table"

    def __init__(self, plans: Mapping[str, str]) -> None:
        self._plans = plans

    def generate(self, prompt: str, grammar: str, on_text: Callable[[str], bool] | None = None) -> str:
        plan = next((p for text, p in self._plans.items() if f"Q: {text}" in prompt), "none")
        return f"So it is.\n{plan}"


def answers(rows: list[dict]) -> list[dict]:
    """The rows of questions; perception has its own."""
    return [row for row in rows if "n" in row]


def asking(plans: Mapping[str, str]) -> Ask:
    model = TableModel(plans)
    return lambda twin, query: reason(twin, query, model)


def write_frame(folder: Path, ids: np.ndarray, depth: bool = True) -> None:
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "rgb.png"), np.full((H, W, 3), 90, np.uint8))
    cv2.imwrite(str(folder / "ids.png"), ids)
    if depth:
        cv2.imwrite(str(folder / "depth.png"), np.full((H, W), 1000, np.uint16))


def ids_with(mug_x: int | None, plate_x: int = 40) -> np.ndarray:
    """A mug (id 1) 8x8 at mug_x, a plate (id 2) 8x8 at plate_x."""
    ids = np.zeros((H, W), np.uint16)
    ids[10:18, plate_x : plate_x + 8] = 2
    if mug_x is not None:
        ids[30:38, mug_x : mug_x + 8] = 1
    return ids


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_frame(tmp_path / "still" / "000000", ids_with(4))
    for number, mug_x in enumerate([4, 6, 8, None]):
        write_frame(tmp_path / "video" / f"{number:06d}", ids_with(mug_x))
    for scene in ("still", "video"):
        (tmp_path / scene / "camera.json").write_text(json.dumps(CAMERA))
    labels = [
        {"scene": s, "id": i, "label": n, "colour": "red"}
        for s in ("still", "video")
        for i, n in ((1, "mug"), (2, "plate"))
    ]
    (tmp_path / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in labels))
    return tmp_path


def ask_of(root: Path, *questions: dict) -> Dataset:
    (root / "queries.jsonl").write_text("".join(json.dumps(q) + "\n" for q in questions))
    return open_dataset(root)


def test_right_and_wrong_answers_are_measured_by_their_masks(root: Path) -> None:
    dataset = ask_of(
        root,
        {"scene": "still", "text": "the mug", "target_ids": [1], "category": "semantic", "level": 1},
        {"scene": "still", "text": "the plate", "target_ids": [1], "category": "semantic", "level": 2},
        {"scene": "still", "text": "a fork", "target_ids": [], "category": "absent", "level": 1},
    )
    rows: list[dict] = []
    result = evaluate(dataset, TruthPerceiver(), asking({"the mug": MUG, "the plate": PLATE}), rows.append)
    assert [r.get("scene") for r in rows if "perception" in r] == ["still"]
    rows = answers(rows)
    assert [r["iou"] for r in rows] == [1.0, 0.0, 1.0]
    assert [r["status"] for r in rows] == ["OK", "OK", "NO_MATCH"]
    assert rows[0]["trace"] == ["a = find(label=mug)  ->  1"]
    assert rows[0]["reason"] == "So it is."
    assert rows[0]["predicted_ids"] == rows[0]["target_ids"] == [1]
    assert (result["giou"], result["n"]) == (pytest.approx(2 / 3), 3)
    assert result["ciou"] == pytest.approx(64 / (64 + 128))
    semantic = {"giou": 0.5, "ciou": pytest.approx(64 / 192), "n": 2}
    assert result["by_category"]["semantic"] == semantic | {"intervals": {"giou": None, "ciou": None}}  # one scene
    assert result["by_level"]["2"]["giou"] == 0.0
    assert result["perception"]["overlap_f"] == 1.0
    assert result["perception"]["label_accuracy"] == result["perception"]["label_exact_accuracy"] == 1.0
    assert result["perception"]["color_accuracy"] == 0.0  # this perceiver knows no colours
    assert result["latency_ms"]["reasoning"]["p95"] >= result["latency_ms"]["reasoning"]["p50"] > 0
    assert result["statuses"] == {"OK": 2, "NO_MATCH": 1}
    assert result["peak_rss_mb"] > 10
    assert result["machine"]["cores"] >= 1
    assert "video" not in result


def test_a_question_is_asked_at_the_end_of_its_window_and_measured_over_it(root: Path) -> None:
    dataset = ask_of(
        root,
        {"scene": "video", "text": "the plate", "target_ids": [2]},
        {"scene": "video", "text": "the mug", "target_ids": [1], "frames": [1, 2]},
    )
    perceiver = TruthPerceiver()
    asked_at: list[tuple[str, float]] = []
    answer = asking({"the mug": MUG, "the plate": PLATE})

    def ask(twin: DigitalTwin, query: Query) -> Answer:
        asked_at.append((query.text, round(twin.stamp_s, 3)))
        return answer(twin, query)

    rows: list[dict] = []
    result = evaluate(dataset, perceiver, ask, rows.append)
    assert asked_at == [("the mug", 0.2), ("the plate", 0.3)]
    assert [round(s, 3) for s in perceiver.stamps] == [0.0, 0.1, 0.2, 0.3]
    assert [r["iou"] for r in answers(rows)] == [1.0, 1.0]
    video = {"j": 1.0, "f": 1.0, "j_and_f": 1.0, "n": 1, "by_category": {}, "by_level": {}}
    assert result["video"] == video | {"intervals": dict.fromkeys(("j", "f", "j_and_f"))}
    assert (result["perception"]["idf1"], result["perception"]["id_switches"]) == (1.0, 0)


def test_a_frame_that_perception_refuses_is_an_empty_prediction(root: Path) -> None:
    (root / "video" / "000001" / "depth.png").unlink()
    (root / "still" / "000000" / "depth.png").unlink()
    dataset = ask_of(
        root,
        {"scene": "video", "text": "the plate", "target_ids": [2], "frames": [0, 3]},
        {"scene": "still", "text": "the plate", "target_ids": [2]},
    )
    rows: list[dict] = []
    result = evaluate(dataset, TruthPerceiver(), asking({"the plate": PLATE}), rows.append)
    rows = answers(rows)
    assert [(r["iou"], r["status"]) for r in rows] == [(0.75, "OK"), (0.0, "BAD_INPUT")]
    assert rows[1]["message"] == "no depth"
    assert result["perception"]["overlap_recall"] == 0.5  # the picture that was refused counts as an empty one
    assert result["statuses"] == {"OK": 1, "BAD_INPUT": 1}
    assert result["video"]["j"] == 0.75


def test_rows_written_before_a_failure_stay(root: Path, tmp_path: Path) -> None:
    dataset = ask_of(
        root,
        {"scene": "still", "text": "the mug", "target_ids": [1]},
        {"scene": "still", "text": "the plate", "target_ids": [2]},
    )
    answer = asking({"the mug": MUG})

    def ask(twin: DigitalTwin, query: Query) -> Answer:
        if query.text == "the plate":
            raise ZeroDivisionError
        return answer(twin, query)

    path = tmp_path / "out" / "rows.jsonl"
    with pytest.raises(ZeroDivisionError), Output(None, str(path), 2) as output:
        evaluate(dataset, TruthPerceiver(), ask, output.row)
    assert [json.loads(line)["text"] for line in path.read_text().splitlines()] == ["the mug"]


def test_twin_questions_are_measured_by_exact_sets(tmp_path: Path) -> None:
    twin = DigitalTwin((Instance(1, "mug"), Instance(2, "mug"), Instance(3, "plate")))
    path = tmp_path / "queries.jsonl"
    lines = [("the mugs", [2, 1]), ("one mug", [1]), ("a fork", [])]
    path.write_text(
        "".join(json.dumps({"scene": "k", "text": t, "target_ids": i, "level": 1}) + "\n" for t, i in lines)
    )
    rows: list[dict] = []
    ask = asking({"the mugs": MUG, "one mug": MUG})
    result = evaluate_twins({"k": twin}, read_questions(path), ask, rows.append)
    assert [r["exact"] for r in rows] == [True, False, True]
    assert (result["exact"], result["by_level"]["1"]["n"]) == (pytest.approx(2 / 3), 3)
    assert result["latency_ms"]["perception"] == {"p50": None, "p95": None}
    assert "level 1" in table(result)
