"""Follow-ups: "the other one", "the left one", "not that". Rules for short sentences; no model and no ROS in here.

A question goes on from an earlier one if it has the same `query_id` and comes within two minutes. "The red one" is
asked as "the red mug", with the noun of the earlier question; "the other one" is answered from the earlier plan. All
else is a new question.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import Status
from ..plan.executor import execute
from ..plan.language import Plan
from ..plan.run import Meaning
from ..reasoning.sentences import plural
from ..twin.types import Answer, DigitalTwin, Query

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
_ARTICLE = r"(?:(?:the|a|an|that|this|any|my|your|some)\s+)?(?:\w+\s+)?"


@dataclass(frozen=True)
class Turn:
    """What was asked and planned. given: ids that were answered in this dialogue. at: seconds."""

    text: str
    plan: Plan
    given: frozenset[int]
    at: float


class Dialogues:
    """By query id; the oldest of KEPT goes first. Owned by the event loop of the questions."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._turns: OrderedDict[str, Turn] = OrderedDict()

    def put(self, id: str, text: str, plan: Plan, answer: Answer) -> None:
        """Keeps what was answered; text: as the model was asked."""
        if not plan.steps:
            return
        before = self._turn(id)
        given = frozenset(answer.ids) if answer.status is Status.OK else frozenset()
        if before is not None and before.plan.steps[0] == plan.steps[0]:
            given |= before.given
        self._turns[id] = Turn(text, plan, given, self._now())
        self._turns.move_to_end(id)
        while len(self._turns) > KEPT:
            self._turns.popitem(last=False)

    def other(self, query: Query, twin: DigitalTwin, meaning: Meaning | None) -> Answer | None:
        """The answer to "the other one": the rest of what the earlier question was about; None for other texts.

        Raises PlanError, MissingDataError.
        """
        turn = self._turn(query.id)
        if turn is None or not _OTHER.match(query.text.strip()):
            return None
        first = turn.plan.steps[0]
        execution = execute(Plan((first,), first.name), twin, meaning)
        ids = tuple(k for k in execution.ids if k not in turn.given)
        noun = _noun(turn.plan)
        message = f"{len(ids)} other{'s' if len(ids) > 1 else ''}: {', '.join(map(str, ids))}"
        if not ids:
            message = f"there is no other {noun}"
        self._turns[query.id] = Turn(turn.text, turn.plan, turn.given | set(ids), self._now())
        return Answer(
            query,
            Status.OK if ids else Status.NO_MATCH,
            message,
            ids,
            f"Another {noun} than before.",
            str(first),
            execution.trace,
            twin.stamp_s,
            twin.sequence,
        )

    def rewritten(self, query: Query) -> str:
        """The text to plan: a follow-up with the noun that it leaves out, any other as it is."""
        turn, text = self._turn(query.id), query.text.strip()
        noun = _noun(turn.plan) if turn is not None else ""
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
            whole, count = re.subn(_ARTICLE + re.escape(noun) + r"\b", phrase.rstrip(".!? "), turn.text, count=1)
            return whole if count else phrase
        return phrase

    def _turn(self, id: str) -> Turn | None:
        turn = self._turns.get(id)
        return turn if turn is not None and self._now() - turn.at <= KEPT_S else None


def _noun(plan: Plan) -> str:
    """What the first step of a plan picks, in words; "thing" where it names no label."""
    first = plan.steps[0]
    if first.operator == "like":
        return first.args[-1].strip('"')
    labels = next((values for key, values in first.filters if key == "label"), ())
    return labels[0] if labels and not labels[0].startswith("not ") else "thing"
