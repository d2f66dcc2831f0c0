"""Things named by what is printed on them, also where letters were misread."""

from __future__ import annotations

from typing import ClassVar

import pytest

from fastreasonseg_ros.plan.executor import execute
from fastreasonseg_ros.plan.operations import PRINTED
from fastreasonseg_ros.plan.parser import parse_rollout
from fastreasonseg_ros.plan.printed import is_printed, named_by_text
from fastreasonseg_ros.twin.types import DigitalTwin, Instance


class Kinds:
    """Word meaning by a table: which labels each word means."""

    table: ClassVar = {
        "book": {"book"},
        "parcel": {"box", "carton"},
        "box": {"box", "cereal box"},
        "cup": {"mug", "cup"},
    }

    def matching(self, text, labels):
        return frozenset(label for label in labels if label in self.table.get(text, ()))


def thing(id: int, label: str, text: str = "", color: str | None = None) -> Instance:
    return Instance(id=id, label=label, text=text, color=color)


SHELF = (
    thing(1, "toaster", "WEETABlX whole grain", "yellow"),
    thing(2, "cereal box", "Corn Flakes"),
    thing(3, "book", "COMPUTERVISION Algorithms"),
    thing(4, "book", "Cooking for two"),
    thing(5, "box", "ROOM 12 Dr Smith"),
    thing(6, "box", "ROOM 17"),
    thing(7, "mug"),
    thing(8, "box", "cup noodles"),
    thing(9, "cup"),
)


@pytest.mark.parametrize(
    ("phrase", "ids"),
    [
        ("weetabix", (1,)),
        ("the Weetabix box", (1,)),  # whatever perception calls it
        ("the yellow weetabix", (1,)),
        ("the red weetabix", ()),
        ("the book about computer vision", (3,)),
        ("the parcel for room 12", (5,)),
        ("the parcel for room 13", ()),
        ("cornflakes", (2,)),
        ("cup", ()),  # a label in view, so not the noodles
        ("cup noodles", (8,)),
        ("the mug", ()),
        ("not weetabix", ()),
    ],
)
def test_a_phrase_means_the_thing_that_has_its_words_on_it(phrase: str, ids: tuple[int, ...]):
    assert named_by_text(phrase, SHELF, Kinds()) == ids


@pytest.mark.parametrize(
    ("word", "text", "is_there"),
    [
        ("weetabix", "Weetabxi", True),
        ("peanuts", "ROASTED PEANUT", True),
        ("cheezit", "CHEEZ-IT", True),
        ("toffifee", "T0ffifee", True),
        ("tea", "steam", False),
        ("milk", "SILK", False),
        ("mission", "VISION", False),
        ("12", "120 g", False),
    ],
)
def test_letters_may_be_misread_but_not_a_short_word_or_a_number(word: str, text: str, is_there: bool):
    assert is_printed(word, text) is is_there


def test_like_selects_by_text_first_and_the_trace_says_so():
    plan = parse_rollout('It says so.\na = find(label=box)\nb = like(a, "room 17")').plan
    done = execute(plan, DigitalTwin(instances=SHELF), Kinds())
    assert done.ids == (6,)
    assert done.trace[-1].note == PRINTED


def test_like_goes_by_labels_where_nothing_is_printed():
    plan = parse_rollout('It is a vessel.\na = like(all, "cup")').plan
    assert execute(plan, DigitalTwin(instances=SHELF), Kinds()).ids == (7, 9)
