"""WordNet's nouns, words brought to one form, and which labels they mean."""

from __future__ import annotations

import pytest

from fastreasonseg_ros.errors import ModelError
from fastreasonseg_ros.reasoning.word_meaning import lexicon
from fastreasonseg_ros.reasoning.word_meaning.grounding import Grounder, Grounding
from fastreasonseg_ros.reasoning.word_meaning.nouns import load_nouns, wider_classes
from fastreasonseg_ros.reasoning.word_meaning.paraphrases import TAGS, has_material, tag_of_phrase
from fastreasonseg_ros.reasoning.word_meaning.word_forms import (
    clean,
    content,
    corrected,
    edit_distance,
    key,
    singulars,
    without_article,
)

PANTRY = (
    "cereal box",
    "tea box",
    "cocoa tin",
    "chips can",
    "teapot",
    "mug",
    "wooden spoon",
    "scissors",
    "erlenmeyer flask",
)


@pytest.fixture(scope="module")
def grounder():
    return Grounder()


# --- words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "first"),
    [("tea boxes", "tea box"), ("knives", "knife"), ("cherries", "cherry"), ("glass", "glass"), ("mice", "mouse"),
     ("dishes", "dish"), ("vases", "vase"), ("bus", "bus"), ("potatoes", "potato"), ("mug", "mug")],
)  # fmt: skip
def test_a_plural_is_brought_to_its_singular(text, first):
    assert singulars(text)[0] == first


def test_needs_are_the_same_whatever_form_they_stand_in():
    assert content("for serving soup") == content("something that serves soup") == content("to serve the soup")
    assert key("things that I could drink from") == key("something to drink from") == "drink from"
    assert key("drink from") != key("drink")
    assert without_article(clean("All of the  MUGS!")) == "mugs"


def test_one_slip_is_set_right_and_a_known_word_stays():
    assert edit_distance("cerael", "cereal") == 1
    assert edit_distance("mug", "teapots") == 3  # 'more than two'
    assert corrected("cerael", {"cereal"}, frozenset()) == "cereal"
    assert corrected("kettel", set(), frozenset({"kettle"})) == "kettle"
    assert corrected("nail", {"snail"}, frozenset({"nail"})) == "nail"


# --- WordNet --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "word", "right"),
    [
        ("parakeet", "bird", True),
        ("loveseat", "furniture", True),
        ("tortoises", "reptile", True),
        ("parakeet", "mammal", False),
        ("screwdriver", "drink", False),  # the cocktail is not its most usual sense
        ("parakeet", "object", False),  # so wide that it says nothing
        ("zxqv", "bird", None),
        ("parakeet", "zxqv", None),
    ],
)
def test_wordnet_knows_kinds_of_things(label, word, right):
    assert lexicon.is_kind(label, word) is right


def test_a_word_that_mostly_names_no_thing_says_so():
    assert lexicon.is_mostly_abstract("volume")
    assert not lexicon.is_mostly_abstract("mug")


def test_a_damaged_lexicon_is_named(tmp_path, monkeypatch):
    (tmp_path / "w.gz").write_bytes(b"no gzip")
    monkeypatch.setattr(lexicon, "FILE", tmp_path / "w.gz")
    with pytest.raises(ModelError, match=r"w\.gz: cannot be read .* install this package again"):
        lexicon._tables.__wrapped__()


# --- the table ------------------------------------------------------------------------------------------------------


def test_every_noun_carries_all_kinds_that_its_kinds_are_kinds_of():
    nouns = load_nouns()
    assert {"electrical appliance", "electronic device", "machine", "appliance"} <= set(nouns["printer"].is_a)
    assert {"dish", "tableware", "container", "kitchenware"} <= set(nouns["bowl"].is_a)
    assert "pet" in nouns["turtle"].is_a
    assert "furniture" in wider_classes("chair")
    used = {kind for noun in nouns.values() for kind in noun.is_a}
    for noun in nouns.values():
        for kind in noun.is_a:
            assert used.intersection(wider_classes(kind)) <= {*noun.is_a, noun.noun, *noun.synonyms}, (noun.noun, kind)


