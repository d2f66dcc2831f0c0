"""What was measured, as a page: docs/soak.md from docs/soak.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HEAD = """# What the nodes survive

Written by `make soak`; do not edit. Parts can be run alone: `make soak ARGS="--only kills targets"`; the others keep
the figures of their last run. `docs/soak.json` has every figure.

| part | what is done | outcome | when, load average before and after |
|---|---|---|---|
"""


def page(results: Mapping[str, Mapping[str, Any]], parts: Mapping[str, str]) -> str:
    """results: by name of the part; parts: what each does."""
    rows, bodies = [], []
    for name, what in parts.items():
        result = results.get(name)
        if result is None:
            rows.append(f"| {name} | {what} | **not run yet** | |")
            continue
        rows.append(f"| [{name}](#{name.replace('_', '-')}) | {what} | {_outcome(result)} | {_when(result)} |")
        bodies.append(_body(name, result))
    return HEAD + "\n".join(rows) + "\n\n" + "\n".join(bodies)


def _outcome(result: Mapping[str, Any]) -> str:
    if "error" in result:
        return f"**failed**: {result['error'][:120]}"
    if "skipped" in result:
        return f"skipped: {result['skipped']}"
    failed = [name for name, good in result["checks"].items() if not good]
    return f"**not met**: {'; '.join(failed)}" if failed else "met"


def _when(result: Mapping[str, Any]) -> str:
    run = result.get("run", {})
    load = f"{run.get('load before', '')} to {run.get('load after', '')}"
    return f"{run.get('date', '')}, {load}, {run.get('cores', '')} cores, nice {run.get('nice', '')}"


def _body(name: str, result: Mapping[str, Any]) -> str:
    lines = [f"## {name.replace('_', '-')}", ""]
    lines += [f"- {'met' if good else '**not met**'}: {what}" for what, good in result.get("checks", {}).items()]
    for key, value in result.items():
        if key not in ("checks", "run"):
            lines += _lines(key, value, 0)
    machine = result.get("run", {}).get("machine", {})
    lines.append(f"- machine: {', '.join(f'{k} {v}' for k, v in machine.items())}")
    return "\n".join(lines) + "\n"


def _lines(key: str, value: Any, depth: int) -> list[str]:
    mark = "  " * depth + "- "
    if isinstance(value, Mapping):
        if all(not isinstance(v, Mapping | list) for v in value.values()) and len(value) <= 5:
            return [f"{mark}{key}: {', '.join(f'{k} {_told(v)}' for k, v in value.items()) or '-'}"]
        return [f"{mark}{key}:", *(line for k, v in value.items() for line in _lines(k, v, depth + 1))]
    if isinstance(value, list):
        return [f"{mark}{key}: {', '.join(map(str, value)) or '-'}"]
    return [f"{mark}{key}: {_told(value)}"]


def _told(value: Any) -> str:
    """None is a value that never came, or that was not measured."""
    return "-" if value is None else str(value)
