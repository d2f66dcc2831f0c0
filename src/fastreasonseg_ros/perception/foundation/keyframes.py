"""Key-frame selection for the detector: by interval, by image change, by lost objects, or on request."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8

THUMB_PX = 32


@dataclass(frozen=True)
class KeyframeConfig:
    """Settings of the key-frame rule.

    interval_s: maximum interval of key frames. motion: share of the image that must have changed since the last one
    (0..1; 1: never by motion). changed: minimum difference of a changed cell, in levels of 255. least_s: minimum
    interval of key frames by motion or loss.
    """

    interval_s: float = 1.0
    motion: float = 0.25
    changed: float = 18.0
    least_s: float = 0.3

    def __post_init__(self) -> None:
        if self.interval_s <= 0 or self.least_s < 0:
            raise ValueError("keyframes.interval_s must be above 0 and keyframes.least_s not below it")


class KeyframeRule:
    """Decides per frame; keeps a thumbnail of the last key frame."""

    def __init__(self, config: KeyframeConfig = KeyframeConfig()) -> None:
        self.config = config
        self._thumb: np.ndarray | None = None
        self._stamp_s = 0.0
        self._requested = ""

    def request(self, reason: str) -> None:
        """Makes the next frame a key frame, with that reason."""
        self._requested = reason

    def due(self, color: UInt8[np.ndarray, "h w 3"], stamp_s: float, lost: int = 0) -> str:
        """Reason for a key frame: first, that given to `request`, lost, motion or time; empty: not a key frame.

        lost: number of objects visible in the last frame and not in this one. A returned reason resets the interval.
        """
        thumb = thumbnail(color)
        reason = self._reason(thumb, stamp_s, lost)
        if reason:
            self._thumb, self._stamp_s, self._requested = thumb, stamp_s, ""
        return reason

    def _reason(self, thumb: np.ndarray, stamp_s: float, lost: int) -> str:
        since_s = stamp_s - self._stamp_s
        if self._thumb is None or since_s < 0:
            return "first"
        if self._requested:
            return self._requested
        if since_s >= self.config.interval_s:
            return "time"
        if since_s < self.config.least_s:
            return ""
        if lost:
            return "lost"
        moved = float((np.abs(thumb - self._thumb) > self.config.changed).mean())
        return "motion" if moved > self.config.motion else ""


def thumbnail(color: UInt8[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "a b"]:
    """Mean green channel (approximates brightness) of at most 32x32 cells; takes about 0.01 ms."""
    green = color[..., 1]
    rows, columns = (max(1, n // THUMB_PX) for n in green.shape)
    cells = green[: green.shape[0] // rows * rows : max(1, rows // 4), : green.shape[1] // columns * columns]
    high, wide = min(green.shape[0], THUMB_PX), min(green.shape[1], THUMB_PX)
    row = np.linspace(0, cells.shape[0], high, endpoint=False).astype(int)
    column = np.linspace(0, cells.shape[1], wide, endpoint=False).astype(int)
    sums = np.add.reduceat(np.add.reduceat(cells.astype(np.float32), row, axis=0), column, axis=1)
    counts = np.outer(np.diff([*row, cells.shape[0]]), np.diff([*column, cells.shape[1]]))
    return (sums / counts).astype(np.float32)
