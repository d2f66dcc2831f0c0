"""A picture that was looked at, drawn for those who show or record it: what several of them need is made once."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np
from jaxtyping import Bool, UInt8

from ..twin.masks import select
from .annotated_frame import AnnotatedFrame
from .overlay import draw_masks

JPEG = [cv2.IMWRITE_JPEG_QUALITY, 85]


class CachedOverlay:
    """All is made when it is first asked for."""

    def __init__(self, looked: AnnotatedFrame) -> None:
        self.looked = looked
        self.labels = {i.id: i.label for i in looked.twin.instances} if looked.twin else {}
        self.chosen = tuple(dict.fromkeys(i for s in looked.shown for i in s.answer.ids))
        self._overlays: dict[tuple[int, ...], UInt8[np.ndarray, "h w 3"]] = {}

    @cached_property
    def color(self) -> UInt8[np.ndarray, "bytes"]:
        """The picture as JPEG."""
        return jpeg(self.looked.frame.color)

    @cached_property
    def mask(self) -> Bool[np.ndarray, "h w"] | None:
        """What all answers about this picture name."""
        return None if self.looked.ids is None else select(self.looked.ids, self.chosen)

    def overlay(self, wanted: tuple[int, ...]) -> UInt8[np.ndarray, "h w 3"]:
        """The picture (RGB) with these objects drawn; itself where there is none to draw."""
        if self.looked.ids is None or not wanted:
            return self.looked.frame.color
        if wanted not in self._overlays:
            self._overlays[wanted] = draw_masks(self.looked.frame.color, self.looked.ids, wanted, self.labels)
        return self._overlays[wanted]


def jpeg(rgb: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "bytes"]:
    return cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), JPEG)[1].ravel()
