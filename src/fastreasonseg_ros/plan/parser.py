"""Text to plan. Accepts the tagged rollout of DESIGN 4 and the short form; a PlanError says which line and why."""

from __future__ import annotations

import re

from ..errors import PlanError
from .language import NOT, Placement, Plan, Rollout, Step, plan_word
from .numbers import parse_quantity
from .operators import (
    ATTRIBUTES,
    DESTINATIONS,
    DIRECTIONS,
    FILTERS,
    KEYS,
    OPERATORS,
    PAST_RELATIONS,
    REGIONS,
    RELATIONS,
    RESERVED,
    SETS,
    Operator,
)

MAX_STEPS = 12
_STEP = re.compile(r"^\s*([a-z][a-z0-9_]*)\s*=\s*([a-z_]+)\s*\((.*)\)\s*$")
_TAG = {tag: re.compile(rf"<{tag}>(.*?)</{tag}>", re.S) for tag in ("reason", "plan", "answer")}
_FILTER = re.compile(r"^([a-z_]+)\s*=(.*)$", re.S)
# ASCII digits only, and few enough of them for int(): str.isdigit() and \d also accept digits such as "²".
_COUNT = re.compile(r"0?[1-9]|[1-9][0-9]")
_PLACE = re.compile(r"(?:place\s*\(\s*(\w+)\s*,\s*(\w+)\s*,\s*(\w+)|take\s*\(\s*(\w+))\s*\)", re.A)
_ANSWER = re.compile(r"[a-z][a-z0-9_]*|[0-9]{1,9}(\s*,\s*[0-9]{1,9})*")
_TEXT_LIMIT = 200
# Kinds of arguments that are one of a few words: what they are called in an error, and the words.
_WORDS = {
    "attribute": ("attribute", ATTRIBUTES),
    "region": ("region", REGIONS),
    "direction": ("direction", DIRECTIONS),
    "relation": ("relation", PAST_RELATIONS),
}


def parse_rollout(text: str) -> Rollout:
    """The rollout in `text`. Raises PlanError."""
    found = {tag: pattern.search(text) for tag, pattern in _TAG.items()}
    if found["plan"] or found["answer"]:
        reason, plan, answer = (match.group(1).strip() if match else "" for match in found.values())
        return Rollout(" ".join(reason.split()), parse_plan(plan, answer or None))
    lines = [line for line in text.strip().split("\n") if line.strip()]
    if not lines:
        raise PlanError("the model wrote nothing; ask again, or use a larger max_tokens")
    if _STEP.match(lines[0]) or lines == ["none"]:
        return Rollout("", _parse_short(lines))
    if len(lines) == 1:
        raise PlanError(f"no plan after the reason {lines[0][:80]!r}; use a larger max_tokens")
    return Rollout(" ".join(lines[0].split()), _parse_short(lines[1:]))


def _parse_short(lines: list[str]) -> Plan:
    if _STEP.match(lines[-1]):
        return parse_plan("\n".join(lines))
    if _PLACE.fullmatch(lines[-1].strip()):
        return parse_plan("\n".join(lines))
    return parse_plan("\n".join(lines[:-1]), lines[-1].strip())


def parse_plan(text: str, answer: str | None = None) -> Plan:
    """The plan in `text`, one step a line. Raises PlanError.

    answer: a value's name, ids, `none`, lines `place(VALUE, RELATION, DESTINATION)` or `take(VALUE)`, one a command, or
    None for the last value. Without it, last lines of that kind are the answer.
    """
    lines = [line for line in text.split("\n") if line.strip()]
    commands: list[str] = [] if answer is None else [line.strip() for line in answer.split("\n") if line.strip()]
    while answer is None and lines and _PLACE.fullmatch(lines[-1].strip()):
        commands.insert(0, lines.pop().strip())
    steps: list[Step] = []
    names: set[str] = set(SETS)
    for number, line in enumerate(lines, 1):
        if number > MAX_STEPS:
            raise PlanError(f"the plan has more than {MAX_STEPS} steps; split the question")
        step = _parse_step(line, names, f"plan line {number} {line.strip()[:120]!r}")
        steps.append(step)
        names.add(step.name)
    if commands and all(_PLACE.fullmatch(command) for command in commands):
        return _parse_commands(tuple(steps), names, commands)
    if answer is None:
        if not steps:
            raise PlanError("the plan has no steps; expected at least one, or the answer none")
        return Plan(tuple(steps), steps[-1].name)
    answer = answer.strip()
    if answer in ("none", ""):
        return Plan(tuple(steps))
    if not _ANSWER.fullmatch(answer):
        raise PlanError(f"answer {answer[:60]!r} is neither the name of a value, nor ids, nor none")
    if answer[0].isdigit():
        return Plan(tuple(steps), answer_ids=tuple(dict.fromkeys(int(n) for n in answer.split(","))))
    if answer not in names:
        raise PlanError(f"answer {answer!r} names no value of the plan ({', '.join(sorted(names))})")
    return Plan(tuple(steps), answer)


def _parse_commands(steps: tuple[Step, ...], names: set[str], lines: list[str]) -> Plan:
    first, *further = (_parse_command(line, names) for line in lines)
    return Plan(steps, first.placed, (), first.destination, first.relation, tuple(further))


