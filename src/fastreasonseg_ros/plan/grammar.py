"""The grammar of all plans that can run on one twin, in the EBNF dialect of xgrammar.

Only labels, colours and shapes that the twin has, operators of the table, and names of earlier steps can be written.
So every reply parses, and nothing a label says can become anything but a word. Free text is left unbounded, because
xgrammar makes a token mask for each count of a bounded repeat: 4 s for a new twin instead of 0.06 s. The model's limit
of new tokens bounds it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from ..twin.types import DigitalTwin
from .language import plan_word
from .operators import ATTRIBUTES, KEYS, OPERATORS, POSES, SETS, Operator

NAMES = "abcdef"


def vocabulary(twin: DigitalTwin) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """The twin's labels (as plan words), colours and shapes, each once, in order of appearance."""
    labels = dict.fromkeys(word for i in twin.instances if (word := plan_word(i.label)))
    colors = dict.fromkeys(i.color for i in twin.instances if i.color)
    shapes = dict.fromkeys(i.shape for i in twin.instances if i.shape)
    return tuple(labels), tuple(colors), tuple(shapes)


def grammar(
    twin: DigitalTwin, look_for: bool = False, without: Collection[str] = (), quoted: Sequence[str] = ()
) -> str:
    """EBNF of the short rollout form for this twin.

    look_for: whether perception can take new words. without: operators that may not be written. quoted: the words of
    which the texts of `like` are made; empty: any text.
    """
    labels, colors, shapes = vocabulary(twin)
    filters = {
        "label": "labels" if labels else None,
        "color": "colors" if colors else None,
        "shape": "shapes" if shapes else None,
        "pose": "pose",
    }
    words = [f'"{key}=" {rule}' for key, rule in filters.items() if rule]
    steps = f'"{NAMES[0]} = " op0' + "".join(f' ("\\n{name} = " op{n}' for n, name in enumerate(NAMES) if n)
    lines = [
        'root ::= reason "\\n" (plan | "none")',
        "reason ::= [^\\n=<>]+",
        f"plan ::= {steps}{')?' * (len(NAMES) - 1)}",
        f'filters ::= filter (", " filter){{0,{max(0, len(words) - 1)}}}',
        f"filter ::= {' | '.join(words)}",
        _alternatives("pose", POSES),
        f'key ::= "-"? ({_quoted(KEYS)})',
        _alternatives("attribute", ATTRIBUTES),
        "count ::= [1-9]",
        'text ::= "\\"" word (" " word)* "\\""' if quoted else 'text ::= "\\"" [^"\\n\\\\]+ "\\""',
        'colored ::= (", color=" colors)?' if colors else 'colored ::= ""',
        "noun ::= [a-z] [a-z ]+",
    ]
    if quoted:
        lines.append(_alternatives("word", tuple(quoted)))
    for name, values in (("label", labels), ("color", colors), ("shape", shapes)):
        if values:
            lines.append(_alternatives(name, values))
            lines.append(f'{name}s ::= {name} ("|" {name}){{0,{min(7, len(values) - 1)}}}')
    left_out = {*without, *(() if look_for else ("look_for",))}
    operators = [row for row in OPERATORS.values() if row.name not in left_out]
    for n in range(len(NAMES)):
        earlier = tuple(NAMES[:n]) + SETS
        lines.append(_alternatives(f"set{n}", earlier))
        lines.append(f"op{n} ::= " + " | ".join(_call(row, n) for row in operators))
    return "\n".join(lines)


def _call(row: Operator, n: int) -> str:
    if row.name == "find":
        return '"find(" filters ")"'
    kinds = {"set": f"set{n}", "ref": f"set{n}"}
    if row.references:
        kinds["ref"] = f"(set{n} | {_quoted(row.references)})"
    if row.name == "like":  # a label would say the same twice
        return f'"like(" set{n} ", " text colored ")"'
    parts = [kinds.get(kind, kind) for kind in row.args] + (["filters"] if row.filters else [])
    return f'"{row.name}(" ' + ' ", " '.join(parts) + ' ")"'


def _alternatives(name: str, values: tuple[str, ...]) -> str:
    return f"{name} ::= {_quoted(values)}"


def _quoted(values) -> str:
    return " | ".join(json.dumps(value, ensure_ascii=False) for value in values)
