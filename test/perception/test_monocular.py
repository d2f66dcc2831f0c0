"""A colour camera without depth: things are found, named and followed, and nothing is said in metres."""

from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from development_data import DATA, needs_data

from fastreasonseg_ros.errors import ConfigError, FrameError, MissingDataError
from fastreasonseg_ros.perception import make_perceiver
from fastreasonseg_ros.perception.detection.ssd import Detector, Inference
from fastreasonseg_ros.perception.monocular.grabcut import cut_out
from fastreasonseg_ros.perception.monocular.proposals import Proposals
from fastreasonseg_ros.perception.monocular.words import word_of
from fastreasonseg_ros.pipeline import observe
from fastreasonseg_ros.plan.executor import execute
from fastreasonseg_ros.plan.parser import parse_plan
from fastreasonseg_ros.twin.masks import iou
from fastreasonseg_ros.twin.types import DigitalTwin, Frame

CLASSES = ("person", "table", "box", "mug", "coffee cup", "bottle")


@pytest.fixture(scope="module")
def perceiver():
    return make_perceiver("monocular")


@pytest.fixture(scope="module")
def table():
    """A simulated table with two cereal boxes, red and brown, a white mug, and a fourth thing."""
    pytest.importorskip("mujoco")
    from fastreasonseg_ros.simulation import make_scene

    kinds = ["mug", "bowl", "cereal box", "can", "book", "ball", "apple", "tea box"]
    with make_scene(2, n_objects=4, clutter="sparse", kinds=kinds) as scene:
        return scene.render("structured_light")


def board(texture: int = 6) -> np.ndarray:
    """A grey picture of 200x300 with noise."""
    noise = np.random.default_rng(0).integers(-texture, texture + 1, (200, 300, 3))
    return np.clip(120 + noise, 0, 255).astype(np.uint8)


def test_a_box_about_a_thing_becomes_its_mask_and_one_about_nothing_is_told_from_it():
    picture = board()
    disc = cv2.circle(np.zeros(picture.shape[:2], np.uint8), (150, 100), 30, 1, -1).astype(bool)
    picture[disc] = (200, 40, 40)
    found = cut_out(picture, (116.0, 66.0, 185.0, 134.0))
    assert found is not None
    assert iou(found.mask, disc) > 0.9
    assert found.tightness > 0.8
    assert found.fill == pytest.approx(disc.sum() / (69 * 68), abs=0.08)
    beside = cut_out(picture, (150.0, 70.0, 260.0, 130.0))  # half of the disc, at the left of a box
    assert beside is None or beside.tightness < 0.6


@pytest.mark.parametrize("box", [(0, 0, 300, 200), (10, 10, 11, 11), (299.9, 199.9, 300, 200), (50, 50, 50, 80)])
def test_of_a_box_without_inside_or_surroundings_nothing_is_told(box):
    assert cut_out(board(), tuple(map(float, box))) is None


@pytest.mark.parametrize(
    ("scores", "word"),
    [
        ((0.0, 0.0, 0.6, 0.0, 0.1, 0.05), ("box", pytest.approx(0.6), ("cup",))),
        ((0.0, 0.0, 0.0, 0.2, 0.5, 0.15), ("cup", pytest.approx(0.5), ("mug", "bottle"))),
        ((0.3, 0.0, 0.2, 0.0, 0.0, 0.0), ("object", 0.5, ("person", "box"))),  # unsure
        ((0.1, 0.9, 0.0, 0.4, 0.0, 0.0), ("cup", pytest.approx(0.4), ("mug", "person"))),  # on a table, not a table
    ],
)
def test_scores_become_a_word_or_object_with_words_that_it_might_be(scores, word):
    assert word_of(CLASSES, np.array(scores, np.float32), 0.35) == word


def test_things_of_a_table_are_found_named_and_coloured_without_metres(perceiver, table):
    found = perceiver.perceive(replace(table, depth_m=None, intrinsics=None)).detections
    truth = {(table.truth.labels[k], table.truth.colors[k]): table.truth.ids == k for k in table.truth.labels}
    for thing, label in ((("cereal box", "red"), "box"), (("cereal box", "brown"), "box"), (("mug", "white"), "cup")):
        detection = max(found, key=lambda d: iou(d.mask, truth[thing]))
        assert iou(detection.mask, truth[thing]) > 0.85
        assert (detection.label, detection.color) == (label, thing[1])
    assert len(found) <= 4
    unknown = ("center_m", "size_m", "depth_mean_m", "middle_m", "elevation_m", "nearness", "shape")
    assert all(getattr(d, name) is None for d in found for name in unknown)


