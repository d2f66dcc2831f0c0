"""Crops that wait to be worked on, and the thread of low priority that does it."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from jaxtyping import Bool, UInt8

from ...errors import ReasonSegError

_LOG = logging.getLogger(__name__)
NICE = 15  # of the thread, where the system knows priorities of threads (Linux)
Found = TypeVar("Found")


@dataclass(frozen=True, eq=False)  # a crop is only itself: arrays have no one truth value
class Crop:
    """A thing to be looked at: its RGB picture and mask. others: pixels of other things. tried: how often it was."""

    id: int
    color: UInt8[np.ndarray, "h w 3"]
    mask: Bool[np.ndarray, "h w"]
    others: Bool[np.ndarray, "h w"]
    stamp_s: float
    tried: int


class Desk(Generic[Found]):
    """The crops that wait, the thread that works on them, and what it found. Shared by two threads."""

    def __init__(self, name: str, load: Callable[[], Callable[[Crop], Found | None]], places: int) -> None:
        """name: of the thread. load: loads, in the thread, what turns a crop into what is found, or None."""
        self._name, self._load, self._places = name, load, places
        self._changed = threading.Condition()
        self._waiting: list[Crop] = []
        self._found: list[tuple[int, Found]] = []
        self._current: Crop | None = None
        self._closed = self._awaited = False
        self._thread: threading.Thread | None = None
        self._durations_s: list[float] = []

    def takes(self, tried: int) -> bool:
        """Whether a thing that was tried so often has a place; where all are taken, before what was tried more."""
        with self._changed:
            if self._closed:
                return False
            return len(self._waiting) < self._places or tried < max(crop.tried for crop in self._waiting)

    def put(self, crop: Crop) -> None:
        """In place of an older crop of the same thing, or of one that was tried more where all places are taken."""
        with self._changed:
            self._waiting = [waiting for waiting in self._waiting if waiting.id != crop.id]
            if len(self._waiting) >= self._places:
                self._waiting.remove(max(self._waiting, key=lambda waiting: waiting.tried))
            self._waiting.append(crop)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def collect(self) -> list[tuple[int, Found]]:
        """Ids and what was found since the last call."""
        with self._changed:
            found, self._found = self._found, []
            return found

    @property
    def durations_ms(self) -> list[float]:
        """What each of the crops so far took, without loading."""
        with self._changed:
            return [1e3 * spent_s for spent_s in self._durations_s]

    def forget(self) -> None:
        """Leaves nothing of what was offered or found so far."""
        with self._changed:
            self._waiting, self._found, self._current = [], [], None

    def wait(self) -> None:
        """Until every crop was worked on."""
        with self._changed:
            self._awaited = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._closed or not (self._waiting or self._current))
            self._awaited = False

    def close(self) -> None:
        """Ends the thread, after the crop that it works on."""
        with self._changed:
            self._closed = True
            self._waiting = []
            self._changed.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _work(self) -> None:
        with contextlib.suppress(AttributeError, OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
        try:
            self._work_on_all(self._load())
        except ReasonSegError as error:
            _LOG.error("%s has ended: %s", self._name, error)
        finally:  # nobody waits for a thread that has ended
            with self._changed:
                self._closed = True
                self._changed.notify_all()

    def _work_on_all(self, work: Callable[[Crop], Found | None]) -> None:
        while crop := self._next():
            start = time.monotonic()
            found = work(crop)
            spent_s = time.monotonic() - start
            with self._changed:
                self._durations_s = [*self._durations_s[-999:], spent_s]
                if self._current is crop and found is not None:
                    self._found.append((crop.id, found))
                self._current = None if self._current is crop else self._current
                self._changed.notify_all()
                # As long a rest as the work: threads of frames share caches and memory with it whatever its priority.
                self._changed.wait_for(lambda: self._closed or self._awaited, timeout=spent_s)

    def _next(self) -> Crop | None:
        """The crop that was tried least, of these the newest; None when closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting)
            if self._closed:
                return None
            self._current = min(self._waiting, key=lambda crop: (crop.tried, -crop.stamp_s))
            self._waiting.remove(self._current)
            return self._current
