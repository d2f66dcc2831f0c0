"""Journal of a teaching run: one line per question, so that the run can be resumed.

The journal (OUT.asked) is append-only. OUT is rewritten completely from the journal and the questions.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ....errors import DatasetError

Row = dict[str, Any]


def scenes(path: Path) -> Iterator[Row]:
    """Lines of `train data`, one by one. Raises DatasetError that names the line."""
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                try:
                    row = json.loads(line)
                    if not all(key in row for key in ("scene", "text", "twin", "questions")):
                        raise ValueError("scene, text, twin or questions are missing")
                    for question in row["questions"]:
                        if not all(key in question for key in ("text", "near", "completion", "target_ids")):
                            raise ValueError("a question without text, near, completion or target_ids")
                except (ValueError, TypeError, UnicodeDecodeError) as error:
                    raise DatasetError(
                        f"{path}:{number} is no line of questions ({error}); delete it, or write it with `train data`"
                    ) from error
                yield row
    except OSError as error:
        raise DatasetError(
            f"{path}: cannot be read ({error.strerror}); make it with `fastreasonseg train data --out {path}`"
        ) from error


def count_questions(path: Path) -> int:
    """Number of questions in the file, without parsing JSON."""
    try:
        with path.open("rb") as file:
            return sum(line.count(b'"target_ids":') for line in file)
    except OSError as error:
        raise DatasetError(
            f"{path}: cannot be read ({error.strerror}); make it with `fastreasonseg train data --out {path}`"
        ) from error


def key_of(scene: Row, question: Row) -> str:
    """Key of a question: hash of twin, question and answer, independent of the file."""
    parts = [scene["text"], scene["twin"], question["text"], question["target_ids"]]
    return hashlib.blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=10).hexdigest()


class Journal:
    """Thread-safe. `done` maps a question's key to its line: key, chains (kept ones), problem, tries."""

    def __init__(self, path: Path) -> None:
        """Reads an existing journal; an incomplete last line is cut off. Raises DatasetError."""
        self.path = path
        self.done: dict[str, Row] = {}
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(path, "ab+", buffering=0)  # noqa: SIM115 (held as long as the journal)
            self._file.seek(0)
            data = self._file.read()
            complete = data[: data.rfind(b"\n") + 1]
            self._file.truncate(len(complete))
        except OSError as error:
            raise _unwritable(path, error) from error
        for number, line in enumerate(complete.splitlines(), 1):
            try:
                row = json.loads(line)
                self.done[row["key"]] = {"chains": list(row["chains"]), **row}
            except (ValueError, KeyError, TypeError) as error:
                raise DatasetError(f"{path}:{number} is no line of a journal ({error}); delete that line") from error

    def write(self, row: Mapping[str, Any]) -> None:
        """Appends one line atomically; ignored after close(). Raises DatasetError (disk full)."""
        data = json.dumps(row, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            if self._file.closed:
                return
            size = os.fstat(self._file.fileno()).st_size
            try:
                while data:
                    data = data[self._file.write(data) :]
            except OSError as error:
                self._file.truncate(size)
                raise _unwritable(self.path, error) from error
            self.done[row["key"]] = dict(row)

    def close(self) -> None:
        with self._lock:
            self._file.close()

    def assemble(self, questions: Path, out: Path) -> int:
        """Writes the kept chains in the format of `train data`, with `teacher` in each question; returns their number.

        Raises DatasetError; `out` is unchanged then.
        """
        half, kept = out.with_name(out.name + ".half"), 0
        try:
            with half.open("w", encoding="utf-8") as file:
                for scene in scenes(questions):
                    rows = [q | chain for q in scene["questions"] for chain in self._chains(scene, q)]
                    kept += len(rows)
                    if rows:
                        file.write(json.dumps({**scene, "questions": rows}, separators=(",", ":")) + "\n")
            half.replace(out)
        except OSError as error:
            raise _unwritable(out, error) from error
        finally:
            half.unlink(missing_ok=True)
        return kept

    def _chains(self, scene: Row, question: Row) -> list[Row]:
        return self.done.get(key_of(scene, question), {}).get("chains", [])


def _unwritable(path: Path, error: OSError) -> DatasetError:
    return DatasetError(
        f"{path}: cannot be written ({error.strerror}); free some space or give another `out`. What is done is kept"
    )
