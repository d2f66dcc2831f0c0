"""What a thing looks like, as an image-text model has it, so that words that are no label can be compared with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32


@dataclass(frozen=True, eq=False)
class PictureEmbedding:
    """A unit vector of the model whose exported files are in the folder `model`. No part of JSON and messages."""

    vector: Float32[np.ndarray, "k"]
    model: str
