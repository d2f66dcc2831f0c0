"""`fastreasonseg train choice SAMPLES`: fits the choice among plans where a student's first plan finds nothing.

SAMPLES are of `train samples`, about questions that the student was not trained on (`--of validation`). A logistic
model of each answer's evidence (reasoning/choosing.py) is fitted to whether it is right, and written beside the
adapter. What is reported comes from five folds over scenes. Run it anew for every new adapter.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...config import load_config
from ...errors import ConfigError, DatasetError
from ...io.files import read_jsonl
from ...reasoning.choosing import AGREEMENT, CHOICE_EVIDENCE, Choice, write_choice
from ...reasoning.confidence import Calibration
from ...reasoning.language_models.openvino import OpenVinoConfig, adapter_folder
from ..logistic import fit_logistic
from .confidence import FOLDS

LEAST = 50  # questions


@dataclass(frozen=True)
class Row:
    """One answer of one question: its evidence, whether it is right, and whether the likeliest plan gives it."""

    question: int
    evidence: tuple[float, ...]
    right: bool
    first: bool


@dataclass(frozen=True)
class Drawn:
    """What was drawn for questions whose likeliest plan finds nothing; scenes: of each question."""

    rows: list[Row]
    scenes: list[str]
    draws: int


def read_drawn(path: Path) -> tuple[Drawn, dict[str, float]]:
    """Also figures of all questions, those that find something too. Raises DatasetError."""
    rows: list[Row] = []
    scenes: list[str] = []
    first, any_right, draws = [], [], 0
    for where, line in read_jsonl(path):
        for question in line["questions"]:
            try:
                samples = question["samples"]
                likeliest = next(s for s in samples if s["first"])
                first.append(bool(likeliest["right"]))
                any_right.append(any(s["right"] for s in samples))
                draws = max(draws, sum(s["number"] for s in samples) - 1)
                if likeliest["evidence"] is None or likeliest["ids"]:
                    continue
                rows += _rows(samples, len(scenes))
                scenes.append(line["scene"])
            except (KeyError, TypeError, StopIteration) as error:
                raise DatasetError(f"{where}: is no line of `train samples` ({error!r}); draw them anew") from error
    if len(scenes) < LEAST:
        raise DatasetError(f"{path}: the first plan finds nothing for {len(scenes)} questions; {LEAST} are needed")
    figures = {
        "questions": len(first),
        "likeliest": round(float(np.mean(first)), 4),
        "one of them": round(float(np.mean(any_right)), 4),
    }
    return Drawn(rows, scenes, draws), figures


def _rows(samples: Sequence[dict[str, Any]], question: int) -> list[Row]:
    """As reasoning/choosing.answers makes them of plans."""
    counted = [s for s in samples if s["evidence"] is not None]
    total = sum(s["number"] for s in counted)
    groups: dict[tuple[tuple[int, ...], tuple[int, ...]], list[dict[str, Any]]] = {}
    for sample in counted:
        key = tuple(sorted(sample["ids"])), tuple(sorted(sample.get("destination_ids", ())))
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


def figures(drawn: Drawn) -> dict[str, float]:
    """Shares of the questions whose likeliest plan finds nothing, by models fitted on other scenes."""
    fold_of = {scene: k % FOLDS for k, scene in enumerate(dict.fromkeys(drawn.scenes))}
    folds = np.array([fold_of[scene] for scene in drawn.scenes])
    first, chosen, chances = (np.zeros(len(folds)) for _ in range(3))
    for fold in range(FOLDS):
        model = fit([r for r in drawn.rows if folds[r.question] != fold])
        for question in np.flatnonzero(folds == fold):
            own = [r for r in drawn.rows if r.question == question]
            chance = [model.chance(dict(zip(CHOICE_EVIDENCE, r.evidence, strict=True))) for r in own]
            best = int(np.argmax(chance))
            chosen[question], chances[question] = own[best].right, chance[best]
            first[question] = any(r.right for r in own if r.first)
    return {
        "first plan finds nothing": len(folds),
        "right to say so": round(float(first.mean()), 4),
        "chosen right": round(float(chosen.mean()), 4),
        "brier": round(float(((chances - chosen) ** 2).mean()), 4),
    }


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="fastreasonseg train choice", description=__doc__)
    parser.add_argument("samples", type=Path, help="of `train samples --of validation`")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings of the model, as adapter=FOLDER")
    args = parser.parse_args(argv)
    folder = adapter_folder(load_config(OpenVinoConfig, None, args.overrides))
    if folder is None:
        raise ConfigError("there is no adapter to choose for: name one with adapter=FOLDER")
    drawn, report = read_drawn(args.samples)
    made = f"fastreasonseg train choice {args.samples}: {len(drawn.scenes)} of {report['questions']} questions"
    write_choice(Choice(fit(drawn.rows, made), drawn.draws), folder)
    print(json.dumps(report | figures(drawn), indent=1))
    return 0
