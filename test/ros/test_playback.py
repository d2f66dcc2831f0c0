"""A recording that is played in a loop is read once, if it is short; one that is long, or played once, is not kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
from processes import wait_for

from fastreasonseg_ros.ros.settings import CameraSettings
from fastreasonseg_ros.serving import playback
from fastreasonseg_ros.serving.playback import Playback
from fastreasonseg_ros.twin.types import Frame


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for n in range(3):
        cv2.imwrite(str(tmp_path / f"{n}.png"), np.full((4, 4, 3), 80 * n, np.uint8))
    return tmp_path


class Heard:
    """What a playback publishes and complains of."""

    def __init__(self, path: Path) -> None:
        self.settings = replace(
            CameraSettings(), source="folder", path=str(path), rate_hz=200.0, loop=True, retry_s=0.1
        )
        self.frames: list[Frame] = []
        self.trouble: list[str] = []
        self.playback = Playback(lambda: self.settings, self.frames.append, self.trouble.append)


def test_a_short_one_goes_on_from_memory_in_the_same_order(folder: Path) -> None:
    heard = Heard(folder)
    wait_for(lambda: len(heard.frames) > 4, what="a second round")
    for file in folder.iterdir():
        file.unlink()
    count = len(heard.frames)
    wait_for(lambda: len(heard.frames) > count + 6, what="two more rounds")
    heard.playback.close()
    assert [int(f.color[0, 0, 0]) for f in heard.frames[:9]] == [0, 80, 160] * 3
    assert not heard.trouble


def test_a_long_one_is_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playback, "KEPT_BYTES", 100)  # three pictures have 144
    heard = Heard(folder)
    wait_for(lambda: len(heard.frames) > 4, what="a second round")
    for file in folder.iterdir():
        file.unlink()
    wait_for(lambda: heard.trouble, what="a word about the missing pictures")
    heard.playback.close()
