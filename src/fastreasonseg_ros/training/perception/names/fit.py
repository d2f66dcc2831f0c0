"""Trains the ensemble of small networks that classify labels from features, all in one batch."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from jaxtyping import Float32, Int64
from tqdm import tqdm

from ....perception.attributes.features import COLOR_FEATURES

SMOOTHING, HIDDEN_COLORS, HIDDEN_LOOKS = 0.05, 0.33, 0.33


def fit(
    x: Float32[np.ndarray, "n features"],
    y: Int64[np.ndarray, "n"],
    names: int,
    hidden: tuple[int, int],
    nets: int,
    epochs: int,
    batch: int = 256,
    features: int | None = None,
) -> list[np.ndarray]:
    """Weights and biases of the layers of LabelModel; trained with AdamW, dropout and input noise.

    Colour features are masked for a third of the samples, since simulated colours and prints differ from real ones; so
    are, for another third, all inputs after the first `features`, since what is seen of an object may be absent.
    """
    import torch

    torch.manual_seed(0)
    inputs, truth = torch.from_numpy(x), torch.from_numpy(y)
    sizes = (x.shape[1], *hidden, names)
    layers = []
    for a, b in pairwise(sizes):
        weight = torch.randn(nets, a, b) * (2 / a) ** 0.5
        layers += [weight.requires_grad_(), torch.zeros(nets, 1, b, requires_grad=True)]
    steps = epochs * (len(x) // batch + 1)
    optimizer = torch.optim.AdamW(layers, lr=3e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps + 1, pct_start=0.1)
    # Class weights: inverse square root of the frequency.
    counts = torch.bincount(truth, minlength=names).clamp(min=1).float()
    weights = (counts.mean() / counts).sqrt().clamp(0.5, 2.0)
    for _ in tqdm(range(epochs), desc="epochs", unit="epoch"):
        for chosen in torch.randperm(len(x)).split(batch):
            rows = inputs[chosen].expand(nets, -1, -1)
            rows = rows + 0.1 * torch.randn(rows.shape)
            rows[..., COLOR_FEATURES] *= (torch.rand(nets, len(chosen), 1) > HIDDEN_COLORS).float()
            rows[..., features or x.shape[1] :] *= (torch.rand(nets, len(chosen), 1) > HIDDEN_LOOKS).float()
            h = torch.relu(rows @ layers[0] + layers[1])
            h = torch.nn.functional.dropout(h, 0.2)
            h = torch.relu(h @ layers[2] + layers[3])
            h = torch.nn.functional.dropout(h, 0.2)
            logits = h @ layers[4] + layers[5]
            loss = torch.nn.functional.cross_entropy(
                logits.flatten(0, 1), truth[chosen].repeat(nets), weights, label_smoothing=SMOOTHING
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    arrays = [p.detach().numpy().astype(np.float32) for p in layers]
    return [a if k % 2 == 0 else a[:, 0] for k, a in enumerate(arrays)]
