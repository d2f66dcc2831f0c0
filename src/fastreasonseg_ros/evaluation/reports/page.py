"""A result as one self-contained HTML page, and as a summary in Markdown.

Input is what `eval` and `bag eval` write with --json and --rows; pictures are embedded as data URIs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2

from ...visualization.svg_charts import curve
from ..metrics.masks import percentiles
from ..metrics.summary import score_of

Result = Mapping[str, Any]
NAMES = {
    "giou": "gIoU", "ciou": "cIoU", "exact": "exact set", "answers": "answers right",
    "destination_exact": "destination",
    "j": "J", "f": "F", "j_and_f": "J&F",
}  # fmt: skip
OUTCOMES = ("right", "partly", "wrong", "missed", "invented", "failed")
OUTCOME_HELP = {
    "right": "IoU at least 0.5, or rightly nothing", "partly": "IoU above 0 and below 0.5", "wrong": "another thing",
    "missed": "said nothing fits, but something does", "invented": "named a thing where nothing fits",
    "failed": "no answer was given",
}  # fmt: skip
FIGURE_NAMES = {
    "share75": "share of objects with F at least 0.75",
    "found": "share of objects found",
    "answers": "share of questions answered right",
    "told_apart": "share of things told apart",
    "phantoms": "share of background points with something",
}
ANSWERED = ("OK", "NO_MATCH", "STALE")


def outcome(row: Mapping[str, Any]) -> str | None:
    """One of OUTCOMES; None if the row has no ground truth."""
    value = score_of(row)
    if value is None:
        return None
    if row.get("status") not in ANSWERED:
        return "failed"
    if value >= 0.5:
        return "right"
    if value > 0:
        return "partly"
    targets = row.get("target_ids")
    if row.get("status") == "NO_MATCH":
        return "missed"
    return "invented" if targets is not None and not targets else "wrong"


def confusion(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Category -> outcome -> number of questions; questions without a category are under "all others"."""
    table: dict[str, Counter[str]] = {}
    for row in rows:
        if (found := outcome(row)) is not None:
            table.setdefault(row.get("category") or "all others", Counter())[found] += 1
    return {category: {o: table[category][o] for o in OUTCOMES} for category in sorted(table)}


def stages(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float | None]]:
    """Latency of every stage of an answer, ms: p50 and p95 over the rows."""
    spent: dict[str, list[float]] = {}
    for row in rows:
        for stage, ms in (row.get("latency_ms") or {}).items():
            spent.setdefault(stage, []).append(ms)
    return {stage: percentiles(values) for stage, values in spent.items()}


def html_page(results: Sequence[tuple[str, Result, Sequence[Mapping[str, Any]], Mapping[str, Any]]]) -> str:
    """The page. results: (title, result, rows, cases of Gallery); without rows the result's questions are used."""
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            runs=[_run(*result) for result in results],
            names=NAMES,
            outcomes=OUTCOMES,
            help=OUTCOME_HELP,
            figure_names=FIGURE_NAMES,
        )
    )


def markdown(title: str, result: Result, rows: Sequence[Mapping[str, Any]] = ()) -> str:
    """Figures, categories, cost and machine as Markdown."""
    run = _run(title, result, rows, {})
    lines = [f"# {title}", "", "| |" + " | ".join(NAMES[m] for m in run["measures"]) + " | n |"]
    lines.append("|---|" + "---|" * (len(run["measures"]) + 1))
    for name, part in run["groups"]:
        cells = [_cell(part.get(m), (part.get("intervals") or {}).get(m)) for m in run["measures"]]
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {part['n']} |")
    if run["confusion"]:
        lines += ["", "| questions | " + " | ".join(OUTCOMES) + " |", "|---|" + "---|" * len(OUTCOMES)]
        lines += [f"| {c} | " + " | ".join(str(n) for n in row.values()) + " |" for c, row in run["confusion"].items()]
    if run["cost"]:
        lines += ["", "| stage | p50 ms | p95 ms |", "|---|---|---|"]
        lines += [f"| {s} | {p['p50']:.1f} | {p['p95']:.1f} |" for s, p in run["cost"].items() if p["p50"] is not None]
    lines += ["", *(f"- {key}: {value}" for key, value in run["facts"])]
    return "\n".join(lines) + "\n"


