"""`bag eval --clock` reads a bag as `bag eval` does: topics, slop and depth unit of the command line. No node runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
import recorded

from fastreasonseg_ros.cli import main
from fastreasonseg_ros.live import bag_evaluation


class NoNodes:
    """Stands in for the processes of the nodes."""

    def __init__(self, *_) -> None: ...

    def __enter__(self) -> NoNodes:
        return self

    def __exit__(self, *_) -> None: ...

    def start(self, *_, **__) -> None: ...

    def wait_for(self, *_) -> None: ...

    def check(self) -> None: ...


class Played:
    """Stands in for the player; keeps the frames."""

    frames: list = []  # noqa: RUF012
    published, twins, refused, late_s, delay_ms = 1, 1, 0, 0.0, [1.0]

    def __init__(self, *_) -> None:
        self.client = self
        self.delays = bag_evaluation.Curve()

    def play(self, frames, due, done) -> None:
        Played.frames = list(frames)

    def close(self) -> None: ...


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """Two cameras; the depth of the second comes 30 ms after its colour, and in another unit."""
    messages = []
    for k in range(3):
        for name, late_s in (("left", 0.0), ("right", 0.03)):
            t, frame, size = k * 0.1, f"{name}_optical_frame", (32, 24)
            messages += [
                (f"/{name}/color/camera_info", recorded.camera_info(size, frame, t)),
                (f"/{name}/color/image_raw", recorded.picture("rgb8", size, frame, t)),
                (f"/{name}/depth/image_raw", recorded.picture("16UC1", size, frame, t + late_s)),
            ]
    return recorded.write(tmp_path / "bag", messages)


@pytest.fixture
def command(bag: Path, tmp_path: Path) -> list[str]:
    questions = tmp_path / "questions.jsonl"
    questions.write_text('{"text": "the mug"}\n')
    return ["bag", "eval", str(bag), "--clock", "--queries", str(questions)]


@pytest.fixture(autouse=True)
def _no_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bag_evaluation, "NodeProcesses", NoNodes)
    monkeypatch.setattr(bag_evaluation, "Live", Played)


def test_topics_slop_and_depth_unit_of_the_command_line_are_those_that_are_played(
    command: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "result.json"
    options = ["--color-topic", "/right/color/image_raw", "--slop", "0.05", "--depth-unit", "0.0001"]
    assert main([*command, *options, "--json", str(out)]) == 0
    assert len(Played.frames) == 3
    assert {frame.frame_id for _, frame in Played.frames} == {"right_optical_frame"}
    assert np.nanmean(Played.frames[0][1].depth_m) == pytest.approx(0.125)
    result = json.loads(out.read_text())
    assert any("/right/depth/image_raw" in line for line in result["topics"])
    assert any("implausible" in warning or "20 cm" in warning for warning in result["warnings"])


def test_depth_may_be_left_out(command: list[str]) -> None:
    assert main([*command, "--depth-topic", "none"]) == 0
    assert [frame.depth_m for _, frame in Played.frames] == [None] * 3


def test_pictures_that_do_not_meet_within_the_slop_are_named(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--color-topic", "/right/color/image_raw"]) == 2
    assert "try --slop" in capsys.readouterr().err
