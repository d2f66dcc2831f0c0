"""Bootstrap intervals: seeded, by scene, paired; against SciPy's where both can be asked."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from fastreasonseg_ros.evaluation.metrics.intervals import paired_interval, ratio_interval


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    values = np.random.default_rng(0).random(40)
    first = ratio_interval(values, np.ones(40), range(40), seed=1)
    assert first == ratio_interval(values, np.ones(40), range(40), seed=1)
    assert first != ratio_interval(values, np.ones(40), range(40), seed=2)
    assert first[0] < values.mean() < first[1]


@pytest.mark.parametrize("seed", range(3))
def test_means_of_single_questions_agree_with_scipy(seed: int) -> None:
    values = np.random.default_rng(seed).beta(0.5, 0.5, 120)
    ours = ratio_interval(values, np.ones(120), range(120))
    theirs = stats.bootstrap((values,), np.mean, n_resamples=5000, method="percentile", rng=seed).confidence_interval
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.01)


def test_ratios_of_sums_and_paired_differences_agree_with_scipy() -> None:
    generator = np.random.default_rng(5)
    unions = generator.integers(1, 2000, 80).astype(float)
    here, there = unions * generator.random(80), unions * generator.random(80)

    def ratio(a, b, axis=-1):
        return a.sum(axis) / b.sum(axis)

    def difference(a, b, c, axis=-1):
        return a.sum(axis) / c.sum(axis) - b.sum(axis) / c.sum(axis)

    settings = {"paired": True, "vectorized": True, "n_resamples": 5000, "method": "percentile", "rng": 0}
    low, high = stats.bootstrap((here, unions), ratio, **settings).confidence_interval
    assert ratio_interval(here, unions, range(80)) == pytest.approx((low, high), abs=0.015)
    low, high = stats.bootstrap((here, there, unions), difference, **settings).confidence_interval
    assert paired_interval((here, unions), (there, unions), range(80)) == pytest.approx((low, high), abs=0.02)


def test_questions_about_one_scene_are_drawn_together() -> None:
    values = np.repeat(np.random.default_rng(0).integers(0, 2, 20), 10).astype(float)  # ten alike in each of 20 scenes
    scenes = np.repeat(np.arange(20), 10)
    alone = ratio_interval(values, np.ones(200), range(200))
    together = ratio_interval(values, np.ones(200), scenes)
    assert together[1] - together[0] > 2.5 * (alone[1] - alone[0])
    by_scene = ratio_interval(values[::10], np.ones(20), range(20))
    assert together == pytest.approx(by_scene)


def test_a_difference_of_nothing_has_no_width_and_few_scenes_have_no_interval() -> None:
    values = np.random.default_rng(0).random(30)
    assert paired_interval((values, np.ones(30)), (values, np.ones(30)), range(30)) == (0.0, 0.0)
    shifted = (values + 0.1, np.ones(30))
    assert paired_interval(shifted, (values, np.ones(30)), range(30)) == pytest.approx((0.1, 0.1))
    assert ratio_interval(values, np.ones(30), [n % 4 for n in range(30)]) is None  # four scenes are too few
    assert ratio_interval(values, np.ones(30), [n % 5 for n in range(30)]) is not None
    assert ratio_interval([], [], []) is None


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    generator = np.random.default_rng(0)
    covered = 0
    for _ in range(150):
        low, high = ratio_interval(generator.random(60), np.ones(60), range(60))
        covered += low <= 0.5 <= high
    assert 0.89 <= covered / 150 <= 0.99
