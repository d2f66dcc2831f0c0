"""Interface between the pipeline and perception backends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from ..twin.types import DigitalTwin, Frame, Perceived


class Reader(Protocol):
    """Reads what is printed on the things of a twin, beside the frame's path."""

    def with_texts(self, twin: DigitalTwin, frame: Frame, wait: bool = False) -> DigitalTwin:
        """The twin with the texts that were read so far; wait: with all that can be read in this frame, its last."""
        ...


@runtime_checkable
class Perceiver(Protocol):
    """Turns one frame into detections. Raises FrameError for an unusable frame (for example without required depth).

    One that reads has an attribute `reader`, a `Reader` or None.
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
