"""`fastreasonseg train confidence SCENES QUERIES`: fits the chance that an answer is right, for one student.

The student answers questions about twins (files as for `eval-twins`) that it was not trained on; a logistic model of
the evidence in its answers (reasoning/confidence.py) is fitted to whether they are right, and written beside its
adapter. What is reported comes from five folds over scenes: each answer's chance is by a model that was fitted on other
scenes. Run it anew for every new adapter.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64
from tqdm import tqdm

from ...config import load_config
from ...errors import ConfigError, DatasetError
from ...io.datasets.base import Question, read_questions, read_twin_scenes
from ...pipeline import StandingQuestion
from ...reasoning import make_word_meaning
from ...reasoning.calibration import Calibration
from ...reasoning.confidence import EVIDENCE, evidence, write_confidence
from ...reasoning.language_models.openvino import OpenVinoConfig, OpenVinoModel, adapter_folder
from ...twin.types import Answer, DigitalTwin, Query
from ..logistic import fit_logistic

FOLDS = 5
ANSWERED = 0.7  # share of the questions that are answered when those of least confidence are asked back


def is_right(answer: Answer, question: Question) -> bool:
    """Whether just the right things are answered, and for a command the right destination."""
    if set(answer.ids) != set(question.target_ids):
        return False
    return not question.destination_ids or set(answer.destination_ids) == set(question.destination_ids)


def fit(rows: Sequence[dict[str, float]], right: Sequence[bool], made: str = "") -> Calibration:
    """Logistic regression with a ridge. rows: evidence of each answer."""
    x = np.array([[row[name] for name in EVIDENCE] for row in rows])
    intercept, found = fit_logistic(x, np.array(right, float))
    weights = {name: round(float(w), 5) for name, w in zip(EVIDENCE, found, strict=True)}
    return Calibration(round(intercept, 5), weights, made)


def reliability(chances: Float64[np.ndarray, "n"], right: Bool[np.ndarray, "n"]) -> dict[str, object]:
    """bins: of tenths of the chance, their mean, the share that is right, and the count. error: mean difference of the
    two, weighted by count. sure: share that is right among the most confident 70 %.
    """
    tenth = np.minimum((chances * 10).astype(int), 9)
    bins = [
        {
            "confidence": round(float(chances[tenth == k].mean()), 3),
            "right": round(float(right[tenth == k].mean()), 3),
            "n": int((tenth == k).sum()),
        }
        for k in range(10)
        if (tenth == k).any()
    ]
    order = np.argsort(-chances, kind="stable")
    count = round(ANSWERED * len(order))
    return {
        "n": len(right),
        "right": round(float(right.mean()), 4),
        f"right among the surest {ANSWERED:.0%}": round(float(right[order[:count]].mean()), 4) if count else None,
        "brier": round(float(((chances - right) ** 2).mean()), 4),
        "calibration error": round(sum(abs(b["confidence"] - b["right"]) * b["n"] for b in bins) / len(right), 4),
        "bins": bins,
    }


def cross_fitted(
    rows: Sequence[dict[str, float]], right: Sequence[bool], scenes: Sequence[str]
) -> Float64[np.ndarray, "n"]:
    """The chance of each answer by a model that was fitted on other scenes."""
    fold_of = {scene: k % FOLDS for k, scene in enumerate(dict.fromkeys(scenes))}
    folds = np.array([fold_of[scene] for scene in scenes])
    chances = np.zeros(len(rows))
    for k in range(FOLDS):
        other = np.flatnonzero(folds != k)
        model = fit([rows[i] for i in other], [right[i] for i in other])
        for i in np.flatnonzero(folds == k):
            chances[i] = model.chance(rows[i])
    return chances


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="fastreasonseg train confidence", description=__doc__)
    parser.add_argument("scenes", help="twins, as for eval-twins")
    parser.add_argument("queries", help="questions with target_ids about them")
    parser.add_argument("--limit", type=int, default=None, metavar="N", help="only the first N questions")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the reliability is written")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings of the model, as adapter=FOLDER")
    args = parser.parse_intermixed_args(argv)
    config = load_config(OpenVinoConfig, None, args.overrides)
    folder = adapter_folder(config)
    if folder is None:
        raise ConfigError("there is no adapter to calibrate: name one with adapter=FOLDER")
    twins, questions = read_twin_scenes(args.scenes), read_questions(args.queries)[: args.limit]
    rows, right, scenes = _answered(twins, questions, OpenVinoModel(replace(config, choose=False)))
    if len(rows) < 50:
        raise DatasetError(f"{args.queries}: {len(rows)} questions could be answered; a calibration needs 50 or more")
    report = reliability(cross_fitted(rows, right, scenes), np.array(right))
    made = f"fastreasonseg train confidence {args.scenes} {args.queries}: {len(rows)} questions"
    write_confidence(fit(rows, right, made), folder)
    text = json.dumps(report, indent=1)
    if args.json:
        args.json.write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0


def _answered(
    twins: dict[str, DigitalTwin], questions: Sequence[Question], model: OpenVinoModel
) -> tuple[list[dict[str, float]], list[bool], list[str]]:
    meaning = make_word_meaning()
    rows: list[dict[str, float]] = []
    right: list[bool] = []
    scenes: list[str] = []
    for question in tqdm(questions, desc="questions", unit="question"):
        if question.scene not in twins:
            raise DatasetError(f"{question.where}: unknown scene {question.scene!r}")
        asked = StandingQuestion(Query(question.text), model, meaning)
        answer = asked.answer(twins[question.scene], closest=True)
        found = evidence(asked.rollout, answer) if asked.rollout is not None else None
        if found is not None:
            rows.append(found)
            right.append(is_right(answer, question))
            scenes.append(question.scene)
    return rows, right, scenes
