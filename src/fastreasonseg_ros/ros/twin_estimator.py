"""The twin over time: one perceiver, the newest twin, what makes it begin anew. No subscription, no publisher."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock

from ..perception.protocol import Perceiver
from ..perception.vocabulary import Vocabulary
from ..pipeline import observe
from ..twin.pose import Pose
from ..twin.tracking import with_new_words
from ..twin.types import DigitalTwin
from .conversions import frame_from_msgs
from .inputs import Taken
from .sync_monitor import SET_BACK_S


class Observer:
    """Thread-safe. sequence numbers go on for as long as it lives, and ids are not given twice."""

    def __init__(self, perceiver: Perceiver, now: Callable[[], float] = time.monotonic) -> None:
        self._perceiver, self._now = perceiver, now
        self._lock, self._counting = Lock(), Lock()
        self._twin: DigitalTwin | None = None
        self._made_at = -float("inf")
        self._sequence, self._last_id = 0, 0
        self._vocabulary = Vocabulary(perceiver)

    def observe(self, taken: Taken, pose: Pose | None = None) -> tuple[DigitalTwin | None, dict[str, float]]:
        """The twin after these pictures, and milliseconds per stage; None: they are older than the newest twin.

        pose: the camera's in a frame that stands still, where it is known.

        A picture of another size, or one from long before the last, begins a new twin. Raises FrameError.
        """
        start = time.perf_counter()
        frame = replace(frame_from_msgs(taken.color, taken.depth, taken.info, taken.truth), pose=pose)
        ready = time.perf_counter()
        with self._lock:
            before = self._twin
            if before is not None and 0 < before.stamp_s - frame.stamp_s <= SET_BACK_S:
                return None, {}
            if before is None or before.image_size != frame.image_size or frame.stamp_s < before.stamp_s:
                before = DigitalTwin(image_size=frame.image_size, frame_id=frame.frame_id, last_id=self._last_id)
            twin = observe(before, frame, self._perceiver)
            twin = self._twin = replace(twin, sequence=self.next_sequence())
            self._last_id, self._made_at = twin.last_id, self._now()
        done = time.perf_counter()
        return twin, {"decoding": (ready - start) * 1e3, "perception": (done - ready) * 1e3}

    def next_sequence(self) -> int:
        with self._counting:
            self._sequence += 1
            return self._sequence

    def forget(self) -> bool:
        """The next picture begins a new twin; whether there was one."""
        with self._lock:
            had, self._twin = self._twin is not None, None
        return had

    @property
    def words(self) -> tuple[str, ...]:
        """What perception was told to look for, beside its own words."""
        return self._vocabulary.words

    @property
    def takes_words(self) -> bool:
        """Whether perception can be told what to look for."""
        return not self._vocabulary.closed

    def set_vocabulary(
        self, words: Sequence[str], add: bool = False, asked: bool = False
    ) -> tuple[tuple[str, ...], int]:
        """Words to look for; those that are new, and the number of the newest twin: later ones are made with them.

        asked: they are words of a question. Raises ConfigError.
        """
        given = [word for word in words if word.strip()]
        with self._lock:
            new = self._vocabulary.ask(given) if asked else self._vocabulary.set(given, add)
            if new and self._twin is not None:
                self._twin = with_new_words(self._twin)
            return new, self._sequence

    def age_s(self) -> float:
        """Seconds since the newest twin was made; infinite before the first."""
        return self._now() - self._made_at

    @property
    def newest(self) -> DigitalTwin | None:
        """The twin of the last picture that could be used."""
        return self._twin

    @property
    def objects(self) -> int:
        """Instances in the newest twin, also those out of view."""
        twin = self._twin
        return len(twin.instances) if twin is not None else 0
