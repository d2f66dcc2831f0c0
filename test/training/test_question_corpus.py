"""The corpus of questions is right as executed, split by batch and scene, and its checker finds what is wrong."""

from __future__ import annotations

import gzip
import json
import sys
from collections import Counter
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "corpus" / "questions"
sys.path.insert(0, str(FOLDER))
import check as questions_check
import check_ids
from show import scenes, shown

from fastreasonseg_ros.training.student.scenes.consistency import faults as contradictions
from fastreasonseg_ros.training.student.scenes.loading import load_splits
from fastreasonseg_ros.twin.serialization import twin_to_dict
from fastreasonseg_ros.twin.types import ColorShare, DigitalTwin, Instance, Relation


@pytest.fixture(scope="module")
def twins() -> dict[str, DigitalTwin]:
    return scenes(FOLDER / "scenes.jsonl.gz")


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    with gzip.open(FOLDER / "questions.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_every_plan_gives_the_ids_that_its_writer_decided_on(rows, twins):
    wrong = {row["text"]: found for row in rows if (found := questions_check.faults(row, twins))}
    assert wrong == {}


def test_wishes_with_ids_only_name_objects_of_scenes_that_are_trained_on(rows, twins):
    with gzip.open(FOLDER / "wishes.jsonl.gz", "rt", encoding="utf-8") as lines:
        wishes = [json.loads(line) for line in lines]
    assert {wish["text"]: found for wish in wishes if (found := check_ids.faults(wish, twins))} == {}
    assert {w["scene"] for w in wishes} <= {row["scene"] for row in rows if row["split"] == "train"}
    written = {(row["scene"], row["text"].lower()) for row in rows}
    assert not any((w["scene"], w["text"].lower()) in written for w in wishes)


def test_it_is_split_by_batch_scene_and_layout(rows, twins):
    splits = {batch: {r["split"] for r in rows if r["batch"] == batch} for batch in {r["batch"] for r in rows}}
    assert all(len(its) == 1 for its in splits.values())
    assert all(row["scene"].startswith(row["batch"]) for row in rows)
    with gzip.open(FOLDER / "scenes.jsonl.gz", "rt") as lines:
        layouts = {row["scene"]: row["layout"] for row in map(json.loads, lines)}
    of_layout = load_splits()
    assert all(of_layout[layouts[row["scene"]]] == row["split"] for row in rows)
    assert set(layouts) == {row["scene"] for row in rows} == set(twins)


def test_scenes_make_sense(twins):
    assert {name: found for name, twin in twins.items() if (found := contradictions(twin))} == {}


def test_kinds_of_questions_are_balanced_and_no_batch_has_a_sentence_pattern_twice(rows, twins):
    levels, categories = Counter(r["level"] for r in rows), Counter(r["category"] for r in rows)
    assert min(levels.values()) > 0.15 * len(rows)
    assert min(categories.values()) > 0.04 * len(rows)
    assert 0.06 < sum(not r["ids"] for r in rows) / len(rows) < 0.16
    patterns = Counter((r["batch"], questions_check.pattern(r["text"], twins[r["scene"]])) for r in rows)
    assert max(patterns.values()) == 1


TWIN = DigitalTwin(
    (
        Instance(1, "mug", color="red", colors=(ColorShare("red", 0.7, "dark"), ColorShare("white", 0.3))),
        Instance(2, "tray", pose="upside_down"),
    ),
    (Relation(1, "on", 2),),
)
ROW = {"scene": "s", "text": "what can I drink from?", "reason": "Drinking needs a mug.", "category": "affordance"}
ROW |= {"plan": ['a = like(all, "to drink from")'], "ids": [1], "level": 1, "means": {"to drink from": ["mug"]}}
PUT = ROW | {"plan": ["a = find(label=mug)", "b = find(label=tray)", "place(a, on, b)"], "means": {}}


def test_a_right_line_has_no_fault_and_a_command_needs_its_destination():
    assert questions_check.faults(ROW, {"s": TWIN}) == []
    assert questions_check.faults(PUT | {"destination": {"relation": "on", "ids": [2]}}, {"s": TWIN}) == []
    assert "destination is" in questions_check.faults(PUT, {"s": TWIN})[0]


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"ids": [2]}, "ids are [2] but the plan gives [1]"),
        ({"means": {}}, "`means` lacks the labels"),
        ({"means": {"to drink from": ["cup"]}}, "which the scene has not"),
        ({"means": {"to drink from": ["mug"], "to eat": []}}, "quotes: to eat"),
        ({"plan": ["a = fly(all)"]}, "plan: "),
        ({"level": 4}, "level must be"),
        ({"category": "colour"}, "category must be"),
        ({"scene": "nowhere"}, "unknown scene"),
        ({"reason": "Mug."}, "2 to 30 words"),
        ({"more": 1}, "unknown keys more"),
    ],
)
def test_the_checker_names_what_is_wrong(changed, fault):
    assert any(fault in found for found in questions_check.faults(ROW | changed, {"s": TWIN}))


def test_writers_see_what_a_scene_holds(tmp_path):
    file = tmp_path / "scenes.jsonl"
    file.write_text(json.dumps({"scene": "s", "twin": twin_to_dict(TWIN)}))
    lines = list(shown("s", scenes(file)["s"]))
    assert lines[1] == "1: mug | dark red with white, None | on 2"
    assert lines[2].startswith("2: tray | no colour, None (upside_down)")
