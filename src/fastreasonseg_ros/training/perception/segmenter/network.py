"""The network of the segmenter: a small U-Net that predicts foreground and pixel affinities.

Affinities at several offsets predict whether two pixels belong to the same object. Unlike centre votes they need no
number of objects and no centre, which a bowl and its content would share. After Lee et al., Superhuman Accuracy on the
SNEMI3D Connectomics Challenge (2017), and Wolf et al., The Mutex Watershed (ECCV 2018).
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, interpolate

from ....perception.tabletop.affinity import CHANNELS, OFFSETS

OUTPUTS = 1 + len(OFFSETS)  # foreground first


def _conv(inputs: int, outputs: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, dilation, dilation, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


class _Residual(nn.Module):
    def __init__(self, width: int, dilation: int = 1) -> None:
        super().__init__()
        self.first = _conv(width, width, dilation=dilation)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.second(self.first(x)))


class AffinityNet(nn.Module):
    """U-Net with three levels down to 1/8 and up to 1/2, from which the output is unfolded to full size."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        a, b, c = width, 2 * width, 4 * width
        self.fine = nn.Sequential(_conv(CHANNELS, a, 2), _Residual(a))
        self.middle = nn.Sequential(_conv(a, b, 2), _Residual(b))
        self.coarse = nn.Sequential(_conv(b, c, 2), _Residual(c, dilation=2))
        self.to_middle, self.to_fine = nn.Conv2d(c, b, 1), nn.Conv2d(b, a, 1)
        self.mix_middle, self.mix_fine = _conv(b, b), _conv(a, a)
        self.head = nn.Sequential(nn.Conv2d(a, 4 * OUTPUTS, 1), nn.PixelShuffle(2))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n o h w"]:
        """Logits: foreground, then one affinity an offset; h and w are multiples of 8."""
        fine = self.fine(x)
        middle = self.middle(fine)
        up = interpolate(self.to_middle(self.coarse(middle)), scale_factor=2.0, mode="nearest")
        middle = self.mix_middle(middle + up)
        fine = self.mix_fine(fine + interpolate(self.to_fine(middle), scale_factor=2.0, mode="nearest"))
        return self.head(fine)


def affinity_loss(
    logits: Float[Tensor, "n o h w"], ids: Int[Tensor, "n h w"], valid: Bool[Tensor, "n h w"], apart: float
) -> tuple[Float[Tensor, ""], dict[str, float]]:
    """Binary cross entropy of foreground and of affinities of object pixels with depth. apart: weight of the (rare)
    pairs of two objects. Also the accuracies: foreground, pairs of one object, pairs of two objects."""
    known = valid.float()
    foreground = binary_cross_entropy_with_logits(logits[:, 0], (ids > 0).float(), known, reduction="sum") / known.sum()
    total = torch.zeros((), device=logits.device)
    weights = torch.zeros((), device=logits.device)
    right = {"one": [0.0, 0.0], "two": [0.0, 0.0]}
    for k, offset in enumerate(OFFSETS):
        here, there = shifted(ids.shape[1:], offset)
        a, b = ids[(..., *here)], ids[(..., *there)]
        pair = (a > 0) & (b > 0) & valid[(..., *here)] & valid[(..., *there)]
        out, same = logits[:, 1 + k][(..., *here)][pair], (a == b)[pair]
        weight = torch.where(same, 1.0, apart)
        total = total + binary_cross_entropy_with_logits(out, same.float(), weight, reduction="sum")
        weights = weights + weight.sum()
        with torch.no_grad():
            for name, mask in (("one", same), ("two", ~same)):
                right[name][0] += float(((out > 0) == same)[mask].sum())
                right[name][1] += float(mask.sum())
    with torch.no_grad():
        figures = {"foreground": float((((logits[:, 0] > 0) == (ids > 0)) & valid).sum() / known.sum())}
    figures |= {name: good / max(count, 1.0) for name, (good, count) in right.items()}
    return foreground + total / weights.clamp(min=1.0), figures


def shifted(shape: tuple[int, ...], offset: tuple[int, int]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Slices of all pixels p with p + offset (rows, columns) in the image, and of the pixels p + offset."""
    (h, w), (dy, dx) = shape, offset
    here = slice(max(0, -dy), h - max(0, dy)), slice(max(0, -dx), w - max(0, dx))
    there = slice(max(0, dy), h - max(0, -dy)), slice(max(0, dx), w - max(0, -dx))
    return here, there
