"""Any plan that the grammar can write, on any twin, parses and ends: in bounded steps, with ids of the twin."""

from __future__ import annotations

import time
from contextlib import suppress
from random import Random
from unittest import mock

from ebnf_walk import Walker
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_twins import twins

from fastreasonseg_ros.errors import MissingDataError
from fastreasonseg_ros.plan import executor
from fastreasonseg_ros.plan.corrections import corrected
from fastreasonseg_ros.plan.grammar import grammar
from fastreasonseg_ros.plan.numbers import quantities
from fastreasonseg_ros.plan.operators import MAX_STEPS, OPERATORS
from fastreasonseg_ros.plan.parser import parse_plan, parse_rollout
from fastreasonseg_ros.twin.types import DigitalTwin, Instance

TWINS, PLANS_OF_EACH = 200, 50  # 10,000 cases
# The first changes no plan; the others ask for every correction.
QUESTIONS = (
    "the mug",
    "the object in the middle",
    "the mug farther back than the cup, in the middle",
    "what is not red",
)


class SomeWords:
    """A meaning of words that depends on the text, so that plans differ in what they find."""

    def matching(self, text, labels):
        return frozenset(label for label in labels if (len(text) + len(label)) % 2)


class Bounded:
    """`execute`, which may be called so many times beside the first."""

    def __init__(self, most: int) -> None:
        self._left, self._execute = most + 1, executor.execute

    def __call__(self, *args):
        assert self._left, "execute_closest does not end"
        self._left -= 1
        return self._execute(*args)


@settings(max_examples=TWINS, deadline=None, suppress_health_check=list(HealthCheck))
@given(twin=twins(), seed=st.integers(0, 2**32 - 1), quoted=st.booleans(), language=st.sampled_from((1, 2, 2, 2)))
def test_every_plan_of_the_grammar_ends_with_ids_of_the_twin(twin, seed, quoted, language):
    random = Random(seed)
    words, amounts = (("red", "mug", "l'été"), quantities("0.3 m, 5 s, 2 m/s, 3")) if quoted else ((), None)
    walker = Walker(grammar(twin, look_for=True, quoted=words, language=language, amounts=amounts))
    ids = {i.id for i in twin.instances}
    for _ in range(PLANS_OF_EACH):
        text = walker.sentence(random)
        plan = corrected(parse_rollout(text).plan, random.choice(QUESTIONS))
        executions = []
        with mock.patch.object(executor, "execute", Bounded(2 * len(plan.steps) + 2)), suppress(MissingDataError):
            executions.append(executor.execute(plan, twin, SomeWords()))
            executions.append(executor.execute_closest(plan, twin, SomeWords()))
        for execution in executions:
            assert set(execution.ids) <= ids, text
            assert len(set(execution.ids)) == len(execution.ids), text
            assert len(execution.trace) == len(plan.steps) <= MAX_STEPS[language] + 2  # a correction adds at most two


def test_random_plans_have_every_operator_of_the_language():
    twin = DigitalTwin((Instance(1, "mug"),))
    walker, random = Walker(grammar(twin, look_for=True)), Random(0)
    written = {step.operator for _ in range(1500) for step in parse_rollout(walker.sentence(random)).plan.steps}
    assert written == set(OPERATORS)


def test_a_condition_that_did_not_empty_the_set_is_passed_over_once_and_the_search_ends(monkeypatch):
    twin = DigitalTwin((Instance(1, "mug", color="blue"), Instance(2, "bowl", color="red")))
    runs = []
    execute = executor.execute
    monkeypatch.setattr(executor, "execute", lambda *args: runs.append(args) or execute(*args))
    done = executor.execute_closest(parse_plan("a = find(label=mug, color=red, pose=lying)"), twin)
    assert done == execute(parse_plan("a = find(label=mug, color=red, pose=lying)"), twin)
    assert (done.ids, done.trace[0].note) == ((), "")
    assert len(runs) == 2  # to the letter, and without the pose


def test_only_a_condition_whose_absence_leaves_something_is_noted_as_passed_over():
    twin = DigitalTwin(
        (
            Instance(1, "mug", color="blue", size_m=(0.1, 0.1, 0.1)),
            Instance(2, "bowl", color="red", size_m=(0.1, 0.1, 0.1)),
        )
    )
    plan = parse_plan("a = find(color=green, pose=lying)\nb = find(color=red, pose=lying)\nc = union(a, b)")
    done = executor.execute_closest(plan, twin)
    assert (done.ids, [step.note for step in done.trace]) == ((2,), ["", executor.PASSED_OVER, ""])


def test_a_value_that_is_named_twice_is_relaxed_where_it_is_empty():
    twin = DigitalTwin((Instance(1, "mug", size_m=(0.1, 0.1, 0.1)), Instance(2, "bowl", size_m=(0.1, 0.1, 0.1))))
    plan = parse_plan("a = find(label=mug)\na = filter(a, pose=lying)\na = union(a, a)")
    done = executor.execute_closest(plan, twin)
    assert (done.ids, [step.note for step in done.trace]) == ((1,), ["", executor.PASSED_OVER, ""])


def test_twelve_steps_over_fifty_instances_end_within_a_second_whatever_is_relaxed():
    twin = DigitalTwin(
        tuple(Instance(k, "mug", center_m=(k * 0.1, 0.0, 1.0), size_m=(0.1, 0.1, 0.1)) for k in range(1, 51))
    )
    steps = ["a = find(label=mug)", *(f"b{n} = filter(a, color=red, pose=lying)" for n in range(10))]
    begun = time.thread_time()
    executor.execute_closest(parse_plan("\n".join([*steps, "c = behind(b0, a)"])), twin)
    assert time.thread_time() - begun < 1.0
