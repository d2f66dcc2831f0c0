"""The grammar of all plans that can run on one twin, in the EBNF dialect of xgrammar.

Labels that the twin has, every colour, shape and pose, operators of the table, and names of earlier steps can be
written: a colour that is not in view finds nothing, where a grammar without it would force the model to another one.
So every reply parses, and nothing a label says can become anything but a word. Free text is left unbounded, because
xgrammar makes a token mask for each count of a bounded repeat: 4 s for a new twin instead of 0.06 s. The model's limit
of new tokens bounds it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ..twin.types import COLORS, SHAPES, DigitalTwin
from .language import plan_word
from .operators import ATTRIBUTES, KEYS, OPERATORS, POSES, SETS, Operator

NAMES = "abcdef"
# A text begins with a character that is neither blank nor of the language: the parser refuses an empty one, and would
# take "<plan>" for a tag. Blanks are those of str.split().
_BLANKS = r"\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200f\u2028-\u202f\u205f\u3000"
_TEXT = f'[^"\\\\<>{_BLANKS}] [^"\\n\\\\<>]*'


@dataclass(frozen=True)
class Narrowed:
    """Labels, colours and shapes that plans may filter by; empty: all that the grammar allows."""

    labels: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    shapes: tuple[str, ...] = ()


NOT_NARROWED = Narrowed()


def vocabulary(twin: DigitalTwin) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """The twin's labels (as plan words), colours and shapes, each once, in order of appearance."""
    labels = dict.fromkeys(word for i in twin.instances if (word := plan_word(i.label)))
    colors = dict.fromkeys(i.color for i in twin.instances if i.color)
    shapes = dict.fromkeys(i.shape for i in twin.instances if i.shape)
    return tuple(labels), tuple(colors), tuple(shapes)


def grammar(
    twin: DigitalTwin,
    look_for: bool = False,
    without: Collection[str] = (),
    quoted: Sequence[str] = (),
    narrowed: Narrowed = NOT_NARROWED,
) -> str:
    """EBNF of the short rollout form for this twin.

    look_for: whether perception can take new words. without: operators that may not be written. quoted: the words of
    which the texts of `like` are made; empty: any text. narrowed: to what filters are limited.
    """
    labels = narrowed.labels or vocabulary(twin)[0]
    colors = narrowed.colors or COLORS
    shapes = narrowed.shapes or SHAPES
    filters = {
        "label": "labels" if labels else None,
        "color": "colors",
        "shape": "shapes",
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
        'text ::= "\\"" word (" " word)* "\\""' if quoted else f'text ::= "\\"" {_TEXT} "\\""',
        'colored ::= (", color=" colors)?',
        "noun ::= [a-z] [a-z ]+",
    ]
    if quoted:
        lines.append(_alternatives("word", tuple(quoted)))
    for name, values in (("label", labels), ("color", colors), ("shape", shapes)):
        if values:
            lines.append(_alternatives(name, values))
            lines.append(f'{name}s ::= {name} ("|" {name}){{0,{min(7, len(values) - 1)}}}')
    left_out = {*without, *(() if look_for else ("look_for",))}
    calls: dict[str, list[str]] = {}  # by their arguments: fewer rules to compile than one a call
    for row in OPERATORS.values():
        if row.name not in left_out:
            calls.setdefault(_arguments(row), []).append(f"{row.name}(")
    lines += [_alternatives(f"call{k}", tuple(names)) for k, names in enumerate(calls.values())]
    for n in range(len(NAMES)):
        lines.append(_alternatives(f"set{n}", tuple(NAMES[:n]) + SETS))
        written = (f"call{k} {arguments.format(set=f'set{n}')}" for k, arguments in enumerate(calls))
        lines.append(f"op{n} ::= " + " | ".join(written))
    return "\n".join(lines)


def _arguments(row: Operator) -> str:
    """What stands after "name(", with {set} for the rule of the sets that are there at the step."""
    if row.name == "find":
        return 'filters ")"'
    if row.name == "like":  # a label would say the same twice
        return '{set} ", " text colored ")"'
    kinds = {"set": "{set}", "ref": f"({{set}} | {_quoted(row.references)})" if row.references else "{set}"}
    parts = [kinds.get(kind, kind) for kind in row.args] + (["filters"] if row.filters else [])
    return ' ", " '.join(parts) + ' ")"'


def _alternatives(name: str, values: tuple[str, ...]) -> str:
    return f"{name} ::= {_quoted(values)}"


def _quoted(values) -> str:
    return " | ".join(json.dumps(value, ensure_ascii=False) for value in values)
