"""The label model is made by its command, from simulated things, and can go on where it stopped."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("mujoco")
pytest.importorskip("torch")

from small_furniture import pack

from fastreasonseg_ros.perception.attributes.eyes import Eyes
from fastreasonseg_ros.perception.attributes.names import LabelModel
from fastreasonseg_ros.perception.detection.ssd import FEATURES, Detector
from fastreasonseg_ros.perception.tabletop import TabletopConfig, TabletopPerceiver
from fastreasonseg_ros.simulation.objects.household import KINDS
from fastreasonseg_ros.simulation.objects.sweethome import library as sweethome
from fastreasonseg_ros.simulation.objects.sweethome.catalog import CATALOGS
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


@pytest.fixture
def library(tmp_path, monkeypatch):
    for name in CATALOGS:
        pack(tmp_path / f"{name}.sh3f")
    monkeypatch.setattr(sweethome, "read_table", lambda: {"Scopia/thing": ("lamp", False)})
    return sweethome.Library(tmp_path)


def test_tables_with_modelled_things_give_samples_that_are_kept_with_their_crops(library, tmp_path, monkeypatch):
    perceiver = TabletopPerceiver(TabletopConfig(names=False))
    found = label_samples.furniture_samples(tmp_path, 1, 1, perceiver, library, 0.3, things=4)
    assert "lamp" in found.names
    assert set(found.names) - {"lamp"} <= set(KINDS)
    assert len(found.names) == len(found.vectors) == len(found.crops) > 2
    seen = label_samples.looked_at(tmp_path / "seen.npz", found, Eyes(Detector()))
    assert seen.seen is not None
    assert seen.seen.shape == (len(found.names), 23 + FEATURES)
    assert np.isfinite(seen.seen).all()

    def again(*_, **__):
        raise AssertionError("it was made again")

    monkeypatch.setattr(label_samples, "Scene", again)
    kept = label_samples.furniture_samples(tmp_path, 1, 1, perceiver, library, 0.3, things=4)
    assert kept.crops == found.crops
    monkeypatch.setattr(Eyes, "look_at_crop", again)
    kept = label_samples.looked_at(tmp_path / "seen.npz", kept, Eyes(Detector()))
    assert kept.seen == pytest.approx(seen.seen, abs=0.02)  # kept in half precision


def _synthetic(rng: np.random.Generator, count: int, informative: bool) -> label_samples.Samples:
    """Names that only what is seen tells apart; without it, the vectors are noise."""
    names = [str(n) for n in rng.choice(sorted({*KINDS, "lamp"}), size=count)]
    order = {name: k for k, name in enumerate(sorted({*KINDS, "lamp"}))}
    seen = rng.normal(size=(count, 23 + FEATURES)).astype(np.float32)
    if informative:
        for row, name in enumerate(names):
            seen[row, 23 + order[name]] += 40
    return label_samples.Samples(tuple(names), rng.normal(size=(count, 65)).astype(np.float32), (), seen)


def test_what_eyes_see_names_things_and_may_be_missing():
    rng = np.random.default_rng(0)
    learned, tests = [_synthetic(rng, 1500, True)], [_synthetic(rng, 60, True) for _ in range(2)]
    model, report = labels.train(learned, tests, (64, 64), 1, 60, 0.4, tests, components=56)
    assert "lamp" in model.labels
    assert (model.looks, model.projection.shape) == (23, (FEATURES, 56))
    assert report["accuracy"] > 0.8
    assert report["furniture_accuracy"] == report["accuracy"]
    blind = model.odds(tests[0].vectors)
    assert blind.sum(axis=1) == pytest.approx(1.0, abs=1e-4)
    assert blind.max(axis=1).mean() < model.odds(tests[0].vectors, tests[0].seen).max(axis=1).mean() / 2


def test_a_held_out_model_of_a_kind_that_no_sample_shows_counts_as_wrong():
    rng = np.random.default_rng(0)
    learned, tests = [_synthetic(rng, 400, True)], [_synthetic(rng, 60, True) for _ in range(2)]
    unknown = [label_samples.Samples(("xylophone",) * 60, t.vectors, (), t.seen) for t in tests]
    unknown[1] = tests[1]
    model, report = labels.train(learned, tests, (8, 8), 1, 1, 0.4, unknown)
    assert "xylophone" not in model.labels
    assert report["furniture_accuracy"] == 0.0
    assert report["furniture_measured"] == 60
    assert labels._loss(model, [unknown[0], tests[0]]) == pytest.approx(labels._loss(model, [tests[0]]))


def test_samples_that_were_not_looked_at_are_learned_from_beside_those_that_were():
    rng = np.random.default_rng(0)
    looked, plain = _synthetic(rng, 400, True), _synthetic(rng, 400, True)
    plain = label_samples.Samples(plain.names, plain.vectors)
    model, _ = labels.train([looked, plain], [looked, looked], (8, 8), 1, 1, 0.4)
    assert (model.looks, model.projection.size, len(model.mean)) == (23, 0, 65 + 23)
    assert np.isfinite(model.mean).all()


def test_a_score_is_calibrated_where_it_is_the_share_that_is_right():
    scores, right = np.array([0.75] * 4 + [0.35] * 20), np.array([1, 1, 1, 0] + [1] * 7 + [0] * 13)
    assert labels.calibration_error(scores, right) == pytest.approx(0.0, abs=1e-9)
    assert labels.calibration_error(np.ones(4), np.array([1, 1, 0, 0])) == pytest.approx(0.5)


def test_segmenters_cut_a_little_off_or_add_a_little_at_random():
    mask = np.zeros((40, 40), bool)
    mask[10:30, 10:30] = True
    sizes = {int(label_samples._as_segmented(mask, np.random.default_rng(seed)).sum()) for seed in range(20)}
    assert sizes == {18 * 18, 20 * 20, 22 * 22}
