"""Checks questions with ids and without plans: `python corpus/questions/check_ids.py SCENES.jsonl ... -- FILE.jsonl`.

A line of FILE: {"scene", "text", "ids": [...], "category"}, and for a command that puts things somewhere `destination`:
{"relation", "ids"} or {"relation", "to": "camera" | "table" | "before"}. Exit status 1 where a line is wrong.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
from check import of_category_and_text, of_form, pattern  # noqa: E402
from overlap import shared_runs  # noqa: E402
from show import scenes  # noqa: E402

from fastreasonseg_ros.plan.operators import DESTINATIONS, RELATIONS  # noqa: E402
from fastreasonseg_ros.twin.types import DigitalTwin  # noqa: E402

KEPT, OPTIONAL = {"scene", "text", "ids", "category"}, {"destination", "batch", "split"}


def faults(row: Mapping[str, Any], twins: Mapping[str, DigitalTwin]) -> list[str]:
    """What is wrong with a question; nothing where it is right."""
    if unreadable := of_form(row, twins, KEPT, OPTIONAL):
        return unreadable
    found = of_category_and_text(row)
    if near := shared_runs(row["text"]):
        found.append(f"too near a question that is kept for measuring, at {sorted(near)}: reword it")
    known = {i.id for i in twins[row["scene"]].instances}
    end = row.get("destination", {})
    if odd := {*row["ids"], *end.get("ids", ())} - known:
        found.append(f"the scene has no {', '.join(map(str, sorted(odd)))}")
    if len(set(row["ids"])) < len(row["ids"]):
        found.append("an id stands twice")
    if "destination" in row:
        if end.get("relation") not in RELATIONS:
            found.append(f"relation must be one of {', '.join(RELATIONS)}")
        if ("to" in end) == ("ids" in end) or end.get("to", "table") not in DESTINATIONS:
            found.append(f"destination needs ids, or to: one of {', '.join(DESTINATIONS)}")
    return found


def main(scene_files: list[Path], file: Path) -> int:
    """Prints what is wrong with each line, and what the batch is made of."""
    twins = {name: twin for path in scene_files for name, twin in scenes(path).items()}
    wrong, rows, patterns = 0, [], dict[str, int]()
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            found = faults(row, twins)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            row, found = {}, [f"not of the form: {error!r}"]
        if not found:
            rows.append(row)
            key = pattern(row["text"], twins[row["scene"]])
            if key in patterns:
                found.append(f"same sentence pattern as line {patterns[key]}")
            patterns.setdefault(key, number)
        for fault in found:
            print(f"{number}: {row.get('text')!r}: {fault}")
        wrong += bool(found)
    categories = ", ".join(f"{k} {v}" for k, v in sorted(Counter(r["category"] for r in rows).items()))
    print(f"{len(rows)} questions about {len({r['scene'] for r in rows})} scenes, {wrong} with faults; {categories}")
    print(f"none: {sum(not r['ids'] for r in rows)}, with a destination: {sum('destination' in r for r in rows)}")
    return int(wrong > 0)


if __name__ == "__main__":
    split = sys.argv.index("--")
    sys.exit(main(list(map(Path, sys.argv[1:split])), Path(sys.argv[split + 1])))
