"""Writes the table of figures in README.md, between its two marks, from docs/benchmarks.json; --check only compares.

    python scripts/update_readme_table.py --add NAME RESULT.json    takes the figures of a result of eval (--json) in
    python scripts/update_readme_table.py                           writes the table anew

docs/benchmarks.json: {"rows": [{"name", "n", "measures": {"gIoU": {"value", "interval"}}, "latency_ms", "machine",
"commit", "command"}]}. A name that is there already is replaced.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FIGURES, README = ROOT / "docs" / "benchmarks.json", ROOT / "README.md"
BEGIN, END = "<!-- benchmarks: made by scripts/update_readme_table.py -->", "<!-- end of benchmarks -->"
NAMES = {"giou": "gIoU", "ciou": "cIoU", "exact": "exact set", "j_and_f": "J&F"}


def row_of(name: str, result: dict[str, Any]) -> dict[str, Any]:
    """A row of the table from what eval, eval-twins or bag eval wrote."""
    made = result.get("made") or {}
    intervals = result.get("intervals") or {}
    measures = {NAMES[m]: {"value": result[m], "interval": intervals.get(m)} for m in NAMES if m in result}
    if not measures:
        raise SystemExit(f"{name}: the result holds none of {', '.join(NAMES)}; give what eval wrote with --json")
    return {
        "name": name,
        "n": result["n"],
        "measures": measures,
        "latency_ms": {k: v for k, v in result["latency_ms"].items() if v.get("p50") is not None},
        "machine": result["machine"],
        "commit": made.get("commit"),
        "date": made.get("date"),
        "command": made.get("command"),
    }


def table(figures: dict[str, Any]) -> str:
    """The lines between the marks."""
    lines = ["| questions | n | score (95 % interval) | reasoning p50 / p95 | commit |", "|---|---|---|---|---|"]
    for row in figures["rows"]:
        scores = ", ".join(f"{m} {_score(v)}" for m, v in row["measures"].items())
        spent = row["latency_ms"].get("reasoning") or row["latency_ms"].get("question")
        took = f"{spent['p50']:.0f} / {spent['p95']:.0f} ms" if spent else "-"
        lines.append(f"| {row['name']} | {row['n']} | {scores} | {took} | {(row.get('commit') or '-')[:7]} |")
    machines = dict.fromkeys(_machine(row["machine"]) for row in figures["rows"])
    lines += ["", "Measured on " + "; ".join(machines) + ". Commands: docs/benchmarks.json."]
    return "\n".join(lines)


def filled(readme: str, figures: dict[str, Any]) -> str:
    """The README with the table between its marks."""
    if readme.count(BEGIN) != 1 or readme.count(END) != 1:
        raise SystemExit(f"README.md must hold each of these lines once:\n{BEGIN}\n{END}")
    head, _, rest = readme.partition(BEGIN)
    tail = rest.partition(END)[2]
    return f"{head}{BEGIN}\n\n{table(figures)}\n\n{END}{tail}"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--add", nargs=2, metavar=("NAME", "RESULT"), action="append", default=[])
    parser.add_argument("--check", action="store_true", help="exit status 1 if the README differs")
    args = parser.parse_args(argv)
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {"rows": []}
    for name, path in args.add:
        row = row_of(name, json.loads(Path(path).read_text()))
        names = [r["name"] for r in figures["rows"]]
        if name in names:
            figures["rows"][names.index(name)] = row
        else:
            figures["rows"].append(row)
    if args.add:
        FIGURES.parent.mkdir(exist_ok=True)
        FIGURES.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    before = README.read_text()
    after = filled(before, figures)
    if args.check:
        if before != after:
            print("README.md differs from docs/benchmarks.json; run scripts/update_readme_table.py", file=sys.stderr)
        return int(before != after)
    README.write_text(after)
    return 0


def _score(value: dict[str, Any]) -> str:
    low_high = value.get("interval")
    return f"{value['value']:.2f}" + (f" ({low_high[0]:.2f} to {low_high[1]:.2f})" if low_high else "")


def _machine(machine: dict[str, Any]) -> str:
    return f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_gb']:.0f} GB"


if __name__ == "__main__":
    sys.exit(main())
