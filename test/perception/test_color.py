"""Colours get the word that people use, in dim light and on shaded things too."""

from __future__ import annotations

import numpy as np
import pytest

from fastreasonseg_ros.perception.attributes.color import color_shares, light_gain, name_color, name_colors
from fastreasonseg_ros.twin.types import COLORS

SWATCHES = {
    "black": [(10, 10, 12), (30, 28, 30), (52, 66, 62)],
    "white": [(250, 250, 250), (225, 222, 215), (205, 212, 235)],
    "gray": [(128, 128, 128), (90, 92, 95)],
    "red": [(200, 20, 30), (150, 15, 20), (230, 50, 40)],
    "orange": [(245, 130, 20), (255, 150, 40)],
    "yellow": [(250, 220, 20), (240, 230, 90), (245, 235, 160)],
    "green": [(30, 150, 50), (100, 200, 80), (20, 80, 40), (12, 130, 135)],
    "blue": [(20, 60, 200), (60, 140, 220), (20, 30, 110)],
    "purple": [(120, 40, 160), (90, 30, 120), (190, 70, 170)],
    "pink": [(255, 150, 190), (240, 120, 170)],
    "brown": [(120, 70, 30), (90, 60, 35), (139, 90, 43)],
}


@pytest.mark.parametrize(("word", "rgb"), [(w, rgb) for w, swatches in SWATCHES.items() for rgb in swatches])
def test_typical_colors_get_their_word(word, rgb):
    picture = np.full((20, 20, 3), rgb, np.uint8)
    assert name_color(picture, np.ones((20, 20), bool)) == word


@pytest.mark.parametrize("word", ["red", "green", "blue", "yellow"])
def test_shade_and_print_do_not_change_the_word(word):
    picture = np.empty((40, 40, 3), np.uint8)
    shading = np.linspace(0.75, 1.0, 40)[None, :, None]
    picture[:] = np.array(SWATCHES[word][0]) * shading
    picture[10:20, 5:35] = 245
    assert name_color(picture, np.ones((40, 40), bool)) == word


def test_only_pixels_of_the_mask_count_and_an_empty_mask_has_no_color():
    picture = np.full((20, 20, 3), (20, 60, 200), np.uint8)
    picture[:, 10:] = (200, 20, 30)
    mask = np.zeros((20, 20), bool)
    mask[:, 10:] = True
    assert name_color(picture, mask) == "red"
    assert name_color(picture, ~mask) == "blue"
    assert name_color(picture, np.zeros((20, 20), bool)) is None


def test_a_dim_picture_is_brightened_and_a_bright_one_left():
    dim = np.full((40, 40, 3), 125, np.uint8)
    assert light_gain(dim) == pytest.approx(1.88, abs=0.01)
    assert light_gain(np.full((40, 40, 3), 250, np.uint8)) == pytest.approx(1.0)
    assert name_color(dim, np.ones((40, 40), bool), light_gain(dim)) == "white"


def tiles(light: tuple[float, float, float]) -> np.ndarray:
    """Tiles of many colours, the first one white, in a light of this colour."""
    surfaces = np.random.default_rng(7).uniform(0.05, 0.9, (8, 10, 3))
    surfaces[0, 0] = 0.75
    seen = np.clip(surfaces * light, 0, 1) ** (1 / 2.2) * 255
    return np.repeat(np.repeat(seen, 20, 0), 20, 1).astype(np.uint8)


@pytest.mark.parametrize("light", [(1.0, 0.85, 0.6), (0.6, 0.8, 1.0), (1.0, 1.0, 1.0)])
def test_white_is_white_in_the_light_of_a_lamp_and_of_the_sky(light):
    picture = tiles(light)
    mask = np.zeros(picture.shape[:2], bool)
    mask[:20, :20] = True
    assert name_color(picture, mask, light_gain(picture)) == "white"
    if light == (1.0, 0.85, 0.6):
        assert name_color(picture, mask) != "white"  # as it comes; a bluish white is white to name_lab


def test_one_coloured_thing_hardly_changes_the_light():
    picture = np.full((120, 160, 3), 235, np.uint8)
    picture[30:90, 40:120] = (200, 20, 30)
    gain = light_gain(picture)
    assert gain == pytest.approx(1.0, abs=0.12)
    everything = np.ones(picture.shape[:2], bool)
    everything[25:95, 35:125] = False
    assert name_color(picture, everything, gain) == "white"
    assert name_color(picture, ~everything, gain) == "red"


def test_shares_are_of_all_eleven_terms():
    shares = color_shares(np.array([[200, 20, 30], [200, 20, 30], [20, 60, 200], [250, 250, 250]], np.uint8))
    assert shares[COLORS.index("red")] == 0.5
    assert shares.sum() == pytest.approx(1.0)


def test_a_thing_has_all_colours_of_a_tenth_of_it_with_their_shares_and_tones():
    picture = np.zeros((60, 100, 3), np.uint8)
    picture[:, :60] = (20, 40, 110)  # dark blue
    picture[:, 60:97] = (240, 240, 240)
    picture[:, 97:] = (200, 30, 30)  # too little of it
    word, colors = name_colors(picture, np.ones((60, 100), bool))
    assert word == "blue"
    assert [(c.term, c.tone) for c in colors] == [("blue", "dark"), ("white", "")]
    assert sum(c.share for c in colors) > 0.9
    assert colors[0].share == pytest.approx(0.6, abs=0.05)


@pytest.mark.parametrize(
    ("rgb", "term", "tone"),
    [((150, 190, 245), "blue", "light"), ((40, 90, 200), "blue", ""), ((20, 70, 30), "green", "dark")],
)
def test_light_and_dark_are_told_from_the_usual_shade_of_the_same_colour(rgb, term, tone):
    word, (color,) = name_colors(np.full((40, 40, 3), rgb, np.uint8), np.ones((40, 40), bool))
    assert (word, color.term, color.tone) == (term, term, tone)


def test_an_empty_mask_has_no_colours():
    assert name_colors(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), bool)) == (None, ())
