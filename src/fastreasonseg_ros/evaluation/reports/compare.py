"""Compares results: `fastreasonseg eval ... --against FILE` and `fastreasonseg compare FILE FILE ...`.

Questions are paired by scene, frames and text; figures are of the questions that both results have. The interval of a
difference is a paired bootstrap over scenes (intervals.py); a difference is significant where it does not contain 0.
"""

from __future__ import annotations

import json
from argparse import Namespace
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import DatasetError
from ...io.files import read_json, read_jsonl
from ..metrics.intervals import paired_interval
from ..metrics.summary import MEASURES, ratio, scene_of, score_of, slim, terms
from .outputs import write_text

Row = Mapping[str, Any]
SHOWN = 5  # questions with the largest differences


def run(args: Namespace) -> int:
    """`fastreasonseg compare`: the first file against each of the others."""
    if len(args.files) < 2:
        raise DatasetError("compare needs two results or more; give the files that eval wrote with --json")
    first, *others = ((path, read_result(path)) for path in args.files)
    results = {path: compare(first[1], rows, args.seed) for path, rows in others}
    for path, result in results.items():
        print(compare_table(result, first[0], path) + "\n")
    if args.json:
        write_text(args.json, json.dumps({"first": first[0], "against": results}, indent=1, ensure_ascii=False) + "\n")
    return 0


def read_result(path: str | Path) -> list[dict[str, Any]]:
    """The questions of a result (--json) or of its rows (--rows, .jsonl). Raises DatasetError naming the file."""
    if Path(path).suffix == ".jsonl":
        rows = [slim(row) for _, row in read_jsonl(path) if "n" in row]
    else:
        data = read_json(path)
        rows = data.get("questions") if isinstance(data, dict) else None
    if not isinstance(rows, list) or not rows or not all(isinstance(r, dict) and "text" in r for r in rows):
        raise DatasetError(f"{path}: holds no answered questions; give a file that eval wrote with --json or --rows")
    return rows


def compare(here: Sequence[Row], there: Sequence[Row], seed: int = 0) -> dict[str, Any]:
    """n, only_here, only_there; measures, by_category, by_level: {measure: here, there, difference, interval}; better,
    worse: questions; changed: those that differ most. Raises DatasetError where no question is in both."""
    ours, theirs = _keyed(here), _keyed(there)
    keys = [key for key in ours if key in theirs]
    if not keys:
        raise DatasetError("the two results have no question in common; compare results about one data set and split")
    pairs = [(ours[key], theirs[key]) for key in keys]
    result: dict[str, Any] = {
        "n": len(pairs),
        "only_here": len(ours) - len(pairs),
        "only_there": len(theirs) - len(pairs),
        "measures": _differences(pairs, seed),
    }
    for name, key in (("by_category", "category"), ("by_level", "level")):
        groups: dict[str, list[tuple[Row, Row]]] = {}
        for pair in pairs:
            if pair[0].get(key) is not None:
                groups.setdefault(str(pair[0][key]), []).append(pair)
        result[name] = {value: _differences(group, seed) for value, group in sorted(groups.items())}
    changes = [(_score(a) - _score(b), a, b) for a, b in pairs]
    result |= {"better": sum(d > 0 for d, _, _ in changes), "worse": sum(d < 0 for d, _, _ in changes)}
    changes = sorted((c for c in changes if c[0]), key=lambda c: -abs(c[0]))
    result["changed"] = [
        {"scene": a.get("scene"), "text": a["text"], "here": _score(a), "there": _score(b)}
        for _, a, b in changes[:SHOWN]
    ]
    return result


def compare_table(result: Mapping[str, Any], here: str = "here", there: str = "there") -> str:
    """The comparison as lines of text."""
    lines = [f"here:  {here}", f"there: {there}"]
    lines.append(f"{'':<22}{'here':>8}{'there':>8}{'here - there':>14}   95 % interval")
    groups = {"all": result["measures"], **result["by_category"]}
    groups |= {f"level {level}": part for level, part in result["by_level"].items()}
    for name, part in groups.items():
        for measure, m in part.items():
            interval = "too few scenes" if m["interval"] is None else "{:+.3f} to {:+.3f}".format(*m["interval"])
            head = f"{name} {measure}"
            lines.append(f"{head:<22}{m['here']:>8.3f}{m['there']:>8.3f}{m['difference']:>+14.3f}   {interval}")
    lines.append(f"{result['n']} questions in both: {result['better']} better here, {result['worse']} worse")
    if result["only_here"] or result["only_there"]:
        lines.append(f"left out: {result['only_here']} only here, {result['only_there']} only there")
    lines += [f"  {c['here']:.2f} here, {c['there']:.2f} there: {c['text']} ({c['scene']})" for c in result["changed"]]
    return "\n".join(lines)


def _keyed(rows: Sequence[Row]) -> dict[tuple, Row]:
    """Rows by (scene, frames, text, occurrence); the occurrence counts repeated questions about a scene."""
    times: Counter[tuple] = Counter()
    keyed = {}
    for row in rows:
        key = (row.get("scene"), tuple(row.get("frames") or ()), row["text"])
        keyed[(*key, times[key])] = row
        times[key] += 1
    return keyed


def _differences(pairs: Sequence[tuple[Row, Row]], seed: int) -> dict[str, Any]:
    differences = {}
    for measure, (needed, _) in MEASURES.items():
        mine = [pair for pair in pairs if all(row.get(needed) is not None for row in pair)]
        if not mine:
            continue
        ours, theirs = (terms([pair[k] for pair in mine], measure) for k in (0, 1))
        groups = [scene_of(a, index) for index, (a, _) in enumerate(mine)]
        here, there = ratio(*ours), ratio(*theirs)
        interval = paired_interval(ours, theirs, groups, seed)
        differences[measure] = {"here": here, "there": there, "difference": here - there, "interval": interval}
    return differences


def _score(row: Row) -> float:
    """0 without ground truth."""
    return score_of(row) or 0.0
