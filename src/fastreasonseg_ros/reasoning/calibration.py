"""A chance from named evidence: a logistic model, as JSON {"intercept", "weights": {name: weight}, "made"}."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from ..errors import ModelError

_MOST = 40.0  # of the log-odds
# What a file with anything else in it raises while it is read.
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True)
class Calibration:
    """weights: by the names of the evidence. made: the command and the data that they come from."""

    intercept: float
    weights: Mapping[str, float]
    made: str = ""

    def chance(self, evidence: Mapping[str, float]) -> float:
        """0 to 1."""
        odds = self.intercept + sum(weight * evidence[name] for name, weight in self.weights.items())
        return 1.0 / (1.0 + math.exp(-min(max(odds, -_MOST), _MOST)))

    def chances(self, rows: Float64[np.ndarray, "n names"], names: Collection[str]) -> Float64[np.ndarray, "n"]:
        """Of rows of evidence by these names."""
        odds = self.intercept + rows @ np.array([self.weights.get(name, 0.0) for name in names])
        return 1.0 / (1.0 + np.exp(-np.clip(odds, -_MOST, _MOST)))


def read_calibration(path: Path, names: Collection[str], instead: str, all_of_them: bool = False) -> Calibration:
    """A file with weights of some or all of these names. instead: what to do without it. Raises ModelError."""
    try:
        read = calibration_of(json.loads(path.read_text(encoding="utf-8")), names)
        if all_of_them and (lacking := set(names) - set(read.weights)):
            raise ValueError(f"no weights {', '.join(sorted(lacking))}")
        return read
    except UNREADABLE as error:
        raise unusable(path, error, instead) from error


def unusable(path: Path, error: Exception, instead: str) -> ModelError:
    return ModelError(f"{path}: is missing or damaged ({error!r}); {instead}")


def calibration_of(data: Mapping[str, Any], names: Collection[str]) -> Calibration:
    """Of what `as_json` gave, with weights of some of these names. Raises one of UNREADABLE for anything else."""
    weights = {str(name): float(weight) for name, weight in data["weights"].items()}
    if unknown := set(weights) - set(names):
        raise ValueError(f"unknown weights {', '.join(sorted(unknown))}")
    intercept = float(data["intercept"])
    if not all(map(math.isfinite, (intercept, *weights.values()))):
        raise ValueError("weights must be finite")
    return Calibration(intercept, weights, str(data.get("made", "")))


def write_calibration(calibration: Calibration, path: Path, **more: float) -> None:
    """more: further numbers of the file."""
    path.write_text(json.dumps(as_json(calibration) | more, indent=1) + "\n", encoding="utf-8")


def as_json(calibration: Calibration) -> dict[str, Any]:
    return {"intercept": calibration.intercept, "weights": dict(calibration.weights), "made": calibration.made}