def _parse_command(line: str, names: set[str]) -> Placement:
    match = _PLACE.fullmatch(line)
    assert match is not None
    placed, relation, destination, taken = match.groups()
    if taken is None and relation not in RELATIONS:
        raise PlanError(f"plan: {line}: no relation {relation!r}; there are {', '.join(RELATIONS)}")
    for name, more in ((placed or taken, ("none",)), (destination or "none", (*DESTINATIONS, "none"))):
        if name not in names and name not in more:
            raise PlanError(f"plan: {line}: {name!r} names no value; there are {', '.join([*sorted(names), *more])}")
    placed, destination = (("" if name in (None, "none") else name) for name in (placed or taken, destination))
    return Placement(placed, relation or "", destination)


def _parse_step(line: str, names: set[str], where: str) -> Step:
    match = _STEP.match(line)
    if not match:
        raise PlanError(f"{where}: expected `name = operator(arguments)`")
    name, operator, inner = match.groups()
    if name in RESERVED:
        raise PlanError(f"{where}: {name} is built in, a word of the language; choose another name, such as a or b")
    row = OPERATORS.get(operator)
    if row is None:
        raise PlanError(f"{where}: no operator {operator!r}; there are {', '.join(OPERATORS)}")
    positional: list[str] = []
    filters: list[tuple[str, tuple[str, ...]]] = []
    for part in _split(inner, where):
        pair = _FILTER.match(part) if not part.startswith('"') else None
        if pair:
            filters.append(_parse_filter(row, pair.group(1), pair.group(2), where))
        else:
            positional.append(part)
    if len(positional) != len(row.args):
        raise PlanError(f"{where}: {operator} takes {len(row.args)} arguments, as in {row.example}")
    key = next((arg for kind, arg in zip(row.args, positional, strict=True) if kind == "key"), "")
    args = tuple(_check(kind, arg, row, names, key, where) for kind, arg in zip(row.args, positional, strict=True))
    return Step(name, operator, args, tuple(filters))


def _split(inner: str, where: str) -> list[str]:
    """Arguments at top level: commas outside quotes separate."""
    parts, current, quoted = [], "", False
    for character in inner:
        if character == '"':
            quoted = not quoted
        if character == "," and not quoted:
            parts.append(current.strip())
            current = ""
        else:
            current += character
    if quoted:
        raise PlanError(f"{where}: a quote is not closed")
    parts.append(current.strip())
    if parts == [""]:
        return []
    if "" in parts:
        raise PlanError(f"{where}: an argument is empty")
    return parts


def _parse_filter(row: Operator, key: str, value: str, where: str) -> tuple[str, tuple[str, ...]]:
    if not row.filters:
        raise PlanError(f"{where}: {row.name} takes no {key}=, as in {row.example}")
    if key not in FILTERS:
        raise PlanError(f"{where}: no filter {key!r}; there are {', '.join(FILTERS)}")
    values = tuple(dict.fromkeys(plan_word(v) for v in value.split("|")))
    if "" in values:
        raise PlanError(f"{where}: {key}= has an empty word")
    known = FILTERS[key]
    if key in ("color", "accent"):
        values = tuple(re.sub(r"\bgrey$", "gray", v) for v in values)
    words = {v if key == "visible" else v.removeprefix(NOT) for v in values}
    if known and not words <= set(known):
        raise PlanError(f"{where}: {key}= knows {', '.join(known)}, not {', '.join(words - set(known))}")
    return key, values


def _check(kind: str, arg: str, row: Operator, names: set[str], key: str, where: str) -> str:
    """The argument as the step keeps it. key: of the same step, whose unit a quantity has."""
    if kind == "value" and arg not in names:
        return _quantity(arg, KEYS[key.removeprefix("-")].unit, f"{where}: for {key}")
    if kind == "distance":
        return _quantity(arg, "m", where)
    if kind in ("set", "ref", "value"):
        words = row.takes() if kind == "ref" else ()
        if arg not in names and arg not in words:
            more = f" or {', '.join(words)}" if words else ""
            raise PlanError(f"{where}: {arg[:40]!r} is no earlier value{more}; there are {', '.join(sorted(names))}")
    elif kind == "key" and arg.removeprefix("-") not in KEYS:
        raise PlanError(f"{where}: no key {arg[:40]!r}; there are {', '.join(KEYS)}")
    elif kind == "count" and not _COUNT.fullmatch(arg):
        raise PlanError(f"{where}: {arg[:40]!r} is not a number from 1 to 99")
    elif kind in _WORDS and arg not in _WORDS[kind][1]:
        name, known = _WORDS[kind]
        raise PlanError(f"{where}: no {name} {arg[:40]!r}; there are {', '.join(known)}")
    elif kind == "text":
        words = " ".join(arg.strip('"').split())[:_TEXT_LIMIT]
        if not (arg.startswith('"') and arg.endswith('"') and words):
            raise PlanError(f"{where}: expected words in double quotes, as in {row.example}")
        return f'"{words}"'
    elif kind == "noun":
        if not (noun := plan_word(arg)):
            raise PlanError(f"{where}: {arg[:40]!r} has no word to look for, as in {row.example}")
        return noun
    return arg


def _quantity(arg: str, unit: str, where: str) -> str:
    quantity = parse_quantity(arg)
    if quantity is None or quantity.unit != unit:
        expected = f"a number in {unit}, such as 0.4 {unit}" if unit else "a number without a unit, such as 3"
        raise PlanError(f"{where}: {arg[:40]!r} is neither an earlier value nor {expected}")
    return str(quantity)
