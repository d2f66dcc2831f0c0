"""`fastreasonseg train choice SAMPLES`: fits the choice among plans where a student's first plan is doubtful.

SAMPLES are of `train samples`, about questions that the student was not trained on (`--of validation`). A logistic
model of each answer's evidence (reasoning/choosing.py) is fitted to whether it is right, and written beside the
adapter. An adapter without confidence.json gets one, too, by the first plans of SAMPLES (`train confidence` makes it of
other questions). What is reported comes from five folds over scenes. Run it anew for every new adapter.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from ...config import load_config
from ...errors import ConfigError, DatasetError
from ...io.files import read_jsonl
from ...reasoning.calibration import Calibration
from ...reasoning.choosing import AGREEMENT, CHOICE_EVIDENCE, Choice, write_choice
from ...reasoning.confidence import read_confidence, write_confidence
from ...reasoning.language_models.openvino import OpenVinoConfig, adapter_folder
from ..logistic import fit_logistic
from . import confidence
from .confidence import ANSWERED, FOLDS

LEAST = 50  # questions


@dataclass(frozen=True)
class Row:
    """One answer of one question: its evidence, whether it is right, and whether the first plan gives it."""

    question: int
    evidence: tuple[float, ...]
    right: bool
    first: bool


@dataclass(frozen=True)
class Drawn:
    """scenes, chances: of each question; chance: of its first plan. draws: plans besides the first."""

    rows: list[Row]
    scenes: list[str]
    chances: Float64[np.ndarray, "n"]
    draws: int


def read_drawn(path: Path, calibration: Calibration) -> Drawn:
    """Questions whose first plan can be executed. Raises DatasetError."""
    rows: list[Row] = []
    scenes: list[str] = []
    chances: list[float] = []
    draws = 0
    for where, line in read_jsonl(path):
        try:
            for question in line["questions"]:
                samples = question["samples"]
                first = next(s["evidence"] for s in samples if s["first"])
                draws = max(draws, sum(s["number"] for s in samples) - 1)
                if first is not None:
                    rows += _rows(samples, len(scenes))
                    scenes.append(line["scene"])
                    chances.append(calibration.chance(first))
        except (KeyError, TypeError, StopIteration) as error:
            raise DatasetError(f"{where}: is no line of `train samples` ({error!r}); draw them anew") from error
    if len(scenes) < LEAST:
        raise DatasetError(f"{path}: {len(scenes)} questions were answered; {LEAST} are needed")
    return Drawn(rows, scenes, np.array(chances), draws)


def first_plans(path: Path) -> Calibration:
    """The chance of a first plan to be right, fitted on all of them. Raises DatasetError."""
    rows: list[dict[str, float]] = []
    right: list[bool] = []
    for where, line in read_jsonl(path):
        try:
            firsts = [next(s for s in q["samples"] if s["first"]) for q in line["questions"]]
            rows += [s["evidence"] for s in firsts if s["evidence"] is not None]
            right += [bool(s["right"]) for s in firsts if s["evidence"] is not None]
        except (KeyError, TypeError, StopIteration) as error:
            raise DatasetError(f"{where}: is no line of `train samples` ({error!r}); draw them anew") from error
    if len(rows) < LEAST:
        raise DatasetError(f"{path}: {len(rows)} questions were answered; {LEAST} are needed")
    return confidence.fit(rows, right, f"fastreasonseg train choice {path}: {len(rows)} first plans")


def _rows(samples: Sequence[dict[str, Any]], question: int) -> list[Row]:
    """As reasoning/choosing.answers makes them of plans."""
    counted = [s for s in samples if s["evidence"] is not None]
    total = sum(s["number"] for s in counted)
    groups: dict[tuple[tuple[int, ...], tuple[int, ...]], list[dict[str, Any]]] = {}
    for sample in counted:
        key = tuple(sorted(sample["ids"])), tuple(sorted(sample["destination_ids"]))
        groups.setdefault(key, []).append(sample)
    rows = []
    for members in groups.values():
        likeliest = max(members, key=lambda s: s["log_probability"])
        known = likeliest["evidence"] | {AGREEMENT: sum(s["number"] for s in members) / total}
        values = tuple(float(known[name]) for name in CHOICE_EVIDENCE)
        rows.append(Row(question, values, any(s["right"] for s in members), any(s["first"] for s in members)))
    return rows


def fit(rows: Sequence[Row], made: str = "") -> Calibration:
    intercept, found = fit_logistic(np.array([r.evidence for r in rows]), np.array([float(r.right) for r in rows]))
    weights = {name: round(float(w), 5) for name, w in zip(CHOICE_EVIDENCE, found, strict=True)}
    return Calibration(round(intercept, 5), weights, made)


def figures(drawn: Drawn, below: float) -> dict[str, float]:
    """Shares of the questions that are right, by models fitted on other scenes."""
    fold_of = {scene: k % FOLDS for k, scene in enumerate(dict.fromkeys(drawn.scenes))}
    folds = np.array([fold_of[scene] for scene in drawn.scenes])
    of_question: list[list[Row]] = [[] for _ in folds]
    for row in drawn.rows:
        of_question[row.question].append(row)
    first = np.array([any(r.right for r in own if r.first) for own in of_question], float)
    chosen, chances = np.zeros(len(folds)), np.zeros(len(folds))
    for fold in range(FOLDS):
        model = fit([r for r in drawn.rows if folds[r.question] != fold])
        for question in np.flatnonzero(folds == fold):
            own = of_question[question]
            chance = [model.chance(dict(zip(CHOICE_EVIDENCE, r.evidence, strict=True))) for r in own]
            best = int(np.argmax(chance))
            chosen[question], chances[question] = own[best].right, chance[best]
    doubtful = drawn.chances < below
    right = np.where(doubtful, chosen, first)
    surest = np.argsort(-np.where(doubtful, chances, drawn.chances), kind="stable")[: round(ANSWERED * len(right))]
    return {
        "questions": len(right),
        "doubtful": round(float(doubtful.mean()), 4),
        "first plan": round(float(first.mean()), 4),
        "chosen where doubtful": round(float(right.mean()), 4),
        "always chosen": round(float(chosen.mean()), 4),
        "one of them": round(float(np.mean([any(r.right for r in own) for own in of_question])), 4),
        f"right among the surest {ANSWERED:.0%}": round(float(right[surest].mean()), 4),
    }


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="fastreasonseg train choice", description=__doc__)
    parser.add_argument("samples", type=Path, help="of `train samples --of validation`")
    parser.add_argument("--doubtful", type=float, default=0.3, help="share of the questions to draw for (%(default)s)")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings of the model, as adapter=FOLDER")
    args = parser.parse_intermixed_args(argv)
    folder = adapter_folder(load_config(OpenVinoConfig, None, args.overrides))
    if folder is None:
        raise ConfigError("there is no adapter to choose for: name one with adapter=FOLDER")
    if not 0 <= args.doubtful <= 1:
        raise ConfigError(f"--doubtful is a share, from 0 to 1, not {args.doubtful}")
    calibration = read_confidence(folder)
    if calibration is None:
        calibration = first_plans(args.samples)
        write_confidence(calibration, folder)
    drawn = read_drawn(args.samples, calibration)
    below = math.floor(1e4 * float(np.quantile(drawn.chances, args.doubtful))) / 1e4
    made = f"fastreasonseg train choice {args.samples}: {len(drawn.scenes)} questions"
    write_choice(Choice(fit(drawn.rows, made), below, drawn.draws), folder)
    print(json.dumps(figures(drawn, below), indent=1))
    return 0
