"""Names by vote: one odd look changes neither the name nor the other words."""

from __future__ import annotations

from test_tracking import run, thing

from fastreasonseg_ros.twin.tracking import with_new_words
from fastreasonseg_ros.twin.votes import OTHERS, others, vote_others

MUG = thing(0.0, "mug", score=0.6, alternative_labels=("cup", "bowl", "pot"))
ODD = thing(0.0, "tin", score=0.5, alternative_labels=("jar", "pot"))


def words(*looks):
    return [(i.label, i.alternative_labels) for twin in run(*([look] for look in looks)) for i in twin.instances]


def test_one_look_gives_its_own_words():
    others = ("cup", "bowl", "pot")
    for look in (MUG, ODD, thing(0.0, "mug", score=0.85, alternative_labels=others), thing(0.0, "mug", score=1.0)):
        assert words(look) == [(look.label, look.alternative_labels)]


def test_one_look_that_differs_changes_nothing_among_many_that_agree():
    said = words(*[MUG] * 12, ODD, *[MUG] * 3)
    assert said == [("mug", ("cup", "bowl", "pot"))] * 16


def test_a_word_that_was_first_and_lost_is_the_likeliest_of_the_others():
    cup = thing(0.0, "cup", score=0.6, alternative_labels=("mug",))
    assert words(MUG, MUG, MUG, cup, cup)[-1] == ("mug", ("cup", "bowl", "pot"))
    assert words(*[MUG] * 2, *[cup] * 20)[-1] == ("cup", ("mug",))  # bowl and pot: long ago


def test_what_nobody_could_name_has_words_that_it_might_be_called_by():
    assert words(thing(0.0, "object", score=0.3, alternative_labels=("mug", "jar")))[0] == ("object", ("mug", "jar"))
    later = words(MUG, thing(0.0, "object", score=0.3, alternative_labels=("mug", "jar")))[1]
    assert later == ("mug", ("jar", "cup", "bowl"))


def test_new_words_of_perception_begin_anew_for_all_of_them():
    (twin,) = run([MUG])
    (later,) = run([thing(0.0, "whisk", score=0.4)], twin=with_new_words(twin))
    assert [(i.label, i.alternative_labels) for i in later.instances] == [("whisk", ())]


def test_an_odd_word_is_forgotten_and_never_are_there_more_than_three():
    assert others({"mug": 20.0, "tin": 0.4}, {}, "mug") == ()
    assert others({"mug": 20.0, "tin": 0.8}, {}, "mug") == ("tin",)
    many = vote_others({}, tuple("abcde"), 1.0, 1.0)
    assert sum(many.values()) == 1.0
    assert others({"mug": 1.0}, many, "mug") == ("a", "b", "c")
    assert OTHERS == 3
