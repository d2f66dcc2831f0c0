"""Bags in lock-step: every picture, exact stamps, the same result twice, and memory that stays."""

from __future__ import annotations

import csv
import gc
import json
import shutil
import time
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import pytest
from bag_fixtures import RIGHT, frames, use
from benchmarks import folder, lines
from scripted import Scripted

from fastreasonseg_ros.cli import main
from fastreasonseg_ros.errors import DatasetError
from fastreasonseg_ros.evaluation.benchmark.cpu_time import cpu_share
from fastreasonseg_ros.evaluation.runners.bag import AnnotatedFrame, LockStep, Outputs
from fastreasonseg_ros.evaluation.runners.bags import evaluate_one
from fastreasonseg_ros.evaluation.runners.curve import MAX_POINTS, Curve
from fastreasonseg_ros.evaluation.runners.scene_state import Times
from fastreasonseg_ros.evaluation.runners.viewers import ViewerThread
from fastreasonseg_ros.io.bags.questions import TimedQuestion, assign, question_of
from fastreasonseg_ros.io.bags.reader import BagTopics, read_stamped
from fastreasonseg_ros.io.bags.writer import START_S, write_bag
from fastreasonseg_ros.perception.oracle import OraclePerceiver
from fastreasonseg_ros.twin.types import Detection, Frame, Perceived

TIMINGS = ("latency_ms", "timed", "peak_rss_mb", "machine", "made")


def rows_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_questions_are_asked_at_their_time_about_the_picture_with_that_stamp(
    bag: Path, questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Scripted(RIGHT))
    out, rows, frames_file = tmp_path / "r.json", tmp_path / "rows.jsonl", tmp_path / "frames.csv"
    command = ["bag", "eval", str(bag), "--queries", str(questions), "--perception", "oracle", "--json", str(out)]
    assert main([*command, "--rows", str(rows), "--frames", str(frames_file)]) == 0
    by_n = {row["n"]: row for row in rows_of(rows) if "n" in row}
    assert {n: (row["stamp_ns"], row.get("iou")) for n, row in by_n.items()} == {
        0: (START_S * 10**9 + 300_000_000, 1.0),
        1: (START_S * 10**9 + 1_100_000_000, 0.0),
        2: (START_S * 10**9 + 500_000_000, 1.0),
        3: (START_S * 10**9, None),
    }
    assert (by_n[2]["measured_frames"], len(by_n[2]["curve"])) == (7, 7)
    result = json.loads(out.read_text())
    assert (result["giou"], result["n"], result["asked"], result["frames"]) == (pytest.approx(2 / 3), 3, 4, 12)
    with frames_file.open() as file:
        pictures = list(csv.DictReader(file))
    assert [int(p["stamp_ns"]) for p in pictures] == [START_S * 10**9 + k * 100_000_000 for k in range(12)]
    assert json.loads(pictures[6]["answers"]) == {"2": {"ids": [1], "iou": 1.0}}


