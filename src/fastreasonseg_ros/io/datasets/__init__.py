"""Readers of data sets, one file per format. Each has NAME, WHERE (what to download and where to put it),
is_here(folder) and open_here(folder, split); its docstring names the source of the format."""

from __future__ import annotations

import difflib
from pathlib import Path

from ...errors import DatasetError
from . import ade20k, davis, folder, jitbench, llmseg40k, osd, points, reasonseg, reasonvos, revos, rvtbench
from .base import Dataset

READERS = (reasonseg, llmseg40k, revos, reasonvos, rvtbench, jitbench, osd, davis, ade20k, folder, points)
FORMATS = tuple(reader.NAME for reader in READERS)


def open_dataset(path: str | Path, format: str | None = None, split: str | None = None) -> Dataset:
    """Opens the data set in a folder; the format is detected by its files unless it is given.

    Raises DatasetError, naming file and line, for an unknown format, split, scene, frame or id, and for a missing or
    broken file.
    """
    root = Path(path)
    if format is not None:
        if format not in FORMATS:
            near = difflib.get_close_matches(format, FORMATS, n=1, cutoff=0.0)[0]
            raise DatasetError(f"unknown format {format!r}, did you mean {near!r}? There are: {', '.join(FORMATS)}")
        reader = READERS[FORMATS.index(format)]
        if not reader.is_here(root):
            raise DatasetError(f"{root}: is not {reader.NAME} as it is published. {reader.WHERE}")
        return reader.open_here(root, split)
    if not root.is_dir():
        raise DatasetError(f"{root}: there is no such folder; --format NAME tells what to download and where to put it")
    for reader in READERS:
        if reader.is_here(root):
            return reader.open_here(root, split)
    raise DatasetError(
        f"{root}: has no queries.jsonl and the files of no known data set; give the folder of a data set, or force one "
        f"of {', '.join(FORMATS)} with --format, which tells what is missing"
    )