def _run(title: str, result: Result, rows: Sequence[Mapping[str, Any]], cases: Mapping[str, Any]) -> dict[str, Any]:
    asked = [r for r in rows if "text" in r] or list(result.get("questions", ()))
    video = result.get("video") or {}
    measures = [m for m in NAMES if m in result]
    groups = [("all", result), *(result.get("by_category") or {}).items()]
    groups += [(f"level {level}", part) for level, part in (result.get("by_level") or {}).items()]
    loads = ((result.get("timed") or {}).get("bags") or {}).items()
    drawn = [curve(points, f"IoU: {text}", top=1.0) for text, points in (result.get("curves") or {}).items()]
    for name, spent in loads:
        drawn += [curve(spent["perception_ms"], f"perception of {name}", "ms")]
        drawn += [curve(spent.get("rss_mb") or [], f"resident memory during {name}", "MiB")]
    drawn += [curve(p, name, "ms") for name, p in (result.get("latency_curves") or {}).items()]
    cost = dict(result.get("latency_ms") or {}) | {f"answer: {k}": v for k, v in stages(asked).items()}
    return {
        "title": title,
        "result": result,
        "measures": measures,
        "groups": [(name, part) for name, part in groups if "n" in part],
        "video": [("all", video), *(video.get("by_category") or {}).items()] if video else [],
        "video_measures": [m for m in ("j", "f", "j_and_f") if m in video],
        "confusion": confusion(asked),
        "curves": [c for c in drawn if c],
        "cost": {stage: p for stage, p in cost.items() if p.get("p50") is not None},
        "cases": cases,
        "against": _against(result.get("against")),
        "facts": _facts(result),
        "sha256": ((result.get("made") or {}).get("sha256") or {}).items(),
    }


def _against(compared: Result | None) -> dict[str, Any] | None:
    """A comparison (compare.py) with its figures as rows: (group, measure, here and there)."""
    if not compared:
        return None
    groups = {"all": compared["measures"], **compared["by_category"]}
    groups |= {f"level {level}": part for level, part in compared["by_level"].items()}
    return {**compared, "rows": [(name, measure, m) for name, part in groups.items() for measure, m in part.items()]}


def _facts(result: Result) -> list[tuple[str, str]]:
    machine, made = result.get("machine") or {}, result.get("made") or {}
    facts = [(key, result.get(key)) for key in ("dataset", "bag", "format", "split", "perceiver", "model", "mode")]
    facts += [("frames", result.get("frames")), ("peak memory", _mib(result.get("peak_rss_mb")))]
    share = (result.get("timed") or {}).get("evaluation_cpu_share")
    facts += [("evaluation beside the models", None if share is None else f"{share:.1%} of their processor time")]
    cores = f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_gb']} GB" if machine else None
    facts += [("machine", cores), ("system", machine.get("system")), ("Python", machine.get("python"))]
    facts += [(key, made.get(key)) for key in ("version", "commit", "date", "command")]
    facts += [("libraries", ", ".join(f"{k} {v}" for k, v in (made.get("libraries") or {}).items()))]
    return [(key, str(value)) for key, value in facts if value]


def _mib(value: float | None) -> str | None:
    return None if value is None else f"{value:.0f} MiB"


def _spent(ms: float) -> str:
    return f"{ms / 1e3:.1f} s" if ms >= 10_000 else f"{ms:.0f} ms" if ms >= 10 else f"{ms:.1f} ms"


def _cell(value: float | None, interval: Sequence[float] | None = None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" + (f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else "")


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    environment.filters |= {"figure": _cell, "spent": _spent}
    return environment


def title_of(result: dict[str, Any], path: str | Path = "") -> str:
    """Name of a result: its data set or bag (else the file `path`), and its split."""
    name = result.get("dataset") or result.get("bag") or path
    return " ".join(part for part in (Path(str(name)).name, result.get("split")) if part)
