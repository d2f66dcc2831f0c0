"""Replies decoded in batches, kept on disk, and evaluations that run from them."""

from __future__ import annotations

import json

import pytest

from fastreasonseg_ros.errors import DatasetError, ModelError, Status
from fastreasonseg_ros.evaluation.runners.batch import Replies, Reply, in_batches
from fastreasonseg_ros.pipeline import reason
from fastreasonseg_ros.twin.types import DigitalTwin, Instance, Query

TWIN = DigitalTwin((Instance(1, "mug", color="red"), Instance(2, "plate", color="white"), Instance(3, "mug")))
PLANS = {"mugs": "All mugs.\na = find(label=mug)", "plate": "The plate.\na = find(label=plate)"}


class Writes:
    """Writes a plan by the last word of the question; counts how often it is called and with how many prompts."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def generate_batch(self, prompts, grammars):
        self.batches.append(len(prompts))
        if any("broken" in prompt for prompt in prompts):
            raise ModelError("generation failed")
        return [self.reply(prompt) for prompt in prompts]

    def reply(self, prompt: str) -> str:
        if "<results>" in prompt:
            return "3" if "3 mug" in prompt else "2"
        return next(plan for word, plan in PLANS.items() if word in prompt)

    def count_tokens(self, text: str) -> int:
        return len(text.split())


def ask_all(texts, model, path, size=2, **settings):
    replies = Replies(path, "by hand")

    def evaluation(ask):
        return [ask(TWIN, Query(text)) for text in texts]

    def asker(language_model):
        return lambda twin, query: reason(twin, query, language_model, **settings)

    return in_batches(evaluation, asker, replies, lambda: model, size)


def test_questions_are_answered_as_one_by_one_in_batches_of_the_size_asked_for(tmp_path):
    model = Writes()
    answers, tokens = ask_all(["the mugs", "the plate", "any plate"], model, tmp_path / "replies.jsonl")
    assert [answer.ids for answer in answers] == [(1, 3), (2,), (2,)]
    assert [answer.status for answer in answers] == [Status.OK] * 3
    assert model.batches == [2, 1]
    assert tokens == sum(len(PLANS[w].split()) + 1 for w in ("mugs", "plate", "plate"))


def test_a_question_that_takes_two_calls_gets_both(tmp_path):
    model = Writes()
    answers, _ = ask_all(["the mugs", "the plate"], model, tmp_path / "replies.jsonl", form="results")
    assert [answer.ids for answer in answers] == [(3,), (2,)]
    assert model.batches == [2, 2]


def test_what_was_answered_before_costs_no_model_and_a_half_written_line_is_made_again(tmp_path):
    path = tmp_path / "replies.jsonl"
    ask_all(["the mugs", "the plate"], Writes(), path)
    model = Writes()
    assert ask_all(["the mugs", "the plate"], model, path)[0][0].ids == (1, 3)
    assert model.batches == []
    path.write_text(path.read_text()[:-20])
    assert ask_all(["the mugs", "the plate"], model, path)[0][1].ids == (2,)
    assert model.batches == [1]


def test_replies_of_another_model_are_not_used(tmp_path):
    Replies(tmp_path / "r.jsonl", "one").add([("p", "g")], [Reply("text", 3)])
    assert Replies(tmp_path / "r.jsonl", "one").get("p", "g") == Reply("text", 3)
    assert Replies(tmp_path / "r.jsonl", "two").get("p", "g") is None


def test_a_prompt_that_the_model_cannot_take_costs_one_answer(tmp_path):
    answers, _ = ask_all(["the mugs", "the broken plate"], Writes(), tmp_path / "replies.jsonl")
    assert [answer.status for answer in answers] == [Status.OK, Status.MODEL_FAILED]
    assert "generation failed" in answers[1].message


def test_a_file_that_holds_no_replies_is_named(tmp_path):
    (tmp_path / "r.jsonl").write_text(json.dumps({"other": 1}) + "\n")
    with pytest.raises(DatasetError, match=r"r\.jsonl: holds no kept replies"):
        Replies(tmp_path / "r.jsonl", "one")


def test_a_full_disk_is_an_error_that_says_how_to_go_on():
    replies = Replies.__new__(Replies)
    replies.path, replies.model, replies._kept = __import__("pathlib").Path("/dev/full"), "m", {}
    with pytest.raises(DatasetError, match="No space left.*free some disk space and run the same command again"):
        replies.add([("p", "g")], [Reply("t", 1)])
