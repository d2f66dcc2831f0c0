"""What the project knows about things, and which thing a label speaks of."""

from __future__ import annotations

import pytest

from fastreasonseg_ros.errors import DatasetError
from fastreasonseg_ros.reasoning.word_meaning.nouns import find_noun, load_nouns


def test_the_table_of_the_project_knows_over_a_thousand_things_with_glosses_and_uses():
    nouns = load_nouns()
    assert len(nouns) > 1000
    assert all(noun.gloss and noun.uses and noun.needs and noun.is_a for noun in nouns.values())
    assert load_nouns() is nouns


@pytest.mark.parametrize(
    ("label", "noun"),
    [
        ("mug", "mug"),
        ("Mug", "mug"),
        ("mugs", "mug"),
        ("knives", "knife"),
        ("cherries", "cherry"),
        ("tooth brush", "toothbrush"),
        ("grandmother's striped mug", "mug"),
        ("left_shoe", "shoe"),
    ],
)
def test_a_label_is_found_by_name_synonym_singular_or_last_words(label, noun):
    found = find_noun(label)
    assert found is not None
    assert found.noun == noun


@pytest.mark.parametrize("label", ["", "zxqv", "mug zxqv"])
def test_an_unknown_label_is_no_noun(label):
    assert find_noun(label) is None


def test_a_noun_in_two_files_is_one_with_the_lists_of_both(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"noun": "tap", "gloss": "lets water flow", "uses": ["fill a glass"]}\n')
    (tmp_path / "b.jsonl").write_text('\n{"noun": "tap", "gloss": "another", "uses": ["wash hands", "fill a glass"]}\n')
    (noun,) = load_nouns(tmp_path).values()
    assert (noun.gloss, noun.uses) == ("lets water flow", ("fill a glass", "wash hands"))


@pytest.mark.parametrize("line", ["{", '{"gloss": "no name"}', '{"noun": "tap", "color": "red"}', "[1]"])
def test_a_broken_line_is_named(tmp_path, line):
    (tmp_path / "a.jsonl").write_text('{"noun": "tap"}\n' + line)
    with pytest.raises(DatasetError, match=r"a\.jsonl:2: is no noun"):
        load_nouns(tmp_path)


@pytest.mark.parametrize(
    ("plural", "noun"),
    [
        ("mice", "mouse"),
        ("cookies", "cookie"),
        ("TVs", "television"),
        ("thermoses", "thermos"),
        ("zip ties", "zip tie"),
    ],
)
def test_a_plural_finds_its_noun(plural: str, noun: str) -> None:
    assert find_noun(plural).noun == noun
