"""Resumes an interrupted run from its rows file: existing rows are kept and new ones appended."""

from __future__ import annotations

import hashlib
import json
from argparse import Namespace
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any

from ... import __version__
from ...errors import DatasetError
from ...io.bags.questions import TimedQuestion
from ...io.datasets.base import Question
from ...io.files import json_object, read_jsonl
from ...io.tables import NOT_RESUMABLE

Row = dict[str, Any]
# Settings that change the content of rows, unlike output paths and limits.
SETTINGS = (
    "dataset", "format", "split", "scenes", "queries", "perception", "perception_set", "model", "model_set",
    "path", "color_topic", "depth_topic", "info_topic", "ids_topic", "questions_topic",
)  # fmt: skip
FILES = ("perception_config", "model_config", "questions")


def run_id(args: Namespace) -> str:
    """Hash (12 hex digits) of version and settings, written into every row."""
    settings: dict[str, Any] = {key: value for key in SETTINGS if (value := getattr(args, key, None)) is not None}
    for key in FILES:
        if path := getattr(args, key, None):
            settings[key] = Path(path).read_text() if Path(path).is_file() else path
    for key in ("dataset", "scenes", "queries", "path"):
        if key in settings:
            settings[key] = str(Path(settings[key]).resolve())
    return hashlib.sha256(json.dumps([__version__, settings], sort_keys=True).encode()).hexdigest()[:12]


def read_done(path: str | Path, run: str, questions: Sequence[Question | TimedQuestion]) -> list[Row]:
    """The rows of this run in the file; empty if there is no file. An incomplete last line is cut off.

    Raises DatasetError naming the line that a run with other settings or other questions has written, and for a file
    that is not .jsonl.
    """
    path = Path(path)
    if path.suffix.lower() in NOT_RESUMABLE:
        raise DatasetError(f"{path}: only .jsonl can be gone on with; with --resume give a file that ends in .jsonl")
    if not path.exists():
        return []
    data = path.read_bytes()
    complete = data[: data.rfind(b"\n") + 1]
    if len(complete) != len(data):
        path.write_bytes(complete)
    rows = []
    for where, row in read_jsonl(path):
        if row.get("run") != run:
            raise DatasetError(
                f"{where}: was written with other settings, data or version; give another --rows file, or leave "
                "--resume out to begin anew"
            )
        if "n" in row and not (
            isinstance(n := row["n"], int)
            and 0 <= n < len(questions)
            and (questions[n].scene, questions[n].text) == (row.get("scene"), row.get("text"))
        ):
            raise DatasetError(
                f"{where}: answers a question that this run does not ask ({row.get('text')!r}); give another --rows "
                "file, or leave --resume out to begin anew"
            )
        rows.append(row)
    return rows


def keep_rows(path: str | Path, scenes: Container[str]) -> None:
    """Removes rows of other scenes from a .jsonl file; a bag that is evaluated again writes its rows again."""
    path = Path(path)
    if path.suffix != ".jsonl" or not path.exists():
        return
    part = path.with_name(f".{path.name}.part")  # replaced atomically, so that the file is always complete
    with path.open(encoding="utf-8") as old, part.open("w", encoding="utf-8") as new:
        for number, line in enumerate(old, 1):
            if line.endswith("\n") and json_object(line, f"{path}:{number}").get("scene") in scenes:
                new.write(line)
    part.replace(path)
