"""What the pipeline asks of perception."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from ..twin.types import Frame, Perceived


@runtime_checkable
class Perceiver(Protocol):
    """Turns one frame into detections. Raises FrameError for a frame it cannot use (no depth where it needs it)."""

    def perceive(self, frame: Frame) -> Perceived: ...

    def set_vocabulary(self, words: Sequence[str]) -> None:
        """Words to look for from the next frame on; perceivers with a fixed vocabulary raise ConfigError."""
        ...
