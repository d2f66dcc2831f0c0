"""What a question brings: nouns that nothing in view is called by, and things that serve the need it tells."""

from __future__ import annotations

import pytest

from fastreasonseg_ros.reasoning.word_meaning.noun_extraction import MOST_WORDS, named, serving, words_of

IN_VIEW = ("mug", "plate", "dog")


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("the corkscrew", ("corkscrew",)),
        ("hand me the corkscrew", ("corkscrew",)),
        ("is there a fire extinguisher?", ("fire extinguisher",)),
        ("the red stapler behind the laptops", ("stapler", "laptop")),
        ("two forks and a spoon", ("fork", "spoon")),
        ("put the teddy bear into the box", ("teddy bear", "box")),
        ("something to open the wine with", ("corkscrew",)),  # by what it is used for, not the wine
        ("something to beat eggs", ("whisk",)),
        ("the mug nearest the stapler", ("stapler",)),  # a mug is in view
        ("the dishes", ("dish",)),
        ("the labrador", ("labrador",)),
        ("the animal", ()),  # the dog is one
        ("what is left of the plate?", ()),
        ("the largest object on the table", ()),
        ("the second cup from the left", ()),  # a mug will do
        ("the one closest to the camera", ()),
        ("what moved?", ()),
        ("show me everything that is red", ()),
        ("", ()),
        ("?!", ()),
    ],
)
def test_a_question_brings_the_nouns_that_nothing_in_view_covers(question, words) -> None:
    found = words_of(question, (), IN_VIEW, None)
    if question in ("the labrador", "the dishes"):  # what is in view may pass for it, or be looked for again
        assert set(found) <= set(words)
    else:
        assert found == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("corkscrew", ("corkscrew",)),
        ("a blue corkscrew", ("corkscrew",)),
        ("open wine", ("corkscrew",)),
        ("fragile", ()),  # a hundred things are: too little to look for
        ("red cup", ()),  # a mug is in view
    ],
)
def test_what_the_plan_asked_for_and_did_not_find_comes_first(text, words) -> None:
    assert words_of("where?", (text,), IN_VIEW, None) == words


def test_no_question_brings_more_than_six_words() -> None:
    many = "a fork, a spoon, a knife, a whisk, a ladle, a spatula, a grater, a colander and a rolling pin"
    assert len(named(many)) > MOST_WORDS
    assert len(words_of(many, (), (), None)) == MOST_WORDS


def test_of_many_things_that_serve_a_need_the_likest_come_first() -> None:
    class Likes:
        def similarity(self, text, labels):
            return [float(label == "wine glass") for label in labels]

        def matching(self, text, labels): ...

        def nearest(self, text, labels, count=3): ...

        def hint(self, text, labels): ...

    assert serving("something to drink from", Likes())[0] == "wine glass"
    assert len(serving("something to drink from", Likes())) == MOST_WORDS
