"""Common parts of `train sft` and `train grpo`: data, and constant settings of the Trainer."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import torch
from accelerate import PartialState
from transformers import TrainingArguments

from ...errors import ConfigError
from .corpus import data


class TrainingSettings(Protocol):
    """The common settings of both configurations."""

    @property
    def rollouts(self) -> str: ...
    @property
    def make_scenes(self) -> int: ...
    @property
    def out(self) -> str: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def bf16(self) -> bool: ...
    @property
    def gradient_checkpointing(self) -> bool: ...
    @property
    def seed(self) -> int: ...


def training_rollouts(config: TrainingSettings) -> Path:
    """The training data; generated in `out` if none is given, once for all processes. Raises ConfigError.

    The Trainer's arguments must be created before, since they initialize distributed processes.
    """
    if config.rollouts:
        return Path(config.rollouts)
    if not config.make_scenes:
        raise ConfigError("rollouts names no file, and make_scenes is 0: set one of them")
    path = Path(config.out) / "rollouts.jsonl"
    with PartialState().main_process_first():
        if PartialState().is_main_process:
            data.main(["--out", str(path), "--scenes", str(config.make_scenes)])
    return path


def trainer_settings(config: TrainingSettings) -> dict[str, Any]:
    """Keyword arguments for a TrainingArguments of either trainer."""
    cuda = torch.cuda.is_available()
    return {
        "output_dir": config.out,
        "learning_rate": config.learning_rate,
        "weight_decay": config.weight_decay,
        "max_grad_norm": 1.0,
        "bf16": config.bf16,
        "use_cpu": not cuda,
        "gradient_checkpointing": config.gradient_checkpointing,
        "gradient_checkpointing_kwargs": {"use_reentrant": False} if config.gradient_checkpointing else None,
        "ddp_find_unused_parameters": False,
        "dataloader_pin_memory": cuda,
        "logging_steps": 1,
        "save_strategy": "no",  # by the clock, see Progress
        "report_to": "none",
        "disable_tqdm": True,
        "seed": config.seed,
        "data_seed": config.seed,
    }


def accumulate(args: TrainingArguments, what: str, per_step: int, per_forward: int) -> None:
    """Sets how many forward passes make a step over all processes. what: 'scenes' or 'prompts'. Raises ConfigError."""
    together = per_forward * args.world_size
    if per_step % together:
        raise ConfigError(f"{what}_per_step={per_step} is no multiple of {what}_per_forward x processes = {together}")
    args.gradient_accumulation_steps = per_step // together
