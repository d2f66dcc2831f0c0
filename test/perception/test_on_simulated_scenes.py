"""The whole of perception on simulated tables, noise included: found, named, followed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("mujoco")

from fastreasonseg_ros.evaluation.metrics.segmentation import match_ids, mean_score, score_segmentation
from fastreasonseg_ros.perception import make_perceiver
from fastreasonseg_ros.simulation import make_scene
from fastreasonseg_ros.twin.tracking import update
from fastreasonseg_ros.twin.types import DigitalTwin

KINDS = ["mug", "bowl", "cereal box", "can", "book", "ball", "apple", "tea box"]


@pytest.fixture(scope="module")
def scenes():
    """Frames of eight scenes, both cameras, with 5 things of sizes that a depth camera sees."""
    frames = []
    for seed in range(8):
        with make_scene(seed, n_objects=5, clutter=["sparse", "stacked"][seed % 2], kinds=KINDS) as scene:
            frames.append(scene.render(["structured_light", "stereo"][seed // 2 % 2]))
    return frames


def test_things_are_segmented_and_their_words_are_mostly_right(scenes):
    perceiver = make_perceiver("tabletop")
    scores, colors, labels = [], [], []
    for frame in scenes:
        perceived = perceiver.perceive(frame)
        ids = np.zeros(frame.truth.ids.shape, np.uint16)
        for n, detection in enumerate(perceived.detections, 1):
            ids[detection.mask] = n
        scores.append(score_segmentation(ids, frame.truth.ids))
        for true_id, (n, f) in match_ids(ids, frame.truth.ids).items():
            if f > 0.7:
                colors.append(perceived.detections[n - 1].color == frame.truth.colors[true_id])
                labels.append(perceived.detections[n - 1].label == frame.truth.labels[true_id])
    mean = mean_score(scores)
    assert mean.overlap_f > 0.8
    assert mean.share75 > 0.75
    assert np.mean(colors) > 0.75
    assert np.mean(labels) > 0.5


def test_ids_stay_while_the_camera_only_sees_new_noise(scenes):
    with make_scene(1, n_objects=5, kinds=KINDS) as scene:
        frames = [scene.render() for _ in range(3)]
    perceiver, twin = make_perceiver("tabletop"), DigitalTwin()
    seen = []
    for n, frame in enumerate(frames):
        twin = update(twin, perceiver.perceive(frame), replace(frame, stamp_s=0.1 * n))
        seen.append({t: int(np.bincount(twin.ids[frame.truth.ids == t]).argmax()) for t in frame.truth.labels})
    assert seen[0] == seen[1] == seen[2]
    assert all(i.path_length_m == 0.0 for i in twin.instances if i.visible)


def test_a_perceiver_that_was_warmed_up_sees_the_same(scenes):
    fresh, warm = make_perceiver("tabletop"), make_perceiver("tabletop")
    warm.warm_up()
    for frame in scenes[:2]:
        one, other = fresh.perceive(frame), warm.perceive(frame)
        assert one.plane == other.plane
        assert [(d.label, d.box_xyxy) for d in one.detections] == [(d.label, d.box_xyxy) for d in other.detections]
