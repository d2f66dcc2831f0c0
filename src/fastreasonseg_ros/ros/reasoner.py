"""The newest twin and the language model, shared by service, action and standing questions. No ROS in here.

A question waits, within its time, for what it needs: the first twin, the model that is still loading, its turn (see
model_queue.py). One whose plan is kept needs no turn: it is answered at once, whatever the model does. Every way a
question can end is an `Answer` with a status.
"""

from __future__ import annotations

import copy
import itertools
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..errors import ModelError, ReasonSegError, Status
from ..pipeline import StandingQuestion, check_question, is_closest
from ..reasoning.protocol import LanguageModel, WordMeaning
from ..twin.types import Answer, DigitalTwin, Query
from .looking import Asking, Found, Looking, Progress, Seen
from .model_queue import Job, ModelQueue, OnText
from .standing_file import KeptQuestion

WAITING = 16  # questions that may wait at a time; each holds a thread of the executor
STANDING = 32  # standing questions; each is answered for every twin
PLANS = 64  # kept for texts that are asked again
PAUSE_S = 2.0  # before a plan that failed is tried again for a standing question
POLL_S = 0.02  # how soon a cancelled question is noticed
GOOD = (Status.OK, Status.NO_MATCH, Status.CANNOT_ANSWER)


@dataclass
class Standing:
    """A question that is answered for every twin; its plan is replaced when a new one is made.

    words: what perception was asked for because of it.
    """

    query: Query
    question: StandingQuestion
    words: tuple[str, ...] = ()


