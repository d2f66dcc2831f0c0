"""An overlay video: every picture with what is answered about it, question and time beneath."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from ..errors import DatasetError
from .bag_eval import Looked, Shown
from .overlay import BACKGROUND, GOOD, INK, QUIET, _font, draw_masks

HELD_S = 2.5  # an answer that was asked for once stays in the picture for so long
BAR = 46  # pixels a line of questions
LINES = 2
DEFAULT_FPS = 10.0


class Video:
    """MP4 (MPEG-4) at the pace of the bag. Raises DatasetError where it cannot be written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: cv2.VideoWriter | None = None
        self._waiting: tuple[UInt8[np.ndarray, "h w 3"], float] | None = None
        self._held: list[tuple[float, Shown]] = []
        path.parent.mkdir(parents=True, exist_ok=True)

    def __call__(self, looked: Looked) -> None:
        once = [(looked.t_s, s) for s in looked.shown if not s.question.standing]
        held = [(t, s) for t, s in self._held if looked.t_s - t < HELD_S]
        self._held = (held + once)[-LINES:]
        shown = [*(s for s in looked.shown if s.question.standing), *(s for _, s in self._held)][-LINES:]
        picture = _drawn(looked, shown)
        if self._waiting is not None:
            self._open(self._waiting[0], looked.t_s - self._waiting[1])
            self._write(self._waiting[0])
        self._waiting = (picture, looked.t_s)

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
        self._writer.write(np.ascontiguousarray(picture[..., ::-1]))


def _drawn(looked: Looked, shown: list[Shown]) -> UInt8[np.ndarray, "h2 w2 3"]:
    labels = {i.id: i.label for i in looked.twin.instances} if looked.twin else {}
    chosen = tuple(dict.fromkeys(i for s in shown for i in s.answer.ids))
    picture = looked.frame.color
    if looked.ids is not None and chosen:
        picture = draw_masks(picture, looked.ids, chosen, labels)
    width = picture.shape[1] - picture.shape[1] % 2  # of a video: even
    panel = Image.new("RGB", (width, LINES * BAR + picture.shape[0] % 2), BACKGROUND)
    draw = ImageDraw.Draw(panel)
    draw.text((width - 70, 4), f"{looked.t_s:6.1f} s", fill=QUIET, font=_font(14))
    for line, s in enumerate(shown):
        found = ", ".join(f"{i} {labels.get(i, '')}".strip() for i in s.answer.ids) or s.answer.message
        score = "" if s.iou is None else f"   IoU {s.iou:.2f}"
        draw.text((8, line * BAR + 4), s.question.text[: width // 8], fill=INK, font=_font(15))
        draw.text(
            (8, line * BAR + 24), (found + score)[: width // 8], fill=GOOD if s.answer.ids else QUIET, font=_font(14)
        )
    return np.vstack([picture[:, :width], np.asarray(panel)])
