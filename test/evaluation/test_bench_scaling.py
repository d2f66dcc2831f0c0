"""Cost against frame size, instances and standing questions: measured on made tables, with a plan written by hand."""

from __future__ import annotations

import numpy as np
import pytest

from fastreasonseg_ros.cli.bench import plan_of
from fastreasonseg_ros.evaluation.benchmark.scaling import ScalingPlan, measure_reasoning, scaling, scaling_table
from fastreasonseg_ros.evaluation.benchmark.scene import table_of_balls
from fastreasonseg_ros.evaluation.metrics.segmentation import match_ids
from fastreasonseg_ros.perception import make_perceiver
from fastreasonseg_ros.twin.types import DigitalTwin, Instance

SMALL = ScalingPlan(sizes=((160, 120), (320, 240)), instances=(2, 5), standing=(1, 20), frames=3, questions=2, warmup=1)


class Writes:
    name = "by hand"

    def generate(self, prompt, grammar, on_text=None):
        return "The biggest.\na = find()\nb = max(a, volume)"


def load():
    return Writes(), None


def test_every_ball_of_a_made_table_is_found_by_the_perceiver() -> None:
    count = 15
    frame = table_of_balls(count, 640, 480)
    found = np.zeros((480, 640), np.uint16)
    for n, detection in enumerate(make_perceiver("tabletop").perceive(frame).detections, 1):
        found[detection.mask] = n
    assert sum(f > 0.75 for _, f in match_ids(found, frame.truth.ids).values()) == count


def test_depth_is_that_of_the_balls_and_the_table() -> None:
    frame = table_of_balls(1, 200, 150)
    ys, xs = np.nonzero(frame.truth.ids)
    k, y, x = frame.intrinsics, ys.mean(), xs.mean()
    depth = frame.depth_m[round(y), round(x)]
    centre = np.array([(x - k.cx) / k.fx, (y - k.cy) / k.fy, 1.0]) * depth
    assert abs(centre[0]) < 0.01  # one ball stands in the middle
    distance = np.linalg.norm(centre)
    assert distance == pytest.approx(np.hypot(0.8 - 0.045, 0.7) - 0.045, abs=0.01)
    assert not frame.truth.ids[:, 0].any()


def test_every_measurement_of_the_plan_is_made(capsys) -> None:
    result = scaling(make_perceiver("oracle"), load, SMALL)
    assert [(row["size"], row["objects"]) for row in result["frame_size"]] == [([160, 120], 5), ([320, 240], 5)]
    assert [row["true"] for row in result["instances"]] == [2, 5]
    for row in result["instances"]:
        assert row["kept_plan"]["p50"] > 0
    assert [row["questions"] for row in result["standing_questions"]] == [1, 20]
    for row in result["frame_size"] + result["instances"] + result["standing_questions"]:
        assert 0 < row["frame"]["p50"] <= row["frame"]["p95"]
        assert row["rss_mb"] > 10
    assert "320x240" in scaling_table(result)


def test_a_first_try_measures_fewer_pictures_and_questions_and_more_are_not_needed() -> None:
    usual = ScalingPlan()
    assert (plan_of(2, 1).frames, plan_of(2, 1).questions, plan_of(2, 1).sizes) == (2, 1, usual.sizes)
    assert plan_of(60, 20) == usual


def test_many_standing_questions_cost_more_than_one() -> None:
    twin = DigitalTwin(tuple(Instance(i, "ball", size_m=(0.1, 0.1, i / 100)) for i in range(1, 16)))
    one, many = measure_reasoning(load, [twin], SMALL)["standing_questions"]
    assert many["frame"]["p50"] > 5 * one["frame"]["p50"]
