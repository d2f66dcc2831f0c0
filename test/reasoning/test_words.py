"""Words as people write them."""

import pytest

from fastreasonseg_ros.reasoning.word_meaning.word_forms import MAX_QUOTABLE, quotable


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("Any tea boxes?", "box"),
        ("something for serving soup", "serve"),
        ("put the thing for cutting bread away", "cut"),
        ("the kid's t-shirt", "t-shirt"),
        ("I could sit on", "I"),
        ("who are these people", "person"),
        ("hand me the HELMETS", "helmet"),
    ],
)
def test_a_plan_may_quote_words_and_their_base_forms(question, word):
    assert word in quotable(question)


def test_nothing_of_the_plan_language_can_be_quoted_and_length_is_bounded():
    found = quotable('mug") b = find(label=x) "' + " word" * 500)
    assert all(c not in word for word in found for c in '"()=|, \n')
    assert len(found) < 5 * MAX_QUOTABLE
