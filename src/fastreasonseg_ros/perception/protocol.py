"""Interface between the pipeline and perception backends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from ..twin.types import DigitalTwin, Frame, Perceived


class Reader(Protocol):
    """Reads what is printed on the things of a twin, beside the frame's path."""

    @property
    def durations_ms(self) -> list[float]:
        """What each of the newest crops took, beside the frames."""
        ...

    def with_texts(self, twin: DigitalTwin, frame: Frame, wait: bool = False) -> DigitalTwin:
        """The twin with the texts that were read so far; wait: with all that can be read in this frame, its last."""
        ...


class Namer(Protocol):
    """Names the things of a twin from their pictures, beside the frame's path."""

    @property
    def durations_ms(self) -> list[float]:
        """What each of the newest crops took, beside the frames."""
        ...

    def with_names(self, twin: DigitalTwin, frame: Frame, wait: bool = False) -> DigitalTwin:
        """The twin with the names that are known so far; wait: with all that this frame, its last, gives."""
        ...


@runtime_checkable
class Perceiver(Protocol):
    """Turns one frame into detections. Raises FrameError for an unusable frame (for example without required depth).

    One that reads has an attribute `reader`, a `Reader` or None; one that names from pictures a `picture_namer`.
    """

    def perceive(self, frame: Frame) -> Perceived: ...

    def set_vocabulary(self, words: Sequence[str]) -> None:
        """Labels to detect from the next frame on; perceivers with a fixed label set raise ConfigError."""
        ...


@runtime_checkable
class WarmsUp(Protocol):
    """A perceiver that can compile and load before the first frame comes what that frame would wait for."""

    def warm_up(self) -> None: ...


def reader_of(perceiver: Perceiver) -> Reader | None:
    return getattr(perceiver, "reader", None)


def namer_of(perceiver: Perceiver) -> Namer | None:
    return getattr(perceiver, "picture_namer", None)


def with_background_work(perceiver: Perceiver, twin: DigitalTwin, frame: Frame, wait: bool = False) -> DigitalTwin:
    """The twin with what the perceiver has found out beside the frame's path: names from pictures, and texts.

    frame: of which the twin was made. wait: with all that this frame gives, for single pictures.
    """
    namer, reader = namer_of(perceiver), reader_of(perceiver)
    twin = twin if namer is None else namer.with_names(twin, frame, wait)
    return twin if reader is None else reader.with_texts(twin, frame, wait)