class Reasoner:
    """Thread-safe. Without models questions wait for `use`, or are told at once what `without` said.

    stale_after_s: an answer about an older twin says so. now: seconds by the clock that twins age by.
    """

    def __init__(self, stale_after_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self.stale_after_s, self._now = stale_after_s, now
        self._changed = threading.Condition()
        self._seen: Seen | None = None
        self._seen_at = 0.0
        self._models: tuple[LanguageModel, WordMeaning | None] | None = None
        self._absent: tuple[Status, str] | None = None
        self._queue: ModelQueue[tuple[Answer, Seen]] = ModelQueue(self._changed)
        self._plans: OrderedDict[str, StandingQuestion] = OrderedDict()
        self._places = threading.BoundedSemaphore(WAITING)
        self._numbers = itertools.count(1)
        self._failed_at: dict[str, float] = {}
        self.standing: dict[str, Standing] = {}
        self.looking: Looking | None = None

    def use(self, language_model: LanguageModel, meaning: WordMeaning | None) -> None:
        """From now on questions are answered with these."""
        with self._changed:
            self._models, self._absent = (language_model, meaning), None
            self._changed.notify_all()

    def without(self, reason: tuple[Status, str] | None) -> None:
        """From now on questions are answered by this status and message; None: they wait for `use`."""
        with self._changed:
            self._models, self._absent = None, reason
            self._plans.clear()
            self._queue.clear()
            self._changed.notify_all()

    def see(self, seen: Seen | None) -> None:
        """Takes what perception said, and wakes questions that wait for it; None: forgets it."""
        with self._changed:
            self._seen, self._seen_at = seen, self._now()
            self._changed.notify_all()

    @property
    def age_s(self) -> float:
        """Seconds since perception said something; infinite before."""
        return float("inf") if self._seen is None else max(0.0, self._now() - self._seen_at)

    @property
    def waiting(self) -> int:
        """Questions that wait for the model."""
        return self._queue.waiting

    def close(self) -> None:
        self._queue.close()

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
        end = time.monotonic() + timeout_s
        try:
            check_question(text)
            if standing and query.id not in self.standing and len(self.standing) >= STANDING:
                return Answer(query, Status.BUSY, f"{STANDING} questions stand already; unwatch one"), self._seen
            found, words = self._answer(query, end, timeout_s, progress, cancelled), ()
            if self.looking is not None:
                asking = Asking(
                    end,
                    progress,
                    cancelled,
                    lambda after, limit: self._wait(lambda: self._is_seen(after), limit, cancelled),
                    lambda: self._answer(query, end, timeout_s, progress, cancelled),
                )
                meaning, standing_words = self._models[1] if self._models else None, self.standing_words
                found, words = self.looking.better(found, meaning, standing_words, asking)
            answer, seen, question = found
        except ReasonSegError as error:
            return Answer(query, error.status, str(error)), self._seen
        if standing and question is not None and answer.status in GOOD:
            self.standing[query.id] = Standing(query, question, words)
            if seen is not None and is_closest(answer):  # one that stands waits until it fits
                answer = replace(question.answer(seen.twin, keep_plan=True), query=query)
        if answer.status in (Status.OK, Status.NO_MATCH) and self.age_s > self.stale_after_s:
            message = f"the newest twin is {self.age_s:.0f} s old, perception has stopped; {answer.message}"
            answer = replace(answer, status=Status.STALE, message=message)
        return answer, seen

    def _is_seen(self, after: int) -> bool:
        """Whether the newest twin is a later one than that number."""
        seen = self._seen
        return seen is not None and seen.status is Status.OK and seen.twin.sequence > after

    @property
    def standing_words(self) -> tuple[str, ...]:
        """What perception was asked for because of questions that stand."""
        return tuple(word for stands in list(self.standing.values()) for word in stands.words)

    def kept(self) -> tuple[KeptQuestion, ...]:
        """What stands, in a form that survives the process."""
        model = self._models[0].name if self._models else ""
        rows = [(s.query, s.question.rollout, s.question.labels) for s in list(self.standing.values())]
        return tuple(KeptQuestion(q.id, q.text, r.tagged() if r else "", model, tuple(sorted(n))) for q, r, n in rows)

    def restore(self, kept: Sequence[KeptQuestion], models: tuple[LanguageModel, WordMeaning | None]) -> None:
        """Lets questions stand again, answered by their old plans at once; whoever asks one gets the same.

        Plans that another model made are made anew when this one is free. Call it before `use` of these models.
        """
        for one in kept[:STANDING]:
            question = StandingQuestion(Query(one.text), *models)
            question.rollout = one.plan()
            if one.model == models[0].name and question.rollout is not None:
                question.labels = frozenset(one.labels)
                self._plans.setdefault(one.text, question)
            self.standing.setdefault(one.id, Standing(Query(one.text, one.id), question))

    def update(self, seen: Seen) -> list[Answer]:
        """The answers to all standing questions about one twin; never waits for the model."""
        answers = []
        for query_id, stands in list(self.standing.items()):
            answer = self._stand(stands, seen)
            if query_id in self.standing:  # else stopped meanwhile
                answers.append(answer)
        return answers

    def _stand(self, stands: Standing, seen: Seen) -> Answer:
        query, question = stands.query, stands.question
        if seen.status != Status.OK:
            return Answer(query, seen.status, seen.message)
        try:
            if question.needs_plan(seen.twin):
                self._plan_again(query.text, question)
                if question.rollout is None:
                    return Answer(query, Status.NOT_READY, "objects came into view; the plan is being made")
            return replace(question.answer(seen.twin, keep_plan=True), query=query)
        except ReasonSegError as error:
            return Answer(query, error.status, str(error))

    def _plan_again(self, text: str, question: StandingQuestion) -> None:
        """Queues it behind all questions; one whose plan failed is not tried for every twin."""
        if time.monotonic() - self._failed_at.get(text, -PAUSE_S) < PAUSE_S:
            return
        again = copy.copy(question)  # planned beside the one that answers meanwhile
        self._queue.later(text, lambda on_text: self._plan(again, on_text))

    def _answer(
        self, query: Query, end: float, timeout_s: float, progress: Progress | None, cancelled: Callable[[], bool]
    ) -> Found:
        def failed(status: Status, message: str) -> tuple[Answer, Seen | None, None]:
            return Answer(query, status, message), self._seen, None

        if (kept := self._by_kept_plan(query)) is not None:
            return kept
        if not self._places.acquire(blocking=False):
            return failed(Status.BUSY, f"{WAITING} questions wait already; ask again")
        try:
            if progress:
                progress("waiting", "")
            if not self._wait(lambda: bool(self._models or self._absent), end, cancelled):
                return failed(Status.CANCELLED if cancelled() else Status.NOT_READY, "the model is still loading")
            models = self._models
            if models is None:
                return failed(*(self._absent or (Status.NOT_READY, "the model was unloaded; ask again")))
            if not self._wait(lambda: self._seen is not None, end, cancelled):
                reason_why = "no twin has come: is the camera publishing, and is twin_node running?"
                return failed(Status.CANCELLED if cancelled() else Status.NOT_READY, reason_why)
            seen = self._seen
            if seen is not None and seen.status != Status.OK:
                return failed(seen.status, seen.message)
            if (kept := self._by_kept_plan(query)) is not None:  # that came meanwhile, from disk
                return kept
            open_vocabulary = seen is not None and seen.open_vocabulary
            question = StandingQuestion(Query(query.text), *models, look_for=open_vocabulary)
            job = self._queue.ask(query.text, lambda on_text: self._plan(question, on_text))
            try:
                end_status = self._follow(job, end, progress, cancelled)
            finally:
                self._queue.leave(job)
        finally:
            self._places.release()
        if end_status is Status.CANCELLED:
            return failed(Status.CANCELLED, "the question was cancelled")
        if self._models is not models:
            return failed(*(self._absent or (Status.NOT_READY, "the model was unloaded; ask again")))
        if end_status is not None:
            why = "the model answered other questions" if end_status is Status.BUSY else "no answer came"
            return failed(end_status, f"{why} for {timeout_s:.0f} s; ask again, or with more time")
        if job.error is not None or job.result is None:
            raise job.error if isinstance(job.error, ReasonSegError) else ModelError(f"the model failed: {job.error}")
        answer, seen = job.result
        return replace(answer, query=query), seen, self._plans.get(query.text, question)

    def _by_kept_plan(self, query: Query) -> tuple[Answer, Seen, StandingQuestion] | None:
        """The answer by a plan that was made for the same text, if it still holds for the newest twin."""
        seen, question = self._seen, self._plans.get(query.text)
        if seen is None or question is None or seen.status != Status.OK or self._models is None:
            return None
        if question.rollout is None or not question.rollout.plan.steps or question.needs_plan(seen.twin):
            return None
        return replace(question.answer(seen.twin, keep_plan=True, closest=True), query=query), seen, question

    def _follow(self, job: Job, end: float, progress: Progress | None, cancelled: Callable[[], bool]) -> Status | None:
        """Waits until the job is done, telling its text as it comes; why it was left, or None."""
        told = 0
        while True:
            with self._changed:
                while not job.done and len(job.pieces) == told and not cancelled() and time.monotonic() < end:
                    self._changed.wait(min(POLL_S, max(0.0, end - time.monotonic())))
                new, done, started = job.pieces[told:], job.done, job.started
            if cancelled():
                return Status.CANCELLED
            for _ in new:
                told += 1
                if progress:
                    progress("thinking", "".join(job.pieces[:told]))
            if done:
                return None
            if time.monotonic() >= end:
                return Status.TIMED_OUT if started else Status.BUSY

    def _plan(self, question: StandingQuestion, on_text: OnText) -> tuple[Answer, Seen]:
        """In the model's thread: asks the model about the newest twin, and keeps its plan."""
        seen = self._seen
        if seen is None or seen.status != Status.OK:
            status, message = (seen.status, seen.message) if seen else (Status.NOT_READY, "the twin began anew")
            return Answer(question.query, status, message), seen or Seen(DigitalTwin(), status, message)
        text = question.query.text
        answer = question.answer(seen.twin, on_text, closest=True)
        if answer.status not in (*GOOD, Status.CANCELLED):
            self._failed_at = {t: at for t, at in self._failed_at.items() if time.monotonic() - at < PAUSE_S}
            self._failed_at[text] = time.monotonic()
        if answer.status in GOOD and question.rollout is not None:
            self._plans[text] = question
            self._plans.move_to_end(text)
            while len(self._plans) > PLANS:
                self._plans.popitem(last=False)
            for stands in list(self.standing.values()):
                if stands.query.text == text:
                    stands.question = question
        return answer, seen

    def _wait(self, ready: Callable[[], bool], end: float, cancelled: Callable[[], bool]) -> bool:
        with self._changed:
            while not ready() and not cancelled() and (left := end - time.monotonic()) > 0:
                self._changed.wait(min(left, POLL_S))
            return ready() and not cancelled()
