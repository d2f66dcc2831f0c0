"""Objects are made by rule: every kind, in random proportions, closed surfaces that stand on the table."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest

from fastreasonseg_ros.errors import ConfigError
from fastreasonseg_ros.simulation.objects.household import KINDS, make_object
from fastreasonseg_ros.simulation.objects.materials import NAMES, shade
from fastreasonseg_ros.simulation.objects.shapes import box, lathe, tube
from fastreasonseg_ros.twin.types import COLORS


def test_there_are_more_than_25_kinds_and_their_colours_are_the_eleven_basic_terms() -> None:
    assert len(KINDS) >= 25
    assert set(NAMES) == set(COLORS)
    assert {c for kind in KINDS.values() for c in kind.colors} <= set(COLORS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_of_household_size_closed_and_stands_on_the_table(kind: str) -> None:
    for seed in range(3):
        obj = make_object(kind, np.random.default_rng(seed))
        points = obj.geometry.vertices()
        assert 0.03 < np.ptp(points, axis=0).max() < 0.45
        assert -0.002 <= points[:, 2].min() < 0.003
        assert all(mesh.volume() > 0 for mesh, _ in obj.geometry.pieces)
        assert obj.label == kind


def test_a_colour_can_be_asked_for_and_proportions_differ_between_seeds() -> None:
    first, second = (make_object("red mug", np.random.default_rng(seed)) for seed in (1, 2))
    assert first.color == second.color == "red"
    assert not np.allclose(np.ptp(first.geometry.vertices(), axis=0), np.ptp(second.geometry.vertices(), axis=0))
    r, g, b = first.geometry.pieces[0][1].rgb
    assert r > 2 * max(g, b)


def test_clear_glass_has_no_colour() -> None:
    assert make_object("glass", np.random.default_rng(0)).color is None


def test_an_unknown_kind_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'tartan mug'.*mug"):
        make_object("tartan mug", np.random.default_rng(0))


def test_shades_of_a_name_stay_within_it() -> None:
    rng = np.random.default_rng(0)
    for name, hues in (("green", (90, 150)), ("blue", (200, 235)), ("yellow", (45, 60))):
        for _ in range(20):
            hue = 360 * colorsys.rgb_to_hsv(*shade(name, rng))[0]
            assert hues[0] <= hue <= hues[1]


def test_surfaces_enclose_the_volume_that_geometry_says() -> None:
    assert box((0.1, 0.2, 0.3)).volume() == pytest.approx(0.006)
    cylinder = lathe([(0, 0), (0.05, 0), (0.05, 0.1), (0, 0.1)], segments=200)
    assert cylinder.volume() == pytest.approx(np.pi * 0.05**2 * 0.1, rel=1e-3)
    assert tube([(0, 0, 0), (0, 0, 0.1)], 0.05, sides=200).volume() == pytest.approx(cylinder.volume(), rel=1e-3)
