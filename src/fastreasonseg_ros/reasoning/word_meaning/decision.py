"""Whether a label fits a text, from the reader's chance and the cosine of sentence embeddings: a logistic model.

Beside both values it takes how far each lies below the best label's: among ten labels of a scene, the one that fits
best is meant far more often than its chance alone says. `fastreasonseg train meaning` fits the weights on phrases that
the reader was not trained on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64

from ...errors import ModelError

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


@dataclass(frozen=True)
class Decision:
    """weights: by the names of EVIDENCE. made: the command and the data that they come from."""

    intercept: float
    weights: Mapping[str, float]
    made: str = ""

    def chances(self, found: Float64[np.ndarray, "labels 4"]) -> Float64[np.ndarray, "labels"]:
        """The chance of each label to be meant, 0 to 1."""
        return 1.0 / (1.0 + np.exp(-self.intercept - found @ np.array([self.weights[name] for name in EVIDENCE])))


def read_decision(folder: Path) -> Decision:
    """Of the reader in this folder. Raises ModelError."""
    path = folder / FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        weights = {name: float(data["weights"][name]) for name in EVIDENCE}
        return Decision(float(data["intercept"]), weights, str(data.get("made", "")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path}: is missing or damaged ({error!r}); get it anew from the repository, or make it with "
            "`fastreasonseg train meaning`"
        ) from error


def write_decision(decision: Decision, folder: Path) -> None:
    data = {"intercept": decision.intercept, "weights": dict(decision.weights), "made": decision.made}
    (folder / FILE).write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
