"""Clutter to learn from: every arrangement, seen by many cameras."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("mujoco")

from fastreasonseg_ros.errors import ConfigError
from fastreasonseg_ros.simulation.scenes.clutter import ARRANGEMENTS, frames_of, make_clutter, random_look

SIZE = (80, 60)


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_every_arrangement_shows_things_on_its_table(arrangement):
    frames = list(frames_of(3, arrangement, views=2, size=SIZE))
    assert len(frames) == 2
    assert any(frame.truth.ids.any() for frame, _ in frames)
    planes = [plane for _, plane in frames]
    assert planes[0].normal != planes[1].normal  # another camera each time


def test_things_are_taken_away_between_views_and_never_added():
    counts = [len(frame.truth.labels) for frame, _ in frames_of(5, "touching", views=6, per_state=2, size=(160, 120))]
    assert max(counts[4:]) < max(counts[:2])


def test_the_same_seed_gives_the_same_pictures():
    first, second = (next(frames_of(7, "heap", views=1, size=SIZE))[0] for _ in range(2))
    assert np.array_equal(first.truth.ids, second.truth.ids)
    assert np.array_equal(first.depth_m, second.depth_m, equal_nan=True)


def test_looks_go_from_almost_level_to_straight_down():
    rng = np.random.default_rng(0)
    downward = [-random_look(rng, SIZE).orientation[2, 2] for _ in range(300)]
    assert min(downward) < np.sin(np.radians(20))
    assert max(downward) > np.sin(np.radians(88))


def test_an_unknown_arrangement_is_refused():
    with pytest.raises(ConfigError, match="tower"):
        make_clutter(0, "tower")
