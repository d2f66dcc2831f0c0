"""The detector of colour pictures: its anchors, its boxes, its words and its features."""

from __future__ import annotations

import json
import shutil

import cv2
import numpy as np
import pytest
from development_data import DATA, needs_data

from fastreasonseg_ros.errors import ModelError
from fastreasonseg_ros.perception.detection.anchors import decode, make_anchors, overlap
from fastreasonseg_ros.perception.detection.ssd import FILE, LABELS, Detector, Inference
from fastreasonseg_ros.weights import find_model_file


@pytest.fixture(scope="module")
def detector():
    return Detector()


def _inference(boxes, scores, features=None):
    features = np.zeros((1, 10, 10), np.float32) if features is None else features
    return Inference(("mug", "box"), (100, 100), np.array(boxes, np.float32), np.array(scores, np.float32), features)


def test_anchors_lie_in_the_middle_of_their_cells_as_ssd_has_them():
    anchors = make_anchors()
    assert anchors.shape == (3 * 19**2 + 6 * (10**2 + 5**2 + 3**2 + 2**2 + 1), 4)
    np.testing.assert_allclose(anchors[0], [0.5 / 19, 0.5 / 19, 0.1, 0.1], atol=1e-6)
    np.testing.assert_allclose(anchors[3 * 19 + 2], [0.5 / 19, 1.5 / 19, 0.2 * 0.5**0.5, 0.2 * 2**0.5], atol=1e-6)
    np.testing.assert_allclose(anchors[-6:, 0], 0.5)
    np.testing.assert_allclose(anchors[-1, 2:], 0.95**0.5, atol=1e-6)


def test_offsets_move_and_scale_an_anchor_and_boxes_end_at_the_border():
    anchors = np.array([[0.5, 0.5, 0.2, 0.4], [0.9, 0.5, 0.4, 0.4]], np.float32)
    offsets = np.array([[0, 0, 0, 0], [0, 0, 0, 0]], np.float32)
    np.testing.assert_allclose(decode(offsets, anchors, (200, 100)), [[80, 30, 120, 70], [140, 30, 200, 70]], atol=1e-4)
    offsets[0] = 1, 2, 5 * np.log(0.5), 5 * np.log(2)  # y, x, height, width
    np.testing.assert_allclose(decode(offsets, anchors, (200, 100))[0], [68, 44, 148, 64], atol=1e-4)


def test_of_boxes_about_one_thing_the_best_is_kept():
    found = _inference(
        [[0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]], [[0.5, 0.1], [0.1, 0.6], [0.3, 0.2]]
    ).detections(0.25)
    assert [(f.label, f.box_xyxy[0]) for f in found] == [("box", 1.0), ("mug", 50.0)]


def test_scores_of_a_region_are_those_of_boxes_about_it():
    inference = _inference([[0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]], [[0.5, 0.1], [0.1, 0.6], [0.9, 0.9]])
    np.testing.assert_allclose(inference.class_scores((0, 0, 10, 10)), [0.5, 0.6])
    np.testing.assert_allclose(inference.class_scores((80, 80, 90, 90)), 0)


def test_features_of_a_box_are_the_mean_of_the_cells_that_it_covers():
    features = np.zeros((1, 10, 10), np.float32)
    features[0, :, :5] = 1.0
    inference = _inference([[0, 0, 1, 1]], [[0, 0]], features)
    assert inference.features_in((10, 10, 40, 40)) == pytest.approx(1.0)
    assert inference.features_in((40, 0, 60, 100)) == pytest.approx(0.5)
    assert inference.features_in((45, 0, 55, 100)) == pytest.approx(0.5)
    assert inference.features_in((100, 100, 100, 100)) == pytest.approx(0.0)


@needs_data
@pytest.mark.parametrize(
    ("scene", "thing", "word"), [("rgb_gsam_demo2", "dog", "dog"), ("tum_fr1_desk_ch7", "monitor", "computer monitor")]
)
def test_things_in_real_pictures_get_their_word_in_a_box_about_them(detector, scene, thing, word):
    folder = DATA / "frames" / scene
    picture = cv2.cvtColor(cv2.imread(str(folder / "rgb.png")), cv2.COLOR_BGR2RGB)
    points = next(o["points"] for o in json.loads((folder / "objects.json").read_text()) if o["label"] == thing)
    found = [f for f in detector(picture).detections(0.3) if f.label == word]
    assert len(found) == 1
    x0, y0, x1, y1 = found[0].box_xyxy
    assert all(x0 < x < x1 and y0 < y < y1 for x, y in points)
    assert (x1 - x0) * (y1 - y0) < 0.3 * picture.shape[0] * picture.shape[1]


@needs_data
def test_cereal_boxes_of_a_kinect_are_boxes_also_without_the_rest_of_the_picture(detector):
    labels = [json.loads(line) for line in (DATA / "osd" / "labels.jsonl").read_text().splitlines()]
    words = []
    for row in [row for row in labels if row["label"] == "cereal box"][:10]:
        folder = DATA / "osd" / row["scene"] / "000000"
        picture = cv2.cvtColor(cv2.imread(str(folder / "rgb.png")), cv2.COLOR_BGR2RGB)
        ids = cv2.imread(str(folder / "ids.png"), cv2.IMREAD_UNCHANGED)
        x, y, w, h = cv2.boundingRect((ids == row["id"]).astype(np.uint8))
        left, top = max(0, x - w // 7), max(0, y - h // 7)
        crop = np.ascontiguousarray(picture[top : y + h + h // 7, left : x + w + w // 7])
        words.append(
            detector.labels[detector(crop).class_scores((x - left, y - top, x + w - left, y + h - top)).argmax()]
        )
    assert words.count("box") >= 7


def test_a_picture_of_nothing_has_no_things_and_features_of_the_backbone(detector):
    inference = detector(np.full((120, 200, 3), 128, np.uint8))
    assert inference.features.shape == (1280, 10, 10)
    assert inference.scores.shape == (1917, 23)
    assert inference.detections(0.5) == ()
    assert overlap(inference.boxes, np.array([0, 0, 200, 120], np.float32)).max() > 0.5


def test_missing_and_damaged_weights_say_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr("fastreasonseg_ros.perception.detection.ssd.find_model_file", lambda name: None)
    with pytest.raises(ModelError, match=r"models/detector.*MODEL_CARD"):
        Detector()
    whole = find_model_file(FILE)
    assert whole is not None
    shutil.copy(whole.with_name(LABELS), tmp_path)
    (tmp_path / whole.name).write_bytes(whole.read_bytes()[:5000])
    with pytest.raises(ModelError, match=r"no usable detector.*restore"):
        Detector(tmp_path / whole.name)
    shutil.copy(whole, tmp_path)
    (tmp_path / LABELS).write_text("???\nmug\n")
    with pytest.raises(ModelError, match="its outputs do not fit"):
        Detector(tmp_path / whole.name)
