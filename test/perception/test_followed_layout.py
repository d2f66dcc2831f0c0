"""In a video the support is not searched for in every picture, and is when it must be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rays import Ball, Box, picture

from fastreasonseg_ros.perception.support import structure
from fastreasonseg_ros.perception.support.structure import Reach, find_layout
from fastreasonseg_ros.perception.support.surface import Surface, analyse
from fastreasonseg_ros.perception.tabletop import TabletopConfig, TabletopPerceiver

THINGS = Box((-0.1, 0.05), (0.1, 0.06, 0.12)), Ball((0.12, 0.0), 0.05)
REACH = Reach(0.005, 0.6, 0.1)


def surface(depth_scale: float = 1.0, things=THINGS) -> Surface:
    frame = picture(*things, noise=0.001)
    return analyse((frame.depth_m * depth_scale).astype(np.float32), frame.intrinsics)


@pytest.fixture
def searches(monkeypatch) -> list[str]:
    """What was searched for."""
    done: list[str] = []
    for name in ("survey", "without_walls"):
        original = getattr(structure, name)

        def counted(*args, _name=name, _original=original, **more):
            done.append(_name)
            return _original(*args, **more)

        monkeypatch.setattr(structure, name, counted)
    return done


def test_a_plane_that_still_fits_is_followed_and_gives_the_same_things(searches):
    seen = surface()
    first = find_layout(seen, REACH)
    searches.clear()
    second = find_layout(seen, REACH, before=first)
    assert searches == []
    assert np.dot(first.ground.normal, second.ground.normal) > np.cos(np.radians(0.3))
    assert abs(first.ground.offset_m - second.ground.offset_m) < 0.002
    assert np.count_nonzero(first.region != second.region) < 0.02 * np.count_nonzero(first.region)


def test_another_surface_is_searched_for(searches):
    first = find_layout(surface(), REACH)
    searches.clear()
    farther = find_layout(surface(1.3), REACH, before=first)
    assert "survey" in searches
    assert farther.ground.offset_m == pytest.approx(1.3 * first.ground.offset_m, rel=0.02)


def test_walls_are_searched_for_when_more_is_in_view(searches):
    first = find_layout(surface(), REACH)
    searches.clear()
    frame = picture(*THINGS, Box((0.0, 0.3), (0.8, 0.05, 0.3)), noise=0.001)
    layout = find_layout(analyse(frame.depth_m, frame.intrinsics), REACH, before=first)
    assert "survey" in searches
    assert layout.region[frame.truth.ids == 3].mean() < 0.1
    assert layout.region[frame.truth.ids == 1].mean() > 0.7


def test_after_some_pictures_it_is_searched_for_anyway(searches):
    seen = surface()
    layout = find_layout(seen, REACH)
    searches.clear()
    for _ in range(structure.SEARCH_EVERY + 1):
        layout = find_layout(seen, REACH, before=layout)
    assert searches.count("survey") == 1


def test_a_picture_of_another_time_or_size_is_searched_anew(searches):
    frame = picture(*THINGS, noise=0.001)
    perceiver = TabletopPerceiver(TabletopConfig(names=False, segmenter="planes"))
    for stamp_s, searched in ((1.0, True), (1.1, False), (5.0, True), (4.0, True), (4.1, False)):
        searches.clear()
        perceiver.perceive(replace(frame, stamp_s=stamp_s, truth=None))
        assert ("survey" in searches) == searched, stamp_s
