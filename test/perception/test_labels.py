"""Names come with a calibrated score, and an unsure model says object."""

from __future__ import annotations

import numpy as np
import pytest
from rays import Box, picture

from fastreasonseg_ros.errors import ModelError
from fastreasonseg_ros.perception import make_perceiver
from fastreasonseg_ros.perception.features import Features
from fastreasonseg_ros.perception.labels import LabelModel, find_label_model

THING = Features(
    length=0.2, width=0.1, height=0.05, low=0.0, flatness=0.9, upward=0.5, upright=0.5, hollow=0.0, curvature=2.0,
    round_top=0.7, sphere_miss=0.3, ribbed=0.1, solid=1.0, filled=0.9, aspect=0.5, contrast=0.2, colors=(0.0,) * 11,
)  # fmt: skip


def model(strength: float, **more) -> LabelModel:
    """Says "long" by the logarithm of the length alone, the more decidedly the greater the strength."""
    n = len(THING.vector())
    hidden = np.zeros((n, 1), np.float32)
    hidden[0, 0] = -1.0
    zero, one = np.zeros(n, np.float32), np.ones(n, np.float32)
    output = np.array([[strength, 0.0]], np.float32)
    return LabelModel(
        ("long", "short"), zero, one, hidden, np.zeros(1, np.float32), output, np.zeros(2, np.float32), **more
    )


def test_the_score_is_the_probability_and_below_the_threshold_a_thing_is_an_object():
    odds = 1 / (1 + 0.2**2)  # hidden = -log(0.2), strength 2: the logit is -2 log(0.2)
    assert model(2.0).name(THING) == ("long", pytest.approx(odds, abs=1e-5))
    assert model(2.0, min_score=0.97).name(THING) == ("object", pytest.approx(odds, abs=1e-5))
    assert model(2.0, temperature=2.0).name(THING)[1] == pytest.approx(1 / 1.2, abs=1e-5)


def test_a_model_survives_its_file_and_a_broken_file_is_named(tmp_path):
    path = tmp_path / "sub" / "labels.npz"
    model(2.0, temperature=1.5).save(path)
    assert LabelModel.load(path).name(THING) == model(2.0, temperature=1.5).name(THING)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ModelError, match=r"sub/labels.npz.*train labels"):
        LabelModel.load(path)
    with pytest.raises(ModelError, match="missing.npz"):
        LabelModel.load(tmp_path / "missing.npz")
    np.savez(path, labels=np.array(["a"]))
    with pytest.raises(ModelError, match="temperature"):
        LabelModel.load(path)


def test_features_are_finite_numbers_of_one_length():
    vector = THING.vector()
    assert vector.dtype == np.float32
    assert np.isfinite(vector).all()
    assert vector[0] == pytest.approx(np.log(0.2))


def test_the_committed_model_knows_a_cereal_box():
    path = find_label_model()
    assert path is not None
    names = LabelModel.load(path).labels
    assert len(names) >= 25
    frame = picture(Box((0.0, 0.0), (0.19, 0.06, 0.28), (190, 30, 40), turn_deg=20), noise=0.0015)
    (detection,) = make_perceiver("tabletop", None, [f"label_model={path}"]).perceive(frame).detections
    assert "box" in detection.label.split()
