"""Settings of the segmenter are compared on the same pictures."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("mujoco")

from fastreasonseg_ros.cli import eval_clutter as run_eval_clutter
from fastreasonseg_ros.cli import main


def test_simulated_clutter_is_measured_by_arrangement(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(run_eval_clutter, "ARRANGEMENTS", ("touching", "stacked"))
    monkeypatch.setattr(run_eval_clutter, "SIZE", (160, 120))
    out = tmp_path / "clutter.json"
    assert main(["eval-clutter", "--seeds", "1", "--segmenters", "planes", "--json", str(out)]) == 0
    result = json.loads(out.read_text())["segmenters"]["planes"]
    assert set(result["kinds"]) == {"touching", "stacked"}
    assert result["all"]["pictures"] == 4
    assert 0.2 < result["all"]["overlap_f"] <= 1.0
    assert "| touching | 2 |" in capsys.readouterr().out


def test_a_folder_that_is_no_data_set_is_refused(tmp_path, capsys):
    assert main(["eval-clutter", str(tmp_path), "--segmenters", "planes"]) == 2
    assert str(tmp_path) in capsys.readouterr().err
