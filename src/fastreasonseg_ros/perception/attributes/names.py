"""Label classifier on object features: a small network trained in simulation (`fastreasonseg train labels`).

Its inputs are the numbers of Features and, where it was trained so, what Eyes see in the object's crop. These may be
absent at any time: they were hidden from part of the training samples.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Float32

from ...errors import ModelError
from ...twin.votes import OTHERS
from ...weights import find_model_file
from .features import Features

FILE = "labels/labels.npz"
UNSURE = "object"
# Minimum probability of an alternative label: below, it is wrong 19 times in 20.
MIN_ALTERNATIVE = 0.05
SHAPE_LABELS = {"box": "box", "bowl": "bowl", "sphere": "ball"}  # labels of unclassified objects by shape


@dataclass(frozen=True)
class LabelModel:
    """Ensemble of networks with two hidden layers; the mean softmax is calibrated by one temperature.

    wide: hypernyms (members[i, j]: label i is a kind of hypernym j). min_score: minimum probability of a label. The
    first axis of weights and biases is the network. mean, scale: normalisation of the inputs. looks: number of class
    scores of Eyes among the inputs; 0: it looks at nothing. projection: of the backbone's features, empty without them.
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
    looks: int = 0
    projection: Float32[np.ndarray, "channels components"] = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    def probabilities(
        self, features: Features, seen: Float32[np.ndarray, "seen"] | None = None
    ) -> Float32[np.ndarray, "labels"]:
        """Probability of every label, in the order of `labels`. seen: by Eyes, where the model looks."""
        return self.odds(features.vector()[None], None if seen is None else seen[None])[0]

    def odds(
        self, vectors: Float32[np.ndarray, "n features"], seen: Float32[np.ndarray, "n seen"] | None = None
    ) -> Float32[np.ndarray, "n labels"]:
        """Probabilities of many objects, from rows of Features.vector() and of Eyes (NaN where nothing was seen)."""
        inputs = inputs_of(vectors, seen, self.looks, self.projection)
        x = normalized(inputs, self.mean, self.scale)
        hidden = np.maximum(x @ self.first + self.first_bias[:, None], 0)
        hidden = np.maximum(hidden @ self.second + self.second_bias[:, None], 0)
        logits = (hidden @ self.output + self.output_bias[:, None]) / self.temperature
        odds = np.exp(logits - logits.max(axis=2, keepdims=True))
        return (odds / odds.sum(axis=2, keepdims=True)).mean(axis=0)

    def name(self, features: Features) -> tuple[str, float]:
        """The most specific label with sufficient probability, and its probability; "object" if there is none.

        A hypernym is returned where only the sum of its kinds is sufficient: box, for cereal box or tea box.
        """
        return self.word(self.probabilities(features))

    def word(self, odds: Float32[np.ndarray, "labels"]) -> tuple[str, float]:
        """As `name`, from the probabilities of all labels."""
        best = int(odds.argmax())
        if odds[best] >= self.min_score:
            return self.labels[best], float(odds[best])
        if self.wide:
            sums = odds @ self.members
            best_sum = int(sums.argmax())
            if sums[best_sum] >= self.min_score:
                label = self.labels[best]
                # The specific label is preferred if it has at least half of the hypernym's probability.
                prefer_specific = self.members[best, best_sum] > 0 and odds[best] >= 0.5 * sums[best_sum]
                return (label, float(odds[best])) if prefer_specific else (self.wide[best_sum], float(sums[best_sum]))
        return UNSURE, float(odds[best])

    def others(self, odds: Float32[np.ndarray, "labels"], first: str) -> tuple[str, ...]:
        """Up to OTHERS labels other than `first` with probability MIN_ALTERNATIVE or more, likeliest first."""
        order = np.argsort(-odds)[: OTHERS + 1]
        return tuple(w for k in order if odds[k] >= MIN_ALTERNATIVE and (w := self.labels[k]) != first)[:OTHERS]

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {
            k: v.astype(np.float16) if _is_weight(k) else v for k, v in vars(self).items() if k not in _STRING_FIELDS
        }
        np.savez_compressed(path, **{k: np.array(getattr(self, k), str) for k in _STRING_FIELDS}, **arrays)

    @staticmethod
    def load(path: Path) -> LabelModel:
        """Raises ModelError naming the file if it is missing or not a label model."""
        try:
            with np.load(path, allow_pickle=False) as data:
                values = {k: data[k] for k in data.files}
            for k in _STRING_FIELDS:
                values[k] = tuple(str(label) for label in values[k])
            values |= {k: v.astype(np.float32) for k, v in values.items() if k not in _STRING_FIELDS}
            values["temperature"], values["min_score"] = float(values["temperature"]), float(values["min_score"])
            values["looks"] = int(values.get("looks", 0))
            model = LabelModel(**values)
            shapes = model.output.shape[2], model.members.shape, model.first.shape[1], model.second.shape[1]
            n, measured = len(model.labels), len(model.mean) - model.looks - model.projection.shape[1]
            if shapes != (n, (n, len(model.wide)), len(model.mean), model.first.shape[2]) or measured <= 0:
                raise ValueError("its layers do not fit each other")
            return model
        except (OSError, ValueError, KeyError, TypeError, EOFError, IndexError, BadZipFile) as error:
            raise ModelError(
                f"{path}: no usable label model ({error}); restore models/{FILE} or make it with "
                "`fastreasonseg train labels`"
            ) from error


_STRING_FIELDS = ("labels", "wide")


def _is_weight(name: str) -> bool:
    return name in ("first", "second", "output", "projection")


def inputs_of(
    vectors: Float32[np.ndarray, "n features"],
    seen: Float32[np.ndarray, "n seen"] | None,
    looks: int,
    projection: Float32[np.ndarray, "channels components"],
) -> Float32[np.ndarray, "n inputs"]:
    """The inputs of a model, before normalisation; NaN for what was not seen. looks, projection: see LabelModel."""
    if not looks:
        return vectors
    if seen is None:
        seen = np.full((len(vectors), looks + len(projection)), np.nan, np.float32)
    parts = [vectors, seen[:, :looks]]
    return np.concatenate([*parts, seen[:, looks:] @ projection] if projection.size else parts, axis=1)


def normalized(
    inputs: Float32[np.ndarray, "n inputs"], mean: Float32[np.ndarray, "inputs"], scale: Float32[np.ndarray, "inputs"]
) -> Float32[np.ndarray, "n inputs"]:
    """Inputs in standard deviations from their mean, within 5; 0 where an input is NaN."""
    return np.nan_to_num(np.clip((inputs - mean) / scale, -5, 5))


def find_label_model() -> Path | None:
    """Path of the label model: first match in $FASTREASONSEG_MODELS, the repository and the installed share/."""
    return find_model_file(FILE)
