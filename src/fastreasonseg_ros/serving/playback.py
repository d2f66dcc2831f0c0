"""Pictures of a source, each at its time, in a thread of its own. No ROS in here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from threading import Event, Thread
from typing import Protocol

from ..errors import ReasonSegError
from ..twin.types import Frame
from .camera_sources import frames_of

KEPT_BYTES = 200_000_000  # of pictures; a recording that is longer is decoded anew in every round


class PlaybackSettings(Protocol):
    """source and path: see camera_sources. rate_hz: 0 for the pace of the source. retry_s: seconds."""

    source: str
    path: str
    rate_hz: float
    loop: bool
    retry_s: float


class Playback:
    """Plays from construction until `close`; a source that cannot be read is tried again after `retry_s`.

    What is played in a loop is decoded once, if it is short: a picture pair of 640x480 takes 13 ms of CPU to decode,
    which a camera would not.

    settings: read for every picture, since rate and loop may change meanwhile. trouble: called with the reason why no
    picture comes.
    """

    def __init__(
        self, settings: Callable[[], PlaybackSettings], publish: Callable[[Frame], None], trouble: Callable[[str], None]
    ) -> None:
        self._settings, self._publish, self._trouble = settings, publish, trouble
        self._kept: tuple[tuple[str, str], list[Frame]] | None = None  # by source and path
        self._halt = Event()
        self._thread = Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._halt.set()
        self._thread.join(5.0)

    def _run(self) -> None:
        while not self._halt.is_set():
            source, path, frame = self._settings().source, self._settings().path, None
            try:
                for frame in self._paced(self._frames(source, path)):
                    self._publish(frame)
            except ReasonSegError as error:
                self._trouble(str(error))
                self._halt.wait(self._settings().retry_s)
                continue
            except Exception as error:  # a broken file can fail anywhere in its reader; the node stays up and says so
                self._trouble(f"{path}: cannot be read: {type(error).__name__}: {error}")
                self._halt.wait(self._settings().retry_s)
                continue
            while not self._settings().loop and frame is not None and not self._halt.wait(1.0):
                self._publish(frame)

    def _frames(self, source: str, path: str) -> Iterator[Frame]:
        if self._kept is not None and self._kept[0] == (source, path):
            yield from self._kept[1]
            return
        frames: list[Frame] | None = []
        size = 0
        for frame in frames_of(source, path):
            yield frame
            size += frame.color.nbytes + (0 if frame.depth_m is None else frame.depth_m.nbytes)
            if frames is not None and size <= KEPT_BYTES and self._settings().loop:
                frames.append(frame)
            else:
                frames = None
        if frames:
            self._kept = (source, path), frames

    def _paced(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """The frames, each at its time; a source that is slower than its own stamps is not waited for."""
        due = previous = None
        for frame in frames:
            rate = self._settings().rate_hz
            if due is None or previous is None:
                due = time.monotonic()
            else:
                due += 1 / rate if rate > 0 else max(0.0, frame.stamp_s - previous)
            previous = frame.stamp_s
            if self._halt.wait(max(0.0, due - time.monotonic())):
                return
            yield frame
        # The last picture gets its time too, so that a loop over few pictures does not spin.
        rate = self._settings().rate_hz
        self._halt.wait(1 / rate if rate > 0 else 0.1)
