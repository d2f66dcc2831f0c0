"""The newest twin and the language model, shared by service, action and standing questions. No topics in here.

Everything runs in one asyncio event loop, which owns twin, plans and standing questions; only the model generates in a
thread of its own (model_queue.py). A question waits, within its time, for what it needs: the first twin, the model that
is still loading, its turn. One whose plan is kept needs no turn. Every way a question can end is an `Answer` with a
status.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from ..errors import ModelError, ReasonSegError, Status
from ..pipeline import StandingQuestion, check_question, is_closest
from ..reasoning.protocol import LanguageModel, WordMeaning
from ..twin.types import Answer, DigitalTwin, Query
from .change_signal import ChangeSignal
from .dialogue import Dialogues
from .model_queue import ModelQueue, OnText
from .open_vocabulary_retry import Observation, OpenVocabularyRetry, Progress, Reply, is_after
from .plan_cache import PlanCache
from .request_checks import LONGEST_ID, check_request, new_ids
from .reservations import with_reservations
from .standing_questions import Standing, StandingQuestions

WAITING = 16  # questions that may wait at a time
GOOD = (Status.OK, Status.NO_MATCH, Status.CANNOT_ANSWER)
Models = tuple[LanguageModel, WordMeaning | None]


class Reasoner:
    """For one event loop. Without models questions wait for `use`, or get at once what `without` was given.

    stale_after_s: an answer about an older twin says so; so does one less sure than `unsure_below`. now: seconds by
    the clock that twins age by. report: called with errors that were not raised on purpose, in any thread; the answer
    has the status MODEL_FAILED.
    """

    def __init__(
        self,
        stale_after_s: float,
        now: Callable[[], float] = time.monotonic,
        report: Callable[[BaseException], None] = lambda error: None,
    ) -> None:
        self.stale_after_s, self._now, self._report = stale_after_s, now, report
        self.unsure_below = 0.0
        self._dialogues = Dialogues()
        self._changed = ChangeSignal()
        self._observation: Observation | None = None
        self._observed_at = 0.0
        self._models: Models | None = None
        self._absent: tuple[Status, str] | None = None
        self._queue: ModelQueue[Reply] = ModelQueue()
        self._plans = PlanCache()
        self._asking = 0
        self._new_ids = new_ids()
        self.standing = StandingQuestions()
        self.retry: OpenVocabularyRetry | None = None

    def use(self, language_model: LanguageModel, meaning: WordMeaning | None) -> None:
        """From now on questions are answered with these."""
        self._models, self._absent = (language_model, meaning), None
        self._changed.notify()

    def without(self, reason: tuple[Status, str] | None) -> None:
        """From now on questions are answered by this status and message; None: they wait for `use`."""
        self._models, self._absent = None, reason
        self._plans.clear()
        self._dialogues.clear()
        self._queue.clear()
        self._changed.notify()

    def observe(self, observation: Observation | None) -> None:
        """Takes the newest twin, and wakes questions that wait for it; None: forgets it."""
        self._observation, self._observed_at = observation, self._now()
        self._changed.notify()

    @property
    def age_s(self) -> float:
        """Seconds since the newest twin came; infinite before the first."""
        return math.inf if self._observation is None else max(0.0, self._now() - self._observed_at)

    @property
    def waiting(self) -> int:
        """Questions that wait for the model."""
        return self._queue.waiting

    def close(self) -> None:
        self._queue.close()

    async def ask(
        self, text: str, query_id: str, timeout_s: float, progress: Progress | None = None, standing: bool = False
    ) -> tuple[Answer, Observation | None]:
        """The answer, and what it speaks of; cancelling the task gives one with the status CANCELLED.

        standing: kept for `update` if it got a plan; else it may go on from an earlier one of its id (dialogue.py).
        """
        query = Query(text, query_id[:LONGEST_ID] or next(self._new_ids))
        try:
            check_question(text)
            check_request(query_id, timeout_s)
            end = time.monotonic() + timeout_s
            if not standing and (other := self._other(query)) is not None:
                return other, self._observation
            twin = self._observation and self._observation.twin
            asked = query if standing else replace(query, text=self._dialogues.rewritten(query, twin))
            with self.standing.reserved(query.id) if standing else contextlib.nullcontext():
                reply, words = await self._improved(asked, end, timeout_s, progress)
                answer = self._stands(query, reply, words) if standing else replace(reply.answer, query=query)
        except ReasonSegError as error:
            if error.status is not Status.BAD_QUESTION:
                self._dialogues.forget(query.id)
            return Answer(query, error.status, str(error)), self._observation
        except asyncio.CancelledError:
            self._dialogues.forget(query.id)
            return Answer(query, Status.CANCELLED, "the question was cancelled"), self._observation
        seen, below = reply.observation and reply.observation.twin, 0.0 if standing else self.unsure_below
        answer = with_reservations(answer, seen, self.age_s, self.stale_after_s, below)
        if not standing:
            self._dialogues.put(query.id, asked.text, reply.plan, answer, seen)
        return answer, reply.observation

    def _other(self, query: Query) -> Answer | None:
        """The answer to "the other one" after a question of the same id."""
        observation = self._observation
        if observation is None or observation.status != Status.OK or self._models is None:
            return None
        other = self._dialogues.other(query, observation.twin, self._models[1])
        return other and with_reservations(other, observation.twin, self.age_s, self.stale_after_s, self.unsure_below)

    def update(self, observation: Observation) -> list[Answer]:
        """The answers to all standing questions about one twin; never waits for the model."""
        return [self._answer_standing(stands, observation) for stands in self.standing.values()]

    def restore(self, queries: Sequence[Query]) -> None:
        """Lets questions stand again; their plans are made by the model, one after the other, when it is free.

        Call it after `use`.
        """
        for query in queries:
            if self._models is not None and query.id not in self.standing:
                self.standing.put(Standing(query, StandingQuestion(Query(query.text), *self._models)))

    async def _improved(
        self, query: Query, end: float, timeout_s: float, progress: Progress | None
    ) -> tuple[Reply, tuple[str, ...]]:
        """The reply, after perception was asked for words where they were lacking, and those words."""
        reply = await self._answer(query, end, timeout_s, progress)
        if self.retry is None:
            return reply, ()
        return await self.retry.improve(
            reply,
            self._models[1] if self._models else None,
            self.standing.words,
            end,
            lambda after, limit: self._changed.until(lambda: is_after(self._observation, after), limit),
            lambda: self._answer(query, end, timeout_s, progress),
            progress,
        )

    async def _answer(self, query: Query, end: float, timeout_s: float, progress: Progress | None) -> Reply:
        """By the kept plan of the same text, else by the model, once twin and model are there."""

        def failed(status: Status, message: str) -> Reply:
            return Reply(Answer(query, status, message), self._observation)

        if (kept := self._by_kept_plan(query)) is not None:
            return kept
        if self._asking >= WAITING:
            return failed(Status.BUSY, f"{WAITING} questions wait already; ask again")
        self._asking += 1
        try:
            if progress:
                progress("waiting", "")
            if not await self._changed.until(lambda: bool(self._models or self._absent), end):
                return failed(Status.NOT_READY, "the model is still loading")
            if not await self._changed.until(lambda: bool(self._observation or self._absent), end):
                return failed(Status.NOT_READY, "no twin has come: is the camera publishing, and is twin_node running?")
            models, observation = self._models, self._observation
            if models is None or observation is None:
                return failed(*(self._absent or (Status.NOT_READY, "the model was unloaded; ask again")))
            if observation.status != Status.OK:
                return failed(observation.status, observation.message)
            if (kept := self._by_kept_plan(query)) is not None:  # made meanwhile
                return kept
            question = self._to_plan(query.text, models, observation)
            job = self._queue.ask(query.text, lambda on_text: self._plan(question, on_text))
            job.result.add_done_callback(lambda done: self._planned(query.text, done))
            done = await self._queue.awaited(job, end, lambda text: progress("thinking", text) if progress else None)
        finally:
            self._asking -= 1
        if self._models is not models:
            return failed(*(self._absent or (Status.NOT_READY, "the model was unloaded; ask again")))
        if not done:
            late = Status.TIMED_OUT if job.started else Status.BUSY
            why = "the model answered other questions" if late is Status.BUSY else "no answer came"
            return failed(late, f"{why} for {timeout_s:.0f} s; ask again, or with more time")
        if (error := job.result.exception()) is not None:
            raise self._foreseen(error)
        reply = job.result.result()
        return replace(reply, answer=replace(reply.answer, query=query))

    def _by_kept_plan(self, query: Query) -> Reply | None:
        """The reply by a plan that was made for the same text, if it still holds for the newest twin."""
        observation, question = self._observation, self._plans.get(query.text)
        if observation is None or question is None or observation.status != Status.OK or self._models is None:
            return None
        rollout = question.plan_for(observation.twin)
        if observation.twin.instances and (rollout is None or not rollout.plan.steps):
            return None
        try:
            answer = question.answer(observation.twin, keep_plan=True, closest=True)
        except Exception as error:  # only this question fails
            failure = self._foreseen(error)
            return Reply(Answer(query, failure.status, str(failure)), observation)
        return Reply(replace(answer, query=query), observation, question)

    def _to_plan(self, text: str, models: Models, observation: Observation) -> StandingQuestion:
        """The question that the model is asked: with the plans that were made for this text and other labels.

        A plan that found nothing to pick is made anew: who asks once more hopes for something else.
        """
        kept, twin = self._plans.get(text), observation.twin
        if kept is None or kept.look_for != observation.open_vocabulary:
            return StandingQuestion(Query(text), *models, look_for=observation.open_vocabulary)
        return copy.copy(kept) if kept.needs_plan(twin) else kept.without_plans_for(twin)

    def _plan(self, question: StandingQuestion, on_text: OnText) -> Reply:
        """In the model's thread: asks the model about the twin that is the newest when its turn has come."""
        observation = self._observation or Observation(DigitalTwin(), Status.NOT_READY, "the twin began anew")
        if observation.status != Status.OK:
            return Reply(Answer(question.query, observation.status, observation.message), observation)
        return Reply(question.answer(observation.twin, on_text, closest=True), observation, question)

    def _planned(self, text: str, done: asyncio.Future[Reply]) -> None:
        """Keeps a plan that the model made, also for the standing questions of that text."""
        if done.cancelled():
            return
        reply = done.result() if done.exception() is None else None
        if reply is None or (reply.answer.status not in (*GOOD, Status.CANCELLED)):
            self._plans.failed(text)
            return
        question = reply.question
        if reply.answer.status in GOOD and question is not None and question.rollout is not None and self._models:
            self._plans.put(text, question)
            for stands in self.standing.values():
                if stands.query.text == text:
                    stands.question = question

    def _stands(self, query: Query, reply: Reply, words: tuple[str, ...]) -> Answer:
        """Lets a question that got a plan stand; its first answer."""
        answer, question = reply.answer, reply.question
        if question is None or answer.status not in GOOD:
            return answer
        self.standing.put(Standing(query, question, words))
        if reply.observation is not None and (is_closest(answer) or question.is_chosen):  # waits until all of it fits
            return replace(question.answer(reply.observation.twin, keep_plan=True), query=query)
        return answer

    def _answer_standing(self, stands: Standing, observation: Observation) -> Answer:
        query, question = stands.query, stands.question
        if observation.status != Status.OK:
            return Answer(query, observation.status, observation.message)
        try:
            if question.needs_plan(observation.twin):
                self._plan_again(stands)
                if question.rollout is None:
                    return Answer(query, Status.NOT_READY, "objects came into view; the plan is being made")
            return replace(question.answer(observation.twin, keep_plan=True), query=query)
        except Exception as error:  # the other standing questions are answered all the same
            failure = self._foreseen(error)
            return Answer(query, failure.status, str(failure))

    def _plan_again(self, stands: Standing) -> None:
        """Queues it behind all questions; one whose plan failed is not tried for every twin.

        A copy is planned, with the plans that are there when its turn comes; the question itself answers meanwhile.
        """
        text = stands.query.text
        if self._plans.failed_recently(text):
            return
        job = self._queue.later(text, lambda on_text: self._plan(copy.copy(stands.question), on_text))
        if job is not None:
            job.result.add_done_callback(lambda done: self._planned(text, done))

    def _foreseen(self, error: BaseException) -> ReasonSegError:
        """The error itself, or, for one that was not raised on purpose, which is reported, a ModelError."""
        if isinstance(error, ReasonSegError):
            return error
        self._report(error)
        failure = ModelError(f"the model or its plan failed: {type(error).__name__}: {error}")
        failure.__cause__ = error
        return failure
