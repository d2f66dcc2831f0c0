"""TRL's SFTTrainer with a loss that is cheap on a CPU, a schedule over steps or minutes, and atomic checkpoints."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

import torch
from accelerate.utils import broadcast
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import LambdaLR
from tqdm import tqdm
from transformers import PrinterCallback, TrainerCallback
from trl import SFTTrainer

from ..checkpoints import SafeCheckpoints
from .packing import IGNORED


class SceneTrainer(SafeCheckpoints, SFTTrainer):
    """progress: the run's clock and log; schedule: learning rate of (step, minutes); run: see SafeCheckpoints."""

    def __init__(self, *, progress: Progress, schedule: Schedule, run: dict, **kwargs) -> None:
        super().__init__(**kwargs)
        self.progress, self.schedule, self.run = progress, schedule, run
        self.remove_callback(PrinterCallback)
        self.add_callback(progress)

    @property
    def minutes(self) -> float:
        return self.progress.minutes

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        """Cross entropy over completion tokens; on a CPU the output layer is computed for these only.

        TRL's fused head does that on GPUs only. An output layer over 49k tokens costs as much as the rest of a small
        model.
        """
        if inputs["input_ids"].is_cuda:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        labels = inputs.pop("labels")[:, 1:]
        kept = (labels != IGNORED).any(dim=0).nonzero()[:, 0]
        outputs = model(**inputs, use_cache=False, logits_to_keep=kept)
        targets = labels[:, kept]
        loss = cross_entropy(outputs.logits.float().flatten(0, 1), targets.flatten(), reduction="sum")
        if num_items_in_batch is None:
            loss = loss / (targets != IGNORED).sum().clamp(min=1)
        else:  # normalised over all processes, whose gradients are averaged
            loss = loss / num_items_in_batch * self.accelerator.num_processes
        return (loss, outputs) if return_outputs else loss

    def create_scheduler(self, num_training_steps: int, optimizer=None):
        """The schedule as a torch scheduler; the Trainer saves and restores its step."""
        if self.lr_scheduler is None:
            self.schedule.steps = num_training_steps
            peak = self.args.learning_rate
            self.lr_scheduler = LambdaLR(
                optimizer or self.optimizer, lambda step: self.schedule.rate(step, self.progress.minutes) / peak
            )
            self._created_lr_scheduler = True
        return self.lr_scheduler

    def _save(self, output_dir: str | None = None, state_dict=None) -> None:
        # Only the adapter: the base, its tokenizer and the settings are named in run.json.
        if self.args.should_save:
            self.model.save_pretrained(output_dir, state_dict=state_dict, save_embedding_layers=False)

    def create_model_card(self, *args, **kwargs) -> None:
        """Disabled: the card is written for a release."""

    def _send_telemetry(self) -> None:
        """Disabled."""


class Schedule:
    """Warm-up, then cosine decay from the peak to the final rate, by steps or minutes, whichever is further."""

    def __init__(self, peak: float, final: float, warmup_steps: int, minutes: float) -> None:
        self.peak, self.final, self.warmup_steps, self.limit_minutes = peak, final, warmup_steps, minutes
        self.steps = 1

    def rate(self, step: int, minutes: float) -> float:
        """The learning rate after `step` steps that took `minutes`."""
        if step < self.warmup_steps:
            return self.peak * (step + 1) / self.warmup_steps
        done = max(step / self.steps, minutes / self.limit_minutes if self.limit_minutes else 0.0)
        return self.final + (self.peak - self.final) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


class Progress(TrainerCallback):
    """Counts minutes, triggers checkpoints and the end by them, and writes log.jsonl and the progress bar.

    All processes use the first one's clock, so that they save and stop at the same step.
    """

    def __init__(self, log: Path, minutes: float, limit_minutes: float, checkpoint_minutes: float) -> None:
        self.log, self.minutes, self.limit_minutes = log, minutes, limit_minutes
        self.checkpoint_minutes, self.saved_minutes = checkpoint_minutes, minutes
        self.seconds, self.tokens = 0.0, 0
        self.begun = time.monotonic()
        self.bar: tqdm | None = None

    def on_train_begin(self, args, state, control, **kwargs):
        self.tokens = state.num_input_tokens_seen
        if state.is_world_process_zero:
            self._forget_after(state.global_step)
            self.bar = tqdm(initial=state.global_step, total=state.max_steps, unit="step")

    def on_step_begin(self, args, state, control, **kwargs):
        self.begun = time.monotonic()

    def on_optimizer_step(self, args, state, control, **kwargs):
        spent = torch.tensor(time.monotonic() - self.begun, dtype=torch.float64, device=args.device)
        self.seconds = float(broadcast(spent)) if args.world_size > 1 else float(spent)
        self.minutes += self.seconds / 60

    def on_step_end(self, args, state, control, **kwargs):
        over = bool(self.limit_minutes) and self.minutes > self.limit_minutes
        control.should_training_stop |= over
        if control.should_training_stop or self.minutes - self.saved_minutes > self.checkpoint_minutes:
            control.should_save = True
            self.saved_minutes = self.minutes

    def on_log(self, args, state, control, logs=None, **kwargs):
        if not logs or "loss" not in logs or self.bar is None:
            return
        tokens, self.tokens = state.num_input_tokens_seen - self.tokens, state.num_input_tokens_seen
        seconds = round(self.seconds, 2)
        line = {"step": state.global_step, "loss": round(logs["loss"], 4), "tokens": tokens, "seconds": seconds}
        with self.log.open("a") as file:
            file.write(json.dumps(line) + "\n")
        self.bar.update()
        self.bar.set_postfix(loss=line["loss"], tok_s=round(tokens / self.seconds))

    def on_train_end(self, args, state, control, **kwargs):
        if self.bar is not None:
            self.bar.close()

    def _forget_after(self, step: int) -> None:
        """Removes log lines after the checkpoint that an interrupted run resumes from, since they are repeated."""
        if self.log.exists():
            lines = self.log.read_text().splitlines(keepends=True)
            kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= step]
            self.log.write_text("".join(kept))
