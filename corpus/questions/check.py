"""Checks questions about scenes by executing their plans: `python corpus/questions/check.py SCENES.jsonl FILE.jsonl`.

A line of FILE: {"scene", "text", "reason", "plan": [step, ...], "ids": [...], "category", "level"}, and where they have
a place `means` (words that a `like` of the plan quotes -> labels of the scene that fit them) and `destination`
({"relation", "ids"}, or {"relation", "to": "camera" | "table"}; a list of them, each with its own `take`, where a
sentence holds several commands). Exit status 1 where a line is wrong.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
from overlap import shared_runs, words  # noqa: E402
from show import scenes  # noqa: E402

from fastreasonseg_ros.errors import MissingDataError, PlanError  # noqa: E402
from fastreasonseg_ros.plan.executor import Execution, execute  # noqa: E402
from fastreasonseg_ros.plan.language import Plan  # noqa: E402
from fastreasonseg_ros.plan.operators import KEYS, OPERATORS  # noqa: E402
from fastreasonseg_ros.plan.parser import parse_plan  # noqa: E402
from fastreasonseg_ros.twin.types import COLORS, DigitalTwin  # noqa: E402

CATEGORIES = ("semantic", "affordance", "attribute", "spatial", "temporal", "compositional", "command")
KEPT = {"scene", "text", "reason", "plan", "ids", "category", "level"}
OPTIONAL = {"means", "destination", "batch", "split"}
LEAST_OF = 6  # uses of an operator in a batch, below which the checker says that it is hardly used
SIMPLE = {"all", "find", "filter"}


class Means:
    """Word meaning as the writer of a question gives it."""

    def __init__(self, means: Mapping[str, list[str]]) -> None:
        self.means, self.asked = means, set[str]()

    def matching(self, text: str, labels: tuple[str, ...]) -> frozenset[str]:
        self.asked.add(text)
        if text not in self.means:
            raise PlanError(f'`means` lacks the labels that "{text}" means')
        return frozenset(self.means[text]) & frozenset(labels)


def of_form(row: Mapping[str, Any], twins: Mapping[str, DigitalTwin], kept: set[str], optional: set[str]) -> list[str]:
    """Why nothing more can be said of a line: a key that it lacks or that is unknown, an unknown scene."""
    if missing := kept - set(row):
        return [f"lacks {', '.join(sorted(missing))}"]
    if unknown := set(row) - kept - optional:
        return [f"unknown keys {', '.join(sorted(unknown))}"]
    return [] if row["scene"] in twins else [f"unknown scene {row['scene']}"]


def of_category_and_text(row: Mapping[str, Any]) -> list[str]:
    """What is wrong with the category, and a text without words."""
    found = []
    if row["category"] not in CATEGORIES:
        found.append(f"category must be one of {', '.join(CATEGORIES)}")
    if not words(row["text"]):
        found.append("text has no words")
    return found


def faults(row: Mapping[str, Any], twins: Mapping[str, DigitalTwin]) -> list[str]:
    """What is wrong with a question; nothing where it is right."""
    if unreadable := of_form(row, twins, KEPT, OPTIONAL):
        return unreadable
    found = of_category_and_text(row)
    if row["level"] not in (1, 2, 3):
        found.append("level must be 1, 2 or 3")
    if not 2 <= len(words(row["reason"])) <= 30:
        found.append("reason must have 2 to 30 words")
    for what in ("text", "reason"):
        if near := shared_runs(row[what]):
            found.append(f"{what} is too near a question that is kept for measuring, at {sorted(near)}: reword it")
    return found + _of_plan(row, twins[row["scene"]])


def _of_plan(row: Mapping[str, Any], twin: DigitalTwin) -> list[str]:
    means = Means(row.get("means", {}))
    labels = {i.label for i in twin.instances}
    if odd := {label for its in means.means.values() for label in its} - labels:
        return [f"`means` names {', '.join(sorted(odd))}, which the scene has not"]
    try:
        plan = plan_of(row)
        execution = execute(plan, twin, means)
    except (PlanError, MissingDataError) as error:
        return [f"plan: {error}"]
    found = []
    if spare := set(means.means) - means.asked:
        found.append(f"`means` has words that no `like` of the plan quotes: {', '.join(sorted(spare))}")
    if set(execution.ids) != set(row["ids"]):
        gave = ", ".join(f"{step.name}={list(step.ids)}" for step in execution.trace)
        found.append(f"ids are {row['ids']} but the plan gives {list(execution.ids)} ({gave})")
    return found + _of_destination(row, execution)


def plan_of(row: Mapping[str, Any]) -> Plan:
    """The plan of a line; `none` where it has no steps. Raises PlanError."""
    return parse_plan("\n".join(row["plan"]), None if row["plan"] else "none")


def _of_destination(row: Mapping[str, Any], execution: Execution) -> list[str]:
    given = row.get("destination", [])
    given = given if isinstance(given, list) else [given | {"take": row["ids"]}]
    gave = [(set(c.ids), c.relation, _end(c.reference, c.destination_ids)) for c in execution.commands]
    want = [(set(d.get("take", [])), d["relation"], _end(d.get("to", ""), d.get("ids", ()))) for d in given]
    return [] if gave == want else [f"destination is {want} but the plan gives {gave}"]


def _end(name: str, ids: Any) -> Any:
    return name or set(ids)


def pattern(text: str, twin: DigitalTwin) -> str:
    """The text without its labels, colours and numbers: two questions of one pattern differ in nothing else."""
    nouns = {word.rstrip("s") for i in twin.instances for word in words(i.label)} | set(COLORS) | {"grey"}
    left = [w for w in re.sub(r"\d+", " ", text.lower()).split() if re.sub(r"[^a-z']", "", w).rstrip("s") not in nouns]
    return " ".join(left) if len(left) > 2 else text.lower()


def main(scene_file: Path, file: Path) -> int:
    """Prints what is wrong with each line, and what the batch is made of."""
    twins = scenes(scene_file)
    wrong, rows, said, patterns = 0, [], Counter[str](), dict[str, int]()
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            found = faults(row, twins)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            row, found = {}, [f"not of the form: {error!r}"]
        if row.get("text") and row.get("scene") in twins:
            rows.append(row)
            key = pattern(row["text"], twins[row["scene"]])
            if key in patterns:
                found.append(f"same sentence pattern as line {patterns[key]}")
            patterns.setdefault(key, number)
            said[" ".join(words(row["text"])[:3])] += 1
        for fault in found:
            print(f"{number}: {row.get('text')!r}: {fault}")
        wrong += bool(found)
    print(f"{len(rows)} questions about {len({r['scene'] for r in rows})} scenes, {wrong} with faults")
    _print_balance(rows, said)
    return int(wrong > 0)


def _print_balance(rows: list[dict[str, Any]], said: Counter[str]) -> None:
    if not rows:
        return
    used = Counter(m for r in rows for m in set(re.findall(r"= (\w+)\(", "\n".join(r["plan"]))))
    rare = [f"{name} {used[name]}" for name in OPERATORS if used[name] < LEAST_OF and name not in ("look_for",)]
    by_key = Counter(m for r in rows for m in set(re.findall(r"[(, ]-?(\w+)\b", "\n".join(r["plan"]))) if m in KEYS)
    for what, count in (
        ("category", Counter(r["category"] for r in rows)),
        ("level", Counter(r["level"] for r in rows)),
    ):
        print(f"by {what}: " + ", ".join(f"{k} {v}" for k, v in sorted(count.items(), key=str)))
    print(
        f"none: {sum(not r['ids'] for r in rows)}, commands with a destination: {sum('destination' in r for r in rows)}"
    )
    print("hardly used operators: " + (", ".join(rare) or "no"))
    print("hardly used keys: " + (", ".join(f"{k} {by_key[k]}" for k in KEYS if by_key[k] < 2) or "no"))
    print("most usual beginnings: " + ", ".join(f"{k!r} {v}" for k, v in said.most_common(6)))


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:3])))
