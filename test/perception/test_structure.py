"""Floors, shelves, bins, steps, hands and nothing at all: things are found, boards and walls are not."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="the simulation is not installed")
from fastreasonseg_ros.errors import ConfigError
from fastreasonseg_ros.evaluation.metrics.segmentation import score_segmentation
from fastreasonseg_ros.perception.tabletop import SegmentConfig, TabletopConfig, TabletopPerceiver, segment
from fastreasonseg_ros.perception.upright import up_from_pose
from fastreasonseg_ros.simulation.scenes.places import make_place
from fastreasonseg_ros.twin.pose import Pose

LEAST = {
    "floor": 0.75, "shelf": 0.65, "bin": 0.65, "two levels": 0.65, "from above": 0.7, "in a hand": 0.65,
    "no surface": 0.75,
}  # fmt: skip


def picture(name: str, seed: int = 500):
    with make_place(name, seed) as scene:
        return scene.render("structured_light", 2.0), scene.plane


@pytest.mark.parametrize("name", LEAST)
def test_things_are_found_in_other_places_than_tables(name: str) -> None:
    frame, table = picture(name)
    found = segment(frame.color, frame.depth_m, frame.intrinsics, SegmentConfig())
    assert score_segmentation(found.labels.astype(np.uint16), frame.truth.ids).overlap_f > LEAST[name]
    supported = name not in ("in a hand", "no surface")
    assert len(found.layout.levels) == {"shelf": 2, "two levels": 2}.get(name, int(supported))
    assert bool(found.layout.note) != supported
    if supported:
        assert np.dot(found.plane.normal, table.normal) > np.cos(np.radians(4))


def test_without_a_surface_there_are_things_and_a_note_but_no_heights() -> None:
    frame, _ = picture("no surface")
    perceived = TabletopPerceiver(TabletopConfig(names=False)).perceive(frame)
    assert len(perceived.detections) == 3
    assert perceived.plane is None
    assert "no surface" in perceived.note
    assert all(d.center_m is not None and d.elevation_m is None for d in perceived.detections)


def test_things_on_the_upper_of_two_levels_stand_on_it() -> None:
    frame, _ = picture("two levels")
    perceived = TabletopPerceiver(TabletopConfig(names=False)).perceive(frame)
    lowest = sorted(d.elevation_m[0] for d in perceived.detections)
    assert lowest[-1] < 0.05


def test_up_comes_from_the_pose() -> None:
    down = np.array([[1.0, 0, 0], [0, -1, 0], [0, 0, -1]])  # looks straight down
    assert up_from_pose(Pose(down, np.zeros(3))) == (0.0, 0.0, -1.0)


def test_an_unknown_place_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ConfigError, match=r"no place 'moon'; there are: floor, shelf"):
        make_place("moon", 0)
