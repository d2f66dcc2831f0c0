"""Reads things beside the frame's path: in a thread of low priority, new things first, seldom where nothing is found.

A thing is read when it is new, then after 1, 2, 4 ... s as long as nothing was read, and again when it is seen much
larger. Texts belong to ids of the twin; tracking carries them on, also while a thing is out of view.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool, UInt8

from ...twin.types import DigitalTwin, Frame
from ..background.desk import Crop
from ..background.schedule import BackgroundWork, ScheduleConfig, Task
from .agreement import agreed, joined
from .ocr import Line, LineReader

ON_IT = 0.6  # share of a line's area that must lie on the thing
INPUT_PX = 256, 456  # to which the longer side of a crop is brought for the first scale, as near to twice as it allows
SECOND_SCALE = 1.4
MAX_INPUT_PX = 640


@dataclass(frozen=True)
class ReadingConfig(ScheduleConfig):
    """What is read, and how often. min_sharpness: variance of the crop's Laplacian (grey levels squared)."""

    min_sharpness: float = 20.0


class BackgroundReader:
    """Texts of a twin's instances. Called by one thread; the networks are loaded by its own, at the first crop."""

    def __init__(self, folder: Path, config: ReadingConfig = ReadingConfig()) -> None:
        """folder: the networks, see ocr.find_models."""

        def load() -> Callable[[Crop], str | None]:
            reader = LineReader(folder)
            return lambda crop: read_crop(reader, crop.color, crop.mask, config.min_sharpness) or None

        task = Task[str](
            "reading",
            load,
            known=lambda instance: instance.text or None,
            joined=lambda before, new: joined(before or "", new),
            enough=bool,
        )
        self._work = BackgroundWork(task, config)

    @property
    def durations_ms(self) -> list[float]:
        """What each of the newest crops took."""
        return self._work.durations_ms

    def close(self) -> None:
        """Ends the thread, after the crop that it reads."""
        self._work.close()

    def with_texts(self, twin: DigitalTwin, frame: Frame, wait: bool = False) -> DigitalTwin:
        """The twin with what was read so far; what is due in its frame waits to be read.

        wait: until that was read, for single pictures.
        """
        texts = self._work.found(twin, frame, wait)
        changed = (replace(i, text=texts[i.id]) if i.text != texts.get(i.id, i.text) else i for i in twin.instances)
        return replace(twin, instances=tuple(changed)) if texts else twin


def read_crop(
    reader: LineReader, color: UInt8[np.ndarray, "h w 3"], mask: Bool[np.ndarray, "h w"], min_sharpness: float = 0.0
) -> str:
    """What two readings of a crop at two scales agree on; lines that do not lie on the mask are another thing's."""
    if cv2.Laplacian(cv2.cvtColor(color, cv2.COLOR_RGB2GRAY), cv2.CV_32F).var() < min_sharpness:
        return ""
    side, filled = max(color.shape[:2]), _filled(mask)
    low, high = INPUT_PX
    first = float(np.clip(2 * side, low, high)) / side
    if side > high:
        first = min(MAX_INPUT_PX, side) / side
    second = first / SECOND_SCALE if side > high else first * SECOND_SCALE
    lines = _on(reader.lines(color, first), filled)
    return agreed(lines, _on(reader.lines(color, second), filled)) if lines else ""


def _on(lines: list[Line], mask: UInt8[np.ndarray, "h w"]) -> list[Line]:
    kept = []
    for line in lines:
        area = np.zeros_like(mask)
        cv2.fillConvexPoly(area, np.round(line.corners).astype(np.int32), 1)
        if int((area & mask).sum()) >= ON_IT * max(int(area.sum()), 1):
            kept.append(line)
    return kept


def _filled(mask: Bool[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
    """Without the holes and notches that missing depth leaves: the hull of its outline."""
    filled = mask.astype(np.uint8)
    outlines, _ = cv2.findContours(filled, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if outlines:
        cv2.fillConvexPoly(filled, cv2.convexHull(np.concatenate(outlines)), 1)
    return filled
