"""`fastreasonseg train meaning`: trains the reader of word meaning on people's judgements.

transformers' Trainer; an interrupted run is resumed from its last checkpoint by the same command. The reader is
calibrated on the validation phrases, exported with weights of 8 bits, and measured; on the validation phrases of
people's questions the decision is fitted (reasoning/word_meaning/decision.py). Settings come from
config/train/meaning_NAME.yaml (`--config NAME`, or a path) and `key=value`.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments, set_seed
from transformers.trainer_utils import get_last_checkpoint

from ...config import load_config
from ...errors import ConfigError
from ...reasoning.word_meaning.reader import Reader
from ..student.base_model import settings_file
from .decide import exact_share, fit_decision
from .export import calibrate, export
from .judgements import OF_SCENE, Judgement, drawn, read_judgements, scene_judgements
from .measure import measure
from .reader import Packer, ReaderNet, Row


@dataclass(frozen=True)
class MeaningTrainConfig:
    """Settings of one run. judgements: the corpus. questions: the folder of people's questions, whose quoted words are
    judged against the labels of their scenes; empty: without. labels: of a phrase in one sample; strangers: besides,
    labels of other phrases as not fitting. model: where the exported weights go.
    """

    judgements: str = "corpus/word_meaning/judgements.jsonl.gz"
    questions: str = "corpus/questions"
    out: str = "out/train/meaning"
    model: str = "models/word_meaning/reader.safetensors"
    epochs: float = 5.0
    max_steps: int = 0  # 0: as many as the epochs give
    batch: int = 12
    labels: int = 24
    strangers: int = 4
    learning_rate: float = 1.5e-4
    warmup_steps: int = 100
    weight_decay: float = 0.01
    dropout: float = 0.1
    smoothing: float = 0.02
    share: float = 1.0  # of the phrases to train on, for a curve
    seed: int = 1
    threads: int = 0  # 0: as torch chooses

    def __post_init__(self) -> None:
        if min(self.batch, self.labels) < 1 or not 0 < self.share <= 1:
            raise ValueError("batch and labels must be at least 1, share above 0 and at most 1")


class Phrases(Dataset[Row]):
    """Judgements as rows, their labels drawn anew each time."""

    def __init__(self, judgements: tuple[Judgement, ...], config: MeaningTrainConfig) -> None:
        self._judgements, self._config, self._rng = judgements, config, Random(config.seed)

    def __len__(self) -> int:
        return len(self._judgements)

    def __getitem__(self, k: int) -> Row:
        c = self._config
        return drawn(self._judgements[k], self._judgements, self._rng, c.labels, c.strangers)


def train(config: MeaningTrainConfig) -> ReaderNet:
    """Trains, or goes on from the last checkpoint. Raises DatasetError, ConfigError."""
    if config.threads:
        torch.set_num_threads(config.threads)
    set_seed(config.seed)
    phrases = judged(config, "train")
    phrases = phrases[: max(1, round(len(phrases) * config.share))]
    if not phrases:
        raise ConfigError(f"{config.judgements}: no judgement of the split train")
    arguments = TrainingArguments(
        config.out, per_device_train_batch_size=config.batch, num_train_epochs=config.epochs,
        max_steps=config.max_steps or -1, learning_rate=config.learning_rate, weight_decay=config.weight_decay,
        warmup_steps=config.warmup_steps, lr_scheduler_type="linear", max_grad_norm=1.0, seed=config.seed,
        logging_steps=25, save_strategy="steps", save_steps=200, save_total_limit=2, report_to=[], disable_tqdm=True,
        remove_unused_columns=False, label_names=["targets"], dataloader_pin_memory=False,
    )  # fmt: skip
    net = ReaderNet(config.dropout, config.smoothing)
    trainer = Trainer(net, arguments, data_collator=Packer(), train_dataset=Phrases(phrases, config))
    trainer.train(resume_from_checkpoint=get_last_checkpoint(config.out) if Path(config.out).is_dir() else None)
    return net.eval()


def judged(config: MeaningTrainConfig, split: str) -> tuple[Judgement, ...]:
    """The judgements of a split: those of the corpus, then those of people's questions."""
    own = tuple(j for j in read_judgements(Path(config.judgements)) if j.split == split)
    return own + (scene_judgements(Path(config.questions), split) if config.questions else ())


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="fastreasonseg train meaning", description=__doc__)
    parser.add_argument("--config", metavar="NAME", help="config/train/meaning_NAME.yaml, or the path of a YAML file")
    parser.add_argument("overrides", nargs="*", metavar="key=value")
    args = parser.parse_args(argv)
    config = load_config(MeaningTrainConfig, settings_file("meaning", args.config), args.overrides)
    net = train(config)
    calibrate(net, judged(config, "validation"))
    export(net, Path(config.model))
    reader = Reader(Path(config.model))
    of_scenes = {
        split: [j for j in judged(config, split) if j.kind == OF_SCENE] for split in ("validation", "held_out")
    }
    meaning = None
    if of_scenes["validation"]:
        made = f"fastreasonseg train meaning, validation phrases of {config.questions}"
        meaning = fit_decision(Path(config.model), of_scenes["validation"], made)
    found: dict[str, dict[str, float]] = {}
    for split, phrases in of_scenes.items():
        found[split] = measure(reader, [j for j in judged(config, split) if j.kind != OF_SCENE])
        if phrases and meaning:
            decided = {"exact_set with word lists and embeddings": exact_share(meaning, phrases)}
            found[f"{split}, scenes"] = measure(reader, phrases) | decided
    (Path(config.out) / "measures.json").write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))
    return 0
