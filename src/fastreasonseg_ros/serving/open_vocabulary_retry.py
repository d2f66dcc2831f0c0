"""A question that finds nothing for lack of words: perception is asked to look for them, and it is answered again.

just_in_time.py has the same for one perceiver in the same thread; here it may be in another process.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import Status
from ..just_in_time import missing_words
from ..pipeline import StandingQuestion
from ..plan.language import Plan
from ..reasoning.protocol import WordMeaning
from ..twin.types import Answer, DigitalTwin

Progress = Callable[[str, str], None]  # stage, text


@dataclass(frozen=True)
class Observation:
    """The newest twin, or a status and a message why there is none. header: of its message.

    open_vocabulary: whether perception can be asked for further words.
    """

    twin: DigitalTwin
    status: Status = Status.OK
    message: str = ""
    header: Any = None
    open_vocabulary: bool = False


def is_after(observation: Observation | None, sequence: int) -> bool:
    """Whether there is a twin, and it is a later one than that number."""
    return observation is not None and observation.status is Status.OK and observation.twin.sequence > sequence


@dataclass(frozen=True)
class Reply:
    """An answer, the observation that it speaks of, and the question whose plan gave it (None: it has no plan)."""

    answer: Answer
    observation: Observation | None = None
    question: StandingQuestion | None = None

    @property
    def plan(self) -> Plan | None:
        return self.question.rollout.plan if self.question is not None and self.question.rollout is not None else None

    def noted(self, note: str, **latency_ms: float) -> Reply:
        """With a further note in the answer's message, and further stages in its latency."""
        message = f"{self.answer.message}; {note}" if self.answer.message else note
        spent = {**self.answer.latency_ms, **latency_ms}
        return replace(self, answer=replace(self.answer, message=message, latency_ms=spent))


@dataclass(frozen=True)
class VocabularyReply:
    """new: words that perception had not looked for. after: number of the last twin made without them."""

    new: tuple[str, ...] = ()
    after: int = 0
    message: str = ""


AskPerception = Callable[[Sequence[str], float], Awaitable[VocabularyReply]]


@dataclass(frozen=True)
class OpenVocabularyRetry:
    """ask: gives perception words, until a moment (time.monotonic). seconds: how long a question waits for the twin
    that is made with its words; 0: no words are brought.
    """

    ask: AskPerception
    seconds: float = 5.0

    async def improve(
        self,
        first: Reply,
        meaning: WordMeaning | None,
        standing: Sequence[str],
        end: float,
        twin_after: Callable[[int, float], Awaitable[bool]],
        again: Callable[[], Awaitable[Reply]],
        progress: Progress | None = None,
    ) -> tuple[Reply, tuple[str, ...]]:
        """The reply about a twin that was made with the words which the question brings, and those words.

        The first reply with a note where perception takes no words, knows them already, or is too slow.

        standing: words of standing questions, sent again with the new ones, so that they are not forgotten as the
        oldest. end: of the question's time (time.monotonic). twin_after: waits for a twin after that number until that
        moment. again: answers the question again.
        """
        observation = first.observation
        if self.seconds <= 0 or observation is None or observation.status is not Status.OK:
            return first, ()
        words = missing_words(first.answer, observation.twin, meaning)
        if not words:
            return first, ()
        named = ", ".join(words)
        if not observation.open_vocabulary:
            return first.noted(f"perception has a fixed list of words and cannot look for {named}"), ()
        if progress:
            progress("looking", named)
        start = time.monotonic()
        limit = min(end, start + self.seconds)
        reply = await self.ask([*(w for w in standing if w not in words), *words], limit)
        if not set(words) & set(reply.new):
            return first.noted(reply.message or f"perception looks for {named} already"), words
        if not await twin_after(reply.after, limit):
            return first.noted(f"perception was asked for {named}, but made no twin in time; ask again"), words
        spent_ms = (time.monotonic() - start) * 1e3
        second = await again()
        if second.answer.status not in (Status.OK, Status.NO_MATCH, Status.CANNOT_ANSWER):
            return first.noted(f"perception looked for {named}, then: {second.answer.message}"), words
        return second.noted(f"perception looked for {named}", looking=spent_ms), words
