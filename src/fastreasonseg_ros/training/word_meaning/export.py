"""Calibrates the reader and writes its weights: matrices as 8-bit integers with one scale a row, the rest as halves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import nn

from ...reasoning.word_meaning.bert import SCALE
from ..student.checkpoints import writing
from .judgements import Judgement
from .reader import PADDING, Packer, ReaderNet

_WORDS = "embeddings.word_embeddings.weight"  # those of the wheel


def logits_of(
    net: ReaderNet, judgements: Sequence[Judgement], batch: int = 16
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(logits, targets) of the labels of a few judgements at a time."""
    pack = Packer()
    for start in range(0, len(judgements), batch):
        rows = [
            (j.phrase, [(label, 1.0) for label in j.yes] + [(label, 0.0) for label in j.no])
            for j in judgements[start : start + batch]
        ]
        packed = pack(rows)
        with torch.no_grad():
            logits = net(**packed)["logits"]
        known = packed["targets"] != PADDING
        yield logits[known].numpy(), packed["targets"][known].numpy()


def calibrate(net: ReaderNet, judgements: Sequence[Judgement]) -> tuple[float, float]:
    """Scales and shifts the logits to the least cross-entropy on these judgements (Platt scaling), in the weights."""
    pairs = list(logits_of(net.eval(), judgements))
    logits, targets = (torch.tensor(np.concatenate([p[k] for p in pairs])) for k in (0, 1))
    scale, shift = torch.ones(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.LBFGS([scale, shift], max_iter=100)

    def step() -> torch.Tensor:
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(logits * scale + shift, targets)
        loss.backward()
        return loss

    optimizer.step(step)
    a, b = float(scale.detach()), float(shift.detach())
    with torch.no_grad():
        net.head.weight.mul_(a)
        net.head.bias.mul_(a).add_(b)
        net.scale.mul_(a)
    return a, b


def export(net: ReaderNet, path: Path) -> None:
    """Writes the file that reasoning/word_meaning/reader.py reads. Raises ModelError where there is no room."""
    arrays: dict[str, np.ndarray] = {}
    weights = {**net.bert.state_dict(), **{f"head.{k}": v for k, v in net.head.state_dict().items()}}
    weights["scale"] = net.scale.detach().reshape(1)
    for name, tensor in weights.items():
        values = tensor.detach().float().numpy()
        if name == _WORDS or name.endswith("position_ids"):
            continue
        if name.startswith("encoder.") and values.ndim == 2:
            scale = np.maximum(np.abs(values).max(axis=1), 1e-8) / 127
            arrays[name] = np.round(values / scale[:, None]).astype(np.int8)
            arrays[name + SCALE] = scale.astype(np.float32)
        else:
            arrays[name] = values.astype(np.float16)
    path.parent.mkdir(parents=True, exist_ok=True)
    with writing(path, keeps="the checkpoints are kept"):
        save_file(arrays, path)
