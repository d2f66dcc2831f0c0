"""TRL's GRPOTrainer with prompts that are processed once per group, and atomic checkpoints.

TRL scores every sample in its own row, and computes the output layer at every position. Here the samples of a prompt
are a tree after one pass over the prompt, with common prefixes processed once. The output layer is computed only at
positions before a sampled token, and samples with advantage 0 are left out of the loss, which is a sum.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from peft import set_peft_model_state_dict
from safetensors.torch import load_file
from torch.optim.lr_scheduler import LambdaLR
from transformers import PrinterCallback
from trl import GRPOTrainer

from ..checkpoints import SafeCheckpoints
from ..sft.trainer import Progress
from .sampler import allowed_tokens

Tensor = torch.Tensor


class GroupTrainer(SafeCheckpoints, GRPOTrainer):
    """progress: the run's clock and log; run: see SafeCheckpoints; share_prompts: the above, on one process.

    The learning rate is constant after warmup_steps.
    """

    def __init__(self, *, progress: Progress, run: dict, warmup_steps: int, share_prompts: bool, **kwargs) -> None:
        super().__init__(**kwargs)
        self.progress, self.run, self.warmup_steps = progress, run, warmup_steps
        # Bypassing the wrapper of a distributed model would not synchronise its gradients.
        self.share_prompts = share_prompts and self.accelerator.num_processes == 1
        self.remove_callback(PrinterCallback)
        self.add_callback(progress)

    @property
    def minutes(self) -> float:
        return self.progress.minutes

    def _get_per_token_logps_and_entropies(
        self, model, input_ids, attention_mask, logits_to_keep, batch_size=None, compute_entropy=False, **kwargs
    ):
        if not self.share_prompts:
            return super()._get_per_token_logps_and_entropies(
                model, input_ids, attention_mask, logits_to_keep, batch_size, compute_entropy, **kwargs
            )
        split = input_ids.shape[1] - logits_to_keep
        rows = [
            (tuple(i[:split][m[:split].bool()].tolist()), tuple(i[split:][m[split:].bool()].tolist()))
            for i, m in zip(input_ids, attention_mask, strict=True)
        ]
        core = self.accelerator.unwrap_model(model).get_base_model()
        found: dict[tuple, tuple[Tensor, Tensor]] = {}
        for prompt in dict.fromkeys(prompt for prompt, _ in rows):
            replies = list(dict.fromkeys(reply for p, reply in rows if p == prompt))
            with self.accelerator.autocast():
                matcher = self.rollout_func.matcher(core, prompt)
                values = branch_logps(core, prompt, replies, self.temperature, matcher)
            found.update({(prompt, reply): value for reply, value in zip(replies, values, strict=True)})
        padded = torch.zeros(logits_to_keep, device=input_ids.device)
        columns = [
            torch.stack([torch.cat([found[row][k], padded[len(row[1]) :]]) for row in rows])
            for k in range(1 + compute_entropy)
        ]
        return columns[0], columns[1] if compute_entropy else None, None

    def _compute_loss(self, model, inputs):
        if not self.share_prompts or self.beta != 0.0 or self.loss_type != "dapo":
            return super()._compute_loss(model, inputs)
        rows = inputs["advantages"].nonzero()[:, 0]
        if not len(rows):  # gradients must exist, as 0
            return sum(p.sum() for p in model.parameters() if p.requires_grad) * 0.0
        count = len(inputs["advantages"])
        kept = {k: v[rows] if torch.is_tensor(v) and v.dim() and len(v) == count else v for k, v in inputs.items()}
        return super()._compute_loss(model, kept)

    def create_scheduler(self, num_training_steps: int, optimizer=None):
        if self.lr_scheduler is None:
            warmup = max(1, self.warmup_steps)
            self.lr_scheduler = LambdaLR(optimizer or self.optimizer, lambda step: min(1.0, (step + 1) / warmup))
            self._created_lr_scheduler = True
        return self.lr_scheduler

    def _load_from_checkpoint(self, resume_from_checkpoint, model=None) -> None:
        weights = load_file(Path(resume_from_checkpoint) / "adapter_model.safetensors")
        set_peft_model_state_dict(self.accelerator.unwrap_model(self.model), weights)

    def _save(self, output_dir: str | None = None, state_dict=None) -> None:
        # Only the policy: base and start adapter (TRL's reference) are named in run.json.
        if self.args.should_save:
            policy = self.accelerator.unwrap_model(self.model)
            policy.save_pretrained(output_dir, save_embedding_layers=False, selected_adapters=["default"])

    def create_model_card(self, *args, **kwargs) -> None:
        """Disabled: the card is written for a release."""

    def _send_telemetry(self) -> None:
        """Disabled."""


def branch_logps(
    core, prompt: Sequence[int], replies: Sequence[Sequence[int]], temperature: float, matcher: Any = None
) -> list[tuple[Float[Tensor, "t"], Float[Tensor, "t"]]]:
    """Log-probabilities and entropies of every reply's tokens (nats, at that temperature) after one prompt.

    Prompt and replies are processed in one row, as a tree with shared prefixes in which a token attends to its
    ancestors. matcher: xgrammar's state before the replies, if the policy is constrained by the grammar; probabilities
    are then normalised over the allowed tokens.
    """
    tokens, parents, depths = list(prompt), list(range(-1, len(prompt) - 1)), list(range(len(prompt)))
    known: dict[tuple[int, int], int] = {}  # (place before, token) -> place
    states = {len(prompt) - 1: matcher}
    paths: list[list[int]] = []
    for reply in replies:
        place, path = len(prompt) - 1, []
        for token in reply:
            if (place, token) not in known:
                known[place, token] = len(tokens)
                tokens.append(token)
                parents.append(place)
                depths.append(depths[place] + 1)
                if matcher is not None:
                    states[known[place, token]] = state = states[place].fork()
                    state.accept_token(token)
            place = known[place, token]
            path.append(place)
        paths.append(path)
    attends = torch.eye(len(tokens), dtype=torch.bool)
    for place, parent in enumerate(parents[1:], 1):
        attends[place] |= attends[parent]
    device = core.get_output_embeddings().weight.device
    hidden = core.base_model(
        input_ids=torch.tensor([tokens], device=device),
        position_ids=torch.tensor([depths], device=device),
        attention_mask=attends[None, None].to(device),
        use_cache=False,
    ).last_hidden_state[0]
    before, row = torch.tensor(parents[len(prompt) :], device=device).unique(return_inverse=True)
    logits = core.get_output_embeddings()(hidden[before]).float() / temperature
    if matcher is not None:
        allowed = allowed_tokens([states[place] for place in before.tolist()], logits.shape[-1])
        logits = logits.masked_fill(~allowed.to(device), -torch.inf)
    logps = torch.log_softmax(logits, dim=-1)
    chosen = logps[row, torch.tensor(tokens[len(prompt) :], device=device)]
    with torch.no_grad():
        entropies = -(logps.exp() * logps).nan_to_num(0.0).sum(-1)[row]
    places = [torch.tensor(path, device=device) - len(prompt) for path in paths]
    return [(chosen[p], entropies[p]) for p in places]


class RewardProgress(Progress):
    """Writes the rewards of every step to log.jsonl: means over its samples, before weights."""

    def on_log(self, args, state, control, logs=None, **kwargs):
        if not logs or "loss" not in logs or self.bar is None:
            return
        names = {
            "reward": "reward",
            "reward_std": "reward_std",
            "equal_groups": "frac_reward_zero_std",
            "kl": "kl",
            "entropy": "entropy",
            "length": "completions/mean_length",
            "clipped": "completions/clipped_ratio",
            "judge_skipped": "judge_skipped",
            "grad_norm": "grad_norm",
            "learning_rate": "learning_rate",
            "loss": "loss",
        }
        rewards = {
            key.split("/")[1].removesuffix("_reward"): value
            for key, value in logs.items()
            if key.startswith("rewards/") and key.endswith("/mean")
        }
        values = {**rewards, **{name: logs[key] for name, key in names.items() if key in logs}}
        line = {"step": state.global_step, **values, "seconds": self.seconds}
        rounded = {k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in line.items()}
        with self.log.open("a") as file:
            file.write(json.dumps(rounded) + "\n")
        self.bar.update()
        self.bar.set_postfix(reward=rounded.get("reward"), accuracy=rounded.get("accuracy"))
