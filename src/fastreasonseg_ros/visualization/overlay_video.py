"""An overlay video: every frame with the masks of its answers, and questions and time below."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from ..errors import DatasetError
from .annotated_frame import ShownAnswer
from .cached_overlay import CachedOverlay
from .overlay import BACKGROUND, GOOD, INK, QUIET, font

HELD_S = 2.5  # how long the answer of a single question is shown
BAR = 46  # height of a line of questions, pixels
LINES = 2
DEFAULT_FPS = 10.0


class Video:
    """A viewer that writes an MP4 (MPEG-4) at the bag's frame rate. Raises DatasetError if it cannot be written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: cv2.VideoWriter | None = None
        self._waiting: tuple[UInt8[np.ndarray, "h w 3"], float] | None = None
        self._held: list[tuple[float, ShownAnswer]] = []
        path.parent.mkdir(parents=True, exist_ok=True)

    def __call__(self, drawn: CachedOverlay) -> None:
        annotated = drawn.annotated
        once = [(annotated.t_s, s) for s in annotated.shown if not s.question.standing]
        held = [(t, s) for t, s in self._held if annotated.t_s - t < HELD_S]
        self._held = (held + once)[-LINES:]
        shown = [*(s for s in annotated.shown if s.question.standing), *(s for _, s in self._held)][-LINES:]
        picture = _with_lines(drawn, shown)
        if self._waiting is not None:
            self._open(self._waiting[0], annotated.t_s - self._waiting[1])
            self._write(self._waiting[0])
        self._waiting = (picture, annotated.t_s)

    def close(self) -> None:
        if self._waiting is not None:
            self._open(self._waiting[0], 1 / DEFAULT_FPS)
            self._write(self._waiting[0])
        if self._writer is not None:
            self._writer.release()

    def _open(self, picture: UInt8[np.ndarray, "h w 3"], step_s: float) -> None:
        if self._writer is not None:
            return
        fps = min(60.0, max(1.0, 1 / step_s)) if step_s > 0 else DEFAULT_FPS
        size = (picture.shape[1], picture.shape[0])
        self._writer = cv2.VideoWriter(str(self._path), cv2.VideoWriter.fourcc(*"mp4v"), fps, size)
        if not self._writer.isOpened():
            raise DatasetError(f"{self._path}: OpenCV cannot write this video; give another folder to --video")

    def _write(self, picture: UInt8[np.ndarray, "h w 3"]) -> None:
        assert self._writer is not None
        self._writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))


def _with_lines(drawn: CachedOverlay, shown: list[ShownAnswer]) -> UInt8[np.ndarray, "h2 w2 3"]:
    annotated, labels = drawn.annotated, drawn.labels
    chosen = tuple(dict.fromkeys(i for s in shown for i in s.answer.ids))
    picture = drawn.overlay(chosen)
    width = picture.shape[1] - picture.shape[1] % 2  # a video needs an even width
    lines = []
    for s in shown:
        found = ", ".join(f"{i} {labels.get(i, '')}".strip() for i in s.answer.ids) or s.answer.message
        lines.append((s.question.text[: width // 8], found[: width // 8], bool(s.answer.ids)))
    scores = tuple("" if s.iou is None else f"IoU {s.iou:.2f}" for s in shown)
    panel = _panel(width, LINES * BAR + picture.shape[0] % 2, tuple(lines)).copy()
    _write(panel, f"{annotated.t_s:6.1f} s", 4)
    for line, score in enumerate(scores):
        _write(panel, score, line * BAR + 24)
    return np.vstack([picture[:, :width], panel])


@lru_cache(maxsize=8)
def _panel(width: int, height: int, lines: tuple[tuple[str, str, bool], ...]) -> UInt8[np.ndarray, "h w 3"]:
    """Panel with questions and answers; cached, since it is the same for many frames."""
    panel = Image.new("RGB", (width, height), BACKGROUND)
    draw = ImageDraw.Draw(panel)
    for line, (asked, found, good) in enumerate(lines):
        draw.text((8, line * BAR + 4), asked, fill=INK, font=font(15))
        draw.text((8, line * BAR + 24), found, fill=GOOD if good else QUIET, font=font(14))
    return np.asarray(panel)


def _write(panel: UInt8[np.ndarray, "h w 3"], text: str, y: int) -> None:
    """Writes text at the right edge, replacing what is there."""
    w, h = min(70, panel.shape[1]), min(20, panel.shape[0] - y)
    if text and h > 0:
        field = Image.new("RGB", (w, h), BACKGROUND)
        ImageDraw.Draw(field).text((0, 0), text, fill=QUIET, font=font(14))
        panel[y : y + h, panel.shape[1] - w :] = np.asarray(field)
