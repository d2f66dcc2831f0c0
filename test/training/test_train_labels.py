"""The label model is made by its command, from simulated things, and can go on where it stopped."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("mujoco")
pytest.importorskip("torch")

from fastreasonseg_ros.perception.attributes.names import LabelModel
from fastreasonseg_ros.training.perception.names import samples as label_samples
from fastreasonseg_ros.training.perception.names import scenes as label_scenes
from fastreasonseg_ros.training.perception.names import train as labels


def test_the_command_makes_a_model_and_sees_no_scene_twice(tmp_path, capsys, monkeypatch):
    out, figures = tmp_path / "labels.npz", tmp_path / "figures.json"
    command = ["--scenes", "2", "--frames-per-scene", "4", "--views", "2", "--tables", "3", "--test-scenes", "2"]
    command += ["--frames", str(tmp_path / "frames"), "--work", str(tmp_path / "seen"), "--out", str(out)]
    command += ["--epochs", "2", "--hidden", "8", "8", "--nets", "2", "--json", str(figures)]
    assert labels.main(command) == 0
    assert "synonyms" in capsys.readouterr().out
    assert json.loads(figures.read_text())["calibration_error"] <= 1
    model = LabelModel.load(out)
    assert len(model.labels) >= 25
    assert "box" in model.wide

    def again(*_, **__):
        raise AssertionError("a scene was simulated again")

    monkeypatch.setattr(label_scenes, "make_scene", again)
    monkeypatch.setattr(label_samples, "Scene", again)
    out.unlink()
    assert labels.main(command) == 0
    assert LabelModel.load(out).labels == model.labels


def test_too_few_samples_are_said_to_be_too_few():
    with pytest.raises(ValueError, match="more --scenes"):
        labels.train([], [], hidden=(4, 4), nets=1, epochs=1, min_score=0.4)


def test_a_score_is_calibrated_where_it_is_the_share_that_is_right():
    scores, right = np.array([0.75] * 4 + [0.35] * 20), np.array([1, 1, 1, 0] + [1] * 7 + [0] * 13)
    assert labels.calibration_error(scores, right) == pytest.approx(0.0, abs=1e-9)
    assert labels.calibration_error(np.ones(4), np.array([1, 1, 0, 0])) == pytest.approx(0.5)


def test_segmenters_cut_a_little_off_or_add_a_little_at_random():
    mask = np.zeros((40, 40), bool)
    mask[10:30, 10:30] = True
    sizes = {int(label_samples._as_segmented(mask, np.random.default_rng(seed)).sum()) for seed in range(20)}
    assert sizes == {18 * 18, 20 * 20, 22 * 22}
