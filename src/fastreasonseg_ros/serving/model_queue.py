"""Whose turn it is: one language model, one generation at a time, in a thread of its own. No ROS in here.

- Questions come before standing questions that need a new plan; among questions, first come, first served.
- The same text asked twice at a time is generated once, for both.
- A generation for a standing question is interrupted when a question comes, and done again afterwards.
- One that nobody waits for any more (cancelled, out of time) stops at the model's next piece of text.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
OnText = Callable[[str], bool]


@dataclass(eq=False)
class Job(Generic[T]):
    """One generation. result: when it is done, or cancelled without a result. pieces: the model's text so far.

    listeners: called with the whole text so far. stop: read by the model's thread.
    """

    text: str
    work: Callable[[OnText], T]
    background: bool
    result: asyncio.Future[T]
    askers: int = 1
    started: bool = False
    stop: bool = False
    pieces: list[str] = field(default_factory=list)
    listeners: list[Callable[[str], None]] = field(default_factory=list)


class ModelQueue(Generic[T]):
    """Everything but `work` runs in one event loop; the methods are called there."""

    def __init__(self) -> None:
        self._questions: list[Job[T]] = []
        self._background: list[Job[T]] = []
        self._running: Job[T] | None = None
        self._todo: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="model", daemon=True)
        self._thread.start()

    def ask(self, text: str, work: Callable[[OnText], T]) -> Job[T]:
        """Joins the generation of the same text that waits or runs, or queues one. Call `leave` when done with it."""
        candidates = [*([self._running] if self._running else []), *self._questions]
        job = next((j for j in candidates if j.text == text and not j.background and not j.stop), None)
        if job is not None:
            job.askers += 1
            return job
        job = Job(text, work, False, asyncio.get_running_loop().create_future())
        self._questions.append(job)
        if self._running is not None and self._running.background:
            self._running.stop = True
        self._start_next()
        return job

    def later(self, text: str, work: Callable[[OnText], T]) -> Job[T] | None:
        """Queues a generation for when no question waits; None if one for that text waits or runs already."""
        if any(j.text == text for j in [*self._background, *([self._running] if self._running else [])]):
            return None
        job = Job(text, work, True, asyncio.get_running_loop().create_future())
        self._background.append(job)
        self._start_next()
        return job

    async def awaited(self, job: Job[T], end: float, listener: Callable[[str], None]) -> bool:
        """Whether the job was done before `end` (monotonic seconds); the listener gets its text. Leaves it."""
        job.listeners.append(listener)
        try:
            await asyncio.wait([job.result], timeout=max(0.0, end - time.monotonic()))
        finally:
            self.leave(job, listener)
        return job.result.done()

    def leave(self, job: Job[T], listener: Callable[[str], None] | None = None) -> None:
        """One asker waits for this job no more; after the last one it stops."""
        job.askers -= 1
        with contextlib.suppress(ValueError):
            job.listeners.remove(listener)  # type: ignore[arg-type]
        if not job.askers:
            job.stop = True
            if job in self._questions:
                self._questions.remove(job)

    def clear(self) -> None:
        """Stops what runs, and cancels the results of all."""
        running = [self._running] if self._running is not None else []
        for job in (*self._questions, *self._background, *running):
            job.stop = True
            job.askers = 0
            job.result.cancel()
        self._questions.clear()
        self._background.clear()

    def close(self, timeout_s: float = 3.0) -> None:
        self.clear()
        self._todo.put(None)
        self._thread.join(timeout_s)

    @property
    def waiting(self) -> int:
        """Questions that wait for their turn."""
        return len(self._questions)

    def _start_next(self) -> None:
        if self._running is not None or not (self._questions or self._background):
            return
        job = self._running = (self._questions or self._background).pop(0)
        job.started, loop = True, asyncio.get_running_loop()

        def generate() -> None:
            result = error = None
            try:
                result = job.work(lambda piece: self._piece_came(loop, job, piece))
            except Exception as raised:  # given to those who wait; the thread goes on
                error = raised
            with contextlib.suppress(RuntimeError):  # the loop was closed
                loop.call_soon_threadsafe(self._done, job, result, error)

        self._todo.put(generate)

    def _piece_came(self, loop: asyncio.AbstractEventLoop, job: Job[T], piece: str) -> bool:
        """In the model's thread: a piece of its text; True: it shall stop."""
        with contextlib.suppress(RuntimeError):  # the loop was closed
            loop.call_soon_threadsafe(self._add_piece, job, piece)
        return job.stop

    def _add_piece(self, job: Job[T], piece: str) -> None:
        job.pieces.append(piece)
        if piece:
            for listener in list(job.listeners):
                listener("".join(job.pieces))

    def _done(self, job: Job[T], result: T | None, error: Exception | None) -> None:
        self._running = None
        if job.background and job.stop and job.askers:  # interrupted by a question
            job.started, job.stop, job.pieces = False, False, []
            self._background.insert(0, job)
        elif not job.result.done():
            if error is not None:
                job.result.set_exception(error)
            else:
                job.result.set_result(result)  # type: ignore[arg-type]
        self._start_next()

    def _run(self) -> None:
        while (generate := self._todo.get()) is not None:
            generate()
            del generate  # while it waits, the thread must not hold a model that was unloaded
