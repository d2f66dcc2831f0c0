"""What the measures mean, on masks small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest

from fastreasonseg_ros.evaluation.metrics import (
    ExactSetMetric,
    Grouped,
    MaskMetric,
    VideoMetric,
    boundary_f,
    percentiles,
)


def mask(text: str) -> np.ndarray:
    return np.array([[c == "#" for c in row] for row in text.split()])


EMPTY = mask(".... .... .... ....")
SQUARE = mask("##.. ##.. .... ....")  # 4 pixels
RIGHT = mask(".##. .##. .... ....")  # 4 pixels, 2 of them shared with SQUARE
CORNER = mask(".... .... .... ...#")  # 1 pixel, far away
FULL = mask("#### #### #### ####")


def test_giou_is_the_mean_over_questions_and_ciou_the_ratio_of_sums() -> None:
    metric = MaskMetric()
    metric.update([SQUARE], [SQUARE])  # 4 / 4
    metric.update([RIGHT], [SQUARE])  # 2 / 6
    metric.update([CORNER], [FULL])  # 1 / 16
    result = metric.compute()
    assert result["giou"] == pytest.approx((1 + 2 / 6 + 1 / 16) / 3)
    assert result["ciou"] == pytest.approx((4 + 2 + 1) / (4 + 6 + 16))
    assert result["n"] == 3


@pytest.mark.parametrize(
    ("predicted", "target", "expected"), [(EMPTY, EMPTY, 1.0), (SQUARE, EMPTY, 0.0), (EMPTY, SQUARE, 0.0)]
)
def test_an_empty_prediction_is_right_only_on_an_empty_target(
    predicted: np.ndarray, target: np.ndarray, expected: float
) -> None:
    metric = MaskMetric()
    metric.update([predicted], [target])
    assert metric.compute()["giou"] == expected
    assert metric.compute()["ciou"] == expected


def test_a_question_over_frames_counts_once_with_the_mean_of_its_frames() -> None:
    metric = MaskMetric()
    metric.update([SQUARE, EMPTY], [SQUARE, SQUARE])
    assert metric.compute() == {"giou": 0.5, "ciou": 0.5, "n": 1}


def test_exact_set_ignores_order_and_forgives_nothing_else() -> None:
    metric = ExactSetMetric()
    for predicted, target in [((3, 1), (1, 3)), ((), ()), ((1,), (1, 3)), ((1, 2), (1,)), ((), (1,))]:
        metric.update(predicted, target)
    assert metric.compute() == {"exact": 2 / 5, "n": 5}


def test_groups_are_measured_apart_and_questions_without_a_group_only_in_the_whole() -> None:
    grouped = Grouped(ExactSetMetric)
    grouped.update("spatial", 1, [1], [1])
    grouped.update("spatial", 2, [1], [2])
    grouped.update(None, None, [1], [1])
    assert grouped.compute() == {
        "exact": 2 / 3,
        "n": 3,
        "by_category": {"spatial": {"exact": 0.5, "n": 2}},
        "by_level": {"1": {"exact": 1.0, "n": 1}, "2": {"exact": 0.0, "n": 1}},
    }


def test_without_questions_there_is_no_figure() -> None:
    assert MaskMetric().compute()["giou"] is None
    assert ExactSetMetric().compute()["exact"] is None
    assert VideoMetric().compute()["j_and_f"] is None
    assert percentiles([]) == {"p50": None, "p95": None}


def test_boundary_f_forgives_one_pixel_in_a_small_picture_and_no_more() -> None:
    # 4x4: the disk is ceil(0.008 * 5.66) = 1 pixel
    assert boundary_f(SQUARE, SQUARE) == 1.0
    assert boundary_f(RIGHT, SQUARE) == 1.0
    assert boundary_f(CORNER, SQUARE) == 0.0
    # boundary of FULL: the 12 border pixels; of them (0,0) (0,1) (0,2) (1,0) (2,0) lie within 1 of SQUARE's four,
    # all four of SQUARE lie within 1 of FULL's border
    assert boundary_f(FULL, SQUARE) == pytest.approx(2 * (5 / 12) * 1 / (5 / 12 + 1))


def test_boundary_f_of_empty_masks() -> None:
    assert boundary_f(EMPTY, EMPTY) == 1.0
    assert boundary_f(EMPTY, SQUARE) == 0.0
    assert boundary_f(SQUARE, EMPTY) == 0.0


def test_a_missing_frame_of_a_video_counts_as_an_empty_prediction() -> None:
    metric = VideoMetric()
    metric.update([SQUARE, None], [SQUARE, SQUARE])
    assert metric.compute() == {"j": 0.5, "f": 0.5, "j_and_f": 0.5, "n": 1}
    metric.update([None], [EMPTY])
    assert metric.compute()["j"] == 0.75


def test_percentiles_are_of_the_measured_times() -> None:
    assert percentiles([float(v) for v in range(101)]) == {"p50": 50.0, "p95": 95.0}
