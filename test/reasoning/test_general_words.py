"""A general word of the question covers every label in view that is of its kind, and nothing that is named apart."""

from __future__ import annotations

import pytest

from fastreasonseg_ros.plan.parser import parse_plan
from fastreasonseg_ros.reasoning.general_words import named_labels, with_kinds
from fastreasonseg_ros.reasoning.word_meaning.grounding import Grounder

LABELS = ("box", "cereal box", "mug", "beer mug", "paper", "paper towel", "tray")


class WordLists:
    """Word meaning by the word lists alone, without sentence embeddings."""

    def __init__(self) -> None:
        self._grounder = Grounder()

    def matching(self, text, labels):
        return self._grounder.ground(text, labels).labels


@pytest.fixture(scope="module")
def meaning():
    return WordLists()


@pytest.mark.parametrize(
    ("question", "plan", "wider"),
    [
        ("the red box", "find(label=box, color=red)", "find(label=box|cereal box, color=red)"),
        ("Hand me the largest of the boxes", "find(label=box)", "find(label=box|cereal box)"),
        ("the white one in the row of mugs", "find(label=mug, color=white)", "find(label=mug|beer mug, color=white)"),
        ("what stands on a box?", "find(label=tray|box)", "find(label=tray|box|cereal box)"),
        ("the dented box", "find(label=box)", "find(label=box|cereal box)"),
        # what narrows the word keeps it narrow
        ("the cereal box", "find(label=cereal box)", "find(label=cereal box)"),
        ("the cereal boxes, please", "find(label=box)", "find(label=box)"),
        ("open the tea box", "find(label=box)", "find(label=box)"),
        ("the simple cereal box", "find(label=cereal box)", "find(label=cereal box)"),
        ("the whhite beer mug", "find(label=beer mug)", "find(label=beer mug)"),
        # what is named apart is another thing
        ("the box beside the cereal box", "find(label=box)", "find(label=box)"),
        # a label that the question does not name was chosen by the model
        ("something to drink from", "find(label=mug)", "find(label=mug)"),
        # the noun of a compound is its last word
        ("some paper", "find(label=paper)", "find(label=paper)"),
    ],
)
def test_a_general_word_covers_its_kinds_in_view(meaning, question, plan, wider):
    assert str(with_kinds(parse_plan(f"a = {plan}"), question, LABELS, meaning)) == f"a = {wider}"


@pytest.mark.parametrize(
    ("question", "wider"), [("the red box", "box|cereal box"), ("the tea box", "box"), ("the beer mug's box", "box")]
)
def test_without_word_meaning_the_last_words_of_a_label_tell_its_kind(question, wider):
    labels = ("box", "cereal box", "boxer shorts")
    assert str(with_kinds(parse_plan("a = find(label=box)"), question, labels, None)) == f"a = find(label={wider})"


def test_steps_without_labels_and_the_answer_stay_as_they_are(meaning):
    plan = parse_plan("a = find(label=box)\nb = max(all, height)\nc = nearest(a, b)", "a")
    wider = with_kinds(plan, "the box", LABELS, meaning)
    assert str(wider) == "a = find(label=box|cereal box)\nb = max(all, height)\nc = nearest(a, b)"
    assert wider.answer == "a"
    assert with_kinds(plan, "anything", LABELS, meaning) is plan


def test_the_longest_label_is_named_where_one_stands_in_another():
    assert [n.label for n in named_labels("Cereal boxes on the BOX, please", LABELS)] == ["cereal box", "box"]
    assert named_labels("the boxer", LABELS) == ()
