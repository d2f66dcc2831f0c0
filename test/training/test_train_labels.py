"""The label model is made by its command, from simulated scenes, and can go on where it stopped."""

from __future__ import annotations

import pytest

pytest.importorskip("mujoco")

from fastreasonseg_ros.perception.labels import LabelModel
from fastreasonseg_ros.training import labels


def test_the_command_makes_a_model_and_sees_no_scene_twice(tmp_path, capsys, monkeypatch):
    work, out = tmp_path / "seen", tmp_path / "labels.npz"
    command = ["--scenes", "6", "--epochs", "2", "--hidden", "8", "--work", str(work), "--out", str(out)]
    assert labels.main(command) == 0
    assert "accuracy" in capsys.readouterr().out
    model = LabelModel.load(out)
    assert len(model.labels) > 5
    assert len(list(work.glob("*.npz"))) == 6

    def again(*_, **__):
        raise AssertionError("a scene was simulated again")

    monkeypatch.setattr(labels, "make_scene", again)
    out.unlink()
    assert labels.main(command) == 0
    assert LabelModel.load(out).labels == model.labels


def test_too_few_samples_are_said_to_be_too_few():
    with pytest.raises(ValueError, match="more --scenes"):
        labels.train([[], []], hidden=4, epochs=1, min_score=0.4)
