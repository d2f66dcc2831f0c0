"""Follow-ups: "the other one", "the left one", "not that". Rules for short sentences; no model and no ROS in here.

A question goes on from an earlier one if it has the same `query_id`, comes within two minutes, and is about the same
twin (ids begin anew where perception does). "The red one" is asked as "the red mug", with the noun of the earlier
question; "the other one", and what was asked back ("yes", "2"), are answered from the earlier plan. All else is new.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from ..errors import Status
from ..plan.executor import execute
from ..plan.language import Plan, Step
from ..plan.run import Meaning
from ..reasoning.sentences import plural
from ..twin.types import COLORS, Answer, DigitalTwin, Query

KEPT, KEPT_S = 32, 120.0
_WORDS = 8  # a longer sentence is a question of its own
_LEAD = r"^(?:(?:no|nope|ok|okay|sorry|please|i mean|i meant|but|and)[ ,.;:!-]+)*"
_OTHER = re.compile(
    _LEAD + r"(?:not (?:that|this|it|those|these|him|her)(?: ones?)?|(?:the |an)?other(?: ones?| thing)?|the others|"
    r"(?:a|some) different ones?|something else|any others?)\W*$",
    re.I,
)
_ONE = re.compile(r"\bones?\b", re.I)
_SIDE = re.compile(
    _LEAD + r"((?:the )?(?:left|right|red|orange|yellow|green|blue|purple|pink|brown|white|grey|gray|black|big|bigger|"
    r"biggest|small|smaller|smallest|near|nearer|nearest|far|farther|farthest|tall|taller|tallest|first|second|third|"
    r"last|top|bottom|upper|lower|middle)(?:most)?)\W*$",
    re.I,
)
_YES = re.compile(r"^(?:yes|yeah|yep|right|correct|exactly|that(?: one|'s it)?|it is)\W*$", re.I)
_NO = re.compile(r"^(?:no|nope|neither)\W*$", re.I)
_ID = re.compile(r"^(?:no\.|number|id|the)?\W*(\d+)\W*$", re.I)
_COLOR = re.compile(rf"\b(?:{'|'.join((*COLORS, 'grey'))})\b", re.I)
_PLURAL = re.compile(r"\b(?:ones|others|those|these|them)\b", re.I)
_ARTICLE = r"(?:(?:the|a|an|that|this|any|my|your|some)\s+)?(?:\w+\s+)?"


@dataclass(frozen=True)
class Turn:
    """What was asked and planned. given: ids that were answered or offered in this dialogue. offered: those of the last
    answer, where it asked back. begun_s: of the twin. at: seconds.
    """

    text: str
    plan: Plan
    given: frozenset[int]
    offered: tuple[int, ...]
    begun_s: float | None
    at: float


class Dialogues:
    """By query id; the oldest of KEPT goes first. Owned by the event loop of the questions."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._turns: OrderedDict[str, Turn] = OrderedDict()

    def clear(self) -> None:
        self._turns.clear()

    def forget(self, id: str) -> None:
        """A question of this id came to nothing: who speaks of "the other one" now means something else."""
        self._turns.pop(id, None)

    def put(self, id: str, text: str, plan: Plan | None, answer: Answer, twin: DigitalTwin | None) -> None:
        """Keeps what was answered; text: as the model was asked. plan: None, or without steps, where it had none."""
        before = self._turns.pop(id, None)
        if plan is None or not plan.steps or twin is None:
            return
        named = answer.status in (Status.OK, Status.UNSURE)
        given = frozenset(answer.ids) if named else frozenset()
        if before is not None and _kind(before.plan) == _kind(plan) and before.begun_s == twin.begun_s:
            given |= before.given
        offered = answer.ids if answer.status is Status.UNSURE else ()
        self._turns[id] = Turn(text, plan, given, offered, twin.begun_s, self._now())
        while len(self._turns) > KEPT:
            self._turns.popitem(last=False)

    def other(self, query: Query, twin: DigitalTwin, meaning: Meaning | None) -> Answer | None:
        """The answer to "the other one": the rest of what the earlier question was about; to "yes" or an id, one of the
        things that were offered. None for other texts.

        Raises PlanError, MissingDataError.
        """
        turn, text = self._turn(query.id, twin), query.text.strip()
        if turn is None:
            return None
        if turn.offered and (meant := _meant(text, turn.offered)) is not None:
            there = {i.id for i in twin.instances}
            ids = tuple(k for k in meant if k in there)
            message = f"{len(ids)} object{'s' if len(ids) > 1 else ''}: {', '.join(map(str, ids))}"
            return self._given(query, turn, ids, message if ids else "it is gone", "As was said.", twin)
        if not (_OTHER.match(text) or (turn.offered and _NO.match(text))):
            return None
        ids = tuple(k for k in _alike(turn.plan, twin, meaning) if k not in turn.given)
        noun = _noun(turn.plan)
        message = f"{len(ids)} other{'s' if len(ids) > 1 else ''}: {', '.join(map(str, ids))}"
        answer = self._given(
            query, turn, ids, message if ids else f"there is no other {noun}", f"Another {noun} than before.", twin
        )
        return answer if _PLURAL.search(text) or not ids else replace(answer, confidence=1 / len(ids))

    def _given(
        self, query: Query, turn: Turn, ids: tuple[int, ...], message: str, reason: str, twin: DigitalTwin
    ) -> Answer:
        now = self._now()
        self._turns[query.id] = Turn(turn.text, turn.plan, turn.given | set(ids), (), turn.begun_s, now)
        status = Status.OK if ids else Status.NO_MATCH
        return Answer(query, status, message, ids, reason, str(turn.plan), (), twin.stamp_s, twin.sequence)

    def rewritten(self, query: Query, twin: DigitalTwin | None) -> str:
        """The text to plan: a follow-up with the noun that it leaves out, any other as it is."""
        turn, text = self._turn(query.id, twin), query.text.strip()
        noun = _noun(turn.plan, keeps_color=not _COLOR.search(text)) if turn is not None else ""
        if turn is None or not noun or len(text.split()) > _WORDS:
            return query.text
        if side := _SIDE.match(text):
            phrase = f"the {side[1].lower().removeprefix('the ')} {noun}"
        elif _ONE.search(text):
            phrase = re.sub(_LEAD, "", text, flags=re.I)
            phrase = _ONE.sub(lambda m: noun if m[0].lower() == "one" else plural(noun), phrase, count=1)
        else:
            return query.text
        if turn.plan.placements:  # a command: its other end stays
            named = re.escape(_noun(turn.plan))
            whole, count = re.subn(_ARTICLE + named + r"\b", phrase.rstrip(".!? "), turn.text, count=1)
            return whole if count else phrase
        return phrase

    def _turn(self, id: str, twin: DigitalTwin | None) -> Turn | None:
        turn = self._turns.get(id)
        if turn is None or self._now() - turn.at > KEPT_S or (twin is not None and twin.begun_s != turn.begun_s):
            return None
        return turn


