"""What an evaluation of a bag leaves behind: a bag, tables, a video, a recording for Rerun."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from bag_fixtures import RIGHT, use
from scripted import Scripted

from fastreasonseg_ros.cli import main
from fastreasonseg_ros.io.bags.reader import read_bag
from fastreasonseg_ros.io.bags.writer import START_S


def test_the_output_bag_has_pictures_masks_twins_and_answers_at_the_recorded_stamps(
    bag: Path, questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rosbags.highlevel import AnyReader

    use(monkeypatch, Scripted(RIGHT))
    out = tmp_path / "out"
    assert main(["bag", "eval", str(bag), str(out), "--queries", str(questions), "--perception", "oracle"]) == 0
    assert b"zstd" in (out / "out.mcap").read_bytes()  # else ten minutes of twins take 12 GB
    with AnyReader([out]) as reader:  # types come from the bag itself, as in Foxglove and Rerun
        counts = {name: topic.msgcount for name, topic in reader.topics.items()}
        found = {c.topic: [] for c in reader.connections}
        for connection, stamp_ns, raw in reader.messages():
            found[connection.topic].append((stamp_ns, reader.deserialize(raw, connection.msgtype)))
    assert (counts["/twin"], counts["/markers"], counts["/color/image_raw/compressed"]) == (12, 12, 12)
    assert counts["/answer"] == 3 + 7  # three once, one on every picture from 0.5 s on
    stamp_ns, answer = next((t, a) for t, a in found["/answer"] if a.query_id == "0")
    assert stamp_ns == answer.header.stamp.sec * 10**9 + answer.header.stamp.nanosec == START_S * 10**9 + 300_000_000
    assert (list(answer.ids), answer.instances[0].label, answer.steps[0].expression) == ([1], "mug", "find(label=mug)")
    frame = list(read_bag(bag))[3]
    ids = found["/twin"][3][1].instance_ids.data.view("<u2").reshape(48, 64)
    assert np.array_equal(np.isin(ids, answer.ids), frame.truth.ids == 1)  # the mask of the answer
    assert np.array_equal(ids, frame.truth.ids)
    assert main(["bag", "eval", str(bag), str(out), "--queries", str(questions), "--perception", "oracle"]) == 2


def test_rows_are_written_as_parquet_and_csv_by_the_ending(
    bag: Path, questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    use(monkeypatch, Scripted(RIGHT))
    command = ["bag", "eval", str(bag), "--queries", str(questions), "--perception", "oracle", "--rows"]
    for name in ("rows.parquet", "rows.csv"):
        assert main([*command, str(tmp_path / name)]) == 0
    table = [row for row in parquet.read_table(tmp_path / "rows.parquet").to_pylist() if row["n"] is not None]
    with (tmp_path / "rows.csv").open() as file:
        text = [row for row in csv.DictReader(file) if row["n"]]
    assert [(r["n"], r["text"], r["predicted_ids"], r["iou"]) for r in table] == [
        (int(r["n"]), r["text"], r["predicted_ids"], float(r["iou"]) if r["iou"] else None) for r in text
    ]
    assert {r["n"]: r["predicted_ids"] for r in table} == {0: "[1]", 1: "[2]", 2: "[1]", 3: "[]"}
    assert main([*command, str(tmp_path / "rows.csv"), "--resume"]) == 2
    assert "rows.csv: only .jsonl can be gone on with" in capsys.readouterr().err


def test_a_video_shows_every_picture_with_what_was_answered(
    bag: Path, questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Scripted(RIGHT))
    command = ["bag", "eval", str(bag), "--queries", str(questions), "--perception", "oracle"]
    assert main([*command, "--video", str(tmp_path)]) == 0
    video = cv2.VideoCapture(str(tmp_path / "bag.mp4"))
    assert (video.get(cv2.CAP_PROP_FRAME_COUNT), video.get(cv2.CAP_PROP_FPS)) == (12, pytest.approx(10))
    shown = [video.read()[1] for _ in range(12)]
    assert shown[0].shape[1] == 64
    assert not np.allclose(shown[4][:48], shown[0][:48], atol=30)  # dimmed, but for the mug


def test_rerun_has_pictures_masks_boxes_and_reasoning_on_the_bag_s_timeline(
    bag: Path, questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("rerun")
    use(monkeypatch, Scripted(RIGHT))
    out = tmp_path / "view.rrd"
    command = ["bag", "eval", str(bag), "--queries", str(questions), "--perception", "oracle"]
    assert main([*command, "--viz", "rerun", "--viz-out", str(out)]) == 0
    listed = subprocess.run(
        [sys.executable, "-m", "rerun", "rrd", "print", "-v", str(out)], capture_output=True, text=True, timeout=600
    )
    assert listed.returncode == 0, listed.stderr
    for part in ("world/camera/color", "world/camera/answer", "world/objects", "reasoning", "iou/2", "bag"):
        assert part in listed.stdout, part
