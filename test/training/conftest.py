"""A small base with the student's real tokenizer, and a few rollouts, for the tests of GRPO."""

import pytest
import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from fastreasonseg_ros.reasoning.language_models.gguf import base_gguf
from fastreasonseg_ros.training.student.corpus import data


@pytest.fixture(scope="module")
def tokenizer():
    path = base_gguf()
    return AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name)


@pytest.fixture(scope="module")
def tiny(tokenizer, tmp_path_factory):
    """A folder with a random Llama and the real tokenizer."""
    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(0)
    heads = {"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
    config = LlamaConfig(vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, **heads)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def rollouts(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "rollouts.jsonl"
    data.main(["--out", str(path), "--scenes", "5", "--per-scene", "2"])
    return path


@pytest.fixture(scope="module")
def examples(rollouts):
    from fastreasonseg_ros.training.student.grpo.prompts import read_examples

    return read_examples(rollouts)
