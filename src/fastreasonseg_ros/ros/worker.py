"""Long work beside the executor: a thread that takes the newest item and lets older ones go.

Callbacks return at once, so services, parameters and the action stay responsive while a model works.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition, Thread
from typing import Generic, TypeVar

T = TypeVar("T")


class NewestWorker(Generic[T]):
    """Calls `work(item)` in its own thread, always with the newest item offered. `dropped` counts the others.

    `work` handles its own errors; one that escapes ends in `failed(error)` and the thread goes on.
    """

    def __init__(self, work: Callable[[T], None], failed: Callable[[Exception], None], name: str = "worker") -> None:
        self._work, self._failed = work, failed
        self._condition = Condition()
        self._item: list[T] = []
        self._closed = False
        self.dropped = 0
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def offer(self, item: T) -> None:
        with self._condition:
            self.dropped += len(self._item)
            self._item = [item]
            self._condition.notify()

    def close(self, timeout_s: float = 5.0) -> None:
        """Lets the item in work finish, for at most timeout_s."""
        with self._condition:
            self._closed = True
            self._condition.notify()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._closed or self._item)
                if self._closed:
                    return
                item = self._item.pop()
            try:
                self._work(item)
            except Exception as error:  # a node stays up whatever one frame does to it
                self._failed(error)
