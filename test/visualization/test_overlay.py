"""The picture of an answer shows its objects, hides nothing of them, and says why under it."""

from __future__ import annotations

import numpy as np
import pytest

from fastreasonseg_ros.errors import Status
from fastreasonseg_ros.twin.types import Answer, Query, TraceStep
from fastreasonseg_ros.visualization.overlay import DIMMED, PALETTE, draw_answer, draw_masks

COLOR = np.full((120, 160, 3), 100, np.uint8)
IDS = np.zeros((120, 160), np.uint16)
IDS[40:100, 20:60] = 3
IDS[40:100, 90:140] = 300
LABELS = {3: "mug"}


def answer(*ids: int, reason: str = "") -> Answer:
    steps = (TraceStep("a", "find(label=mug)", ids),)
    return Answer(Query("the mug?"), Status.OK if ids else Status.NO_MATCH, "no mug here", ids, reason, "", steps)


def test_what_is_named_is_tinted_and_the_rest_is_dimmed() -> None:
    picture = draw_masks(COLOR, IDS, [300], LABELS)
    assert picture.shape == COLOR.shape
    assert picture[110, 5].tolist() == [int(100 * DIMMED)] * 3  # background
    assert picture[80, 40].tolist() == [int(100 * DIMMED)] * 3  # object 3 is not in the answer
    tint = picture[80, 115].astype(int) - 100
    assert np.sign(tint).tolist() == np.sign(np.array(PALETTE[0]) - 100).tolist()


def test_two_objects_have_two_colours() -> None:
    picture = draw_masks(COLOR, IDS, [3, 300], LABELS)
    assert picture[80, 40].tolist() != picture[80, 115].tolist()


@pytest.mark.parametrize("wanted", [[], [7]])
def test_without_objects_the_picture_stays_as_it_is(wanted: list[int]) -> None:
    assert np.array_equal(draw_masks(COLOR, IDS, wanted, LABELS), COLOR)


def test_the_given_picture_is_not_written_on() -> None:
    before = COLOR.copy()
    draw_answer(COLOR, IDS, answer(3), LABELS)
    assert np.array_equal(COLOR, before)


def test_the_panel_grows_with_what_there_is_to_say() -> None:
    short = draw_answer(COLOR, IDS, answer(3), LABELS)
    long = draw_answer(COLOR, IDS, answer(3, reason="a mug holds what one drinks " * 5), LABELS)
    assert short.shape[1] == long.shape[1] == 640  # small pictures are enlarged so that the text can be read
    assert 480 < short.shape[0] < long.shape[0]
    assert draw_answer(COLOR, IDS, answer(), LABELS).shape[2] == 3


def test_objects_at_the_border_and_masks_of_one_pixel_are_drawn() -> None:
    ids = np.zeros((120, 160), np.uint16)
    ids[0, 0], ids[119, 159] = 1, 2
    picture = draw_masks(COLOR, ids, [1, 2], {1: "a very long label that is wider than the whole picture", 2: "b"})
    assert picture.shape == COLOR.shape
    assert not np.array_equal(picture, COLOR)
