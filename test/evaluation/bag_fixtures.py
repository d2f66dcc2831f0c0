"""A small bag with its truth, and questions about it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks import lines
from scripted import Scripted

from fastreasonseg_ros.io.bags.writer import write_bag
from fastreasonseg_ros.twin.types import CameraIntrinsics, Frame, GroundTruth

CAMERA = CameraIntrinsics(64, 48, 60.0, 60.0, 31.5, 23.5)
RIGHT = {"the mug": (1,), "the book": (2,)}


def frames(count: int, step_s: float = 0.1):
    """A mug (1) that moves to the right and a book (2) that stays; made one at a time."""
    for k in range(count):
        ids = np.zeros((48, 64), np.uint16)
        ids[30:40, 40:60] = 2
        ids[10:20, k % 40 : k % 40 + 10] = 1
        color = np.full((48, 64, 3), 120, np.uint8)
        color[ids == 1] = (200, 30, 30)
        depth_m = np.where(ids > 0, 0.9, 1.0).astype(np.float32)
        yield Frame(color, depth_m, CAMERA, k * step_s, truth=GroundTruth(ids, {1: "mug", 2: "book"}, {1: "red"}))


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    write_bag(tmp_path / "bag", frames(12), compressed=False)
    return tmp_path / "bag"


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    return lines(
        tmp_path / "questions.jsonl",
        {"text": "the mug", "at": 0.3, "target_ids": [1], "category": "attribute"},
        {"text": "the book", "target_ids": [1], "category": "semantic"},
        {"text": "the mug", "at": 0.5, "target_ids": [1], "standing": True},
        {"text": "a fork", "at": 0.0},
    )


def use(monkeypatch: pytest.MonkeyPatch, asker: Scripted) -> Scripted:
    monkeypatch.setattr("fastreasonseg_ros.cli.bag.asker_of", lambda args: asker)
    return asker
