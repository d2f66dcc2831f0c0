"""Words may stand for each other where they mean the same thing, or one is a kind of the other; siblings never do."""

from __future__ import annotations

import pytest

from fastreasonseg_ros.errors import DatasetError
from fastreasonseg_ros.evaluation.metrics.synonyms import load_synonyms
from fastreasonseg_ros.simulation.objects.household import KINDS


@pytest.mark.parametrize(
    ("predicted", "known", "agree"),
    [
        ("mug", "cup", True),
        ("cereal box", "box", True),
        ("box", "tea box", True),
        ("carton", "cereal box", True),
        ("canister", "tin", True),
        ("cookie tin", "can", True),
        ("tea box", "cereal box", False),
        ("cookie tin", "chips can", False),
        ("tin", "container", True),
        ("box", "tin", False),
        ("book", "box", False),
        ("object", "box", False),
        ("fruit", "pear", True),
        ("apple", "pear", False),
        ("gizmo", "gizmo", True),
    ],
)
def test_words_that_may_stand_for_each_other(predicted: str, known: str, agree: bool) -> None:
    assert load_synonyms().agree(predicted, known) is agree
    assert load_synonyms().agree(known, predicted) is agree


def test_all_kinds_of_a_wide_word_are_found_and_no_simulated_kind_means_everything() -> None:
    table = load_synonyms()
    assert {"cereal box", "tea box", "carton", "packet"} <= table.kinds_of("box")
    assert "book" not in table.kinds_of("box")
    for kind in KINDS:
        assert sum(table.agree(kind, other) for other in KINDS) < len(KINDS) / 2


def test_a_word_with_two_meanings_and_a_line_without_any_are_errors_that_name_the_line(tmp_path) -> None:
    path = tmp_path / "table.txt"
    path.write_text("box = pack\ntin = pack\n")
    with pytest.raises(DatasetError, match=r"table.txt:2: 'pack'"):
        load_synonyms(path)
    path.write_text("# nothing\n\nbox\n")
    with pytest.raises(DatasetError, match="table.txt:3"):
        load_synonyms(path)