def test_no_two_tags_are_said_with_the_same_words():
    phrases = [key(phrase) for tag in TAGS for phrase in {key(p): p for p in TAGS[tag]}.values()]
    assert len(phrases) == len(set(phrases)) == len(tag_of_phrase())


def test_a_finer_material_is_the_wider_one_too():
    assert has_material("metal", "stainless steel")
    assert has_material("plastic", "metal and plastic")
    assert not has_material("metal", "plastic")


# --- which labels are meant -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("box", {"cereal box", "tea box"}),
        ("carton", {"cereal box", "tea box"}),  # no carton there: loosely
        ("the tea", {"tea box"}),  # and not the teapot
        ("muesli", {"cereal box"}),
        ("potato crisps", {"chips can"}),
        ("tin", {"cocoa tin"}),
        ("cups", {"mug"}),
        ("flask", {"erlenmeyer flask"}),
        ("cerael box", {"cereal box"}),
        ("made of glass", {"erlenmeyer flask"}),
        ("wooden things", {"wooden spoon"}),
        ("something to cut with", {"scissors"}),
        ("breaks easily", {"teapot", "mug", "erlenmeyer flask"}),
        ("something to drink from", {"mug"}),
        ("coffee mug", {"mug"}),
        ("scissors or a mug", {"scissors", "mug"}),
        ("clean can", {"chips can"}),  # neither for cleaning nor what one can clean
        ("breaks easily if it is dropped", {"teapot", "mug", "erlenmeyer flask"}),
        ("stuff", set(PANTRY)),
        ("sofa", set()),
        ("", set()),
    ],
)
def test_words_mean_these_labels(grounder, words, meant):
    assert grounder.ground(words, PANTRY).labels == meant


@pytest.mark.parametrize(
    ("words", "labels", "meant"),
    [
        ("dog", ("hot dog", "rabbit"), set()),
        ("duck", ("rubber duck", "mug"), {"rubber duck"}),
        ("duck", ("rubber duck", "duck"), {"duck"}),
        ("mug", ("mug", "beer mug"), {"mug", "beer mug"}),
        ("beer mug", ("mug", "beer mug"), {"beer mug"}),
        ("the box", ("box", "cereal box", "matchbox", "carton", "box cutter"), {"box", "cereal box", "matchbox"}),
        ("red box", ("box", "cereal box", "mug"), {"box", "cereal box"}),
        ("cereal box", ("box", "cereal box", "tea box"), {"cereal box"}),
        ("cup", ("cup", "mug", "paper cup", "egg cup"), {"cup", "paper cup"}),  # an egg cup is for an egg
        ("glass", ("glass", "wine glass", "magnifying glass"), {"glass", "wine glass"}),
        ("paper", ("paper", "paper towel"), {"paper"}),
        ("bird", ("bird", "parakeet", "cat"), {"bird", "parakeet"}),
        ("mugs", ("mug", "beer mug"), {"mug", "beer mug"}),
        ("cup", ("paper cup", "mug"), {"paper cup"}),
        ("animals", ("tortoise", "parakeet", "dog leash"), {"tortoise", "parakeet"}),
        ("medicine", ("aspirin bottle", "water bottle"), {"aspirin bottle"}),
        ("tea", ("box of tea", "tea towel"), {"box of tea"}),
        ("not sharp", ("scalpel", "mug"), {"mug"}),
        ("pack of tea", ("tea box", "mug"), {"tea box"}),
        ("tin with cookies", ("cookie tin", "tin"), {"cookie tin"}),
        ("sports", ("skis", "vase"), {"skis"}),
        ("newcomer", ("cup", "vase"), {"cup", "vase"}),
    ],
)
def test_a_thing_is_called_by_what_fits_best_in_view(grounder, words, labels, meant):
    assert grounder.ground(words, labels).labels == meant


def test_what_word_lists_cannot_tell_is_left_open(grounder):
    assert grounder.ground("my hands are dripping wet", PANTRY) == Grounding(frozenset(), "unknown")
    assert grounder.ground("lawn mower", PANTRY) == Grounding(frozenset(), "absent")
