"""Corrections of a plan where exact words of the question decide what a step has to be.

The shipped student was not trained on the operators `middle`, `more` and `less`, nor on negated colours. Where the
question asks for them in so many words, what the student writes instead is replaced:

- "the mug in the middle": a last step max, min or nth by x or y becomes middle over the same set. "The object in the
  middle", and no more than that, is the middle of all.
- "farther back than the keg": behind becomes more(..., z, ...), and in_front_of becomes less(..., z, ...), for a
  comparison of distances says nothing about the line of sight.
- "everything that isn't red": a last step that filters by red is taken away from what it chose from.
"""

from __future__ import annotations

import re
from dataclasses import replace

from .language import Plan, Step

_COUNTED = "two|three|four|five|six|seven|eight|nine|ten|several"
_PILE = "stack|pile|tower|column"
_GROUP = rf"(?:row|line|group|bunch|lot|them|these|those|all|{_PILE}|(?:{_COUNTED})(?: \w+)?)"
# "in the middle of the tray" names a place; "in the middle", "in the middle of the row" an order.
_IN_THE_MIDDLE = re.compile(
    rf"\b(?:in|at|from) the (?:very )?(?:middle|cent(?:er|re))\b(?! of\b(?! (?:the |all |these |those )*{_GROUP}\b))"
)
_MIDDLE_ONE = re.compile(r"\b(?:middle|central|middlemost) (?:one|object|thing|item)\b")
_REQUEST = "hand|give|bring|get|fetch|pass|show|find|take|grab|pick|mark|select|me|us|up|please|i|want|need|the|which"
_ONLY_THE_MIDDLE = re.compile(
    rf"(?:(?:{_REQUEST}) )*(?:object|thing|item|one|what)?(?:'s| is)?(?: (?:that|which) is)?(?: (?:standing|lying))? ?"
    rf"(?:{_IN_THE_MIDDLE.pattern})(?: please)?"
)
_OF_A_PILE = re.compile(rf"\bmiddle of the (?:{_PILE})\b")
_PICKED_BY = {"max": 1, "min": 1, "nth": 2, "middle": 1}  # operator -> position of its key

_COMPARED = re.compile(
    r"\b(?:further|farther|nearer|closer)(?: back| away| off)?"
    r"(?: (?:to|from) (?:us|me|you|here|the (?:camera|robot|viewer|front)))? than\b"
)
_ALONG_SIGHT = re.compile(r"\b(?:behind|in front of|before)\b")
_COMPARISON = {"behind": "more", "in_front_of": "less"}


def corrected(plan: Plan, question: str) -> Plan:
    """The plan with the steps replaced that the question's words rule out; the same plan where there are none."""
    words = " ".join(re.sub(r"[^\w' -]", " ", question.lower().replace("’", "'")).split())
    return _negated(_compared(_middle(plan, words), words), words)


def _middle(plan: Plan, words: str) -> Plan:
    last = plan.steps[-1] if plan.steps else None
    if last is None or plan.answer != last.name or last.operator not in _PICKED_BY:
        return plan
    key = last.args[_PICKED_BY[last.operator]].removeprefix("-")
    named = bool(_IN_THE_MIDDLE.search(words)) or _names_middle(plan, last, words)
    if not named or (key not in ("x", "y") and last.operator != "middle"):
        return plan
    key = "y" if _OF_A_PILE.search(words) else key if key in ("x", "y") else "x"
    if _ONLY_THE_MIDDLE.fullmatch(words):
        return Plan((Step("a", "middle", ("all", key)),), "a")
    return replace(plan, steps=(*plan.steps[:-1], Step(last.name, "middle", (last.args[0], key))))


def _names_middle(plan: Plan, last: Step, words: str) -> bool:
    """Whether "middle" stands before a word for the members of the set that the last step picks from."""
    if _MIDDLE_ONE.search(words):
        return True
    chosen = next((step for step in plan.steps if step.name == last.args[0]), None)
    if chosen is None:
        return False
    named = [value for key, values in chosen.filters if key == "label" for value in values]
    named += [arg.strip('"') for arg in chosen.args[1:] if chosen.operator == "like"]
    return any(re.search(rf"\bmiddle {re.escape(name.lower())}\b", words) for name in named)


def _compared(plan: Plan, words: str) -> Plan:
    if not _COMPARED.search(words) or _ALONG_SIGHT.search(words):
        return plan
    steps = tuple(
        Step(step.name, _COMPARISON[step.operator], (step.args[0], "z", step.args[1]))
        if step.operator in _COMPARISON
        else step
        for step in plan.steps
    )
    return plan if steps == plan.steps else replace(plan, steps=steps)


def _negated(plan: Plan, words: str) -> Plan:
    last = plan.steps[-1] if plan.steps else None
    if last is None or plan.answer != last.name or last.operator not in ("find", "filter"):
        return plan
    colors = [values for key, values in last.filters if key == "color"]
    if len(colors) != 1 or len(colors[0]) != 1:
        return plan
    color = "gr[ae]y" if colors[0][0] == "gray" else colors[0][0]
    negated = rf"\b(?:not|isn't|aren't|non)[ -](?:the |a |an )?{color}\b"
    if not re.search(negated, words) or len(re.findall(rf"\b{color}\b", words)) > 1:
        return plan
    rest = tuple(f for f in last.filters if f[0] != "color")
    chosen, rest_name = _free_names(plan, 2)
    whole = last.args[0] if last.args else "all"
    steps = [*plan.steps]
    if rest:
        steps.append(replace(last, name=rest_name, filters=rest))
        whole = rest_name
    return replace(plan, steps=(*steps, Step(chosen, "minus", (whole, last.name))), answer=chosen)


def _free_names(plan: Plan, count: int) -> list[str]:
    used = {step.name for step in plan.steps}
    return [name for name in "abcdefghijklmnop" if name not in used][:count]
