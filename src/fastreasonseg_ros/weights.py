"""Weights of large models, for perception and reasoning alike: where they lie, where they go, and what a failure means.

Nothing is fetched while a robot starts: a model is a folder (or file), or a hub id that `fastreasonseg models install`
has put into the cache. So a node fails at once, with the command that helps, and never waits for a network.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from .errors import ConfigError, ModelError

Device = Literal["auto", "cuda", "cpu", "mps"]
Precision = Literal["auto", "float32", "float16", "bfloat16"]
_WEIGHTS = ("*.safetensors", "*.bin", "*.pt", "*.gguf")
_WORK_SHARE = 1.15  # of the weights: what activations and libraries take beside them, at least


def find_weights(model: str, file: str = "") -> Path:
    """The folder of a model, or the file in it: a path, or a hub id whose snapshot is in the Hugging Face cache.

    Raises ModelError naming the path or id and how to get it.
    """
    path = Path(model).expanduser()
    if path.exists():
        return _inside(path, file, model)
    if path.is_absolute() or model.startswith((".", "~")) or model.count("/") != 1:
        raise ModelError(
            f"{model}: no such file or folder; give the path of the weights, or a hub id such as owner/name"
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(model, local_files_only=True))
    except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError) as error:
        raise ModelError(f"{model}: the weights are not on this machine; {get_hint(model)}") from error
    return _inside(folder, file, model)


def _inside(path: Path, file: str, model: str) -> Path:
    found = path / file if file and path.is_dir() else path
    if not found.exists():
        raise ModelError(f"{found}: is missing; {get_hint(model)}")
    return found


def get_hint(model: str) -> str:
    """The end of a message about missing weights."""
    return f"get it with `fastreasonseg models install {model}` (needs a network), or give the path of a folder"


@contextmanager
def needs_extra(extra: str, what: str) -> Iterator[None]:
    """Turns a missing package into a ConfigError that says what needs it and which extra of this package brings it."""
    try:
        yield
    except ImportError as error:
        raise missing_extra(extra, what, error) from error


def missing_extra(extra: str, what: str, error: ImportError) -> ConfigError:
    """The error about a package that is missing: what needs it, and the command that installs it."""
    return ConfigError(
        f"{what} needs {error.name or error}, which is not installed; `pip install 'fastreasonseg_ros[{extra}]'`, "
        "or `make setup-all` in a clone of the repository"
    )


@contextmanager
def loading(model: str) -> Iterator[None]:
    """Turns what libraries raise while they load or warm up a model into a ModelError that names it and says why."""
    try:
        yield
    except (ModelError, ConfigError):
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        if isinstance(error, MemoryError) or "out of memory" in reason or "can't allocate memory" in reason:
            raise ModelError(f"{model}: too little memory ({reason}); {_SMALLER}") from error
        if isinstance(error, ImportError):
            raise ModelError(
                f"{model}: a package is missing ({reason}); `pip install 'fastreasonseg_ros[foundation]'`"
            ) from error
        # A damaged file fails anywhere in its reader, with any kind of error.
        raise ModelError(f"{model}: cannot be loaded ({reason}); {get_hint(model)}") from error


_SMALLER = "close other programs, choose a smaller model or image, or half precision"


def check_memory(model: str, path: Path, device: str, bytes_a_weight: float = 4.0) -> None:
    """Raises ModelError where the weights in `path` cannot fit into the free memory of the device.

    bytes_a_weight: as they will be loaded. The size on disk is taken as it is unless it is known to be 32-bit.
    """
    import psutil

    files = [path] if path.is_file() else [f for kind in _WEIGHTS for f in path.glob(kind)]
    on_disk = sum(f.stat().st_size for f in files)
    need = on_disk * min(1.0, bytes_a_weight / 2.0) * _WORK_SHARE if bytes_a_weight < 2 else on_disk * _WORK_SHARE
    if device == "cuda":
        import torch

        free = torch.cuda.mem_get_info()[0]
    else:
        free = psutil.virtual_memory().available
    if need > free:
        raise ModelError(
            f"{model}: too little memory, it needs {need / 1e9:.1f} GB and {free / 1e9:.1f} GB are free on {device}; "
            f"{_SMALLER}"
        )


def pick_device(device: Device) -> str:
    """The device itself; "auto" is CUDA, then Apple's MPS, then the CPU. Raises ConfigError for one that is absent."""
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        return next(name for name, ready in there.items() if ready)
    if not there[device]:
        usable = ", ".join(name for name, ready in there.items() if ready)
        raise ConfigError(f"device is {device!r}, but torch sees none here; usable: {usable}, or auto")
    return device


def pick_dtype(precision: Precision, device: str) -> Any:
    """The torch dtype; "auto" is half precision on CUDA (bfloat16 where it is native) and MPS, float32 on the CPU."""
    import torch

    if precision != "auto":
        return getattr(torch, precision)
    if device == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    return torch.float16 if device == "mps" else torch.float32


def model_folders(*own: Path) -> list[Path]:
    """Search path of models: $FASTREASONSEG_MODELS, then `own`, the repository, the installed share/."""
    folders = [Path(d) for d in os.environ.get("FASTREASONSEG_MODELS", "").split(os.pathsep) if d]
    folders += [*own, Path(__file__).resolve().parents[2] / "models"]
    prefixes = [p for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p] + [sys.prefix]
    return folders + [Path(p) / "share" / "fastreasonseg_ros" / "models" for p in prefixes]


def find_model_file(name: str) -> Path | None:
    """A file of models/: the first in `model_folders`; None: nowhere."""
    return next((f / name for f in model_folders() if (f / name).is_file()), None)
