"""Provenance of a result: command, version, commit, libraries, and hashes of the input files."""

from __future__ import annotations

import hashlib
import shlex
import subprocess
import sys
from argparse import Namespace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ... import __version__

LIBRARIES = ("numpy", "scipy", "torch", "transformers", "openvino", "openvino-genai", "opencv-python", "rosbags")
QUESTION_FILES = ("queries", "scenes", "questions", "perception_config", "model_config")
LARGEST = 2**31  # bytes; larger files are not hashed


def provenance(args: Namespace) -> dict[str, Any]:
    """command, date, version, commit (None outside a clone), libraries, sha256 of questions, settings and student."""
    root = Path(__file__).parents[4]
    files = [Path(p) for key in QUESTION_FILES if (p := getattr(args, key, None))]
    if dataset := getattr(args, "dataset", None):
        files.append(Path(dataset) / "queries.jsonl")
    files += sorted(p for p in (root / "models" / "student").rglob("*") if p.suffix in (".safetensors", ".gguf"))
    found = [p for p in files if p.is_file() and p.stat().st_size < LARGEST]
    return {
        "command": shlex.join(["fastreasonseg", *sys.argv[1:]]),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": __version__,
        "commit": _commit(root),
        "libraries": {name: v for name in LIBRARIES if (v := _version(name))},
        "sha256": {_short(p, root): hashlib.sha256(p.read_bytes()).hexdigest() for p in found},
    }


def _short(path: Path, root: Path) -> str:
    return str(path.resolve().relative_to(root)) if path.resolve().is_relative_to(root) else str(path)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _commit(root: Path) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
