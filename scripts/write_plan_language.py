"""Writes docs/plan_language.md from the operator table: `python scripts/write_plan_language.py`; a test holds the page
to it."""

from __future__ import annotations

from pathlib import Path

from fastreasonseg_ros.plan.operators import (
    ATTRIBUTES,
    DESTINATIONS,
    DIRECTIONS,
    FILTERS,
    KEYS,
    LANGUAGE_VERSION,
    MAX_STEPS,
    OPERATORS,
    PAST_RELATIONS,
    REGIONS,
    RELATIONS,
)

PAGE = Path(__file__).resolve().parents[1] / "docs/plan_language.md"

PIPE = "\\|"  # within a table
_HEAD = f"""# The plan language, version {LANGUAGE_VERSION}

Made by scripts/write_plan_language.py from `plan/operators.py`.

A plan is at most {MAX_STEPS[LANGUAGE_VERSION]} steps, one a line, `name = operator(arguments)`. Each name holds an
ordered set of objects; `all` is what is in view, `gone` what left it. The last set is the answer, or `none` stands
alone. `camera` and `table` stand for the camera and the supporting plane where the table below says so. A command to
put things somewhere ends with `place(a, RELATION, b)`: what is taken, and where to. Every legal plan ends; where the
twin lacks what a step needs (depth, more than one frame), the answer says so (`CANNOT_ANSWER`).

An adapter that was trained on version 2 says so in its weights' metadata (`plan_language`); one without that is offered
words of version 1 only, at most {MAX_STEPS[1]} steps. Both versions are executed alike.

"""

_PAGE = """{head}## Operators

| example | members that it gives | also takes | needs | since |
|---|---|---|---|--:|
{rows}

## Keys

A minus before a key turns the order round. `more` and `less` compare with another set, or with a number in the unit of
the key: `more(all, length, 0.4 m)`; cm, mm, ft, in, min, h, km/h and l are taken too.

| key | unit | meaning | since |
|---|---|---|--:|
{keys}

## Filters

Alternatives with `|`; `not` before a value excludes it: `find(color=not red|not blue)`.

{filters}

## Other words

{listed}
"""


def page() -> str:
    """The page as Markdown."""
    rows = "\n".join(
        f"| `{r.example.replace('|', PIPE)}` | {r.meaning} | {', '.join(r.takes()) or '-'} | {r.needs} | {r.since} |"
        for r in OPERATORS.values()
    )
    keys = "\n".join(f"| `{name}` | {key.unit or '-'} | {key.meaning} | {key.since} |" for name, key in KEYS.items())
    filters = "\n".join(
        f"- `{name}`: {', '.join(values) if values else 'a label in view'}" for name, values in FILTERS.items()
    )
    words = {
        "Attributes": ATTRIBUTES,
        "Regions": REGIONS,
        "Directions": DIRECTIONS,
        "Relations of `place`": RELATIONS,
        "Destinations beside sets": DESTINATIONS,
        "Relations of `was`": PAST_RELATIONS,
    }
    listed = "\n".join(f"- {name}: {', '.join(values)}" for name, values in words.items())
    return _PAGE.format(head=_HEAD, rows=rows, keys=keys, filters=filters, listed=listed)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
