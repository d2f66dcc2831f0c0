"""Questions of people as rollouts: chains are kept as they are right when the robot executes them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from fastreasonseg_ros.errors import DatasetError
from fastreasonseg_ros.training.student.corpus.people import read_people, taught
from fastreasonseg_ros.twin.serialization import twin_to_dict
from fastreasonseg_ros.twin.types import DigitalTwin, Instance, Relation

TWIN = DigitalTwin(
    (
        Instance(1, "mug", color="red", center_m=(0.0, 0.0, 1.0), size_m=(0.1, 0.1, 0.1)),
        Instance(2, "glass", color="white", center_m=(0.3, 0.0, 1.0), size_m=(0.1, 0.1, 0.1)),
        Instance(3, "tray", center_m=(0.0, 0.1, 1.0), size_m=(0.4, 0.02, 0.3)),
    ),
    (Relation(1, "on", 3),),
)


class Grounds:
    """Word meaning that knows one thing to drink from."""

    def matching(self, text, labels):
        return frozenset({"drink": {"mug", "glass"}, "tableware": {"mug"}}.get(text, ())) & frozenset(labels)


def line(plan: list[str], ids: list[int], text: str = "a question", **more) -> dict:
    return {"text": text, "reason": "why", "plan": plan, "ids": ids, "category": "semantic", "level": 1, **more}


def completions(row: dict) -> list[str]:
    return [str(q.rollout.plan) for q in taught(row, TWIN, Grounds())]


def test_words_that_word_meaning_grounds_are_quoted_and_others_become_labels():
    steps = ['a = like(all, "{}")', "b = filter(a, color=red)"]
    drink = line([s.format("drink") for s in steps], [1], means={"drink": ["mug", "glass"]})
    assert completions(drink) == ['a = like(all, "drink")\nb = filter(a, color=red)']
    for words in ("tableware", "never heard of"):
        row = line([s.format(words) for s in steps], [1], means={words: ["mug", "glass"]})
        assert completions(row) == ["a = find(label=mug|glass)\nb = filter(a, color=red)"]
    within = line(
        ["a = find(color=red)", 'b = like(a, "tableware", color=red)'], [1], means={"tableware": ["mug", "glass"]}
    )
    assert completions(within) == ["a = find(color=red)\nb = filter(a, label=mug|glass, color=red)"]


def test_a_question_that_nothing_fits_is_none_whatever_word_meaning_says():
    assert completions(line([], [])) == [""]
    assert completions(line(['a = like(all, "drink")'], [], means={"drink": []})) == [""]  # else it would be answered
    assert completions(line(['a = like(all, "cars")'], [], means={"cars": []})) == ['a = like(all, "cars")']


def test_a_chain_that_gives_other_ids_is_left_out():
    assert completions(line(["a = find(label=mug)"], [2])) == []


def test_a_command_teaches_its_ends_too():
    row = line(["a = find(label=mug)", "b = find(label=glass)", "place(b, on, c)"], [2], "put the glass on the tray")
    row["plan"].insert(2, "c = find(label=tray)")
    found = taught(row, TWIN, Grounds())
    assert [(q.text, str(q.rollout.plan), q.ids) for q in found[1:]] == [
        ("the glass", "a = find(label=glass)", (2,)),
        ("the tray", "a = find(label=tray)", (3,)),
    ]
    assert found[0].rollout.plan.destination == "c"


@pytest.mark.parametrize(
    "text",
    [
        "bring me the glass",  # its words are one question at run time
        "the glass is full, put it on the tray",  # "it" is no phrase that names a thing
    ],
)
def test_an_end_that_is_not_asked_as_a_question_of_its_own_is_not_taught(text):
    row = line(["a = find(label=glass)", "b = find(label=tray)", "place(a, on, b)"], [2], text)
    if "bring" in text:
        row["plan"][1:] = ["place(a, near, camera)"]
    phrases = [q.text for q in taught(row, TWIN, Grounds())[1:]]
    assert not any(phrase.startswith("it") for phrase in phrases)
    assert "bring" not in text or phrases == []


def test_a_folder_is_read_by_split_and_a_missing_one_is_told(tmp_path: Path):
    rows = [line([], []) | {"scene": "s", "split": split} for split in ("train", "held_out")]
    for name, content in (("questions", rows), ("scenes", [{"scene": "s", "twin": twin_to_dict(TWIN)}])):
        (tmp_path / f"{name}.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, content)).encode()))
    wish = {"scene": "s", "text": "a wish", "ids": [1], "category": "semantic"}
    (tmp_path / "wishes.jsonl.gz").write_bytes(gzip.compress(json.dumps(wish).encode()))
    for split, text in (("train", "a question"), ("wishes", "a wish")):
        found = list(read_people(tmp_path, split))
        assert [(name, [row["text"] for row in lines]) for name, _, lines in found] == [("s", [text])]
    with pytest.raises(DatasetError, match="no questions of people"):
        list(read_people(tmp_path / "nowhere", "train"))
