"""Whether a label fits a text, from the reader's chance and the cosine of sentence embeddings: a logistic model.

Beside both values it takes how far each lies below the best label's: among ten labels of a scene, the one that fits
best is meant far more often than its chance alone says. `fastreasonseg train meaning` fits the weights on phrases that
the reader was not trained on.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64

from ..calibration import Calibration, read_calibration, write_calibration

FILE = "decision.json"  # beside the reader's weights
EVIDENCE = ("reader", "reader_below_best", "cosine", "cosine_below_best")
_LEAST = 1e-4  # chance; a reader is no surer


def evidence(
    chances: Float32[np.ndarray, "labels"], cosines: Float32[np.ndarray, "labels"]
) -> Float64[np.ndarray, "labels 4"]:
    """A row a label, by the names of EVIDENCE; chances as log-odds. At least one label."""
    chance = np.clip(chances.astype(np.float64), _LEAST, 1 - _LEAST)
    odds, cosine = np.log(chance / (1 - chance)), cosines.astype(np.float64)
    return np.stack([odds, odds - odds.max(), cosine, cosine - cosine.max()], axis=1)


def read_decision(folder: Path) -> Calibration:
    """The chance of each label to be meant, of the reader in this folder. Raises ModelError."""
    instead = "get it anew from the repository, or make it with `fastreasonseg train meaning`"
    return read_calibration(folder / FILE, EVIDENCE, instead, all_of_them=True)


def write_decision(decision: Calibration, folder: Path) -> None:
    write_calibration(decision, folder / FILE)
