"""Plans that the real student draws for questions with known ids, executed; the right ones as rollouts."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from fastreasonseg_ros.errors import DatasetError
from fastreasonseg_ros.plan.parser import parse_rollout
from fastreasonseg_ros.reasoning.confidence import EVIDENCE
from fastreasonseg_ros.training.student.corpus import data, samples
from fastreasonseg_ros.twin.serialization import twin_to_dict
from fastreasonseg_ros.twin.types import DigitalTwin, Instance, Relation

TWIN = DigitalTwin(
    (
        Instance(1, "mug", color="red", center_m=(-0.2, 0.0, 1.0), size_m=(0.1, 0.1, 0.1)),
        Instance(2, "mug", color="blue", center_m=(0.3, 0.0, 1.0), size_m=(0.1, 0.1, 0.1)),
        Instance(3, "plate", color="white", center_m=(0.35, 0.1, 1.0), size_m=(0.2, 0.02, 0.2)),
        Instance(4, "spoon", color="gray", center_m=(0.0, 0.1, 0.9), size_m=(0.15, 0.02, 0.03)),
    ),
    (Relation(4, "on", 3),),
)
WISHES = (
    {"text": "the red mug", "ids": [1]},
    {"text": "put the spoon on the plate", "ids": [4], "destination": {"relation": "on", "ids": [3]}},
    {"text": "whatever the moon is made of", "ids": [1, 2, 3]},
)


@pytest.fixture(scope="module")
def people(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    rows = [{"scene": "s", "category": "semantic", **wish} for wish in WISHES]
    for name, content in (
        ("wishes", rows),
        ("scenes", [{"scene": "s", "twin": twin_to_dict(TWIN)}]),
        ("questions", []),
    ):
        (folder / f"{name}.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, content)).encode()))
    return folder


@pytest.fixture(scope="module")
def drawn(people, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("samples") / "samples.jsonl"
    assert samples.main(["--people", str(people), "--out", str(out), "--count", "4", "--temperature", "1.2"]) == 0
    return out


def test_each_sample_is_a_plan_in_the_grammar_with_what_it_gives(drawn):
    (line,) = drawn.read_text().splitlines()
    questions = json.loads(line)["questions"]
    assert [q["text"] for q in questions] == [wish["text"] for wish in WISHES]
    for question in questions:
        found = question["samples"]
        assert sum(s["number"] for s in found) == 5  # with the one that is given where nothing is chosen
        assert sum(s["first"] for s in found) == 1
        assert {*next(s for s in found if s["first"])["evidence"]} == {*EVIDENCE}
        assert len({s["completion"] for s in found}) == len(found)
        assert [s["log_probability"] for s in found] == sorted((s["log_probability"] for s in found), reverse=True)
        for sample in found:
            parse_rollout(sample["completion"])
            assert not sample["right"] or set(sample["ids"]) == set(question["target_ids"])
    assert questions[0]["samples"][0]["right"]
    assert questions[1]["destination_ids"] == [3]


def test_a_run_that_was_interrupted_goes_on(people, drawn, capsys):
    before = drawn.read_text()
    with drawn.open("a") as file:
        file.write('{"scene": "half a li')
    assert samples.main(["--people", str(people), "--out", str(drawn)]) == 0
    assert drawn.read_text() == before
    drawn.with_name("other.jsonl").write_text("[]\n")
    with pytest.raises(DatasetError, match="is no file of samples"):
        samples.main(["--people", str(people), "--out", str(drawn.with_name("other.jsonl"))])


def test_rollouts_are_made_of_questions_that_are_right_sometimes(people, tmp_path):
    def sample(completion: str, right: bool, number: int) -> dict:
        return {"completion": completion, "number": number, "right": right, "steps": [[1]], "log_probability": -1.0}

    hard = [sample("r\na = find(label=mug)", False, 5), sample("r\na = find(color=red)", True, 1)]
    hard.append(sample("r\na = find(label=mug, color=red)", True, 2))
    asked = {"near": ["mug"], "far": [], "target_ids": [1], "category": "semantic"}
    rows = [
        {"text": text, "samples": found, **asked}
        for text, found in (("hard", hard), ("easy", hard[1:]), ("too hard", hard[:1]))
    ]
    file = tmp_path / "samples.jsonl"
    file.write_text(json.dumps({"scene": "s", "questions": rows}) + "\n")
    arguments = ["--out", str(tmp_path / "mix.jsonl"), "--scenes", "0", "--samples", str(file), "--people", str(people)]
    for _ in range(2):  # the second time there is nothing left to do
        assert data.main(arguments) == 0
        (line,) = (tmp_path / "mix.jsonl").read_text().splitlines()
        (question,) = json.loads(line)["questions"]
        assert (question["text"], question["completion"]) == ("hard", "r\na = find(label=mug, color=red)")
