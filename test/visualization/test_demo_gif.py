"""The moving picture of the README: pictures of one size, in a file that a page can load."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fastreasonseg_ros.errors import ReasonSegError

pytest.importorskip("mujoco", reason="extra simulation is not installed")
SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "scripts/make_demo_gif.py"))


def test_pictures_with_panels_of_any_height_become_one_size(tmp_path: Path) -> None:
    drawn = [np.full((height, 640, 3), height % 251, np.uint8) for height in (600, 640, 610)]
    same = SCRIPT["of_one_size"](drawn)
    assert {p.shape for p in same} == {(round(640 * SCRIPT["WIDTH"] / 640), SCRIPT["WIDTH"], 3)}
    SCRIPT["write_gif"](tmp_path / "out" / "a.gif", same)
    with Image.open(tmp_path / "out" / "a.gif") as gif:
        assert (gif.n_frames, gif.size) == (3, same[0].shape[1::-1])


def test_a_file_that_is_too_large_is_refused_with_what_to_change(tmp_path: Path) -> None:
    noise = [np.random.default_rng(n).integers(0, 256, (900, 900, 3), np.uint8) for n in range(5)]
    with pytest.raises(ReasonSegError, match="lower WIDTH or COLORS"):
        SCRIPT["write_gif"](tmp_path / "a.gif", noise)
