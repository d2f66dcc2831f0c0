"""Writes the tables of figures in README.md and docs/evaluation.md, between their marks, from docs/benchmarks.json;
--check only compares.

    python scripts/update_readme_table.py --add NAME RESULT.json    takes the figures of a result of eval (--json) in
    python scripts/update_readme_table.py --scaling BENCH.json      takes in what `bench --scaling --json` wrote
    python scripts/update_readme_table.py                           writes the tables anew

docs/benchmarks.json: {"rows": [{"name", "n", "measures": {"gIoU": {"value", "interval"}}, "latency_ms", "machine",
"commit", "command"}], "scaling"?: {"frame_size", "instances", "standing_questions", "machine", "load_average"}}. A name
that is there already is replaced.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FIGURES, README = ROOT / "docs" / "benchmarks.json", ROOT / "README.md"
DOCS = ROOT / "docs" / "evaluation.md"
SCALING_BEGIN, SCALING_END = "<!-- scaling: made by scripts/update_readme_table.py -->", "<!-- end of scaling -->"
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


def scaling_of(result: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a result of bench."""
    if "scaling" not in result:
        raise SystemExit("the result holds no scaling; give what `bench --scaling --json FILE` wrote")
    more = {"perceiver": result["perceiver"], "machine": result["machine"]}
    return result["scaling"] | more | {"load_average": result["reasoning"]["load_average"]}


def scaling_table(scaling: dict[str, Any]) -> str:
    """The lines between the marks in docs/evaluation.md: ms, p50 / p95."""
    lines = ["| pictures | a frame | objects found | memory |", "|---|---|---|---|"]
    for row in scaling["frame_size"]:
        size = "{} x {}".format(*row["size"])
        lines.append(f"| {size} | {_ms(row['frame'])} | {row['objects']} | {row['rss_mb']:.0f} MiB |")
    lines += ["", "| objects on the table | a frame | a new question | a kept plan |", "|---|---|---|---|"]
    for row in scaling["instances"]:
        lines.append(
            f"| {row['true']} | " + " | ".join(_ms(row[k]) for k in ("frame", "new_question", "kept_plan")) + " |"
        )
    lines += ["", "| standing questions | all of them, a frame | memory |", "|---|---|---|"]
    for row in scaling["standing_questions"]:
        lines.append(f"| {row['questions']} | {_ms(row['frame'])} | {row['rss_mb']:.0f} MiB |")
    load = f"load average {scaling['load_average']:.1f}"
    lines += ["", f"Perceiver {scaling['perceiver']}; {_machine(scaling['machine'])}; {load}."]
    return "\n".join(lines)


def filled(text: str, figures: dict[str, Any]) -> str:
    """The README with the table between its marks."""
    return _between(text, BEGIN, END, table(figures), "README.md")


def filled_docs(text: str, figures: dict[str, Any]) -> str:
    """docs/evaluation.md with its tables; as it is where nothing was measured yet."""
    if "scaling" not in figures:
        return text
    return _between(text, SCALING_BEGIN, SCALING_END, scaling_table(figures["scaling"]), "docs/evaluation.md")


def _between(text: str, begin: str, end: str, lines: str, name: str) -> str:
    if text.count(begin) != 1 or text.count(end) != 1:
        raise SystemExit(f"{name} must hold each of these lines once:\n{begin}\n{end}")
    head, _, rest = text.partition(begin)
    return f"{head}{begin}\n\n{lines}\n\n{end}{rest.partition(end)[2]}"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--add", nargs=2, metavar=("NAME", "RESULT"), action="append", default=[])
    parser.add_argument("--scaling", metavar="BENCH")
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
    if args.scaling:
        figures["scaling"] = scaling_of(json.loads(Path(args.scaling).read_text()))
    if args.add or args.scaling:
        FIGURES.parent.mkdir(exist_ok=True)
        FIGURES.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    status = 0
    for path, fill in ((README, filled), (DOCS, filled_docs)):
        before = path.read_text()
        after = fill(before, figures)
        if args.check and before != after:
            print(f"{path.name} differs from docs/benchmarks.json; run scripts/update_readme_table.py", file=sys.stderr)
            status = 1
        elif before != after:
            path.write_text(after)
    return status


def _ms(p: dict[str, float | None]) -> str:
    return (
        "-"
        if p["p50"] is None
        else f"{p['p50']:.2g} / {p['p95']:.2g} ms"
        if p["p50"] < 1
        else f"{p['p50']:.0f} / {p['p95']:.0f} ms"
    )


def _score(value: dict[str, Any]) -> str:
    low_high = value.get("interval")
    return f"{value['value']:.2f}" + (f" ({low_high[0]:.2f} to {low_high[1]:.2f})" if low_high else "")


def _machine(machine: dict[str, Any]) -> str:
    return f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_gb']:.0f} GB"


if __name__ == "__main__":
    sys.exit(main())
