"""The name of a thing from its features: a small network trained on simulated things (`fastreasonseg train labels`)."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Float32

from ..errors import ModelError
from .features import Features

FILE = "labels/labels.npz"
UNSURE = "object"
PLAIN = {"box": "box", "bowl": "bowl", "sphere": "ball"}  # shapes that are names themselves


@dataclass(frozen=True)
class LabelModel:
    """Two layers; the output's softmax is calibrated by a temperature fitted on held-out scenes.

    min_score: below it, no name is better than the most probable one.
    """

    labels: tuple[str, ...]
    mean: Float32[np.ndarray, "features"]
    scale: Float32[np.ndarray, "features"]
    hidden: Float32[np.ndarray, "features hidden"]
    hidden_bias: Float32[np.ndarray, "hidden"]
    output: Float32[np.ndarray, "hidden labels"]
    output_bias: Float32[np.ndarray, "labels"]
    temperature: float = 1.0
    min_score: float = 0.4

    def probabilities(self, features: Features) -> Float32[np.ndarray, "labels"]:
        """Probability of every label, in the order of `labels`."""
        x = np.clip((features.vector() - self.mean) / self.scale, -6, 6)
        logits = np.maximum(x @ self.hidden + self.hidden_bias, 0) @ self.output + self.output_bias
        logits = (logits - logits.max()) / self.temperature
        odds = np.exp(logits)
        return odds / odds.sum()

    def name(self, features: Features) -> tuple[str, float]:
        """The most probable label and its probability, or "object" where none is probable enough."""
        odds = self.probabilities(features)
        best = int(odds.argmax())
        return (self.labels[best], float(odds[best])) if odds[best] >= self.min_score else (UNSURE, float(odds[best]))

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {k: v for k, v in vars(self).items() if k != "labels"}
        np.savez_compressed(path, labels=np.array(self.labels), **arrays)

    @staticmethod
    def load(path: Path) -> LabelModel:
        """Raises ModelError naming the file where it is missing or no label model."""
        try:
            with np.load(path, allow_pickle=False) as data:
                values = {k: data[k] for k in data.files}
            values["labels"] = tuple(str(label) for label in values["labels"])
            values["temperature"], values["min_score"] = float(values["temperature"]), float(values["min_score"])
            model = LabelModel(**values)
            if model.output.shape[1] != len(model.labels) or model.hidden.shape[0] != len(model.mean):
                raise ValueError("its layers do not fit each other")
            return model
        except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
            raise ModelError(
                f"{path}: no usable label model ({error}); restore models/{FILE} or make it with "
                "`fastreasonseg train labels`"
            ) from error


def find_label_model() -> Path | None:
    """The first of $FASTREASONSEG_MODELS, the repository and the installed share/ that holds the model."""
    folders = [Path(d) for d in os.environ.get("FASTREASONSEG_MODELS", "").split(os.pathsep) if d]
    folders.append(Path(__file__).resolve().parents[3] / "models")
    prefixes = [p for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p] + [sys.prefix]
    folders += [Path(p) / "share" / "fastreasonseg_ros" / "models" for p in prefixes]
    return next((f / FILE for f in folders if (f / FILE).is_file()), None)
