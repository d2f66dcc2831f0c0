"""The true twin holds the geometry of whole objects, and what lies on and in what."""

from __future__ import annotations

import numpy as np
import pytest

from fastreasonseg_ros.simulation import make_scene, true_twin
from fastreasonseg_ros.simulation.objects.household import KINDS
from fastreasonseg_ros.simulation.scenes.truth import SHAPE_OF
from fastreasonseg_ros.twin.types import SHAPES


def test_every_kind_has_a_known_shape() -> None:
    assert set(SHAPE_OF) == set(KINDS)
    assert set(SHAPE_OF.values()) <= set(SHAPES)


def test_the_twin_agrees_with_the_picture() -> None:
    with make_scene(5, kinds=("red ball", "blue box"), size=(320, 240)) as scene:
        frame = scene.render("none")
        twin = true_twin(scene, frame)
    ball, box = twin.instance(1), twin.instance(2)
    assert (ball.label, ball.color, ball.shape) == ("ball", "red", "sphere")
    assert ball.size_m == pytest.approx((ball.size_m[0],) * 3, abs=0.002)
    for instance in (ball, box):
        mask = frame.truth.ids == instance.id
        x0, y0, x1, y1 = (int(v) for v in instance.box_xyxy)
        assert mask[y0:y1, x0:x1].sum() == mask.sum() > 100
        assert np.median(frame.depth_m[mask]) == pytest.approx(instance.center_m[2], abs=0.1)
        assert instance.elevation_m[0] == pytest.approx(0, abs=0.005)
        assert np.linalg.norm(instance.velocity) < 0.01


def test_stacked_things_are_on_and_in_each_other() -> None:
    predicates = set()
    for seed in range(12):
        kinds = ("apple", "lemon", "toy block", "bowl", "pot", "book", "tea box", "tin")
        with make_scene(seed, n_objects=7, kinds=kinds, clutter="stacked", size=(160, 120)) as scene:
            twin = true_twin(scene, scene.render("none"))
            for relation in twin.relations:
                above = twin.instance(relation.subject).elevation_m
                below = twin.instance(relation.object).elevation_m
                assert above[0] > below[0]
                predicates.add(relation.predicate)
    assert predicates == {"on", "inside"}