def test_a_bag_made_of_a_data_set_gives_the_figures_of_the_data_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    root = folder(tmp_path / "data")
    lines(
        root / "queries.jsonl",
        {"scene": "table", "text": "the mug", "target_ids": [1], "category": "attribute", "level": 1},
        {"scene": "table", "text": "the book", "target_ids": [1]},
    )
    asker = use(monkeypatch, Scripted(RIGHT))
    monkeypatch.setattr("fastreasonseg_ros.cli.eval.asker_of", lambda args: asker)
    assert main(["bag", "make", str(root), str(tmp_path / "bags")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "bags/table")
    common, results = ["--perception", "oracle", "--json"], []
    for command in (["eval", str(root)], ["bag", "eval", str(tmp_path / "bags")]):
        assert main([*command, *common, str(tmp_path / "out.json")]) == 0
        results.append(json.loads((tmp_path / "out.json").read_text()))
    for key in ("giou", "ciou", "n", "by_category", "by_level", "statuses", "perception"):
        assert results[0][key] == results[1][key], key
    assert results[0]["n"] == 2


def test_a_window_of_pictures_is_measured_as_in_the_data_set_and_then_forgotten() -> None:
    rows: list[dict] = []
    stamped = [(round(f.stamp_s * 1e9) + 10**9, f) for f in frames(10)]
    run = LockStep(OraclePerceiver(), asker := Scripted(RIGHT), asker.stand, Times(), Outputs(rows.append))
    run.run(stamped, [(0, TimedQuestion("the mug", 0.6, (1,), from_s=0.2))])
    assert (rows[0]["iou"], rows[0]["f"]) == (1.0, 1.0)
    assert rows[0]["union"] == 5 * 100  # pictures 2 to 6
    assert run._masks._images == run._truths._images == {}


def test_lock_step_twice_gives_identical_json_but_for_timings(
    bag: Path, questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = []
    for name in ("a.json", "b.json"):
        use(monkeypatch, Scripted(RIGHT))
        out = tmp_path / name
        assert (
            main(["bag", "eval", str(bag), "--queries", str(questions), "--perception", "oracle", "--json", str(out)])
            == 0
        )
        results.append(json.dumps({k: v for k, v in json.loads(out.read_text()).items() if k not in TIMINGS}))
    assert results[0] == results[1]


def test_memory_does_not_grow_with_the_length_of_the_bag(tmp_path: Path) -> None:
    """What Python and NumPy hold at picture 350 and at picture 130: between them are 220, 28 kB each."""

    class Light:
        """One mug, always; what perception does is no part of this."""

        def perceive(self, frame: Frame) -> Perceived:
            mask = np.zeros((48, 64), bool)
            mask[10:20, 10:20] = True
            return Perceived((Detection(mask, "mug", 1.0, (10, 10, 20, 20), track_hint=1),))

        def set_vocabulary(self, words: Sequence[str]) -> None: ...

    path = tmp_path / "long"
    write_bag(path, frames(400), compressed=False)
    early: list[int] = []
    late: list[int] = []

    def watch(annotated: AnnotatedFrame) -> None:
        number = round(annotated.t_s * 10)
        if number % 6 == 0 and (100 <= number < 160 or number >= 340):
            gc.collect()
            (early if number < 160 else late).append(tracemalloc.get_traced_memory()[0])

    rows: list[dict] = []
    asker = Scripted(RIGHT)
    asker.asked = type("Nothing", (), {"append": lambda self, text: None})()  # type: ignore[assignment]
    once = TimedQuestion("the book", 3.0, (2,), from_s=2.0)
    asked = [(0, TimedQuestion("the mug", 0.0, (1,), standing=True)), (1, once)]
    tracemalloc.start()
    try:
        run = LockStep(Light(), asker, asker.stand, Times(), Outputs(rows.append, viewers=[watch]))
        row = run.run(read_stamped(path), asked)
    finally:
        tracemalloc.stop()
    assert (row["frames"], len(rows), len(early), len(late)) == (400, 2, 10, 10)
    assert len(rows[-1]["curve"]) <= MAX_POINTS
    # The least of a stretch: a chunk of the bag comes and goes.
    assert min(late) - min(early) < 100_000, (early, late)


def test_a_curve_keeps_its_means_in_few_points() -> None:
    curve = Curve(0.1)
    for k in range(5000):
        curve.put(k * 0.1, float(k % 2))
    points = curve.points()
    assert MAX_POINTS // 2 <= len(points) <= MAX_POINTS
    assert all(value == pytest.approx(0.5, abs=0.01) for _, value in points)


def test_an_interrupted_folder_of_bags_goes_on_and_ends_with_the_same_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    for name in "ab":
        write_bag(tmp_path / "bags" / name, frames(4), compressed=False)
    asked = [{"text": "the mug", "at": 0.1, "target_ids": [1]}, {"text": "the book", "target_ids": [2], "scene": "b"}]
    file, rows, out = lines(tmp_path / "q.jsonl", *asked), tmp_path / "rows.jsonl", tmp_path / "out.json"
    pictures, bags = tmp_path / "frames.jsonl", tmp_path / "bags_out"
    command = ["bag", "eval", str(tmp_path / "bags"), str(bags), "--queries", str(file), "--perception", "oracle"]
    command += ["--rows", str(rows), "--json", str(out), "--frames", str(pictures)]
    use(monkeypatch, Scripted(RIGHT))
    assert main(command) == 0
    complete = json.loads(out.read_text())
    complete_pictures = [(row["scene"], row["stamp_ns"], row["answers"]) for row in rows_of(pictures)]
    shutil.rmtree(bags)
    assert (complete["n"], complete["frames"], complete["giou"]) == (3, 8, 1.0)
    use(monkeypatch, Scripted(RIGHT, stop_at="the book"))
    assert main(command) == 130
    assert "--resume goes on there" in capsys.readouterr().err
    again = use(monkeypatch, Scripted(RIGHT))
    assert main([*command, "--resume"]) == 0
    assert again.asked == ["the book"]
    # The interrupted bag is evaluated again from its start; rows of the other one are kept.
    assert len(list(read_stamped(bags / "b"))) == len(list(read_stamped(bags / "a"))) == 4
    again_pictures = [(row["scene"], row["stamp_ns"], row["answers"]) for row in rows_of(pictures)]
    assert [row[:2] for row in again_pictures] == [row[:2] for row in complete_pictures]
    assert again_pictures[:4] == complete_pictures[:4]
    resumed = json.loads(out.read_text())
    assert {k: v for k, v in resumed.items() if k not in TIMINGS} == {
        k: v for k, v in complete.items() if k not in TIMINGS
    }


def test_wrong_questions_bags_and_topics_are_named(bag: Path, tmp_path: Path, capsys) -> None:
    file = lines(tmp_path / "q.jsonl", {"text": "x"}, {"text": "x", "scene": "kitchen"})
    assert main(["bag", "eval", str(bag), "--queries", str(file)]) == 2
    assert f"{file}:2: unknown scene 'kitchen'; the bags are bag" in capsys.readouterr().err
    assert main(["bag", "eval", str(bag)]) == 2
    assert "holds no questions" in capsys.readouterr().err
    lines(file, {"text": "the mug", "target_ids": [1]}, {"text": "x", "target_ids": [2, 9]})
    assert main(["bag", "eval", str(bag), "--queries", str(file)]) == 2
    assert f"{file}:2: target id 9 is in no picture of {bag}; there are 1, 2" in capsys.readouterr().err
    with pytest.raises(DatasetError, match=r"q:1: at: expected seconds since the start of the bag, got -1"):
        question_of("q:1", {"text": "x", "at": -1})
    with pytest.raises(DatasetError, match=r"q:1: text: expected text, got None"):
        question_of("q:1", {"at": 1})
    [asked] = assign({"bag": bag}, [TimedQuestion("the mug")])
    run = LockStep(OraclePerceiver(), a := Scripted({}), a.stand, Times(), Outputs(print))
    with pytest.raises(DatasetError, match=r"has no topic /nowhere; it has /color/camera_info"):
        run.run(read_stamped(bag, BagTopics("/nowhere")), [(0, asked)])


def test_what_was_answered_before_the_bag_breaks_off_is_kept(
    bag: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    def broken(path: Path, *how: object):
        for k, item in enumerate(read_stamped(path)):
            if k == 6:
                raise DatasetError(f"{path}: message 30 cannot be read")
            yield item

    monkeypatch.setattr("fastreasonseg_ros.evaluation.runners.bags.read_stamped", broken)
    use(monkeypatch, Scripted(RIGHT))
    rows = tmp_path / "rows.jsonl"
    file = lines(tmp_path / "q.jsonl", {"text": "the mug", "at": 0.2, "target_ids": [1]}, {"text": "the book"})
    assert main(["bag", "eval", str(bag), "--queries", str(file), "--perception", "oracle", "--rows", str(rows)]) == 2
    assert f"{bag}: message 30 cannot be read" in capsys.readouterr().err
    assert [(row["text"], row["iou"]) for row in rows_of(rows)] == [("the mug", 1.0)]


def burn(seconds: float) -> None:
    """Processor time of this thread, however busy the machine is."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


class Burning(OraclePerceiver):
    """20 ms of processor time a picture and the oracle's own, without the search for a support, which takes longer."""

    def perceive(self, frame: Frame):
        burn(0.02)
        with patch("fastreasonseg_ros.perception.attributes.describe.find_support", lambda surface: None):
            return super().perceive(frame)


def test_measuring_adds_little_to_what_is_measured(bag: Path) -> None:
    """Beside a perceiver of 20 ms a picture: under a tenth of its processor time, nothing being drawn."""
    args = SimpleNamespace(
        color_topic=None, depth_topic=None, info_topic=None, ids_topic=None, slop=0.02, depth_unit=None
    )
    asker = Scripted(RIGHT)
    asked = [(0, TimedQuestion("the mug", 0.0, (1,), standing=True))]
    gc.collect()
    gc.freeze()  # collecting what earlier tests left behind is not time of the evaluation
    try:
        row = evaluate_one(args, bag, "bag", asked, Burning(), asker, Times(), Outputs(lambda row: None))
    finally:
        gc.unfreeze()
    spent = row["bag"]["spent"]
    assert spent["evaluation_cpu_share"] < 0.1
    assert 0.12 <= spent["cpu_s"]["models"] < 0.5
    assert spent["cpu_s"]["reading"] > 0
    assert spent["cpu_s"]["viewers"] == 0
    assert len(spent["rss_mb"]) == 12  # resident memory over time, a point a picture of so short a bag
    assert all(10 < mib < 100_000 for _, mib in spent["rss_mb"])


def test_what_viewers_take_in_their_thread_is_the_evaluation_s_and_not_the_models(bag: Path) -> None:
    class Painter:
        def __call__(self, drawn: object) -> None:
            burn(0.05)

        def close(self) -> None: ...

    args = SimpleNamespace(
        color_topic=None, depth_topic=None, info_topic=None, ids_topic=None, slop=0.02, depth_unit=None
    )
    thread, asker = ViewerThread([Painter()]), Scripted(RIGHT)
    try:
        outputs = Outputs(lambda row: None, viewers=[thread])
        row = evaluate_one(args, bag, "bag", [], Burning(), asker, Times(), outputs)
    finally:
        thread.close()
    spent = row["bag"]["spent"]
    assert spent["cpu_s"]["viewers"] >= 0.6  # 12 pictures
    assert spent["cpu_s"]["evaluation"] > 0.95 * spent["cpu_s"]["viewers"]
    assert 0.12 <= spent["cpu_s"]["models"] < 0.4
    assert spent["evaluation_cpu_share"] > 0.5
    assert cpu_share([spent["cpu_s"], {"models": 9.0, "evaluation": 0.0}]) < 0.1
    assert cpu_share([]) is None
