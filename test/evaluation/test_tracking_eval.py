"""Clips are rendered once and read as they were; errors in size and velocity are what they are; the commands run."""

from __future__ import annotations

import json
from itertools import islice

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="the simulation is not installed")
from fastreasonseg_ros.cli import main
from fastreasonseg_ros.evaluation.runners import tracking_clips as clips
from fastreasonseg_ros.evaluation.runners.tracking import ClipResult, figures, markdown
from fastreasonseg_ros.evaluation.runners.tracking_clips import Clip, choose_clips, read_clip, without_truth
from fastreasonseg_ros.simulation.scenes.scenarios import SCENARIOS, simulate


def test_the_clips_are_three_of_each_story_with_a_seed_of_their_own() -> None:
    chosen = choose_clips(30)
    assert [sum(c.scenario == s for c in chosen) for s in SCENARIOS] == [3] * 10
    assert len({c.seed for c in chosen}) == 30
    assert sum(not c.pose_known for c in chosen) == 3


def test_a_clip_is_read_as_it_was_told_and_not_rendered_again(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(clips, "simulate", lambda *a: islice(simulate(*a), 3))
    clip = Clip("moving camera, pose unknown", 5, (96, 72))
    first = list(read_clip(clip, tmp_path))
    monkeypatch.setattr(clips, "simulate", None)
    again = list(read_clip(clip, tmp_path))
    fresh = list(islice(simulate(clip.scenario, 5, (96, 72)), 3))
    assert [p.objects for p in first] == [p.objects for p in again] == [p.objects for p in fresh]
    assert np.array_equal(again[2].frame.truth.ids, fresh[2].frame.truth.ids)
    assert again[2].frame.pose.translation == pytest.approx(fresh[2].frame.pose.translation)
    assert np.nanmax(np.abs(again[1].frame.depth_m - fresh[1].frame.depth_m)) < 1e-4
    bare = without_truth(again[0], clip)
    assert (bare.truth, bare.pose, bare.stamp_s) == (None, None, 0.0)


def test_figures_are_of_all_clips_and_of_each_story() -> None:
    def clip(k: int, scenario: str, right: int) -> ClipResult:
        counts = {"id_true_positives": right, "id_detections": 20, "id_switches": 10 - right}
        return ClipResult(f"{k}", scenario, counts, [0.01 * k], [0.0, 0.02], [0.0, 0.5])

    result = figures([clip(k, "crossing" if k < 3 else "pushed", 10 - (k == 0)) for k in range(6)])
    assert result["idf1"] == pytest.approx(1 - 1 / 60)
    assert result["scenarios"]["crossing"]["idf1"] == pytest.approx(1 - 1 / 30)
    assert result["scenarios"]["pushed"]["size_error_p50_m"] == pytest.approx(0.04)
    assert (result["velocity_error_p50"], result["moving_velocity_error_p50"]) == pytest.approx((0.01, 0.02))
    low, high = result["intervals"]["size_error_p50_m"]
    assert 0 <= low < result["size_error_p50_m"] < high <= 0.05
    assert "| all | 6 | 0.983 | 1 | 2.5 cm | 1.0 cm/s | 2.0 cm/s |" in markdown(result)


def test_eval_tracking_with_true_masks_keeps_ids(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(clips, "simulate", lambda *a: islice(simulate(*a), 12))
    arguments = ["--clips", "1", "--width", "128", "--perception", "oracle", "--cache", str(tmp_path / "clips")]
    assert main(["eval-tracking", *arguments, "--json", str(tmp_path / "r.json")]) == 0
    result = json.loads((tmp_path / "r.json").read_text())
    assert result["idf1"] > 0.95
    assert result["scenarios"]["crossing"]["clips"] == 1
    assert "| crossing | 1 |" in capsys.readouterr().out


def test_eval_places_measures_and_says_what_it_did(tmp_path) -> None:
    arguments = ["--seeds", "1", "--places", "from above", "--width", "160", "--perception", "oracle"]
    assert main(["eval-places", *arguments, "--json", str(tmp_path / "r.json")]) == 0
    result = json.loads((tmp_path / "r.json").read_text())
    assert result["places"]["from above"]["overlap_f"] == 1.0
    assert result["empty_without_a_word"] == 0


@pytest.mark.parametrize("command", [["eval-tracking", "--scenarios", "x"], ["eval-places", "--places", "x"]])
def test_an_unknown_name_is_one_line(command, capsys) -> None:
    assert main(command) == 2
    assert "there is no" in capsys.readouterr().err
