"""Drawings of an annotated frame, cached so that several viewers share them."""

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
    """JPEG, mask and overlays of one frame, each made at its first use. chosen: ids of all answers about the frame."""

    def __init__(self, annotated: AnnotatedFrame) -> None:
        self.annotated = annotated
        self.labels = {i.id: i.label for i in annotated.twin.instances} if annotated.twin else {}
        self.chosen = tuple(dict.fromkeys(i for s in annotated.shown for i in s.answer.ids))
        self._overlays: dict[tuple[int, ...], UInt8[np.ndarray, "h w 3"]] = {}

    @cached_property
    def color(self) -> UInt8[np.ndarray, "bytes"]:
        """The colour image as JPEG."""
        return jpeg(self.annotated.frame.color)

    @cached_property
    def mask(self) -> Bool[np.ndarray, "h w"] | None:
        """The union of the masks of all answers about this frame; None without an id image."""
        return None if self.annotated.ids is None else select(self.annotated.ids, self.chosen)

    def overlay(self, ids: tuple[int, ...]) -> UInt8[np.ndarray, "h w 3"]:
        """The image (RGB) with these objects drawn; the unchanged image if there are none."""
        if self.annotated.ids is None or not ids:
            return self.annotated.frame.color
        if ids not in self._overlays:
            self._overlays[ids] = draw_masks(self.annotated.frame.color, self.annotated.ids, ids, self.labels)
        return self._overlays[ids]


def jpeg(rgb: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "bytes"]:
    """The image as JPEG, quality 85."""
    return cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), JPEG)[1].ravel()
