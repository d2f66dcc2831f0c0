"""People's questions about other things: what is exchanged, in which words, and which questions are left out."""

from __future__ import annotations

import gzip
import json
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from fastreasonseg_ros.reasoning.word_meaning.nouns import Noun, load_nouns
from fastreasonseg_ros.training.student.corpus import data
from fastreasonseg_ros.training.student.corpus.widening import Exchange, alike, exchange, widened
from fastreasonseg_ros.training.student.questions import english
from fastreasonseg_ros.twin.types import ColorShare, DigitalTwin, Instance

TWIN = DigitalTwin(
    (
        Instance(1, "mug", color="red", colors=(ColorShare("red", 0.8), ColorShare("white", 0.2)), center_m=(0, 0, 1)),
        Instance(2, "mug", color="blue", center_m=(0.2, 0, 1)),
        Instance(3, "cheese", color="yellow", center_m=(0.3, 0, 1)),
        Instance(4, "cheese board", color="brown", center_m=(0.4, 0, 1)),
    ),
    sequence=1,
)
NEW = Exchange({"mug": "egg cup"}, {"red": "blue", "blue": "red"})


class Grounds:
    """Word meaning that knows what one drinks from."""

    def matching(self, text, labels):
        return frozenset({"mug", "egg cup"} if "drink" in text else ()) & frozenset(labels)


def line(text: str, plan: list[str], ids: list[int], **more) -> dict:
    return {"text": text, "reason": text, "plan": plan, "ids": ids, "category": "semantic", "level": 1, **more}


def kept(*lines: dict) -> list[dict]:
    return widened(TWIN, lines, NEW, Grounds())[1]


def test_words_articles_and_plurals_are_exchanged_in_text_and_plan() -> None:
    asked = line("A mug, please, of the mugs the red one", ["a = find(label=mug, color=red)"], [1])
    (new,) = kept(asked)
    assert new["text"] == new["reason"] == "An egg cup, please, of the egg cups the blue one"
    assert (new["plan"], new["ids"]) == (["a = find(label=egg cup, color=blue)"], [1])


def test_the_scene_has_the_same_things_by_other_names_and_colours() -> None:
    there, _ = widened(TWIN, [], NEW, Grounds())
    assert [(i.label, i.color) for i in there.instances][:3] == [
        ("egg cup", "blue"),
        ("egg cup", "red"),
        ("cheese", "yellow"),
    ]
    assert [c.term for c in there.instances[0].colors] == ["blue", "white"]
    assert [i.center_m for i in there.instances] == [i.center_m for i in TWIN.instances]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (line("the cup that is red", ["a = find(label=mug, color=red)"], [1]), "the noun goes by another name"),
        (line("the mug like a fire engine", ["a = find(label=mug, color=red)"], [1]), "so does the colour"),
        (line("the cheese", ["a = find(label=cheese)"], [3]), "nothing of it was exchanged"),
        (line("a red mug", ["a = find(label=mug, color=red)"], [2]), "its plan finds other things"),
        (line("the red one to drink from", ['a = like(all, "drink from")', "b = filter(a, color=red)"], [1],
              means={"drink from": ["mug"]}), "whether one drinks from the new thing nobody has said"),
        (line("a red tractor", ["a = find(label=tractor)"], []), "nothing was asked for that is there"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)  # fmt: skip
def test_a_question_is_left_out_where(asked: dict, why: str) -> None:
    assert kept(asked) == [], why


def noun(name: str, size: tuple[float, ...] = (0.1, 0.1, 0.1), colors: int = 3, category: str = "tableware") -> Noun:
    return Noun(name, category, ("dishes",), size=size, colors=("red", "white", "blue")[:colors])


def test_a_noun_stands_for_one_of_its_kind_and_size() -> None:
    table = {n.noun: n for n in (noun("mug"), noun("cup"), noun("tub", (1.0, 1, 1)), noun("axe", category="tool"))}
    assert alike(table, table)["mug"] == ("cup",)
    usable = {name: n for name, n in table.items() if name != "cup"}
    assert alike(table, usable)["mug"] == ()
    assert alike(table, usable)["cup"] == ("mug",)


def test_a_part_of_another_label_and_colours_that_belong_to_a_thing_stay() -> None:
    table = {n.noun: n for n in (noun("mug"), noun("cup"), noun("cheese", colors=1), noun("butter"))}
    others = {"mug": ("cup",), "cheese": ("butter",)}
    for seed in range(30):
        made = exchange(TWIN, table, others, Random(seed))
        assert "cheese" not in made.nouns  # there is a cheese board
        assert set(made.colors) <= {"red", "blue", "white"}  # no yellow cheese, no board that the table does not know


def first_scenes(folder: Path, count: int = 30) -> Path:
    """A corpus of the first training scenes."""
    folder.mkdir()
    with gzip.open("corpus/questions/scenes.jsonl.gz", "rt") as scenes:
        kept = list(islice(scenes, count))
    names = {json.loads(scene)["scene"] for scene in kept}
    with gzip.open("corpus/questions/questions.jsonl.gz", "rt") as questions:
        asked = [q for q in questions if json.loads(q)["scene"] in names]
    for name, lines in (("scenes", kept), ("questions", asked)):
        with gzip.open(folder / f"{name}.jsonl.gz", "wt") as file:
            file.writelines(lines)
    return folder


def test_train_data_widens_peoples_questions_with_nouns_that_training_may_have(tmp_path: Path) -> None:
    out = tmp_path / "w.jsonl"
    argv = ["--out", str(out), "--scenes", "0", "--people", str(first_scenes(tmp_path / "corpus"))]
    assert data.main([*argv, "--widen", "1"]) == 0
    rows = [json.loads(row) for row in out.read_text().splitlines()]
    new = [(row, q) for row in rows for q in row["questions"] if q["family"] == "people, widened"]
    assert len(new) > 10
    written = {q["text"] for row in rows for q in row["questions"] if q["family"] == "people"}
    assert not written & {q["text"] for _, q in new}
    scenes = {row["scene"]: {i["label"] for i in row["twin"]["instances"]} for row in rows}
    brought = {label for row, _ in new for label in scenes[row["scene"]] - scenes[row["scene"].split()[0]]}
    assert brought
    assert not [label for label in brought if english.is_held_out("noun " + label)]
    assert brought <= set(load_nouns())
    whole = out.read_bytes()
    out.write_bytes(whole[: len(whole) * 9 // 10])  # interrupted: goes on where it was
    data.main([*argv, "--widen", "1"])
    assert out.read_bytes() == whole
