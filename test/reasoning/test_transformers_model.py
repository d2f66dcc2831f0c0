"""Any causal model of transformers: tiny random ones with SmolLM2's tokenizer, so that only the code is tested."""

from __future__ import annotations

import asyncio
import itertools
import random
import sys
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("xgrammar")
import contract
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from fastreasonseg_ros.errors import ConfigError, ModelError, Status
from fastreasonseg_ros.pipeline import reason
from fastreasonseg_ros.plan.grammar import grammar
from fastreasonseg_ros.plan.parser import parse_rollout
from fastreasonseg_ros.reasoning import make_language_model
from fastreasonseg_ros.reasoning.language_models.gguf import base_gguf
from fastreasonseg_ros.reasoning.language_models.transformers import TransformersConfig, TransformersModel
from fastreasonseg_ros.reasoning.prompting.prompt import prompt, question_turn, scene_text, scene_turn
from fastreasonseg_ros.serving.open_vocabulary_retry import Observation
from fastreasonseg_ros.serving.reasoner import Reasoner
from fastreasonseg_ros.twin.types import COLORS, DigitalTwin, Instance, Query

NOUNS = ("mug", "red plate", "paper towel", "fork", "café cup", "bottle", "box", "toy car", "screwdriver")
REPLIES = 1000


