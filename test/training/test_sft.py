"""Fine-tuning: the packed loss is the ordinary loss, and the real entry point trains, stops and goes on."""

import json

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from fastreasonseg_ros.errors import DatasetError, ModelError
from fastreasonseg_ros.reasoning.prompt import question_turn, scene_turn
from fastreasonseg_ros.training import base, data, sft


class Characters:
    """A tokenizer of one token a character, so that a test can count."""

    def encode(self, text, add_special_tokens=False):
        return [ord(c) % 128 for c in text]


@pytest.fixture
def tiny():
    torch.manual_seed(0)
    heads = {"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
    config = LlamaConfig(vocab_size=128, hidden_size=32, intermediate_size=64, **heads)
    return base.lora_model(LlamaForCausalLM(config), rank=4, alpha=8)


def test_branches_of_a_packed_scene_cost_what_they_cost_alone(tiny):
    known = (question_turn("the red mug"), "Why.\na = find(color=red)")
    branches = [known, (question_turn("a fork?"), "No fork.\nnone")]
    packed, count = sft.loss_of(tiny, sft.pack(Characters(), "mug: red", branches), torch.device("cpu"))
    alone = 0.0
    for asked, completion in branches:
        prompt = Characters().encode(scene_turn("mug: red") + asked)
        reply = Characters().encode(completion + "<|im_end|>")
        labels = torch.tensor([[-100] * len(prompt) + reply])
        out = tiny(input_ids=torch.tensor([prompt + reply]), labels=labels)
        alone += out.loss.item() * len(reply)
    assert count == sum(len(c) + len("<|im_end|>") for _, c in branches)
    assert packed.item() == pytest.approx(alone, rel=1e-4)


@pytest.fixture(scope="module")
def rollouts(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "rollouts.jsonl"
    data.main(["--out", str(path), "--scenes", "6", "--per-scene", "2"])
    return path


def test_the_entry_point_trains_saves_an_adapter_and_resumes(rollouts, tmp_path, capsys):
    settings = [f"rollouts={rollouts}", f"out={tmp_path}", "rank=2", "scenes_per_step=1", "threads=2"]
    sft.main([*settings, "max_steps=1"])
    sft.main([*settings, "max_steps=2"])
    steps = [json.loads(line)["step"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert steps == [1, 2]
    assert {p.name for p in (tmp_path / "adapter").iterdir()} >= {"adapter_config.json", "adapter_model.safetensors"}
    assert "adapter:" in capsys.readouterr().out


def test_a_checkpoint_of_another_base_is_refused(tiny, tmp_path):
    optimizer = torch.optim.AdamW(p for p in tiny.parameters() if p.requires_grad)
    sft._save(tmp_path / "checkpoint.pt", tiny, optimizer, 3, 0.5, "one base")
    assert sft._resume(tmp_path / "checkpoint.pt", tiny, optimizer, "one base") == (3, 0.5)
    with pytest.raises(ModelError, match="another base model"):
        sft._resume(tmp_path / "checkpoint.pt", tiny, optimizer, "another base")


@pytest.mark.parametrize(("text", "complaint"), [("", "is empty"), ('{"text": "mug"}\n{', ":1 is no rollout line")])
def test_broken_rollouts_name_the_line_and_the_way_out(tmp_path, text, complaint):
    path = tmp_path / "rollouts.jsonl"
    path.write_text(text)
    with pytest.raises(DatasetError, match="train data") as error:
        sft.read_rollouts(path)
    assert complaint in str(error.value)


def test_missing_rollouts_say_how_to_make_them(tmp_path):
    with pytest.raises(DatasetError, match="fastreasonseg train data"):
        sft.read_rollouts(tmp_path / "none.jsonl")
