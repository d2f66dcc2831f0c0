"""One frame of a recording with its digital twin and the answers about it: the input of overlays and viewers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt16

from ..io.bags.questions import TimedQuestion
from ..twin.types import Answer, DigitalTwin, Frame


@dataclass(frozen=True)
class ShownAnswer:
    """An answer about this frame. n: number of its question; iou: None without ground truth."""

    n: int
    question: TimedQuestion
    answer: Answer
    iou: float | None = None


@dataclass(frozen=True)
class AnnotatedFrame:
    """A frame after perception and reasoning. t_s: seconds since the recording began; twin, ids: None if perception
    raised an error, whose message is `problem`."""

    stamp_ns: int
    t_s: float
    frame: Frame
    twin: DigitalTwin | None
    ids: UInt16[np.ndarray, "h w"] | None
    shown: tuple[ShownAnswer, ...]
    perception_ms: float
    problem: str = ""