def test_plans_know_left_and_right_and_say_that_metres_need_depth(perceiver, table):
    twin = observe(DigitalTwin(), replace(table, depth_m=None, intrinsics=None), perceiver)
    assert "no depth" in twin.note
    left, right = (execute(parse_plan(f"a = {f}(all, x)"), twin).ids[0] for f in ("min", "max"))
    boxes = {i.id: i.box_xyxy for i in twin.instances}
    assert boxes[left][0] == min(box[0] for box in boxes.values())
    assert boxes[right][2] == max(box[2] for box in boxes.values())
    assert len(execute(parse_plan("a = find(label=box)\nb = filter(a, color=red)"), twin).ids) == 1
    for plan in ("a = within(all, camera, 0.5 m)", "a = moving(all)", "a = more(all, length, 0.4 m)"):
        with pytest.raises(MissingDataError, match="depth"):
            execute(parse_plan(plan), twin)


def test_things_keep_their_ids_and_their_words_are_not_made_anew_in_every_frame(perceiver, table, monkeypatch):
    inferences = 0
    original = Detector.__call__

    def counted(self, picture):
        nonlocal inferences
        inferences += 1
        return original(self, picture)

    monkeypatch.setattr(Detector, "__call__", counted)
    twin, counts = DigitalTwin(), []
    for n in range(4):
        shifted = np.roll(table.color, 3 * n, axis=1)
        twin = observe(twin, Frame(shifted, stamp_s=0.1 * n), perceiver)
        counts.append(inferences)
    assert {i.id for i in twin.instances} == set(range(1, len(twin.instances) + 1))
    assert all(i.visible for i in twin.instances)
    assert counts[0] == 1 + len(twin.instances)
    assert counts[3] - counts[2] < counts[0]


class Marker:
    """Stands for the detector: proposes a white patch whose share of the picture's width is from low to high."""

    def __init__(self, low: float, high: float) -> None:
        self.calls, self.low, self.high = 0, low, high

    def __call__(self, picture):
        self.calls += 1
        x, y, w, h = cv2.boundingRect((picture[..., 0] == 255).astype(np.uint8))
        size = picture.shape[1], picture.shape[0]
        scores = np.array([[0.9 if self.low * size[0] < w < self.high * size[0] else 0.0]], np.float32)
        return Inference(("box",), size, np.array([[x, y, x + w, y + h]], np.float32), scores, np.zeros((1, 1, 1)))


def test_a_stream_is_looked_at_part_by_part_and_a_still_picture_in_all_parts():
    color = board()
    color[150:170, 250:280] = 255  # in the lower right part only
    detector = Marker(0.0, 0.2)
    proposals = Proposals(detector, 0.1, parts=True)
    assert [b.box_xyxy for b in proposals(color, 1.0)] == [(250, 150, 280, 170)]
    assert detector.calls == 5
    for n in range(4):
        assert len(proposals(color, 1.1 + 0.1 * n)) == 1
    assert detector.calls == 5 + 4 * 2
    proposals(color, 9.0)
    assert detector.calls == 5 + 4 * 2 + 5


def test_what_a_part_cuts_off_is_not_proposed_by_it():
    color = np.zeros((200, 300, 3), np.uint8)
    color[90:100, 110:190] = 255  # 0.27 of the picture; of it the left parts, which end at 180, see 0.39
    assert Proposals(Marker(0.3, 1.0), 0.1, parts=True)(color, 1.0) == []
    color[90:100, 175:190] = 0
    assert len(Proposals(Marker(0.3, 1.0), 0.1, parts=True)(color, 1.0)) == 1


def test_what_cannot_be_used_says_why(perceiver):
    with pytest.raises(FrameError, match="pure white"):
        perceiver.perceive(Frame(np.full((48, 64, 3), 255, np.uint8)))
    with pytest.raises(ConfigError, match="cannot look for peanuts"):
        perceiver.set_vocabulary(["peanuts"])
    with pytest.raises(ConfigError, match="min_score must be from 0 to 1"):
        make_perceiver("monocular", None, ["min_score=1.5"])


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (700, 2), (40, 40)])
def test_pictures_of_any_size_are_looked_at(perceiver, size):
    noise = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    assert all(d.mask.shape == size for d in perceiver.perceive(Frame(noise)).detections)


def test_a_covered_camera_sees_nothing(perceiver):
    dark = np.random.default_rng(2).integers(0, 6, (480, 640, 3), dtype=np.uint8)
    assert perceiver.perceive(Frame(dark)).detections == ()


@needs_data
def test_on_a_real_table_four_things_are_told_apart_and_the_table_is_none(perceiver):
    folder = DATA / "frames" / "uoc_4"
    color = cv2.cvtColor(cv2.imread(str(folder / "rgb.png")), cv2.COLOR_BGR2RGB)
    found = perceiver.perceive(Frame(color)).detections
    objects = json.loads((folder / "objects.json").read_text())
    owners = [{n for n, d in enumerate(found) if all(d.mask[y, x] for x, y in o["points"])} for o in objects]
    assert len(objects) == 4
    assert all(len(owner) == 1 for owner in owners)
    assert len(set.union(*owners)) == 4
    background = json.loads((folder / "background.json").read_text())
    assert not any(d.mask[y, x] for d in found for x, y in background)