def twin(seed: int) -> DigitalTwin:
    pick = random.Random(seed)
    return DigitalTwin(
        tuple(
            Instance(
                n, pick.choice(NOUNS), color=pick.choice(COLORS), box_xyxy=(n, n, n + 9, n + 9), center_m=(n, 0, 1)
            )
            for n in range(1, pick.randint(2, 7))
        )
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder, base = tmp_path_factory.mktemp("llama"), base_gguf()
    tokenizer = AutoTokenizer.from_pretrained(base.parent, gguf_file=base.name)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        tie_word_embeddings=True,
        initializer_range=0.5,
        eos_token_id=tokenizer.eos_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def model(folder) -> TransformersModel:
    return TransformersModel(TransformersConfig(str(folder), device="cpu", instructions=False, max_new_tokens=24))


def test_a_thousand_replies_of_random_weights_all_parse(model, monkeypatch) -> None:
    monkeypatch.setattr(model, "config", replace(model.config, max_new_tokens=6))  # most are ended by force
    rules = [(scene, grammar(scene, look_for=seed % 2 == 0)) for seed in range(10) for scene in [twin(seed)]]
    operators, empty = set(), 0
    for n in range(REPLIES):
        scene, allowed = rules[n * len(rules) // REPLIES]
        if n % 25 == 0:  # other weights too: the grammar must hold whatever they want
            torch.manual_seed(n)
            model._model.lm_head.weight.data.normal_(0, 0.5)
            model._cache, model._cached = None, []
        rollout = parse_rollout(model.generate(prompt(scene, f"question {n}"), allowed))
        empty += rollout.plan.is_none
        operators |= {step.operator for step in rollout.plan.steps}
    assert empty < REPLIES
    assert len(operators) > 10


def test_the_scene_is_read_once_and_the_reply_is_the_same_as_without_a_cache(folder, model) -> None:
    scene = scene_turn(scene_text(twin(3)))
    questions = [scene + question_turn(text) for text in ("the red mug", "what is left of it?", "the red mug")]
    allowed = grammar(twin(3))
    replies, read = [], []
    for text in questions:
        replies.append(model.generate(text, allowed))
        read.append(model.read_tokens)
    lengths = [len(model._tokenizer(q)["input_ids"]) for q in questions]
    shared = len(model._tokenizer(scene)["input_ids"])
    assert read[1] <= lengths[1] - shared + 2  # the last token of the scene may join what follows
    assert read[2] < lengths[2]
    fresh = []
    for text in questions:
        model._cache, model._cached = None, []
        fresh.append(model.generate(text, allowed))
        assert model.read_tokens == len(model._tokenizer(text)["input_ids"])
    assert replies == fresh
    with torch.inference_mode():  # and as transformers says without any cache of ours
        ids = torch.tensor([model._tokenizer(questions[0])["input_ids"]])
        expected = model._model.generate(ids, max_new_tokens=8, do_sample=False)[0, ids.shape[1] :]
    short = TransformersModel(TransformersConfig(str(folder), device="cpu", max_new_tokens=8))
    short._model.load_state_dict(model._model.state_dict())
    short._cache, short._cached = None, []  # was computed with the previous weights
    assert short.generate(questions[0], "") == short._tokenizer.decode(expected, skip_special_tokens=True)


def test_text_comes_in_pieces_and_can_be_stopped(model) -> None:
    pieces: list[str] = []
    reply = model.generate("One, two,", "", lambda piece: bool(pieces.append(piece)))
    assert len(pieces) > 1
    assert reply.startswith("".join(pieces))
    assert all(pieces)
    stopped: list[str] = []
    model.generate("One, two,", "", lambda piece: stopped.append(piece) or len(stopped) == 2)
    assert stopped == pieces[:2]


@pytest.mark.parametrize("holds", contract.PROMISES, ids=lambda holds: holds.__name__)
def test_it_keeps_what_every_language_model_promises(model, holds) -> None:
    holds(model)


def test_its_text_streams_into_the_feedback_of_a_question(model) -> None:
    stages = []

    async def ask():
        reasoner = Reasoner(60.0)
        reasoner.use(model, None)
        reasoner.observe(Observation(twin(1)))
        try:
            return await reasoner.ask("the red mug", "", 60.0, lambda *stage: stages.append(stage))
        finally:
            reasoner.close()

    answer, _ = asyncio.run(ask())
    assert answer.status in (Status.OK, Status.NO_MATCH, Status.CANNOT_ANSWER)
    texts = [text for stage, text in stages if stage == "thinking"]
    assert len(texts) > 2
    assert all(after.startswith(before) for before, after in itertools.pairwise(texts))


def test_half_precision_answers_inside_the_grammar(folder) -> None:
    half = TransformersModel(TransformersConfig(str(folder), device="cpu", precision="bfloat16", max_new_tokens=8))
    assert half._model.dtype == torch.bfloat16
    assert half.generate("Say: ", 'root ::= "yak" | "zebra"') in ("yak", "zebra")


def test_a_question_goes_from_words_to_an_answer(model) -> None:
    answer = reason(twin(1), Query("the red mug"), model)
    assert answer.status in (Status.OK, Status.NO_MATCH, Status.CANNOT_ANSWER)
    assert answer.model == model.name


def test_an_adapter_is_merged_and_changes_the_reply(folder, tmp_path) -> None:
    peft = pytest.importorskip("peft")
    base = LlamaForCausalLM.from_pretrained(folder)
    adapted = peft.get_peft_model(
        base, peft.LoraConfig(r=4, target_modules=["q_proj", "down_proj"], init_lora_weights=False)
    )
    adapted.save_pretrained(tmp_path / "adapter")
    settings = ["device=cpu", "max_new_tokens=8"]
    plain = make_language_model("transformers", None, [f"model={folder}", *settings])
    tuned = make_language_model("transformers", None, [f"model={folder}", f"adapter={tmp_path / 'adapter'}", *settings])
    assert not any("lora" in name for name, _ in tuned._model.named_parameters())
    with torch.inference_mode():
        ids = torch.tensor([plain._tokenizer("One, two,")["input_ids"]])
        torch.testing.assert_close(tuned._model(ids).logits, adapted(ids).logits, atol=1e-3, rtol=1e-3)
        assert not torch.allclose(tuned._model(ids).logits, plain._model(ids).logits, atol=0.1)
    assert tuned.name.endswith("+adapter")
    assert (plain._instructions, tuned._instructions) == (True, False)


def test_what_is_missing_damaged_or_too_large_is_named_before_anything_is_ready(folder, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(ModelError, match=r"Qwen/Qwen3-0.6B: .*`fastreasonseg models install Qwen/Qwen3-0.6B`"):
        make_language_model("transformers")
    with pytest.raises(ModelError, match=r"nowhere: is no adapter for"):
        make_language_model("transformers", None, [f"model={folder}", "device=cpu", f"adapter={tmp_path / 'nowhere'}"])
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(ModelError, match=rf"{tmp_path}: cannot be loaded"):
        make_language_model("transformers", None, [f"model={tmp_path}", "device=cpu"])
    with open(tmp_path / "model.safetensors", "wb") as file:
        file.truncate(1 << 42)
    with pytest.raises(ModelError, match=r"too little memory, it needs .* GB .* free on cpu"):
        make_language_model("transformers", None, [f"model={tmp_path}", "device=cpu"])
    with pytest.raises(ModelError, match=r"leaves no room in a context of 2048"):
        TransformersModel(TransformersConfig(str(folder), device="cpu", instructions=False)).generate("mug " * 2000, "")


def test_four_bits_where_they_cannot_be_say_what_to_do(monkeypatch, tmp_path) -> None:
    settings = [f"model={tmp_path}", "quantize=4bit"]
    with pytest.raises(ConfigError, match=r"4bit runs on CUDA only, and the device is cpu; set quantize: none"):
        make_language_model("transformers", None, [*settings, "device=cpu"])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)  # as if it were not installed
    with pytest.raises(ConfigError, match=r"quantize: 4bit needs bitsandbytes.*pip install bitsandbytes"):
        make_language_model("transformers", None, [*settings, "device=cuda"])
