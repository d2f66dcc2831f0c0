"""Ground-truth perception: masks, ids, labels and colours from the annotation, geometry from depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from ..errors import ConfigError, FrameError
from ..twin.types import COLORS, Frame, Perceived
from .attributes.color import light_gain
from .attributes.describe import describe, geometry_of

SPELLINGS = {"grey": "gray"}


@dataclass(frozen=True)
class OracleConfig:
    """min_area_px: objects with fewer visible pixels are dropped. work_width_px: image width for geometry."""

    min_area_px: int = 1
    work_width_px: int = 360


class OraclePerceiver:
    """Upper bound for all stages after perception. Needs frames with ground truth."""

    def __init__(self, config: OracleConfig = OracleConfig()) -> None:
        self.config = config

    def perceive(self, frame: Frame) -> Perceived:
        """Every annotated object as a detection with its id as `track_hint`; label "object" where none is annotated.

        Without depth, position and size are None. Raises FrameError without ground truth.
        """
        truth = frame.truth
        if truth is None:
            raise FrameError(
                "the oracle perceiver needs ground truth and this frame has none: use a simulated or annotated source, "
                "or the tabletop perceiver"
            )
        geometry = geometry_of(frame, self.config.work_width_px)
        labels = truth.ids.astype(np.int32)
        gain = light_gain(frame.color)
        found = []
        for id, box in enumerate(ndimage.find_objects(labels), 1):
            if box is None:
                continue
            detection, _ = describe(id, labels, box, frame.color, geometry, None, gain)
            if np.count_nonzero(detection.mask) < self.config.min_area_px:
                continue
            color = truth.colors.get(id, detection.color)
            color = SPELLINGS.get(color, color) if color else None
            found.append(
                replace(
                    detection,
                    label=truth.labels.get(id, "object"),
                    score=1.0,
                    color=color if color in COLORS else detection.color,
                    track_hint=id,
                )
            )
        return Perceived(tuple(found), None if geometry is None else geometry.plane)

    def set_vocabulary(self, words: Sequence[str]) -> None:
        raise ConfigError("the oracle perceiver knows all that is true; it has no vocabulary to set")
