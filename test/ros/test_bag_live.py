"""A bag in real time: the nodes as processes, over DDS, joined with the truth by exact stamps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
from processes import PATIENCE_S
from written_scene import write_scene

from fastreasonseg_ros.cli import main
from fastreasonseg_ros.io.bags.writer import START_S, write_bag
from fastreasonseg_ros.io.sources import frames_of


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a mug that moves past a plate and a book."""
    root = tmp_path_factory.mktemp("live")
    write_scene(root / "data")
    write_bag(root / "bag", frames_of(root / "data/table"), compressed=False)
    return root / "bag"


def test_the_nodes_are_measured_while_the_bag_plays_at_its_own_speed(
    bag: Path, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastreasonseg_ros.live.bag_evaluation.LAST_S", PATIENCE_S)
    questions, out, rows = tmp_path / "q.jsonl", tmp_path / "r.json", tmp_path / "rows.jsonl"
    asked = [{"text": "the plate", "at": 0.5, "target_ids": [2]}, {"text": "the book", "target_ids": [3]}]
    questions.write_text("".join(json.dumps(line) + "\n" for line in asked))
    command = ["bag", "eval", str(bag), "--clock", "--rate", "0.5", "--perception", "oracle"]
    assert main([*command, "--queries", str(questions), "--json", str(out), "--rows", str(rows)]) == 0
    result = json.loads(out.read_text())
    real = result["real_time"]
    assert real["pictures"] == 12
    assert real["twins"] + real["refused"] + real["dropped"] == 12
    assert 0 < real["coverage"] <= 1.0  # how many pictures are dropped is the machine's affair
    assert result["latency_ms"]["picture to twin"]["p50"] > 0
    assert result["latency_ms"]["question"]["p50"] > 0
    answers = [json.loads(line) for line in rows.read_text().splitlines()]
    assert [a["text"] for a in answers] == ["the plate", "the book"]
    stamps = {START_S * 10**9 + round(k / 6 * 1e9) for k in range(12)}
    for answer in answers:
        assert answer["status"] == "OK"
        assert answer["stamp_ns"] in stamps  # to the nanosecond
        assert answer["iou"] == 1.0
    assert "coverage" in capsys.readouterr().out


def test_what_does_not_go_with_real_time_is_refused(bag: Path, tmp_path: Path, capsys) -> None:
    assert main(["bag", "eval", str(bag), "--clock", "--video", str(tmp_path)]) == 2
    assert "--clock goes with bag eval" in capsys.readouterr().err
    questions = tmp_path / "q.jsonl"
    questions.write_text('{"text": "the plate"}\n')
    assert main(["bag", "eval", str(bag), "--clock", "--rate", "0", "--queries", str(questions)]) == 2
    assert "--rate is the speed" in capsys.readouterr().err