def _meant(text: str, offered: tuple[int, ...]) -> tuple[int, ...] | None:
    """Of the things that were offered: all, by "yes", or the one with the id that is said."""
    if _YES.match(text):
        return offered
    said = _ID.match(text)
    return (int(said[1]),) if said and int(said[1]) in offered else None


def _lineage(plan: Plan) -> list[Step]:
    """The steps that narrow down what is answered, the answer first; not those that only give a reference."""
    by_name, found = {step.name: step for step in plan.steps}, []
    name = plan.answer or plan.steps[-1].name
    while (step := by_name.get(name)) is not None and step not in found:
        found.append(step)
        name = step.args[0] if step.args else ""
    return found


def _kind(plan: Plan) -> Step | None:
    """The step that says what kind of thing is answered, about everything in view; None where no step does."""
    for step in reversed(_lineage(plan)):
        if step.operator == "like":
            return Step("a", "like", ("all", step.args[-1]), step.filters)
        if any(key == "label" for key, _ in step.filters):
            return Step("a", "find", (), step.filters)
    return None


def _alike(plan: Plan, twin: DigitalTwin, meaning: Meaning | None) -> tuple[int, ...]:
    """Things of the kind that was answered; without one, all in view but what the plan only refers to."""
    if (kind := _kind(plan)) is not None:
        return execute(Plan((kind,), kind.name), twin, meaning).ids
    narrowed = {step.name for step in _lineage(plan)}
    references = {k for step in execute(plan, twin, meaning).trace if step.name not in narrowed for k in step.ids}
    return tuple(i.id for i in twin.instances if i.visible and i.id not in references)


def _noun(plan: Plan, keeps_color: bool = False) -> str:
    """What kind of thing a plan picks, in words, with its colour if asked; "thing" where it names no label."""
    kind = _kind(plan)
    if kind is None:
        return "thing"
    filters = dict(kind.filters)
    if kind.operator == "like":
        noun = kind.args[-1].strip('"')
    else:
        noun = filters["label"][0]
        if noun.startswith("not "):
            return "thing"
    colors = filters.get("color", ())
    return f"{colors[0]} {noun}" if keeps_color and len(colors) == 1 and colors[0] in COLORS else noun
