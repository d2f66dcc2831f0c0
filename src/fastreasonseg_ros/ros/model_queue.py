"""Whose turn it is: one language model, one generation at a time, in a thread of its own. No ROS in here.

- Questions come before standing questions that need a new plan; among questions, first come, first served.
- The same text asked twice at a time is generated once, for both.
- A generation for a standing question is interrupted when a question comes, and done again afterwards.
- One that nobody waits for any more (cancelled, out of time) stops at the model's next piece of text.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
OnText = Callable[[str], bool]


@dataclass(eq=False)
class Job(Generic[T]):
    """One generation. pieces: the model's text so far. result: when it is done; error: what it raised instead."""

    text: str
    work: Callable[[OnText], T]
    background: bool
    askers: int = 0
    started: bool = False
    pieces: list[str] = field(default_factory=list)
    done: bool = False
    result: T | None = None
    error: Exception | None = None


class ModelQueue(Generic[T]):
    """changed: notified whenever a job gets a piece of text or is done. Jobs are read and written under it."""

    def __init__(self, changed: threading.Condition) -> None:
        self._changed = changed
        self._questions: list[Job[T]] = []
        self._background: list[Job[T]] = []
        self._running: Job[T] | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="model", daemon=True)
        self._thread.start()

    def ask(self, text: str, work: Callable[[OnText], T]) -> Job[T]:
        """Joins the generation of the same text that waits or runs, or queues one."""
        with self._changed:
            candidates = [*([self._running] if self._running else []), *self._questions]
            job = next((j for j in candidates if j.text == text and not j.background and j.askers), None)
            if job is None:
                job = Job(text, work, background=False)
                self._questions.append(job)
            job.askers += 1
            self._changed.notify_all()
            return job

    def later(self, text: str, work: Callable[[OnText], T]) -> None:
        """Queues a generation for when no question waits; once for a text."""
        with self._changed:
            if not any(j.text == text for j in [*self._background, *([self._running] if self._running else [])]):
                self._background.append(Job(text, work, background=True, askers=1))
                self._changed.notify_all()

    def leave(self, job: Job[T]) -> None:
        """One asker waits for this job no more."""
        with self._changed:
            job.askers -= 1
            if not job.askers and job in self._questions:
                self._questions.remove(job)

    def clear(self) -> None:
        """Stops what runs, and ends what waits without a result."""
        with self._changed:
            for job in self._questions:
                job.done = True
            self._questions.clear()
            self._background.clear()
            if self._running is not None:
                self._running.askers = 0
            self._changed.notify_all()

    def close(self, timeout_s: float = 3.0) -> None:
        with self._changed:
            self._closed = True
            self.clear()
            self._changed.notify_all()
        self._thread.join(timeout_s)

    @property
    def waiting(self) -> int:
        """Questions that wait for their turn."""
        return len(self._questions)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._questions or self._background)
                if self._closed:
                    return
                job = self._running = (self._questions or self._background).pop(0)
                job.started = True
                self._changed.notify_all()
            error = result = None
            try:
                result = job.work(lambda piece, job=job: self._heard(job, piece))
            except Exception as raised:  # told to those who wait; the thread goes on
                error = raised
            with self._changed:
                self._running = None
                if job.background and job.askers and self._interrupted(job):
                    job.started, job.pieces = False, []
                    self._background.insert(0, job)
                else:
                    job.result, job.error, job.done = result, error, True
                self._changed.notify_all()
            del job, result, error  # while it waits, the thread must not hold a model that was unloaded

    def _heard(self, job: Job[T], piece: str) -> bool:
        """Takes a piece of the model's text; True: stop."""
        with self._changed:
            job.pieces.append(piece)
            self._changed.notify_all()
            return self._closed or job.askers == 0 or self._interrupted(job)

    def _interrupted(self, job: Job[T]) -> bool:
        return job.background and bool(self._questions)
