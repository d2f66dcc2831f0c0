"""Writes figures to a JSON file and the terminal, rows to a file as they are made, and pictures."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import cv2
import numpy as np
from jaxtyping import UInt8
from tqdm import tqdm

from ...errors import DatasetError
from ...io.tables import open_table
from ...twin.types import Answer
from ..runners.points import FIGURES


class Output:
    """The output files of an evaluation command. Both are opened at the start, so that an invalid path fails early.

    Every row is on disk when row() returns; an interrupted run prints how to resume. done: number of rows in the file
    already, to which more are appended; None if the command cannot resume.
    """

    def __init__(
        self, json_path: str | None, rows_path: str | None, total: int, unit: str = "question", done: int | None = None
    ) -> None:
        self._json_path, self._rows_path = json_path, rows_path
        self._resumable, self._done = done is not None, done or 0
        if json_path:
            _writable(json_path, "a").close()  # written at the end; an existing file stays as it is until then
        self._rows = open_table(rows_path, bool(done)) if rows_path else None
        self._total, self._unit, self._written = total, unit, 0
        self._bar: tqdm | None = None

    def row(self, row: Mapping[str, Any]) -> None:
        if self._rows:
            self._rows.write(row)
            self._written += 1
        # Created with the first row, so that an error of model loading is not mixed with a progress bar.
        self._bar = self._bar or tqdm(total=self._total, initial=self._done, unit=self._unit, dynamic_ncols=True)
        self._bar.update()

    def result(self, result: Mapping[str, Any]) -> None:
        """Writes and prints the figures."""
        if self._json_path:
            write_text(self._json_path, json.dumps(result, indent=1, ensure_ascii=False) + "\n")
        self.show(result)

    def show(self, result: Mapping[str, Any]) -> None:
        """Prints the figures."""
        self._close_bar()
        print(table(result))

    def __enter__(self) -> Output:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close_bar()
        if self._rows:
            self._rows.close()
            if kind is not None and self._resumable and self._done + self._written:
                rows = self._done + self._written
                print(f"{rows} rows are in {self._rows_path}; --resume goes on there", file=sys.stderr)

    def _close_bar(self) -> None:
        if self._bar is not None:
            self._bar.close()


def table(result: Mapping[str, Any]) -> str:
    """The figures as lines of text: total, groups, then perception and cost."""
    heads = [
        k for k in ("giou", "ciou", "exact", "answers", "destination_exact", "j", "f", "j_and_f", "n") if k in result
    ]
    names = ["dest." if k == "destination_exact" else k for k in heads]
    lines = [_line("", names), _line("all", [result[k] for k in heads])]
    intervals = result.get("intervals") or {}
    for k, name in enumerate(("  95 % from", "  to")):
        if any(intervals.values()):
            lines.append(_line(name, [i[k] if (i := intervals.get(h)) else "" for h in heads]))
    for group in ("by_category", "by_level"):
        for name, part in result.get(group, {}).items():
            lines.append(_line(f"level {name}" if group == "by_level" else name, [part.get(k, "") for k in heads]))
    if video := result.get("video"):
        lines.append("video: " + ", ".join(f"{k} {_shown(video[k])}" for k in ("j", "f", "j_and_f", "n")))
    if points := result.get("points"):
        lines.append("")
        lines += [
            f"points {k.replace('_', ' ')}: {_shown(points[k])} of {points[of]}" for k, (_, of) in FIGURES.items()
        ]
    if result.get("caution"):
        lines.append(f"caution: {result['caution']}")
    lines += [f"warning: {warning}" for warning in result.get("warnings", ())]
    if result.get("perception"):
        lines.append("")
        lines += [f"perception {k}: {_shown(v)}" for k, v in result["perception"].items()]
    lines.append("")
    if result.get("statuses"):
        lines.append("questions: " + ", ".join(f"{n} {status}" for status, n in result["statuses"].items()))
    for stage, p in result.get("latency_ms", {}).items():
        if p.get("p50") is not None:
            lines.append(f"{stage}: p50 {p['p50']:.1f} ms, p95 {p['p95']:.1f} ms")
    share = (result.get("timed") or {}).get("evaluation_cpu_share")
    if share is not None:
        lines.append(f"evaluation beside the models: {share:.1%} of their processor time")
    if "peak_rss_mb" in result:
        m = result["machine"]
        lines.append(f"peak memory {result['peak_rss_mb']:.0f} MiB on {m['cores']} cores of {m['cpu']}")
    return "\n".join(lines)


def _line(name: str, values: list[Any]) -> str:
    return f"{name:<16}" + "".join(f"{_shown(v):>9}" for v in values)


def _shown(value: Any) -> str:
    return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def _writable(path: str, mode: str = "w") -> TextIO:
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return open(path, mode, encoding="utf-8")
    except OSError as error:
        raise DatasetError(f"{path}: cannot be written ({error.strerror}); give another path") from error


def write_picture(path: str | Path, picture: UInt8[np.ndarray, "h w 3"] | UInt8[np.ndarray, "h w"]) -> None:
    """Writes an image, RGB or one channel, as PNG. Raises DatasetError if the path cannot be written."""
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(cv2.imencode(".png", picture[..., ::-1] if picture.ndim == 3 else picture)[1].tobytes())
    except OSError as error:
        raise DatasetError(f"{path}: cannot be written ({error.strerror}); give another path") from error


def write_result(args: argparse.Namespace, result: Mapping[str, Any], text: str) -> None:
    """Writes the result to --json and the text to --markdown, where given. Raises DatasetError."""
    if args.json:
        write_text(args.json, json.dumps(result, indent=1) + "\n")
    if args.markdown:
        write_text(args.markdown, text)


def write_text(path: str | Path, text: str) -> None:
    """Writes UTF-8 text; makes the folder. Raises DatasetError if the path cannot be written."""
    with _writable(str(path)) as file:
        file.write(text)


def answer_as_dict(answer: Answer, perception_ms: float | None = None) -> dict[str, Any]:
    """The answer as a dict for JSON; perception_ms: time of observe() on its frame."""
    latency = dict(answer.latency_ms) if perception_ms is None else {"perception": perception_ms, **answer.latency_ms}
    return {
        "text": answer.query.text,
        "status": answer.status.name,
        "message": answer.message,
        "ids": list(answer.ids),
        **command_fields(answer),
        "confidence": None if answer.confidence is None else round(answer.confidence, 4),
        "reason": answer.reason,
        "plan": answer.plan,
        "trace": [str(step) for step in answer.trace],
        "model": answer.model,
        "latency_ms": {k: round(v, 2) for k, v in latency.items()},
    }


def command_fields(answer: Answer) -> dict[str, Any]:
    """destination_ids, relation, reference (of the first command) and commands; nothing for a question."""
    if not answer.commands:
        return {}
    keys = ("ids", "relation", "destination_ids", "reference")
    commands = [{k: list(v) if isinstance(v := getattr(c, k), tuple) else v for k in keys} for c in answer.commands]
    return {k: commands[0][k] for k in keys[1:]} | {"commands": commands}
