"""What a robot's question costs: measured with plans written by hand, in this process and in one of its own."""

from __future__ import annotations

import time

import numpy as np
import pytest

from fastreasonseg_ros.cli.bench import questions_about
from fastreasonseg_ros.errors import ModelError
from fastreasonseg_ros.evaluation.benchmark import plan_cost
from fastreasonseg_ros.evaluation.benchmark.machine import peak_rss_mb, rss_mb
from fastreasonseg_ros.evaluation.benchmark.reasoner_cost import measure, reasoner_cost
from fastreasonseg_ros.plan.executor import execute
from fastreasonseg_ros.plan.parser import parse_plan
from fastreasonseg_ros.twin.types import DigitalTwin, Instance

TWIN = DigitalTwin((Instance(1, "mug"), Instance(2, "plate")))


class Writes:
    name = "by hand"

    def generate(self, prompt, grammar, on_text=None):
        time.sleep(0.5)  # far more than a kept plan takes, also on a busy machine
        return "The mug.\na = find(label=mug)"


def load():
    return Writes(), None


def fail():
    raise ModelError("weights.gguf: is missing")


def test_new_questions_and_kept_plans_are_timed_apart():
    cost = measure(load, [(TWIN, "the mug"), (TWIN, "a mug")], {})
    assert (cost["model_name"], cost["questions"], cost["objects"]) == ("by hand", 2, 2)
    assert 0 < cost["kept_plan"]["p50"] < cost["new_question"]["p50"]


def test_the_reasoner_is_measured_in_a_process_without_this_ones_memory():
    ballast = np.ones(300 * 2**20 // 8)
    cost = reasoner_cost(load, [(TWIN, "the mug")])
    assert cost["peak_rss_mb"] < peak_rss_mb() - 200
    assert cost["rss_mb"] <= cost["peak_rss_mb"]
    assert rss_mb() > ballast.nbytes / 2**20


def test_what_loading_raises_comes_through():
    with pytest.raises(ModelError, match="weights.gguf: is missing"):
        reasoner_cost(fail, [(TWIN, "the mug")])


def test_questions_are_about_what_is_in_view():
    assert list(questions_about(TWIN))[:3] == ["the mug", "the plate", "which mug is nearest to the camera?"]
    assert "the thing" in questions_about(DigitalTwin())


def test_the_plan_that_is_timed_has_five_steps_that_all_find_something_among_fifty_objects(monkeypatch):
    executed = []
    monkeypatch.setattr(plan_cost, "execute", lambda *args: executed.append(execute(*args)))
    cost = plan_cost.plan_cost(repeats=3)
    assert 0 < cost["p50"] <= cost["p95"]
    assert [len(done.trace) for done in executed] == [5, 5, 5]
    assert all(step.ids for step in executed[0].trace)
    assert executed[0] == execute(parse_plan(plan_cost.FIVE_STEPS), plan_cost.scene(50))
    assert len(plan_cost.scene(50).instances) == 50


def test_the_longer_plans_that_are_timed_have_eight_steps_and_are_timed_in_turn(monkeypatch):
    executed = []
    monkeypatch.setattr(plan_cost, "execute", lambda *args: executed.append(execute(*args)))
    plan_cost.plan_cost(5, plan_cost.EIGHT_STEPS)
    assert [len(done.trace) for done in executed] == [8] * 5
    assert len({done.trace for done in executed}) == len(plan_cost.EIGHT_STEPS) == 4
