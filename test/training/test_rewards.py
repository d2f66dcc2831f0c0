"""Rewards: one table of cases each, and the examples of the modules."""

import doctest
import json

import pytest

from fastreasonseg_ros.training.student.grpo import judge, rewards

# A mug left of a plate, another right of it, and a ball that lies on the plate.
TWIN = json.dumps(
    {
        "instances": [
            {"id": 1, "label": "mug", "color": "red", "center": [-0.3, 0, 1], "size": [0.1, 0.1, 0.1]},
            {"id": 2, "label": "mug", "color": "blue", "center": [0.2, 0, 1], "size": [0.1, 0.1, 0.1]},
            {"id": 3, "label": "plate", "color": "white", "center": [0, 0, 1], "size": [0.2, 0.02, 0.2]},
            {"id": 4, "label": "tennis ball", "shape": "sphere"},
        ],
        "relations": [{"subject": 4, "predicate": "on", "object": 3}],
    }
)
TEACHER = "Of the mugs, the one nearest the plate.\na = find(label=mug)\nb = find(label=plate)\nc = nearest(a, b)"


class Drinks:
    """Word meaning with one word: what fits anything are mugs."""

    def matching(self, text, labels):
        return frozenset({"mug"}) & frozenset(labels)


FORMAT = {
    "the short form": (TEACHER, 0.5),
    "the tagged form": ("<reason>Mugs.</reason><plan>a = find(label=mug)</plan><answer>a</answer>", 0.5),
    "nothing fits": ("No fork here.\nnone", 0.5),
    "ids that are there": ("The mugs.\n1, 2", 0.5),
    "a shape of the twin": ("Round.\na = find(shape=sphere)", 0.5),
    "a label of two words": ("Balls.\na = find(label=tennis ball)", 0.5),
    "words for perception need not be in view": ('Forks.\na = look_for("fork")', 0.5),
    "no reason": ("a = find(label=mug)", -0.5),
    "a label that is not in the twin": ("Forks.\na = find(label=fork)", -0.5),
    "one label of two is not": ("Both.\na = find(label=mug|fork)", -0.5),
    "a colour that is not": ("Green.\na = find(color=green)", -0.5),
    "a shape that is not": ("Boxes.\na = find(shape=box)", -0.5),
    "an id that is not": ("That one.\n9", -0.5),
    "an unknown operator": ("Mugs.\na = grab(all)", -0.5),
    "a name that was never given": ("Mugs.\na = max(b, x)", -0.5),
    "a step cut short": ("Mugs.\na = find(label=mu", -0.5),
    "prose": ("I think it is the red one.", -0.5),
    "nothing": ("", -0.5),
}

# completion, target ids, IoU, IoU as 0 or 1
ACCURACY = {
    "right": ("Mugs.\na = find(label=mug)", [1, 2], 1.0, 1.0),
    "right, in another order": ("Mugs.\n2, 1", [1, 2], 1.0, 1.0),
    "two of three": ("Mugs.\na = find(label=mug)", [1, 2, 3], 2 / 3, 1.0),
    "half is not above a half": ("Mugs.\na = find(label=mug)", [1], 0.5, 0.0),
    "wrong": ("The plate.\na = find(label=plate)", [1], 0.0, 0.0),
    "nothing, rightly": ("No.\nnone", [], 1.0, 1.0),
    "nothing found, rightly": ("No.\na = find(label=mug, color=white)", [], 1.0, 1.0),
    "nothing, wrongly": ("No.\nnone", [1], 0.0, 0.0),
    "something where nothing is right": ("Mugs.\na = find(label=mug)", [], 0.0, 0.0),
    "words outside the vocabulary find nothing": ("Forks.\na = find(label=fork)", [1], 0.0, 0.0),
    "what does not parse is not right even where nothing is": ("hm", [], 0.0, 0.0),
    "what cannot be executed": ("Fast.\na = max(all, speed)", [1], 0.0, 0.0),
    "by meaning": ('A drink.\na = like(all, "something to drink from")', [1, 2], 1.0, 1.0),
    "a plan that is right in another way": ("Left.\na = min(all, x)", [1], 1.0, 1.0),
}

