"""The newest twin and the language model, shared by service, action and standing questions. No ROS in here.

A question waits, within its time, for what it needs: the first twin, the model that is still loading, its turn. Every
way it can end is an `Answer` with a status.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ..errors import ModelError, ReasonSegError, Status
from ..pipeline import StandingQuestion, check_question, reason
from ..reasoning.protocol import LanguageModel, WordMeaning
from ..twin.types import Answer, DigitalTwin, Query

Load = Callable[[], tuple[LanguageModel, WordMeaning]]
Progress = Callable[[str, str], None]
WAITING = 4  # questions that may wait at a time; each holds a thread of the executor


@dataclass(frozen=True)
class Seen:
    """What perception said last: a twin, or a status and a message why there is none. meta: the caller's own."""

    twin: DigitalTwin
    status: Status = Status.OK
    message: str = ""
    meta: Any = None


class Reasoner:
    """Thread-safe; `load` is called in a thread of its own at once, and again by a question after it failed.

    failed: told why a load failed.
    """

    def __init__(self, load: Load, stale_after_s: float, failed: Callable[[str], None] = lambda _: None) -> None:
        self._load, self._stale_after_s, self._failed = load, stale_after_s, failed
        self._changed = threading.Condition()
        self._seen: Seen | None = None
        self._seen_at = 0.0
        self._models: tuple[LanguageModel, WordMeaning] | None = None
        self._failure: ReasonSegError | None = None
        self._loading = False
        self._turn = threading.Lock()
        self._places = threading.BoundedSemaphore(WAITING)
        self._numbers = itertools.count(1)
        self.standing: dict[str, StandingQuestion] = {}
        self._start_loading()

    def see(self, seen: Seen) -> None:
        """Takes what perception said; wakes questions that wait for it."""
        with self._changed:
            self._seen, self._seen_at = seen, time.monotonic()
            self._changed.notify_all()

    def ask(
        self,
        text: str,
        query_id: str,
        timeout_s: float,
        progress: Progress | None = None,
        cancelled: Callable[[], bool] = lambda: False,
        standing: bool = False,
    ) -> tuple[Answer, Seen | None]:
        """The answer, and what it speaks of. standing: the question is kept for `update` if it got a plan."""
        query = Query(text, query_id or f"q{next(self._numbers)}")
        end, written = time.monotonic() + timeout_s, ""

        def on_text(piece: str) -> bool:
            nonlocal written
            written += piece
            if progress:
                progress("thinking", written)
            return cancelled() or time.monotonic() > end

        def failed(status: Status, message: str) -> tuple[Answer, Seen | None]:
            return Answer(query, status, message), seen

        seen, question = self._seen, None
        if not self._places.acquire(blocking=False):
            return failed(Status.BUSY, f"{WAITING} questions wait already; ask again")
        try:
            check_question(text)
            if progress:
                progress("waiting", "")
            if not self._wait(lambda: self._seen is not None, end, cancelled):
                reason_why = "no twin has come: is the camera publishing, and is twin_node running?"
                return failed(Status.CANCELLED if cancelled() else Status.NOT_READY, reason_why)
            seen = self._seen
            if seen is not None and seen.status != Status.OK:
                return failed(seen.status, seen.message)
            self._start_loading()
            if not self._wait(lambda: not self._loading, end, cancelled):
                return failed(Status.CANCELLED if cancelled() else Status.NOT_READY, "the model is still loading")
            if self._failure or self._models is None:
                raise self._failure or ModelError("the model is not loaded")
            if not self._turn.acquire(timeout=max(0.0, end - time.monotonic())):
                return failed(Status.BUSY, f"the model answered other questions for {timeout_s:.0f} s; ask again")
            try:
                seen, age_s = self._seen, time.monotonic() - self._seen_at
                assert seen is not None
                if seen.status != Status.OK:
                    return failed(seen.status, seen.message)
                if standing:
                    question = StandingQuestion(query, *self._models)
                    answer = question.answer(seen.twin, on_text)
                else:
                    answer = reason(seen.twin, query, *self._models, on_text=on_text)
            finally:
                self._turn.release()
        except ReasonSegError as error:
            return failed(error.status, str(error))
        finally:
            self._places.release()
        if cancelled():
            return failed(Status.CANCELLED, "the question was cancelled")
        if time.monotonic() > end:
            return failed(Status.TIMED_OUT, f"no answer within {timeout_s:.0f} s")
        if question is not None and answer.status in (Status.OK, Status.NO_MATCH, Status.CANNOT_ANSWER):
            self.standing[query.id] = question
        if age_s > self._stale_after_s and answer.status in (Status.OK, Status.NO_MATCH):
            message = f"the newest twin is {age_s:.0f} s old, perception has stopped; {answer.message}"
            answer = replace(answer, status=Status.STALE, message=message)
        return answer, seen

    def update(self, seen: Seen) -> list[Answer]:
        """The answers to all standing questions about one twin."""
        answers = []
        for query_id, question in list(self.standing.items()):
            try:
                if seen.status != Status.OK:
                    answers.append(Answer(question.query, seen.status, seen.message))
                    continue
                answers.append(question.answer(seen.twin))
            except ReasonSegError as error:
                answers.append(Answer(question.query, error.status, str(error)))
            if query_id not in self.standing:  # stopped meanwhile
                answers.pop()
        return answers

    def _wait(self, ready: Callable[[], bool], end: float, cancelled: Callable[[], bool]) -> bool:
        with self._changed:
            while not ready() and not cancelled() and (left := end - time.monotonic()) > 0:
                self._changed.wait(min(left, 0.1))
            return ready() and not cancelled()

    def _start_loading(self) -> None:
        with self._changed:
            if self._loading or self._models is not None:
                return
            self._loading, self._failure = True, None
        threading.Thread(target=self._load_models, name="load", daemon=True).start()

    def _load_models(self) -> None:
        models = failure = None
        try:
            models = self._load()
        except ReasonSegError as error:
            failure = error
        except Exception as error:  # a corrupt file fails anywhere in its reader
            failure = ModelError(f"the model could not be loaded: {type(error).__name__}: {error}")
        with self._changed:
            self._models, self._failure, self._loading = models, failure, False
            self._changed.notify_all()
        if failure:
            self._failed(str(failure))
