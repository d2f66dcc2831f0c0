"""What tracking keeps of an object between frames; no part of the twin that others see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float32

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Motion:
    """Filtered place (metres) and velocity (metres a second), alike along all axes in how sure they are.

    var_*: variances of place and velocity along one axis, and their covariance.
    """

    at_m: Vector
    velocity: Vector
    var_at: float
    cov: float
    var_velocity: float


@dataclass(frozen=True)
class TrackMemory:
    """What tracking keeps of an object from frame to frame; no part of the twin that others see (not in its JSON).

    Votes: word -> evidence, fading with time; alternative_labels: for words that were not the first of a detection.
    anchor_m: where its path was last counted to, moved_s: when that was. frames: how many it was seen in, of `age`.
    motion: where it is and how it moves, filtered. size_m: of the whole object, as far as it was ever seen. middle_m:
    as in the last detection. appearance: as in Detection, a slow mean.
    """

    labels: Mapping[str, float]
    colors: Mapping[str, float]
    shapes: Mapping[str, float]
    anchor_m: Vector | None = None
    moved_s: float | None = None
    frames: int = 1
    age: int = 1
    motion: Motion | None = None
    size_m: Vector | None = None
    middle_m: Vector | None = None
    appearance: Float32[np.ndarray, "k"] | None = None
    alternative_labels: Mapping[str, float] = field(default_factory=dict)
