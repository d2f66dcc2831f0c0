"""What the measures mean, on masks small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest

from fastreasonseg_ros.evaluation.metrics.masks import boundary_f, davis_boundary, percentiles, score_masks
from fastreasonseg_ros.evaluation.metrics.summary import summarise
from fastreasonseg_ros.evaluation.runners.evaluate import score_row


def mask(text: str) -> np.ndarray:
    return np.array([[c == "#" for c in row] for row in text.split()])


EMPTY = mask(".... .... .... ....")
SQUARE = mask("##.. ##.. .... ....")  # 4 pixels
RIGHT = mask(".##. .##. .... ....")  # 4 pixels, 2 of them shared with SQUARE
CORNER = mask(".... .... .... ...#")  # 1 pixel, far away
FULL = mask("#### #### #### ####")


def rows_of(*pairs: tuple, **more) -> list[dict]:
    return [{"n": n, "scene": f"s{n}"} | score_row(score_masks([p], [t], **more)) for n, (p, t) in enumerate(pairs)]


def test_giou_is_the_mean_over_questions_and_ciou_the_ratio_of_sums() -> None:
    result = summarise(rows_of((SQUARE, SQUARE), (RIGHT, SQUARE), (CORNER, FULL)))  # 4/4, 2/6, 1/16
    assert result["giou"] == pytest.approx((1 + 2 / 6 + 1 / 16) / 3)
    assert result["ciou"] == pytest.approx((4 + 2 + 1) / (4 + 6 + 16))
    assert result["n"] == 3


@pytest.mark.parametrize(
    ("predicted", "target", "expected"), [(EMPTY, EMPTY, 1.0), (SQUARE, EMPTY, 0.0), (EMPTY, SQUARE, 0.0)]
)
def test_an_empty_prediction_is_right_only_on_an_empty_target(
    predicted: np.ndarray, target: np.ndarray, expected: float
) -> None:
    result = summarise(rows_of((predicted, target)))
    assert result["giou"] == expected
    assert result["ciou"] == expected


def test_ignored_pixels_count_neither_for_nor_against() -> None:
    # SQUARE's right column is ignored: of it 2 pixels are left, of RIGHT its other two, and they share none
    ignore = mask(".#.. .#.. .... ....")
    score = score_masks([RIGHT], [SQUARE], [ignore])
    assert (score.intersection, score.union, score.iou) == (0, 4, 0.0)
    assert score_masks([SQUARE], [SQUARE], [ignore]).union == 2
    assert score_masks([SQUARE], [EMPTY], [SQUARE]).iou == 1.0  # all that was said is ignored


def test_a_question_over_frames_counts_once_with_the_mean_of_its_frames() -> None:
    score = score_masks([SQUARE, EMPTY], [SQUARE, SQUARE])
    assert (score.iou, score.intersection, score.union) == (0.5, 4, 8)
    with pytest.raises(ValueError, match="no frame"):
        score_masks([], [])


def test_exact_sets_are_counted() -> None:
    rows = [{"scene": str(n), "exact": right} for n, right in enumerate([True, True, False, False, False])]
    result = summarise(rows)
    assert (result["exact"], result["n"]) == (2 / 5, 5)
    assert "giou" not in result


def test_groups_are_measured_apart_and_questions_without_a_group_only_in_the_whole() -> None:
    rows = [
        {"category": "spatial", "level": 1, "exact": True},
        {"category": "spatial", "level": 2, "exact": False},
        {"category": None, "exact": True},
    ]
    result = summarise(rows)
    assert (result["exact"], result["n"]) == (2 / 3, 3)
    assert {k: (v["exact"], v["n"]) for k, v in result["by_category"].items()} == {"spatial": (0.5, 2)}
    assert {k: (v["exact"], v["n"]) for k, v in result["by_level"].items()} == {"1": (1.0, 1), "2": (0.0, 1)}


def test_without_questions_there_is_no_figure() -> None:
    assert summarise([]) == {"n": 0, "intervals": {}, "by_category": {}, "by_level": {}}
    assert percentiles([]) == {"p50": None, "p95": None}


def test_a_davis_boundary_lies_where_a_pixel_differs_from_those_to_its_right_and_below() -> None:
    assert (davis_boundary(SQUARE) == mask(".#.. ##.. .... ....")).all()
    assert (davis_boundary(mask(".... .##. .##. ....")) == mask("###. #.#. ###. ....")).all()
    assert (davis_boundary(CORNER) == mask(".... .... ..## ..#.")).all()
    assert not davis_boundary(FULL).any()


def test_boundary_f_forgives_one_pixel_in_a_small_picture_and_no_more() -> None:
    # 4x4: the disk is ceil(0.008 * 5.66) = 1 pixel
    assert boundary_f(SQUARE, SQUARE) == 1.0
    # boundary of RIGHT: (0,0) (0,2) (1,0) (1,1) (1,2); of SQUARE: (0,1) (1,0) (1,1); each lies within 1 of the other
    assert boundary_f(RIGHT, SQUARE) == 1.0
    assert boundary_f(CORNER, SQUARE) == 0.0
    # boundary of the two left columns: column 1, four pixels, of which rows 0 to 2 lie within 1 of SQUARE's
    assert boundary_f(mask("##.. ##.. ##.. ##.."), SQUARE) == pytest.approx(2 * (3 / 4) * 1 / (3 / 4 + 1))


def test_boundary_f_of_empty_masks() -> None:
    assert boundary_f(EMPTY, EMPTY) == 1.0
    assert boundary_f(EMPTY, SQUARE) == 0.0
    assert boundary_f(SQUARE, EMPTY) == 0.0


def test_a_missing_frame_of_a_video_counts_as_an_empty_prediction() -> None:
    score = score_masks([SQUARE, None], [SQUARE, SQUARE], boundaries=True)
    assert (score.iou, score.f) == (0.5, 0.5)
    rows = [score_row(score), score_row(score_masks([None], [EMPTY], boundaries=True))]
    video = summarise(rows)["video"]
    assert (video["j"], video["f"], video["j_and_f"], video["n"]) == (0.75, 0.75, 0.75, 2)


def test_percentiles_are_of_the_measured_times() -> None:
    assert percentiles([float(v) for v in range(101)]) == {"p50": 50.0, "p95": 95.0}
