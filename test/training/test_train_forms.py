"""Rollouts in the two other forms: what a student of that form is asked and writes at run time, word for word."""

from __future__ import annotations

import json

import pytest

from fastreasonseg_ros.errors import DatasetError
from fastreasonseg_ros.pipeline import reason
from fastreasonseg_ros.reasoning.prompting.prompt import question_turn, scene_text, scene_turn
from fastreasonseg_ros.training.student.corpus.hints import hint_of
from fastreasonseg_ros.training.student.corpus.reply_forms import in_form, main
from fastreasonseg_ros.twin.serialization import twin_to_dict
from fastreasonseg_ros.twin.types import DigitalTwin, Instance, Query

TWIN = DigitalTwin(
    (
        Instance(1, "plate", color="white", center_m=(0.0, 0.0, 1.0), size_m=(0.2, 0.02, 0.2)),
        Instance(2, "mug", color="red", center_m=(0.4, 0.0, 1.0), size_m=(0.08, 0.1, 0.08)),
        Instance(3, "mug", color="blue", center_m=(0.15, 0.0, 1.0), size_m=(0.08, 0.1, 0.08)),
    )
)
PLAN = "The mug next to the plate.\na = find(label=mug)\nb = find(label=plate)\nc = nearest(a, b)"
QUESTIONS = [
    {"text": "the mug by the plate", "near": [], "completion": PLAN, "target_ids": [3]},
    {"text": "an umbrella", "near": [], "completion": "None is in view.\nnone", "target_ids": []},
]
LINE = {"scene": "s0", "text": scene_text(TWIN), "twin": twin_to_dict(TWIN), "questions": QUESTIONS}


class Remembers:
    """Writes the completions given, and remembers the prompts."""

    name = "by hand"

    def __init__(self, *texts: str) -> None:
        self.texts, self.prompts = list(texts), []

    def generate(self, prompt, grammar, on_text=None):
        self.prompts.append(prompt)
        return self.texts[len(self.prompts) - 1]


def prompts_of(line):
    return [
        scene_turn(line["text"]) + question_turn(q["text"], hint_of(q)) + q.get("after", "") for q in line["questions"]
    ]


def test_ids_are_the_completion_of_a_prompt_with_places_as_at_run_time():
    line = in_form(LINE, "ids")
    assert [q["completion"] for q in line["questions"]] == ["The mug next to the plate.\n3", "None is in view.\nnone"]
    model = Remembers(line["questions"][0]["completion"])
    assert reason(TWIN, Query("the mug by the plate"), model, form="ids").ids == (3,)
    assert model.prompts == prompts_of(line)[:1]


def test_two_phases_are_two_turns_as_at_run_time():
    line = in_form(LINE, "results")
    assert [q["completion"] for q in line["questions"]] == [PLAN, "3", "None is in view.\nnone"]
    model = Remembers(*(q["completion"] for q in line["questions"][:2]))
    assert reason(TWIN, Query("the mug by the plate"), model, form="results").ids == (3,)
    assert model.prompts == prompts_of(line)[:2]


def test_a_plan_that_cannot_be_executed_is_left_out():
    blind = DigitalTwin(tuple(Instance(i.id, i.label) for i in TWIN.instances))
    line = in_form({**LINE, "twin": twin_to_dict(blind)}, "results")
    assert [q["text"] for q in line["questions"]] == ["an umbrella"]


def test_the_command_writes_a_file_of_the_same_kind_and_names_a_broken_line(tmp_path):
    source, target = tmp_path / "rollouts.jsonl", tmp_path / "new" / "ids.jsonl"
    source.write_text(json.dumps(LINE) + "\n")
    assert main(["--form", "ids", str(source), str(target)]) == 0
    assert json.loads(target.read_text()) == json.loads(json.dumps(in_form(LINE, "ids")))
    source.write_text(json.dumps(LINE) + '\n{"text": ')
    with pytest.raises(DatasetError, match=r"rollouts\.jsonl:2 is no rollout line"):
        main(["--form", "ids", str(source), str(tmp_path / "other.jsonl")])
    assert not (tmp_path / "other.jsonl").exists()
