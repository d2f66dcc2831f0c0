"""The grammar of all plans that can run on one twin, in the EBNF dialect of xgrammar.

Labels that the twin has, every colour, shape and pose, operators of the table, and names of earlier steps can be
written: a colour that is not in view finds nothing, where a grammar without it would force the model to another one.
So every reply parses, and nothing a label says can become anything but a word. Free text is left unbounded, because
xgrammar makes a token mask for each count of a bounded repeat: 4 s for a new twin instead of 0.06 s. The model's limit
of new tokens bounds it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..twin.types import COLORS, SHAPES, TONES, DigitalTwin
from .language import NOT, plan_word
from .numbers import Quantity
from .operators import (
    ATTRIBUTES,
    DESTINATIONS,
    DIRECTIONS,
    KEYS,
    LANGUAGE_VERSION,
    MAX_STEPS,
    OPERATORS,
    PAST_RELATIONS,
    POSES,
    REGIONS,
    RELATIONS,
    SETS,
    UNITS,
    Operator,
)

NAMES = "abcdefgh"[: MAX_STEPS[LANGUAGE_VERSION]]
_UNIT_RULES = {unit: f"amount{n}" for n, unit in enumerate(UNITS)}
_NUMBER = '[0-9] [0-9]? [0-9]? ("." [0-9] [0-9]? [0-9]?)?'
# A text begins with a character that is neither blank nor of the language: the parser refuses an empty one, and would
# take "<plan>" for a tag. The characters are listed, for xgrammar's negated classes hold bytes below 128 only.
_FIRST = r"!#-;=?-\u005b\u005d-~\u00a1-\u167f\u3001-\ud7ff"
_TEXT = f'[{_FIRST}] [^"\\n\\\\<>]*'


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
    language: int = LANGUAGE_VERSION,
    amounts: Sequence[Quantity] | None = None,
) -> str:
    """EBNF of the short rollout form for this twin.

    look_for: whether perception can take new words. without: operators that may not be written. quoted: the words of
    which the texts of `like` are made; empty: any text. narrowed: to what filters are limited. language: its version,
    see operators.py. amounts: quantities that may be compared with (version 2); None: any.
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
    if language > 1:
        filters |= {"accent": "colors", "tone": "tone"}
    words = [f'"{key}=" {rule}' for key, rule in filters.items() if rule]
    names = NAMES[: MAX_STEPS[language]]
    lines = [
        'root ::= reason "\\n" (plan | "none")',
        "reason ::= [^\\n=<>]+",
        f"plan ::= {_steps(names, language)}",
        f'filters ::= filter (", " filter){{0,{max(0, len(words) - 1)}}}',
        f"filter ::= {' | '.join(words)}",
        _alternatives("pose", POSES if language > 1 else ("upright", "lying")),
        f'key ::= "-"? ({_quoted(key for key, row in KEYS.items() if row.since <= language)})',
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
            lines.append(f"{name}s ::= {_one_or_more(name, len(values), language)}")
    units = _units(amounts) if language > 1 else {}
    if language > 1:
        lines += _new_rules(units)
    left_out = {*without, *(() if look_for else ("look_for",)), *(() if "m" in units else ("within",))}
    calls: dict[str, list[str]] = {}  # by their arguments: fewer rules to compile than one a call
    for row in OPERATORS.values():
        if row.since <= language and row.name not in left_out:
            calls.setdefault(_arguments(row, language, units), []).append(f"{row.name}(")
    lines += [_alternatives(f"call{k}", tuple(called)) for k, called in enumerate(calls.values())]
    for n in range(len(names)):
        lines.append(_alternatives(f"set{n}", tuple(names[:n]) + SETS))
        written = (f"call{k} {arguments.format(set=f'set{n}')}" for k, arguments in enumerate(calls))
        lines.append(f"op{n} ::= " + " | ".join(written))
        if language > 1:
            values = _quoted((*names[: n + 1], "all"))
            destination = f"{values} | {_quoted(DESTINATIONS)}"
            lines.append(f'place{n} ::= "place(" ({values}) ", " relation ", " ({destination}) ")"')
    return "\n".join(lines)


def _steps(names: str, language: int) -> str:
    """One step a line, from version 2 on with a command as the last line."""
    text = ""
    for n in reversed(range(len(names))):
        last = f'"\\n" place{n}' if language > 1 else ""
        more = " | ".join(filter(None, [text, last]))
        begin = "\\n" if n else ""
        text = f'"{begin}{names[n]} = " op{n}' + (f" ({more})?" if more else "")
    return text


def _one_or_more(name: str, count: int, language: int) -> str:
    """Values of a filter with "|" between them, from version 2 on also all but these."""
    most = min(7, count - 1)
    rest = f'{name} ("|" {name}){{0,{most}}}'
    return rest if language == 1 else f'{rest} | "{NOT}" {name} ("|{NOT}" {name}){{0,{most}}}'


def _units(amounts: Sequence[Quantity] | None) -> dict[str, str]:
    """For every unit with something to compare with, the right side of the rule of its quantities."""
    if amounts is None:
        return {unit: f'{_NUMBER} " {unit}"' if unit else _NUMBER for unit in UNITS}
    written = {unit: [str(q) for q in amounts if q.unit == unit] for unit in UNITS}
    return {unit: _quoted(texts) for unit, texts in written.items() if texts}


def _new_rules(units: Mapping[str, str]) -> list[str]:
    """Rules of words that came with version 2."""
    lines = [
        _alternatives("tone", TONES),
        _alternatives("region", REGIONS),
        _alternatives("direction", DIRECTIONS),
        _alternatives("relation", RELATIONS),
        _alternatives("past", PAST_RELATIONS),
    ]
    for unit, values in units.items():
        rule = _UNIT_RULES[unit]
        lines.append(f"{rule} ::= {values}")
        lines.append(f"keys{rule} ::= {_quoted(key for key, row in KEYS.items() if row.unit == unit)}")
    return lines


def _arguments(row: Operator, language: int, units: Mapping[str, str]) -> str:
    """What stands after "name(", with {set} for the rule of the sets that are there at the step."""
    if row.name == "find":
        return 'filters ")"'
    if row.name == "like":  # a label would say the same twice
        return '{set} ", " text colored ")"'
    if row.args[-2:] == ("key", "value") and units:
        by_unit = (f'keys{_UNIT_RULES[unit]} ", " {_UNIT_RULES[unit]}' for unit in units)
        return f'{{set}} ", " (key ", " {{set}} | {" | ".join(by_unit)}) ")"'
    references = row.takes(language)
    kinds = {
        "set": "{set}",
        "value": "{set}",
        "ref": f"({{set}} | {_quoted(references)})" if references else "{set}",
        "distance": _UNIT_RULES["m"],
        "relation": "past",
    }
    parts = [kinds.get(kind, kind) for kind in row.args] + (["filters"] if row.filters else [])
    return ' ", " '.join(parts) + ' ")"'


def _alternatives(name: str, values: tuple[str, ...]) -> str:
    return f"{name} ::= {_quoted(values)}"


def _quoted(values: Iterable[str]) -> str:
    return " | ".join(json.dumps(value, ensure_ascii=False) for value in values)