REASONING = {
    "the teacher's own chain": (TEACHER, TEACHER, 1.0),
    "other words and names, the same sets": (
        "Plate first.\nx = find(color=white)\ny = find(label=mug)\nz = nearest(y, x)",
        TEACHER,
        1.0,
    ),
    "the answer without the way": ("Blue.\na = find(color=blue)", TEACHER, 1 / 3),
    "a step that leads nowhere": (TEACHER + "\nd = find(color=green)", TEACHER, 3 / 4),
    "a step left out": ("Mugs.\na = find(label=mug)\nb = find(label=plate)", TEACHER, 2 / 3),
    "the same step, wrong": ("Mugs.\na = find(label=mug)\nb = find(label=plate)\nc = farthest(b, a)", TEACHER, 2 / 3),
    "a step twice": ("Mugs.\na = find(label=mug)\nb = find(label=mug)", "Mugs.\na = find(label=mug)", 1 / 2),
    "another operator, the same set": (
        "Mugs.\na = find(label=mug)\nb = find(label=plate)\nc = max(a, x)",
        TEACHER,
        1.0,
    ),
    "half of a set": ("Red.\na = find(color=red)", "Mugs.\na = find(label=mug)", 1 / 2),
    "none by both": ("No.\nnone", "Nothing.\nnone", 1.0),
    "none where the teacher searched in vain": (
        "No.\nnone",
        "No.\na = find(label=mug)\nb = on(a, a)",
        1 / 2,
    ),
    "none where the teacher found": ("No.\nnone", "Mugs.\na = find(label=mug)", 0.0),
    "ids read off": ("Those.\n1, 2", "Mugs.\na = find(label=mug)", 1.0),
    "no plan": ("hm", TEACHER, 0.0),
    "what cannot be executed": ("Fast.\na = max(all, speed)", TEACHER, 0.0),
}


@pytest.mark.parametrize(("completion", "reward"), FORMAT.values(), ids=FORMAT)
def test_format_is_a_rollout_with_a_reason_inside_the_vocabulary(completion, reward):
    assert rewards.format_reward([completion], twin=[TWIN]) == [reward]


@pytest.mark.parametrize(("completion", "target", "iou", "right"), ACCURACY.values(), ids=ACCURACY)
def test_accuracy_is_the_iou_of_the_executed_answer(completion, target, iou, right):
    columns = {"twin": [TWIN], "target_ids": [target], "meaning": Drinks()}
    assert rewards.accuracy_reward([completion], **columns) == pytest.approx([iou])
    assert rewards.accuracy_reward([completion], binary=True, **columns) == [right]


@pytest.mark.parametrize(("completion", "teacher", "reward"), REASONING.values(), ids=REASONING)
def test_reasoning_is_the_agreement_of_executed_steps(completion, teacher, reward):
    assert rewards.reasoning_reward([completion], twin=[TWIN], teacher=[teacher]) == pytest.approx([reward])


def test_rewards_keep_the_order_of_a_batch_and_ignore_other_columns():
    columns = {"twin": [TWIN] * 3, "target_ids": [[1], [2], [3]], "teacher": [TEACHER] * 3, "prompts": ["?"] * 3}
    texts = ["Red.\na = find(color=red)", "hm", "Plate.\na = find(label=plate)"]
    assert rewards.accuracy_reward(texts, **columns) == [1.0, 0.0, 1.0]
    assert rewards.format_reward(texts, **columns) == [0.5, -0.5, 0.5]


@pytest.mark.parametrize("module", [rewards, judge])
def test_the_examples_in_the_docstrings_run(module):
    failed, attempted = doctest.testmod(module)
    assert failed == 0
    assert attempted
