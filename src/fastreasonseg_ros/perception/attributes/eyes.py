"""What a network of everyday photographs sees in the crop of one object: more inputs for its label.

The network is the detector of Open Images (models/detector). Its classes are few, and some are not of the table, but
which of them an object resembles, and the features behind them, come from real surfaces instead of the simulator's.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, UInt8

from ..detection.ssd import FEATURES, Detector
from .crops import MARGIN, crop_of

ALIKE = 0.3  # intersection over union of a detected box and the object's from which it counts as the object
_LOWEST, _HIGHEST = 0.0025, 0.98  # of scores, before their logarithm


class Eyes:
    """Looks at crops of objects. Not thread-safe."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.size = len(detector.labels) + FEATURES

    def __call__(self, color: UInt8[np.ndarray, "h w 3"], box: tuple[slice, slice]) -> Float32[np.ndarray, "seen"]:
        """What is seen of the object in a box (rows, columns) of a picture, as `look_at_crop`."""
        return self.look_at_crop(np.ascontiguousarray(crop_of(color, box)))

    def look_at_crop(self, crop: UInt8[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "seen"]:
        """Log-odds of the detector's classes, then the mean features of its backbone; crop: as of `crop_of`."""
        seen = self._detector(crop)
        height, width = crop.shape[:2]
        edge = MARGIN / (1 + 2 * MARGIN)
        inner = (edge * width, edge * height, (1 - edge) * width, (1 - edge) * height)
        scores = np.clip(seen.class_scores(inner, ALIKE), _LOWEST, _HIGHEST)
        return np.concatenate([np.log(scores / (1 - scores)), seen.features_in(inner)]).astype(np.float32)
