"""Reward functions for TRL's GRPOTrainer: pure functions `(completions, **columns) -> list[float]`.

Columns, one entry per completion: `twin` (JSON), `target_ids`, `teacher` (the teacher's completion). Plans are scored
by executing them on the twin, not by their text.

    >>> twin = '''{"instances": [{"id": 1, "label": "mug", "color": "red"}, {"id": 2, "label": "mug", "color": "blue"},
    ...            {"id": 3, "label": "plate", "color": "white"}]}'''
    >>> red, mugs = "The red mug.\\na = find(label=mug, color=red)", "Mugs.\\na = find(label=mug)"
    >>> replies = [red, mugs, "a cup", "No.\\nnone"]
    >>> columns = {"twin": [twin] * 4, "target_ids": [[1]] * 4, "teacher": ["Red mugs.\\na = find(color=red)"] * 4}
    >>> format_reward(replies, **columns)
    [0.5, 0.5, -0.5, 0.5]
    >>> accuracy_reward(replies, **columns)
    [1.0, 0.5, 0.0, 0.0]
    >>> reasoning_reward(replies, **columns)
    [1.0, 0.5, 0.0, 0.0]
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.optimize import linear_sum_assignment

from ....errors import MissingDataError, PlanError
from ....plan.executor import execute
from ....plan.grammar import vocabulary
from ....plan.language import Plan
from ....plan.parser import parse_rollout
from ....plan.run import Meaning
from ....twin.serialization import twin_from_json
from ....twin.types import DigitalTwin

RIGHT_IOU = 0.5  # as in the paper, an answer with a larger IoU is right


@dataclass(frozen=True)
class Outcome:
    """Result of executing one completion on a twin.

    in_form: it parses, has a reason, and uses only the twin's vocabulary. ids: the answer; None if there is no
    executable plan. steps: the set of ids of each step; an answer of ids, or `none`, is an additional step.
    """

    in_form: bool = False
    ids: frozenset[int] | None = None
    steps: tuple[frozenset[int], ...] = ()


@lru_cache(2048)
def outcome(completion: str, twin: str, meaning: Meaning | None = None) -> Outcome:
    """Parses and executes `completion` on a twin in JSON; an invalid completion is a result, not an error."""
    scene = _twin(twin)
    try:
        rollout = parse_rollout(completion)
    except PlanError:
        return Outcome()
    plan = rollout.plan
    in_form = bool(rollout.reason) and _in_vocabulary(plan, scene)
    try:
        done = execute(plan, scene, meaning)
    except MissingDataError:
        return Outcome(in_form)
    steps = tuple(frozenset(step.ids) for step in done.trace)
    if not plan.answer:
        steps += (frozenset(done.ids),)
    return Outcome(in_form, frozenset(done.ids), steps)


@lru_cache(256)
def _twin(text: str) -> DigitalTwin:
    return twin_from_json(text)


def _in_vocabulary(plan: Plan, twin: DigitalTwin) -> bool:
    """Whether labels, colours, shapes and ids of the plan are in the twin; the grammar checks labels only."""
    known = dict(zip(("label", "color", "shape"), map(set, vocabulary(twin)), strict=True))
    named = ((key, value) for step in plan.steps for key, values in step.filters for value in values)
    return all(value in known.get(key, {value}) for key, value in named) and set(plan.answer_ids) <= {
        i.id for i in twin.instances
    }


def jaccard(a: Iterable[int], b: Iterable[int]) -> float:
    """Intersection over union of two sets, 0..1; two empty sets agree fully.

    >>> jaccard([1, 2], [2, 3]), jaccard([], []), jaccard([1], [])
    (0.3333333333333333, 1.0, 0.0)
    """
    a, b = set(a), set(b)
    return len(a & b) / len(a | b) if a | b else 1.0


def agreement(student: Sequence[frozenset[int]], teacher: Sequence[frozenset[int]]) -> float:
    """Similarity of two chains of executed steps, 0..1.

    Steps are matched one to one, in any order, to maximise the sum of their Jaccard indices, which is divided by the
    length of the longer chain. So a missing or additional step costs as much as a wrong one.

    >>> mugs, plate, nearest, other = frozenset({3, 5}), frozenset({7}), frozenset({5}), frozenset({8})
    >>> agreement([plate, mugs, nearest], [mugs, plate, nearest])
    1.0
    >>> agreement([mugs], [mugs, nearest]), agreement([mugs, other], [mugs, nearest])
    (0.5, 0.5)
    """
    if not student or not teacher:
        return 0.0
    likeness = np.array([[jaccard(s, t) for t in teacher] for s in student])
    return float(likeness[linear_sum_assignment(-likeness)].sum()) / max(likeness.shape)


def format_reward(completions: Sequence[str], twin: Sequence[str], **columns: object) -> list[float]:
    """+0.5 for a rollout (short or tagged form) with a reason and within the twin's vocabulary, otherwise -0.5."""
    return [0.5 if outcome(text, scene).in_form else -0.5 for text, scene in zip(completions, twin, strict=True)]


def accuracy_reward(
    completions: Sequence[str],
    twin: Sequence[str],
    target_ids: Sequence[Sequence[int]],
    *,
    meaning: Meaning | None = None,
    binary: bool = False,
    **columns: object,
) -> list[float]:
    """IoU of the executed answer's ids with the target ids, 0..1; binary: 1 if it is above 0.5, as in the paper.

    Two empty sets give 1; a completion that cannot be parsed or executed gives 0.
    """
    rewards = []
    for text, scene, target in zip(completions, twin, target_ids, strict=True):
        ids = outcome(text, scene, meaning).ids
        iou = 0.0 if ids is None else jaccard(ids, target)
        rewards.append(float(iou > RIGHT_IOU) if binary else iou)
    return rewards


def reasoning_reward(
    completions: Sequence[str],
    twin: Sequence[str],
    teacher: Sequence[str],
    *,
    meaning: Meaning | None = None,
    **columns: object,
) -> list[float]:
    """`agreement` of the completion's executed steps with those of the teacher's, 0..1; see Outcome for `none`."""
    return [
        agreement(outcome(text, scene, meaning).steps, outcome(model, scene, meaning).steps)
        for text, scene, model in zip(completions, twin, teacher, strict=True)
    ]
