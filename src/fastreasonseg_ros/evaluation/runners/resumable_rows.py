"""The rows file of a run that was interrupted: what is in it is kept, and the run goes on behind it."""

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
# What changes the rows of a run. Where they are written, and how many, does not.
SETTINGS = (
    "dataset", "format", "split", "scenes", "queries", "perception", "perception_set", "model", "model_set",
    "path", "color_topic", "depth_topic", "info_topic", "ids_topic", "questions_topic",
)  # fmt: skip
FILES = ("perception_config", "model_config", "questions")


def run_id(args: Namespace) -> str:
    """Short name of a configuration, the same for the same settings; every row carries it."""
    said: dict[str, Any] = {key: value for key in SETTINGS if (value := getattr(args, key, None)) is not None}
    for key in FILES:
        if path := getattr(args, key, None):
            said[key] = Path(path).read_text() if Path(path).is_file() else path
    for key in ("dataset", "scenes", "queries", "path"):
        if key in said:
            said[key] = str(Path(said[key]).resolve())
    return hashlib.sha256(json.dumps([__version__, said], sort_keys=True).encode()).hexdigest()[:12]


def read_done(path: str | Path, run: str, questions: Sequence[Question | TimedQuestion]) -> list[Row]:
    """The rows of this run that are in the file; none where there is no file. A half-written last line is cut off.

    Raises DatasetError naming the line that another run, or a run about other questions, has written, and for a file
    that is no .jsonl.
    """
    path = Path(path)
    if path.suffix.lower() in NOT_RESUMABLE:
        raise DatasetError(f"{path}: only .jsonl can be gone on with; with --resume give a file that ends in .jsonl")
    if not path.exists():
        return []
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) != len(data):
        path.write_bytes(whole)
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
    """Leaves the rows of these scenes in a file of JSON lines; a bag that is looked at again gives its own anew."""
    path = Path(path)
    if path.suffix != ".jsonl" or not path.exists():
        return
    whole = path.with_name(f".{path.name}.part")  # a file that is there is whole, whenever the machine stops
    with path.open(encoding="utf-8") as old, whole.open("w", encoding="utf-8") as new:
        for number, line in enumerate(old, 1):
            if line.endswith("\n") and json_object(line, f"{path}:{number}").get("scene") in scenes:
                new.write(line)
    whole.replace(path)
