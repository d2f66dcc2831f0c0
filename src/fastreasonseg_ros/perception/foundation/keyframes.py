"""When to look with the detector again: after some time, after movement, when something was lost, when asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8

THUMB_PX = 32


@dataclass(frozen=True)
class KeyframeConfig:
    """Settings of the key-frame rule.

    interval_s: a key frame at least so often. motion: share of the picture that must have changed since the last one
    (0..1; 1: never by motion). changed: by how many of 255 levels a part must differ to count. least_s: none sooner
    than this after the last, whatever moves or is lost.
    """

    interval_s: float = 1.0
    motion: float = 0.25
    changed: float = 18.0
    least_s: float = 0.3

    def __post_init__(self) -> None:
        if self.interval_s <= 0 or self.least_s < 0:
            raise ValueError("keyframes.interval_s must be above 0 and keyframes.least_s not below it")


class KeyframeRule:
    """One decision a frame; keeps a thumbnail of the last key frame."""

    def __init__(self, config: KeyframeConfig = KeyframeConfig()) -> None:
        self.config = config
        self._thumb: np.ndarray | None = None
        self._stamp_s = 0.0
        self._asked = ""

    def ask(self, reason: str) -> None:
        """Makes the next frame a key frame, because of that reason."""
        self._asked = reason

    def due(self, color: UInt8[np.ndarray, "h w 3"], stamp_s: float, lost: int = 0) -> str:
        """Why this frame is a key frame: first, asked (as given to `ask`), lost, motion, time; empty: it is none.

        lost: objects that were in view on the last frame and are not now. A key frame is one as soon as this says so.
        """
        thumb = thumbnail(color)
        reason = self._reason(thumb, stamp_s, lost)
        if reason:
            self._thumb, self._stamp_s, self._asked = thumb, stamp_s, ""
        return reason

    def _reason(self, thumb: np.ndarray, stamp_s: float, lost: int) -> str:
        since_s = stamp_s - self._stamp_s
        if self._thumb is None or since_s < 0:
            return "first"
        if self._asked:
            return self._asked
        if since_s >= self.config.interval_s:
            return "time"
        if since_s < self.config.least_s:
            return ""
        if lost:
            return "lost"
        moved = float((np.abs(thumb - self._thumb) > self.config.changed).mean())
        return "motion" if moved > self.config.motion else ""


def thumbnail(color: UInt8[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "a b"]:
    """Mean green of at most 32x32 parts: nearly brightness, and a hundredth of a millisecond to compute."""
    green = color[..., 1]
    rows, columns = (max(1, n // THUMB_PX) for n in green.shape)
    parts = green[: green.shape[0] // rows * rows : max(1, rows // 4), : green.shape[1] // columns * columns]
    high, wide = min(green.shape[0], THUMB_PX), min(green.shape[1], THUMB_PX)
    row = np.linspace(0, parts.shape[0], high, endpoint=False).astype(int)
    column = np.linspace(0, parts.shape[1], wide, endpoint=False).astype(int)
    sums = np.add.reduceat(np.add.reduceat(parts.astype(np.float32), row, axis=0), column, axis=1)
    counts = np.outer(np.diff([*row, parts.shape[0]]), np.diff([*column, parts.shape[1]]))
    return (sums / counts).astype(np.float32)
