"""Answers in words are computed from ids and twin."""

from __future__ import annotations

import pytest

from fastreasonseg_ros.reasoning.sentences import sentence
from fastreasonseg_ros.twin.types import DigitalTwin, Instance, Relation


def thing(id: int, label: str, x_m: float, z_m: float = 1.0, color: str | None = None) -> Instance:
    return Instance(id, label, color=color, center_m=(x_m, 0.0, z_m), size_m=(0.05, 0.05, 0.05))


TWIN = DigitalTwin(
    (thing(1, "cup", 0.0, color="green"), thing(2, "cup", 0.5), thing(3, "bowl", 0.2, 1.05), thing(4, "tray", 0.02)),
    (Relation(1, "on", 4),),
)


@pytest.mark.parametrize(
    ("question", "ids", "whether", "words"),
    [
        ("How many cups are there?", (1, 2), True, "2 cups"),
        ("How many cups and bowls do you see?", (1, 2, 3), True, "2 cups and 1 bowl"),
        ("how many knives?", (), False, "none"),
        ("Is there a cup?", (1, 2), True, "yes, 2"),
        ("Is there a fork?", (), True, "no"),
        ("Which colour is the cup on the tray?", (1,), False, "green"),
        ("Which colour is the other cup?", (2,), False, ""),  # the twin does not know
        ("Where is the cup?", (1,), False, "on the tray, left of the bowl"),
        ("the cup on the tray", (1,), False, ""),
    ],
)
def test_a_question_for_a_number_a_yes_a_colour_or_a_place_is_answered_in_words(question, ids, whether, words):
    assert sentence(question, ids, TWIN, whether) == words
