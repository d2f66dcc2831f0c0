"""What perception said, and how it is asked to look for what a question lacks. No ROS in here."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import Status
from ..just_in_time import missing_words
from ..pipeline import StandingQuestion
from ..reasoning.protocol import WordMeaning
from ..twin.types import Answer, DigitalTwin

Progress = Callable[[str, str], None]
LookFor = Callable[[Sequence[str], float, Callable[[], bool]], "Told"]


@dataclass(frozen=True)
class Seen:
    """What perception said last: a twin, or a status and a message why there is none. meta: the caller's own.

    open_vocabulary: whether perception can be asked for further words.
    """

    twin: DigitalTwin
    status: Status = Status.OK
    message: str = ""
    meta: Any = None
    open_vocabulary: bool = False


Found = tuple[Answer, Seen | None, StandingQuestion | None]


@dataclass(frozen=True)
class Told:
    """What perception replied to words: those that it had not looked for, and the number of the last twin before."""

    new: tuple[str, ...] = ()
    after: int = 0
    message: str = ""


@dataclass(frozen=True)
class Asking:
    """One question on its way. wait: until a twin after that number came, or it is this late; again: answers it."""

    end: float
    progress: Progress | None
    cancelled: Callable[[], bool]
    wait: Callable[[int, float], bool]
    again: Callable[[], Found]


@dataclass(frozen=True)
class Looking:
    """Perception that may take words. ask: words, until when (time.monotonic), whether it is cancelled. seconds: how
    long a question waits for the twin that is made with its words; 0: no words are brought.
    """

    ask: LookFor
    seconds: float = 5.0

    def better(
        self, found: Found, meaning: WordMeaning | None, standing: Sequence[str], asking: Asking
    ) -> tuple[Found, tuple[str, ...]]:
        """The answer about a twin that was made with the words which the question brings, and those words.

        The first answer with a note where perception takes none, knows them already, or is too slow. standing: words
        of standing questions, told again with them, so that they are not forgotten as the oldest.
        """
        answer, seen, _ = found
        if self.seconds <= 0 or seen is None or seen.status is not Status.OK:
            return found, ()
        words = missing_words(answer, seen.twin, meaning)
        if not words:
            return found, ()
        named = ", ".join(words)
        if not seen.open_vocabulary:
            return _noted(found, f"perception has a fixed list of words and cannot look for {named}"), ()
        if asking.progress:
            asking.progress("looking", named)
        start = time.monotonic()
        limit = min(asking.end, start + self.seconds)
        told = self.ask([*(w for w in standing if w not in words), *words], limit, asking.cancelled)
        if not set(words) & set(told.new) and not asking.cancelled():
            return _noted(found, told.message or f"perception looks for {named} already"), words
        came = asking.wait(told.after, limit)
        if asking.cancelled():
            return (Answer(answer.query, Status.CANCELLED, "the question was cancelled"), seen, None), ()
        if not came:
            return _noted(found, f"perception was asked for {named}, but made no twin in time; ask again"), words
        spent_ms = (time.monotonic() - start) * 1e3
        again = asking.again()
        if again[0].status not in (Status.OK, Status.NO_MATCH, Status.CANNOT_ANSWER, Status.CANCELLED):
            return _noted(found, f"perception looked for {named}, then: {again[0].message}"), words
        return _noted(again, f"perception looked for {named}", spent_ms), words


def _noted(found: Found, note: str, looking_ms: float | None = None) -> Found:
    answer, *rest = found
    spent = {} if looking_ms is None else {"looking": looking_ms}
    message = f"{answer.message}; {note}" if answer.message else note
    return replace(answer, message=message, latency_ms={**answer.latency_ms, **spent}), *rest
