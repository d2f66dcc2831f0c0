"""`fastreasonseg train verifier`: trains the choice among a student's plans on samples of `train samples`.

A ReaderNet (training/word_meaning) reads a question with every plan that was drawn for it, in words with what its steps
give, and learns which are right. On the scenes of the validation share, which it is not trained on, a logistic model
weighs its verdict with the plan's likelihood; what is reported there is by five folds over scenes. Settings come from
config/train/verifier_NAME.yaml (`--config NAME`, or a path) and `key=value`. Run it anew for every new adapter.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64
from torch.utils.data import Dataset
from transformers import set_seed

from ...config import load_config
from ...errors import DatasetError
from ...io.files import read_jsonl
from ...reasoning.choosing import EVIDENCE, PLAN_TOKENS, WEIGHTS, evidence, write_decision
from ...reasoning.word_meaning.reader import Reader
from ..logistic import fit_logistic
from ..word_meaning.export import export, load_weights
from ..word_meaning.reader import Packer, ReaderNet, Row
from ..word_meaning.train import Schedule, fitted
from .base_model import settings_file

FOLDS = 5


@dataclass(frozen=True)
class VerifierTrainConfig(Schedule):
    """samples: of `train samples`. reader: weights to begin with; empty: all-MiniLM-L6-v2 as it comes. model: folder of
    the adapter that the samples are of. validation: share of the scenes, the last ones. sure: share of the validation
    questions whose first plan is taken as it is, those of the likeliest plans. draws: further plans at run time.
    """

    out: str = "out/train/verifier"
    samples: str = "out/train/samples.jsonl"
    reader: str = "models/word_meaning/reader.safetensors"
    model: str = "models/student"
    epochs: float = 3.0
    batch: int = 6
    learning_rate: float = 1.0e-4
    validation: float = 0.15
    sure: float = 0.5
    draws: int = 6


class Plans(Dataset[Row]):
    def __init__(self, questions: Sequence[dict[str, Any]]) -> None:
        self._rows: list[Row] = [
            (q["text"], [(s["described"], float(s["right"])) for s in q["samples"]]) for q in questions
        ]

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, k: int) -> Row:
        return self._rows[k]


def split(path: Path, validation: float) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Questions to train on and for validation, by scene; each with its scene. Raises DatasetError."""
    scenes = [row for _, row in read_jsonl(path)]
    cut = round(len(scenes) * (1 - validation))
    parts = [
        [q | {"scene": s["scene"], "samples": merged(q["samples"])} for s in part for q in s["questions"]]
        for part in (scenes[:cut], scenes[cut:])
    ]
    if not all(parts):
        raise DatasetError(f"{path}: {len(scenes)} scenes are too few to train on; draw more with `train samples`")
    return parts[0], parts[1]


def merged(samples: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One sample a plan, the likeliest text of it, with the number of all; as they came."""
    found: dict[str, dict[str, Any]] = {}
    for sample in samples:
        known = found.setdefault(sample["described"], sample | {"number": 0})
        number = known["number"] + sample["number"]
        better = max(known, sample, key=lambda s: s["log_probability"])
        found[sample["described"]] = better | {"number": number}
    return list(found.values())


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="fastreasonseg train verifier", description=__doc__)
    parser.add_argument("--config", metavar="NAME", help="config/train/verifier_NAME.yaml, or the path of a YAML file")
    parser.add_argument("overrides", nargs="*", metavar="key=value")
    args = parser.parse_args(argv)
    config = load_config(VerifierTrainConfig, settings_file("verifier", args.config), args.overrides)
    if config.threads:
        torch.set_num_threads(config.threads)
    set_seed(config.seed)
    learned, kept_back = split(Path(config.samples), config.validation)
    net = ReaderNet(config.dropout, config.smoothing)
    if config.reader:
        load_weights(net, Path(config.reader))
    mixed = [q for q in learned if len({s["right"] for s in q["samples"]}) == 2]
    fitted(net, Plans(mixed), Packer(PLAN_TOKENS), config)
    export(net, Path(config.model) / WEIGHTS)
    report = decide(config, kept_back)
    (Path(config.out) / "measures.json").write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))
    return 0


def decide(config: VerifierTrainConfig, questions: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Fits and writes the weights of the choice; shares of the questions that are right by each way to choose."""
    reader = Reader(Path(config.model) / WEIGHTS, label_tokens=PLAN_TOKENS)
    rows = [_evidence(reader, q) for q in questions]
    right = [np.array([float(s["right"]) for s in q["samples"]]) for q in questions]
    intercept, weights = fit_logistic(np.concatenate(rows), np.concatenate(right))
    likeliest = np.array([max(s["log_probability"] for s in q["samples"]) for q in questions])
    sure = float(np.quantile(likeliest, 1 - config.sure))
    named = {name: round(float(w), 5) for name, w in zip(EVIDENCE, weights, strict=True)}
    made = f"fastreasonseg train verifier samples={config.samples}: {len(questions)} questions"
    write_decision(Path(config.model), round(intercept, 5), named, round(sure, 3), config.draws, made)
    chosen = _cross_fitted(rows, right, [q["scene"] for q in questions])
    first = np.array([r[0] for r in right])
    unsure = likeliest < sure
    return {
        "questions": len(questions),
        "likeliest": round(float(first.mean()), 4),
        "most often drawn": round(
            float(
                np.mean(
                    [r[np.argmax([s["number"] for s in q["samples"]])] for q, r in zip(questions, right, strict=True)]
                )
            ),
            4,
        ),
        "verdict alone": round(float(np.mean([r[x[:, 0].argmax()] for x, r in zip(rows, right, strict=True)])), 4),
        "chosen": round(float(chosen.mean()), 4),
        "chosen where unsure": round(float(np.where(unsure, chosen, first).mean()), 4),
        "one of them": round(float(np.mean([r.max() for r in right])), 4),
    }


def _evidence(reader: Reader, question: dict[str, Any]) -> Float64[np.ndarray, "plans 4"]:
    samples = question["samples"]
    verdicts = reader.chances(question["text"], [s["described"] for s in samples])
    return evidence(verdicts.tolist(), [s["log_probability"] for s in samples], [s["number"] for s in samples])


def _cross_fitted(
    rows: Sequence[np.ndarray], right: Sequence[np.ndarray], scenes: Sequence[str]
) -> Float64[np.ndarray, "n"]:
    """Whether the plan that is chosen by weights fitted on other scenes is right."""
    fold_of = {scene: k % FOLDS for k, scene in enumerate(dict.fromkeys(scenes))}
    chosen = np.zeros(len(rows))
    for fold in range(FOLDS):
        other = [k for k, scene in enumerate(scenes) if fold_of[scene] != fold]
        _, weights = fit_logistic(np.concatenate([rows[k] for k in other]), np.concatenate([right[k] for k in other]))
        for k, scene in enumerate(scenes):
            if fold_of[scene] == fold:
                chosen[k] = right[k][(rows[k] @ weights).argmax()]
    return chosen
