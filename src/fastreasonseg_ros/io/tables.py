"""Writes rows to a file by its extension: .jsonl unchanged; .csv and .parquet with fixed columns, lists as JSON text.

JSON lines and CSV are flushed after every row, Parquet in groups of rows and when it is closed.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from ..errors import ConfigError, DatasetError

TEXT, NUMBER, INTEGER, BOOLEAN = "text", "number", "integer", "boolean"
# Keys of the rows of questions and of frames; all other keys are in the column `more`.
COLUMNS = {
    "n": INTEGER, "scene": TEXT, "text": TEXT, "category": TEXT, "level": INTEGER, "at": NUMBER, "stamp_ns": INTEGER,
    "t_s": NUMBER, "standing": BOOLEAN, "frames": TEXT, "status": TEXT, "message": TEXT, "predicted_ids": TEXT,
    "target_ids": TEXT, "iou": NUMBER, "intersection": INTEGER, "union": INTEGER, "f": NUMBER, "exact": BOOLEAN,
    "reason": TEXT, "plan": TEXT, "trace": TEXT, "latency_ms": TEXT, "objects": INTEGER, "perception_ms": NUMBER,
    "answers": TEXT, "perception": TEXT, "run": TEXT, "more": TEXT,
}  # fmt: skip
GROUP = 500  # rows
NOT_RESUMABLE = (".csv", ".parquet")


class Table(Protocol):
    def write(self, row: Mapping[str, Any]) -> None: ...
    def close(self) -> None: ...


def open_table(path: str | Path, append: bool = False) -> Table:
    """Opens a table for writing. append: keep existing rows (.jsonl only).

    Raises DatasetError if the path cannot be written or appended to, ConfigError for Parquet without pyarrow.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if append and kind in NOT_RESUMABLE and path.exists():
        raise DatasetError(f"{path}: only .jsonl can be gone on with; with --resume give a file that ends in .jsonl")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == ".parquet":
            return _Parquet(path)
        file = open(path, "a" if append else "w", encoding="utf-8", newline="")  # noqa: SIM115, closed by close()
        return _Csv(file) if kind == ".csv" else _Lines(file)
    except OSError as error:
        raise DatasetError(f"{path}: cannot be written ({error.strerror}); give another path") from error


class _Lines:
    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, row: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()


class _Csv:
    def __init__(self, file: Any) -> None:
        self._file = file
        self._writer = csv.DictWriter(file, list(COLUMNS))
        self._writer.writeheader()

    def write(self, row: Mapping[str, Any]) -> None:
        self._writer.writerow(_flat(row))
        self._file.flush()

    def close(self) -> None:
        self._file.close()


class _Parquet:
    def __init__(self, path: Path) -> None:
        try:
            import pyarrow as pa
            import pyarrow.parquet as parquet
        except ImportError as error:
            raise ConfigError(
                f"{path}: Parquet needs pyarrow; `pip install pyarrow`, or give a file that ends in .csv or .jsonl"
            ) from error
        kinds = {TEXT: pa.string(), NUMBER: pa.float64(), INTEGER: pa.int64(), BOOLEAN: pa.bool_()}
        self._schema = pa.schema([(name, kinds[kind]) for name, kind in COLUMNS.items()])
        self._table = pa.Table.from_pylist
        self._writer = parquet.ParquetWriter(path, self._schema)
        self._rows: list[dict[str, Any]] = []

    def write(self, row: Mapping[str, Any]) -> None:
        self._rows.append(_flat(row))
        if len(self._rows) >= GROUP:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(self._table(self._rows, schema=self._schema))
            self._rows = []


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    more = {key: value for key, value in row.items() if key not in COLUMNS}
    for key, kind in COLUMNS.items():
        value = more or None if key == "more" else row.get(key)
        if value is not None and kind == TEXT and not isinstance(value, str):
            value = json.dumps(value, ensure_ascii=False)
        flat[key] = value
    return flat
