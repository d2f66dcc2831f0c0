"""Names come with a calibrated score, and an unsure model says object."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rays import Box, picture

from fastreasonseg_ros.errors import ModelError
from fastreasonseg_ros.perception import make_perceiver
from fastreasonseg_ros.perception.attributes.crops import crop_of
from fastreasonseg_ros.perception.attributes.features import COLOR_FEATURES, Features
from fastreasonseg_ros.perception.attributes.names import LabelModel, find_label_model
from fastreasonseg_ros.perception.attributes.outline_profile import PROFILE, TEXTURE
from fastreasonseg_ros.perception.tabletop import TabletopConfig, TabletopPerceiver
from fastreasonseg_ros.perception.tabletop import perceiver as tabletop
from fastreasonseg_ros.perception.tabletop.perceiver import LOOKS_PER_FRAME

THING = Features(
    length=0.2, width=0.1, height=0.05, low=0.0, flatness=0.9, upward=0.5, upright=0.5, hollow=0.0, curvature=2.0,
    round_top=0.7, sphere_error=0.3, ribbed=0.1, solid=1.0, filled=0.9, aspect=0.5, contrast=0.2, colors=(0.0,) * 11,
    profile=(0.5,) * PROFILE, texture=(0.0,) * TEXTURE, occlusion=(0.0, 0.0), distance=0.9,
)  # fmt: skip


def model(strength: float, tie: float = 0.0, **more) -> LabelModel:
    """Says "long" by the logarithm of the length alone, the more decidedly the greater the strength.

    tie: logit of "longish" and "longer", which are kinds of "stick" like "long"; "short" is none and has the logit 0.
    """
    n = len(THING.vector())
    first = np.zeros((1, n, 1), np.float32)
    first[0, 0] = -1.0
    return LabelModel(
        labels=("long", "longish", "longer", "short"),
        wide=("stick",),
        members=np.array([[1], [1], [1], [0]], np.float32),
        mean=np.zeros(n, np.float32),
        scale=np.ones(n, np.float32),
        first=first,
        first_bias=np.zeros((1, 1), np.float32),
        second=np.ones((1, 1, 1), np.float32),
        second_bias=np.zeros((1, 1), np.float32),
        output=np.array([[[strength, 0.0, 0.0, 0.0]]], np.float32),
        output_bias=np.array([[0.0, tie, tie, 0.0]], np.float32),
        **more,
    )


HIDDEN = -np.log(0.2)  # what the one hidden unit gives for THING


def test_the_score_is_the_probability_and_below_the_threshold_a_thing_is_an_object():
    odds = 1 / (1 + 0.2**2)  # strength 2: the logit is -2 log(0.2)
    assert model(2.0, tie=-30.0).name(THING) == ("long", pytest.approx(odds, abs=1e-3))
    assert model(2.0, tie=-30.0, min_score=0.97).name(THING) == ("object", pytest.approx(odds, abs=1e-3))
    assert model(2.0, tie=-60.0, temperature=2.0).name(THING)[1] == pytest.approx(1 / 1.2, abs=1e-3)


def test_where_kinds_tie_the_wide_word_is_said_and_a_majority_among_them_keeps_its_name():
    even = model(2.0, tie=2.0 * HIDDEN)  # as likely as "long": none of the three reaches the threshold
    assert even.name(THING) == ("stick", pytest.approx(3 / (3 + 0.2**2), abs=0.001))
    uneven = model(2.0, tie=2.0 * HIDDEN - 1.0, min_score=0.8)
    label, score = uneven.name(THING)
    assert label == "long"
    assert 0.5 < score < 0.8
    assert model(0.1, tie=0.1, min_score=0.8).name(THING)[0] == "object"


def test_other_words_are_the_likeliest_that_were_not_given_down_to_one_in_twenty():
    three = model(0.0)  # all four are as likely
    assert three.others(np.array([0.4, 0.3, 0.2, 0.1]), "long") == ("longish", "longer", "short")
    assert three.others(np.array([0.3, 0.4, 0.04, 0.26]), "longish") == ("long", "short")
    assert three.others(np.array([0.3, 0.3, 0.2, 0.2]), "stick") == ("long", "longish", "longer")
    assert three.others(np.array([0.96, 0.02, 0.01, 0.01]), "long") == ()


def test_many_things_are_named_as_one_by_one():
    vectors = np.stack([THING.vector(), THING.vector() * 0.5])
    odds = model(1.5, tie=0.3).odds(vectors)
    assert odds.shape == (2, 4)
    assert odds.sum(axis=1) == pytest.approx(1.0)
    assert odds[0] == pytest.approx(model(1.5, tie=0.3).probabilities(THING))


def seeing() -> LabelModel:
    """Says "long" by the mean of two class scores, and by the first two of three features, projected on one number."""
    n = len(THING.vector())
    first = np.zeros((1, n + 3, 1), np.float32)
    first[0, n:, 0] = 1.0
    wider = {"mean": np.zeros(n + 3, np.float32), "scale": np.ones(n + 3, np.float32), "first": first}
    return replace(model(1.0), **wider, looks=2, projection=np.array([[1.0], [1.0], [0.0]], np.float32))


def test_what_is_seen_of_a_thing_counts_and_without_it_the_rest_decides():
    odds = seeing().probabilities(THING, np.array([0.5, 0.5, 1.0, 0.0, 9.0], np.float32))
    assert odds[0] > seeing().probabilities(THING)[0]
    assert seeing().probabilities(THING) == pytest.approx(seeing().probabilities(THING, np.full(5, np.nan, np.float32)))
    less = seeing().probabilities(THING, np.array([0.5, 0.5, 0.0, 0.0, 9.0], np.float32))
    assert odds[0] > less[0] > seeing().probabilities(THING)[0]
    assert less == pytest.approx(seeing().probabilities(THING, np.array([0.5, 0.5, 0.0, 0.0, 0.0], np.float32)))
    nothing = replace(seeing(), looks=0, projection=np.zeros((0, 0), np.float32))
    assert nothing.looks == model(1.0).looks == 0


def test_a_model_that_sees_survives_its_file(tmp_path):
    seeing().save(tmp_path / "labels.npz")
    seen = np.array([0.5, 0.5, 1.0, 0.0, 9.0], np.float32)
    again = LabelModel.load(tmp_path / "labels.npz")
    assert (again.looks, again.projection.shape) == (2, (3, 1))
    assert again.probabilities(THING, seen) == pytest.approx(seeing().probabilities(THING, seen))


def test_a_crop_is_a_square_with_a_margin_that_ends_at_the_border():
    picture = np.arange(60 * 80 * 3, dtype=np.uint16).astype(np.uint8).reshape(60, 80, 3)
    crop = crop_of(picture, (slice(20, 40), slice(30, 40)))  # 20 high, 10 wide: 12.4 to each side of (30, 35)
    np.testing.assert_array_equal(crop, picture[17:43, 22:48])
    assert crop_of(picture, (slice(0, 20), slice(70, 80))).shape == (23, 18, 3)


def test_eyes_look_at_as_many_new_things_as_a_frame_of_a_stream_affords(monkeypatch):
    looked = []

    class Watching:
        def __call__(self, color, box):
            looked.append(box)
            return np.zeros(5, np.float32)

    boxes = [Box((0.2 * k - 0.3, 0.0), (0.06, 0.06, 0.1), (190, 30 * k, 40)) for k in range(4)]
    perceiver = TabletopPerceiver(TabletopConfig())
    assert perceiver._eyes is None  # the default looks at nothing
    perceiver._namer, perceiver._eyes = seeing(), Watching()
    frame = picture(*boxes, noise=0.0)
    assert len(perceiver.perceive(replace(frame, stamp_s=1.0)).detections) == len(looked) == 4  # the first frame: all
    looked.clear()
    moved = [
        Box((0.2 * k - 0.3, 0.0), (0.06, 0.06, 0.1), (30, 30 * k, 190)) for k in range(4)
    ]  # new colours: new things
    perceiver.perceive(replace(picture(*moved, noise=0.0), stamp_s=1.1))
    assert len(looked) == LOOKS_PER_FRAME


def test_without_the_detector_s_weights_names_come_from_the_other_inputs(tmp_path, monkeypatch, caplog):
    seeing().save(tmp_path / "labels.npz")
    monkeypatch.setattr(tabletop, "find_model_file", lambda _: None)
    with caplog.at_level("INFO"):
        perceiver = TabletopPerceiver(TabletopConfig(label_model=str(tmp_path / "labels.npz"), look=True))
    assert "models/detector/" in caplog.text
    (detection,) = perceiver.perceive(picture(Box((0.0, 0.0), (0.19, 0.06, 0.28), (190, 30, 40)), noise=0.0)).detections
    assert detection.label


def test_a_model_survives_its_file_and_a_broken_file_is_named(tmp_path):
    path = tmp_path / "sub" / "labels.npz"
    model(2.0, temperature=1.5).save(path)
    assert LabelModel.load(path).name(THING) == pytest.approx(model(2.0, temperature=1.5).name(THING))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ModelError, match=r"sub/labels.npz.*train labels"):
        LabelModel.load(path)
    with pytest.raises(ModelError, match="missing.npz"):
        LabelModel.load(tmp_path / "missing.npz")
    np.savez(path, labels=np.array(["a"]))
    with pytest.raises(ModelError, match="wide"):
        LabelModel.load(path)


def test_features_are_finite_numbers_of_one_length():
    vector = THING.vector()
    assert vector.dtype == np.float32
    assert np.isfinite(vector).all()
    assert vector[0] == pytest.approx(np.log(0.2))


def test_what_comes_from_colour_is_where_it_is_said_to_be():
    painted = replace(THING, contrast=0.9, colors=(0.5,) * 11, texture=(0.7,) * TEXTURE)
    changed = np.flatnonzero(painted.vector() != THING.vector())
    assert changed.tolist() == COLOR_FEATURES


def test_the_committed_model_knows_a_cereal_box():
    path = find_label_model()
    assert path is not None
    names = LabelModel.load(path).labels
    assert len(names) >= 25
    frame = picture(Box((0.0, 0.0), (0.19, 0.06, 0.28), (190, 30, 40), turn_deg=20), noise=0.0015)
    perceiver = make_perceiver("tabletop", None, [f"label_model={path}"])
    (detection,) = perceiver.perceive(frame).detections
    assert "box" in detection.label.split()
    words = {detection.label, *detection.alternative_labels}
    assert len(words) == 1 + len(detection.alternative_labels) <= 4
    (again,) = perceiver.perceive(replace(frame, stamp_s=0.1)).detections  # not named, but known from the frame before
    assert (again.label, again.alternative_labels) == (detection.label, detection.alternative_labels)
