"""Two results beside each other: paired by question, with intervals of the difference."""

from __future__ import annotations

import numpy as np
import pytest

from fastreasonseg_ros.errors import DatasetError
from fastreasonseg_ros.evaluation.reports.compare import compare, compare_table


def rows(ious: list[float], category: str = "spatial") -> list[dict]:
    return [
        {
            "scene": f"s{n // 2}",
            "text": f"q{n % 2}",
            "category": category,
            "iou": iou,
            "intersection": iou,
            "union": 1.0,
        }
        for n, iou in enumerate(ious)
    ]


def test_a_difference_has_the_interval_of_pairs_and_not_of_two_samples() -> None:
    there = np.random.default_rng(0).random(60) * 0.9
    result = compare(rows(list(there + 0.05)), rows(list(there)))
    giou = result["measures"]["giou"]
    assert giou["difference"] == pytest.approx(0.05)
    assert giou["interval"] == pytest.approx((0.05, 0.05))  # every scene gained the same, however different they are
    assert giou["here"] - giou["there"] == pytest.approx(giou["difference"])
    assert (result["better"], result["worse"], result["n"]) == (60, 0, 60)
    assert result["by_category"]["spatial"]["giou"] == giou


def test_noise_has_an_interval_around_nothing_and_the_same_seed_the_same_interval() -> None:
    generator = np.random.default_rng(1)
    here, there = rows(list(generator.random(80))), rows(list(generator.random(80)))
    low, high = compare(here, there, seed=3)["measures"]["giou"]["interval"]
    assert low < 0 < high
    assert compare(here, there, seed=3) == compare(here, there, seed=3)
    low_back, high_back = compare(there, here, seed=3)["measures"]["giou"]["interval"]
    assert (low_back, high_back) == pytest.approx((-high, -low))


def test_questions_are_paired_by_what_was_asked_and_not_by_their_order() -> None:
    here, there = rows([1.0, 0.0, 0.5, 0.5]), rows([1.0, 0.0, 0.5, 0.5])
    result = compare(here, there[::-1])
    assert (result["measures"]["giou"]["difference"], result["better"], result["worse"]) == (0.0, 0, 0)
    assert result["changed"] == []


def test_what_only_one_side_has_is_counted_and_left_out() -> None:
    result = compare(rows([1.0, 1.0, 0.0]), rows([1.0, 0.5]))
    assert (result["n"], result["only_here"], result["only_there"]) == (2, 1, 0)
    assert result["measures"]["giou"]["difference"] == 0.25
    printed = compare_table(result, "a.json", "b.json")
    assert "left out: 1 only here, 0 only there" in printed
    assert "too few scenes" in printed
    with pytest.raises(DatasetError, match="no question in common"):
        compare(rows([1.0]), [{"scene": "other", "text": "q0", "iou": 1.0}])


def test_a_question_that_is_asked_twice_of_a_scene_is_paired_in_order() -> None:
    twice = [{"scene": "s", "text": "q", "exact": value} for value in (True, False)]
    result = compare(twice, twice)
    assert (result["n"], result["measures"]["exact"]["difference"]) == (2, 0.0)
