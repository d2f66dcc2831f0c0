"""Answers as the page lists them: standing questions with their newest answer, and a history."""

from __future__ import annotations

import itertools
import time
from collections import deque
from dataclasses import dataclass, field

from fastreasonseg_ros.msg import Answer

KEPT = 100  # answers of the history
KEPT_OF_ONE = 10  # of them of one standing question, which may change its answer with every twin
STANDING = 64


@dataclass
class Entry:
    """An answer in a list. That of a standing question is replaced when its next answer comes.

    number: its own, from 1, in the order of making. at_s: when it came, seconds since 1970. came_s: the same by the
    monotonic clock.
    """

    number: int
    answer: Answer
    standing: bool = False
    at_s: float = field(default_factory=time.time)
    came_s: float = field(default_factory=time.monotonic)

    @property
    def shows_objects(self) -> bool:
        """Whether there is something to draw into the picture."""
        return bool(self.answer.ids) or any(c.ids or c.destination_ids for c in self.answer.commands)


class AnswerLog:
    """standing: by query id. history: the newest last; of a standing question those answers that said something new."""

    def __init__(self) -> None:
        self.standing: dict[str, Entry] = {}
        self.history: deque[Entry] = deque(maxlen=KEPT)
        self._numbers = itertools.count(1)
        self._said: dict[str, tuple[object, ...]] = {}  # of standing questions: what the history last has of them

    def add(self, answer: Answer) -> Entry:
        """Takes an answer, from the topic or a reply, which may be the same one. Gives its entry."""
        if answer.standing:
            return self._add_standing(answer)
        if answer.status == Answer.CANCELLED and answer.query_id in self.standing:
            self._said.pop(answer.query_id, None)
            ended = self.standing.pop(answer.query_id)
            ended.answer = answer
            return self._keep(answer)
        for known in reversed(self.history):
            if _is_same(known.answer, answer):
                return known
        return self._keep(answer)

    def entry(self, number: int) -> Entry | None:
        """The entry of that number, if it is still listed."""
        return next((e for e in (*self.standing.values(), *self.history) if e.number == number), None)

    @property
    def newest(self) -> Entry | None:
        """Of the question that was asked last, one-off or standing."""
        ended = Answer.CANCELLED
        one_offs = (e for e in reversed(self.history) if not e.answer.standing and e.answer.status != ended)
        asked = [*self.standing.values(), *itertools.islice(one_offs, 1)]
        return max(asked, key=lambda e: e.number, default=None)

    def forget(self, query_id: str) -> None:
        """A standing question that its node does not know any more."""
        self.standing.pop(query_id, None)
        self._said.pop(query_id, None)

    def _add_standing(self, answer: Answer) -> Entry:
        entry = self.standing.get(answer.query_id)
        if entry is None or entry.answer.text != answer.text:
            while len(self.standing) >= STANDING:
                self.forget(next(iter(self.standing)))
            entry = self.standing[answer.query_id] = Entry(next(self._numbers), answer, True)
        entry.answer, entry.came_s, entry.at_s = answer, time.monotonic(), time.time()
        said = (answer.text, answer.status, tuple(answer.ids), answer.message if answer.status != Answer.OK else "")
        if self._said.get(answer.query_id) != said:
            self._said[answer.query_id] = said
            self._keep(answer)
            same = [e for e in self.history if e.answer.standing and e.answer.query_id == answer.query_id]
            for old in same[:-KEPT_OF_ONE]:
                self.history.remove(old)
        return entry

    def _keep(self, answer: Answer) -> Entry:
        entry = Entry(next(self._numbers), answer)
        self.history.append(entry)
        return entry


def _is_same(one: Answer, other: Answer) -> bool:
    """Whether both are the same message; ids of questions begin anew with their node."""
    names = ("query_id", "text", "status", "message", "header", "twin_sequence")
    return all(getattr(one, n) == getattr(other, n) for n in names)
