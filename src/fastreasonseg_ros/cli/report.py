"""`fastreasonseg report RESULT.json...`: results as an HTML page and as Markdown."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import DatasetError
from ..evaluation.reports.gallery import BEST, WORST, as_uri
from ..evaluation.reports.outputs import write_text
from ..evaluation.reports.page import html_page, markdown, title_of
from ..evaluation.runners.evaluate import Row
from ..io.files import read_color, read_json, read_jsonl


def run(args: Namespace) -> int:
    if args.rows and len(args.rows) != len(args.results):
        raise DatasetError(
            f"{len(args.results)} results but {len(args.rows)} --rows: give one for each, in their order"
        )
    if not (args.html or args.markdown):
        raise DatasetError("nothing to write; give --html FILE or --markdown FILE")
    runs: list[tuple[str, dict[str, Any], list[Row], dict[str, Any]]] = []
    for k, path in enumerate(args.results):
        result = read_json(path)
        if not isinstance(result, dict) or "questions" not in result:
            raise DatasetError(f"{path}: is no result of eval or bag eval; give what they wrote with --json")
        rows = [row for _, row in read_jsonl(args.rows[k])] if args.rows else []
        runs.append((title_of(result, path), result, rows, _cases(rows or result["questions"], args.pictures)))
    if args.html:
        write_text(args.html, html_page(runs))
    if args.markdown:
        write_text(args.markdown, "\n".join(markdown(title, result, rows) for title, result, rows, _ in runs))
    print("\n".join(str(path) for path in (args.html, args.markdown) if path))
    return 0


def _cases(rows: Sequence[Row], pictures: str | None) -> dict[str, list[Row]]:
    """Worst and best rows by IoU, with the picture that `eval --overlays` wrote, if there is one."""
    known = sorted((r for r in rows if r.get("iou") is not None and "n" in r), key=lambda r: (r["iou"], r["n"]))
    worst = [r for r in known if r["iou"] < 0.5][:WORST]
    best = [r for r in reversed(known) if r["iou"] >= 0.5][:BEST]
    return {
        name: [dict(row) | {"picture": _picture(row["n"], pictures)} for row in chosen]
        for name, chosen in (("worst", worst), ("best", best))
    }


def _picture(n: int, folder: str | None) -> str | None:
    found = next(iter(sorted(Path(folder).glob(f"{n:04d}_*.png"))), None) if folder else None
    return None if found is None else as_uri(read_color(found))
