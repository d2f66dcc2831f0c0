"""Questions that nothing fits to the letter: what comes closest, an honest no, and guesses that are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_pipeline import NEAREST_MUG, TWIN, Writes, thing

from fastreasonseg_ros.errors import Status
from fastreasonseg_ros.pipeline import StandingQuestion, asks_whether, is_closest, reason
from fastreasonseg_ros.reasoning.protocol import Hint
from fastreasonseg_ros.twin.types import Query

RIGHT_MUG = "the blue mug right of the red one\na = find(color=blue)\nb = find(color=red)\nc = right_of(a, b)"


def test_a_question_asked_once_gets_what_comes_closest_and_is_told_so():
    answer = reason(TWIN, Query("the blue mug right of the red one"), Writes(RIGHT_MUG))
    assert (answer.status, answer.ids, is_closest(answer)) == (Status.OK, (3,), True)
    assert answer.message == "1 object: 3; the closest, for nothing fits `c = right_of(a, b)`"


def test_whether_there_is_such_a_thing_is_answered_with_no():
    answer = reason(TWIN, Query("Is there a blue mug right of the red one?"), Writes(RIGHT_MUG))
    assert (answer.status, answer.ids, is_closest(answer)) == (Status.NO_MATCH, (), False)


def test_a_question_that_stands_waits_until_something_fits():
    standing = StandingQuestion(Query("the blue mug right of the red one"), Writes(RIGHT_MUG))
    assert standing.answer(TWIN).status == Status.NO_MATCH
    moved = replace(TWIN, instances=(*TWIN.instances[:2], thing(3, "mug", 0.7, color="blue")))
    assert standing.answer(moved).ids == (3,)


def test_any_in_a_request_takes_for_granted_that_there_is_one():
    lying = "a mug that lies\na = find(label=mug)\nb = filter(a, pose=lying)"
    answer = reason(TWIN, Query("hand me any mug that lies on its side"), Writes(lying))
    assert (answer.status, answer.ids, is_closest(answer)) == (Status.OK, (2, 3), True)
    assert reason(TWIN, Query("Is there any mug that lies on its side?"), Writes(lying)).status is Status.NO_MATCH


def test_what_is_farther_but_not_near_the_line_of_sight_is_said():
    behind = "behind the plate\na = find(label=plate)\nb = find(label=mug)\nc = behind(b, a)"
    twin = replace(TWIN, instances=(*TWIN.instances[:2], thing(3, "mug", 0.6, z_m=1.5)))
    answer = reason(twin, Query("the mug behind the plate"), Writes(behind))
    assert (answer.status, answer.ids, is_closest(answer)) == (Status.OK, (3,), True)
    assert answer.message == (
        "1 object: 3; nearer or farther, but not near the line of sight as `c = behind(b, a)` asks"
    )
    assert reason(twin, Query("Is there a mug behind the plate?"), Writes(behind)).status is Status.NO_MATCH


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Do you see any red mugs?", True),
        ("is there a cup on the tray", True),
        ("mark the cup on the tray, if there is one", True),
        ("Any electrical appliances?", True),
        ("Got any pens?", True),
        ("Do we have any red mugs", True),
        ("Are any of the mugs lying on their side?", True),
        ("Has anything been moved?", False),  # motion is never passed over
        ("Bring the lying mugs, if any", True),
        ("the folder left of the blue one, is a ruler on it?", True),
        ("Is the cup left of the plate?", True),
        ("hand me any mug that lies on its side", False),
        ("Take any of the spoons beside the bowl.", False),
        ("the mug that is there, on the tray", False),
        ("Have a look: I need the cup on the tray", False),
        ("Do hand me the cup on the tray", False),
        ("the mug and the cup are on the tray, bring the cup", False),
        ("Bring me the cup on the tray", False),
        ("which of the many cups is on the tray", False),
    ],
)
def test_what_asks_whether(text, expected):
    assert asks_whether(text) is expected


class Names:
    """Word meaning by hand: a text means the label that it names."""

    def matching(self, text, labels):
        return frozenset(labels) & {text}

    def hint(self, text, labels):
        return Hint()

    def similarity(self, text, labels):
        return np.ones(len(labels), np.float32)


def test_a_name_that_perception_got_wrong_is_found_by_its_other_words_and_the_answer_says_so():
    twin = replace(TWIN, instances=(*TWIN.instances[:2], thing(3, "can", 0.15, alternative_labels=("jar", "tin"))))
    plan = 'It is called a jar.\na = like(all, "jar")'
    answer = reason(twin, Query("Hand me the jar."), Writes(plan), Names())
    assert (answer.status, answer.ids, is_closest(answer)) == (Status.OK, (3,), True)
    assert answer.message == '1 object: 3; it might be this, for nothing fits `a = like(all, "jar")` by its name'
    assert reason(twin, Query("Is there a jar?"), Writes(plan), Names()).status == Status.NO_MATCH
    assert StandingQuestion(Query("the jar"), Writes(plan), Names()).answer(twin).status == Status.NO_MATCH
    named = reason(twin, Query("Hand me the plate."), Writes('a = like(all, "plate")'), Names())
    assert (named.ids, named.message, is_closest(named)) == ((1,), "1 object: 1", False)


class Meaning:
    """Word meaning by hand: how alike the question is to every label."""

    def __init__(self, alike: float) -> None:
        self.alike = alike

    def hint(self, text, labels):
        return Hint(tuple(labels))

    def similarity(self, text, labels):
        return np.full(len(labels), self.alike, np.float32)


@pytest.mark.parametrize(
    ("written", "alike", "ids"),
    [
        ("For water, so the mug.\na = find(label=mug)", 0.4, (2, 3)),
        ("For a party, so the mug.\na = find(label=mug)", 0.003, ()),  # a guess
        ("For a party.\na = find(label=mug, color=red)", 0.003, ()),
        ("The red ones.\na = find(color=red)", 0.003, (2,)),  # no label that could be guessed
        (NEAREST_MUG, 0.003, (3,)),  # more than a guess
    ],
)
def test_a_label_that_has_nothing_to_do_with_a_need_is_no_answer(written, alike, ids):
    answer = reason(TWIN, Query("the cork won't budge"), Writes(written), Meaning(alike))
    assert answer.ids == ids
    if not ids:
        assert (answer.status, answer.plan) == (Status.NO_MATCH, "")
        assert answer.message == (
            "nothing in the scene fits: Nothing in view seems to serve this; mug would be a guess."
        )
