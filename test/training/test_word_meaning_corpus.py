"""The corpus of word meaning is of the form that its checker asks for, and the checker finds what is not."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "corpus" / "word_meaning"
_spec = importlib.util.spec_from_file_location("check_word_meaning", FOLDER / "check.py")
check = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(check)


def test_every_judgement_is_of_the_form_and_no_phrase_stands_twice(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main() == 0, capsys.readouterr().out
    phrases = [row["phrase"].lower() for row in check.read()]
    assert len(phrases) > 3000
    assert len(set(phrases)) == len(phrases)


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"kind": "colour"}, "unknown kind"),
        ({"split": "nowhere"}, "split nowhere must be"),
        ({"yes": ["mug"]}, "yes has 1 labels"),
        ({"no": ["mug"] * 6}, "no has a label twice"),
        ({"no": ["plate", "fork", "knife", "spoon", "Cup"]}, "on both sides: cup"),
        ({"yes": ["mug", "cup", "glass", "flask", "one two three four five six seven"]}, "has no or over 6 words"),
    ],
)
def test_the_checker_names_what_is_wrong(changed: dict, fault: str) -> None:
    phrase = "something to drink from"
    row = {"phrase": phrase, "kind": "use", "batch": "m00", "split": check.split_of(phrase)}
    row |= {"yes": ["mug", "cup", "glass", "flask", "beaker"], "no": ["plate", "fork", "knife", "spoon", "pan"]}
    assert check.faults(row) == []
    assert any(fault in found for found in check.faults(row | changed))
