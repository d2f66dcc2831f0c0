"""Overlap and boundary scores on id images small enough to count."""

from __future__ import annotations

import numpy as np
import pytest

from fastreasonseg_ros.evaluation.metrics.segmentation import match_ids, mean_score, score_segmentation

TRUTH = np.array([[1, 1, 0, 2], [1, 1, 0, 2], [0, 0, 0, 2], [0, 0, 0, 2]], np.uint16)
NOTHING = np.zeros((4, 4), np.uint16)


def test_the_truth_itself_scores_one_whatever_its_ids_are():
    other = np.where(TRUTH == 1, 9, np.where(TRUTH == 2, 4, 0)).astype(np.uint16)
    score = score_segmentation(other, TRUTH)
    assert (score.overlap_f, score.boundary_f, score.share75, score.objects) == (1.0, 1.0, 1.0, 2)
    assert match_ids(other, TRUTH) == {1: (9, 1.0), 2: (4, 1.0)}


def test_pixels_are_counted_after_the_best_matching_and_unmatched_ones_are_wrong():
    predicted = np.array([[1, 1, 3, 0], [1, 0, 3, 2], [0, 0, 0, 2], [0, 0, 0, 0]], np.uint16)
    score = score_segmentation(predicted, TRUTH, tolerance=0.0)
    assert score.overlap_precision == pytest.approx(5 / 7)
    assert score.overlap_recall == pytest.approx(5 / 8)
    assert score.overlap_f == pytest.approx(2 * (5 / 7) * (5 / 8) / (5 / 7 + 5 / 8))
    assert match_ids(predicted, TRUTH) == {1: (1, pytest.approx(6 / 7)), 2: (2, pytest.approx(4 / 6))}
    assert score.share75 == 0.5


def test_merging_two_things_costs_one_of_them():
    merged = (TRUTH > 0).astype(np.uint16)
    score = score_segmentation(merged, TRUTH)
    assert score.overlap_precision == pytest.approx(0.5)
    assert score.overlap_recall == pytest.approx(0.5)
    assert score.share75 == 0.0


def test_a_boundary_may_be_off_by_the_tolerance_and_no_more():
    truth, near, far = (np.zeros((200, 200), np.uint16) for _ in range(3))
    truth[50:150, 50:150] = near[51:151, 50:150] = far[54:154, 50:150] = 1
    assert score_segmentation(near, truth).boundary_f == 1.0
    assert score_segmentation(far, truth).boundary_f < 0.8
    assert score_segmentation(far, truth).overlap_f > 0.9


def test_nothing_found_and_nothing_there():
    missed, invented = score_segmentation(NOTHING, TRUTH), score_segmentation(TRUTH, NOTHING)
    assert (missed.overlap_precision, missed.overlap_recall, missed.overlap_f) == (1.0, 0.0, 0.0)
    assert (invented.overlap_precision, invented.overlap_recall) == (0.0, 1.0)
    assert score_segmentation(NOTHING, NOTHING).overlap_f == 1.0


def test_the_mean_is_over_pictures_and_the_share_over_all_objects():
    perfect = score_segmentation(TRUTH, TRUTH)
    one = (TRUTH == 1).astype(np.uint16)
    missed = score_segmentation(NOTHING, one)
    mean = mean_score([perfect, missed])
    assert mean.overlap_f == 0.5
    assert mean.share75 == pytest.approx(2 / 3)
    assert mean.objects == 3
    with pytest.raises(ValueError, match="no picture"):
        mean_score([])
