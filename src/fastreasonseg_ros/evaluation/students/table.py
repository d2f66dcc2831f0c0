"""The figures of `eval-students` as Markdown: one row per student; then by category and level; then pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..metrics.intervals import paired_interval
from ..metrics.summary import ratio, scene_of, terms

Report = Mapping[str, Any]


def markdown(report: Report) -> str:
    """Tables of the report that cli/eval_students.py makes."""
    measured = list(dict.fromkeys(name for r in report["results"].values() for name in r["sets"]))
    parts = ["# Students compared", _setting(report), _summary(report, measured), *_notes(report, measured)]
    parts += [_by_group(report, name) for name in measured]
    if pairs := _pairs(report, measured):
        parts.append(pairs)
    return "\n\n".join(parts) + "\n"


def _setting(report: Report) -> str:
    m = report["machine"]
    lines = [
        f"Made on {report['date']} from commit {report['commit'] or '(none)'} by `{report['command']}`.",
        f"Machine: {m['cores']} cores of {m['cpu']}, {m['memory_gb']} GB, {m['system']}, Python {m['python']}.",
        "In brackets: 95 % intervals, bootstrap over scenes. Tokens: written by the model, mean. p50 and p95: a new",
        "question, asked alone, from text to ids, in a process of its own; then its memory (resident at last / peak)",
        "and the load average of the machine meanwhile.",
    ]
    return "\n".join(lines)


def _summary(report: Report, sets: Sequence[str]) -> str:
    heads = ["student", *(_head(report, name) for name in sets), "tokens", "p50 ms", "p95 ms"]
    heads += ["kept plan p50 ms", "memory MB", "load"]
    rows = []
    for name, variant in report["variants"].items():
        result = report["results"].get(name)
        if result is None:
            rows.append([variant["title"], *["not trained"] * len(sets), *["-"] * 6])
            continue
        figures = [result["sets"].get(s) for s in sets]
        tokens = next((f["tokens"] for f in figures if f), None)
        rows.append([variant["title"], *(_score(f) for f in figures), _number(tokens, 1), *_costs(result, figures)])
    return table(heads, rows)


def _costs(result: Mapping[str, Any], figures: Sequence[Mapping[str, Any] | None]) -> list[str]:
    if cost := result.get("cost"):
        new, kept = cost["new_question"], cost["kept_plan"]
        numbers = [_number(new["p50"], 0), _number(new["p95"], 0), _number(kept["p50"], 2)]
        return [*numbers, f"{cost['rss_mb']:.0f} / {cost['peak_rss_mb']:.0f}", _number(cost["load_average"], 1)]
    # Without a language model nothing is batched, so the evaluation's times are those of single questions.
    own = next((f["latency_ms"]["reasoning"] for f in figures if f and not f["tokens"]), {})
    return [_number(own.get("p50"), 1), _number(own.get("p95"), 1), "-", "-", "-"]


def _notes(report: Report, measured: Sequence[str]) -> list[str]:
    lines = [
        f"- {v['title']}: not trained; `{v['train']}`" if v["train"] else f"- {v['title']}: {v['adapter']} is not there"
        for name, v in report["variants"].items()
        if name not in report["results"]
    ]
    for name, questions in report["sets"].items():
        if name not in measured:
            lines.append(
                f"- {questions['title']}: not measured" + (f"; `{questions['make']}`" if questions["make"] else "")
            )
    costs = [r["cost"] for r in report["results"].values() if "cost" in r]
    if costs:
        lines.append(f"- latency of {costs[0]['questions']} questions, {costs[0]['objects']} objects in view (median)")
    return ["\n".join(lines)] if lines else []


def _by_group(report: Report, name: str) -> str:
    """Scores by category and level on one set of questions."""
    results = {v: r["sets"][name] for v, r in report["results"].items() if name in r["sets"]}
    groups = [
        (by, group, f"level {group}" if by == "by_level" else group)
        for by in ("by_category", "by_level")
        for group in sorted({g for r in results.values() for g in r.get(by, {})})
    ]
    most = max(results.values(), key=lambda r: r["n"])
    heads = ["student", *(f"{head} ({most[by].get(group, {}).get('n', 0)})" for by, group, head in groups)]
    rows = [
        [
            report["variants"][v]["title"] + (f", first {r['n']}" if r["n"] < most["n"] else ""),
            *(_number(_value(r.get(by, {}).get(group)), 2) for by, group, _ in groups),
        ]
        for v, r in results.items()
    ]
    return f"## {_head(report, name)}\n\nQuestions in brackets.\n\n{table(heads, rows)}"


def _pairs(report: Report, sets: Sequence[str]) -> str:
    rows = []
    for name, variant in report["variants"].items():
        one, other = report["results"].get(name), report["results"].get(variant["against"])
        if one is None or other is None:
            continue
        for questions in (s for s in sets if s in one["sets"] and s in other["sets"]):
            value, interval = difference(one["sets"][questions]["questions"], other["sets"][questions]["questions"])
            between = f"[{interval[0]:+.3f}, {interval[1]:+.3f}]" if interval else "-"
            titles = (variant["title"], report["variants"][variant["against"]]["title"])
            rows.append([*titles, report["sets"][questions]["title"], f"{value:+.3f}", between])
    if not rows:
        return ""
    return "## Differences, question by question\n\n" + table(["student", "less", "questions", "gain", "95 %"], rows)


def difference(
    one: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]]
) -> tuple[float, tuple[float, float] | None]:
    """Mean score of `one` minus that of `other` on their common questions, and its interval (paired bootstrap)."""
    theirs = {row["n"]: row for row in other}
    mine = [row for row in one if row["n"] in theirs]
    theirs = [theirs[row["n"]] for row in mine]
    measure = "exact" if all("exact" in row for row in mine) else "giou"
    a, b = terms(mine, measure), terms(theirs, measure)
    return ratio(*a) - ratio(*b), paired_interval(a, b, [scene_of(row, k) for k, row in enumerate(mine)])


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are aligned to the right."""
    lines = [heads, ["---", *["--:"] * (len(heads) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _head(report: Report, name: str) -> str:
    results = [r["sets"][name] for r in report["results"].values() if name in r["sets"]]
    measure = "exact set" if results and "exact" in results[0] else "gIoU"
    return f"{report['sets'][name]['title']}, {measure} (n = {max((r['n'] for r in results), default=0)})"


def _value(figures: Mapping[str, Any] | None) -> float | None:
    return None if figures is None else figures.get("exact", figures.get("giou"))


def _score(figures: Mapping[str, Any] | None) -> str:
    if figures is None:
        return "-"
    interval = figures["intervals"].get("exact", figures["intervals"].get("giou"))
    less = f" (n = {figures['n']})" if figures["limited"] else ""
    return _number(_value(figures), 3) + (f" [{interval[0]:.2f}, {interval[1]:.2f}]" if interval else "") + less


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
