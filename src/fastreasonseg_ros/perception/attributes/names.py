"""The name of a thing from its features: a small network trained on simulated things (`fastreasonseg train labels`)."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Float32

from ...errors import ModelError
from ...twin.votes import OTHERS
from .features import Features

FILE = "labels/labels.npz"
UNSURE = "object"
# A word less likely than this is named wrongly 19 times in 20, and nobody would look there for what is called so.
LEAST = 0.05
PLAIN = {"box": "box", "bowl": "bowl", "sphere": "ball"}  # shapes that are names themselves


@dataclass(frozen=True)
class LabelModel:
    """Several small networks of two hidden layers; their mean softmax is calibrated by one temperature.

    wide: words for several labels (members[i, j]: label i is a kind of wide word j). min_score: a name that is less
    probable is not given. Arrays of the networks have one row a network first.
    """

    labels: tuple[str, ...]
    wide: tuple[str, ...]
    members: Float32[np.ndarray, "labels wide"]
    mean: Float32[np.ndarray, "features"]
    scale: Float32[np.ndarray, "features"]
    first: Float32[np.ndarray, "nets features hidden"]
    first_bias: Float32[np.ndarray, "nets hidden"]
    second: Float32[np.ndarray, "nets hidden hidden2"]
    second_bias: Float32[np.ndarray, "nets hidden2"]
    output: Float32[np.ndarray, "nets hidden2 labels"]
    output_bias: Float32[np.ndarray, "nets labels"]
    temperature: float = 1.0
    min_score: float = 0.5

    def probabilities(self, features: Features) -> Float32[np.ndarray, "labels"]:
        """Probability of every label, in the order of `labels`."""
        return self.odds(features.vector()[None])[0]

    def odds(self, vectors: Float32[np.ndarray, "n features"]) -> Float32[np.ndarray, "n labels"]:
        """The same of many things at once, from Features.vector()."""
        x = np.clip((vectors - self.mean) / self.scale, -5, 5)
        hidden = np.maximum(x @ self.first + self.first_bias[:, None], 0)
        hidden = np.maximum(hidden @ self.second + self.second_bias[:, None], 0)
        logits = (hidden @ self.output + self.output_bias[:, None]) / self.temperature
        odds = np.exp(logits - logits.max(axis=2, keepdims=True))
        return (odds / odds.sum(axis=2, keepdims=True)).mean(axis=0)

    def name(self, features: Features) -> tuple[str, float]:
        """The narrowest word that is probable enough, and its probability; "object" where none is.

        A wide word is said where its kinds share what is probable: box, where it may be one of cereals or of tea.
        """
        return self.word(self.probabilities(features))

    def word(self, odds: Float32[np.ndarray, "labels"]) -> tuple[str, float]:
        """The same from the probabilities of all labels."""
        best = int(odds.argmax())
        if odds[best] >= self.min_score:
            return self.labels[best], float(odds[best])
        if self.wide:
            shared = odds @ self.members
            widest = int(shared.argmax())
            if shared[widest] >= self.min_score:
                label = self.labels[best]
                # Half of what the wide word has, or more, is a majority: then its own name is the better one.
                narrow = self.members[best, widest] > 0 and odds[best] >= 0.5 * shared[widest]
                return (label, float(odds[best])) if narrow else (self.wide[widest], float(shared[widest]))
        return UNSURE, float(odds[best])

    def others(self, odds: Float32[np.ndarray, "labels"], first: str) -> tuple[str, ...]:
        """Up to three labels beside the word that was given, of a probability of 0.05 or more, likeliest first."""
        order = np.argsort(-odds)[: OTHERS + 1]
        return tuple(w for k in order if odds[k] >= LEAST and (w := self.labels[k]) != first)[:OTHERS]

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {k: v.astype(np.float16) if _is_weight(k) else v for k, v in vars(self).items() if k not in _WORDS}
        np.savez_compressed(path, **{k: np.array(getattr(self, k), str) for k in _WORDS}, **arrays)

    @staticmethod
    def load(path: Path) -> LabelModel:
        """Raises ModelError naming the file where it is missing or no label model."""
        try:
            with np.load(path, allow_pickle=False) as data:
                values = {k: data[k] for k in data.files}
            for k in _WORDS:
                values[k] = tuple(str(label) for label in values[k])
            values |= {k: v.astype(np.float32) for k, v in values.items() if k not in _WORDS}
            values["temperature"], values["min_score"] = float(values["temperature"]), float(values["min_score"])
            model = LabelModel(**values)
            shapes = model.output.shape[2], model.members.shape, model.first.shape[1], model.second.shape[1]
            n = len(model.labels)
            if shapes != (n, (n, len(model.wide)), len(model.mean), model.first.shape[2]):
                raise ValueError("its layers do not fit each other")
            return model
        except (OSError, ValueError, KeyError, TypeError, EOFError, IndexError, BadZipFile) as error:
            raise ModelError(
                f"{path}: no usable label model ({error}); restore models/{FILE} or make it with "
                "`fastreasonseg train labels`"
            ) from error


_WORDS = ("labels", "wide")


def _is_weight(name: str) -> bool:
    return name in ("first", "second", "output")


def find_label_model() -> Path | None:
    """The first of $FASTREASONSEG_MODELS, the repository and the installed share/ that holds the model."""
    folders = [Path(d) for d in os.environ.get("FASTREASONSEG_MODELS", "").split(os.pathsep) if d]
    folders.append(Path(__file__).resolve().parents[4] / "models")
    prefixes = [p for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p] + [sys.prefix]
    folders += [Path(p) / "share" / "fastreasonseg_ros" / "models" for p in prefixes]
    return next((f / FILE for f in folders if (f / FILE).is_file()), None)
