"""Mask metrics of one question: IoU, the sums for gIoU and cIoU, J and F of videos. summary.py aggregates them.

Definitions are those of the reference evaluations, so that figures can stand beside published ones:
- IoU, gIoU, cIoU: LISA's validate() (intersectionAndUnionGPU with ignore_index): ignored pixels leave prediction and
  target, an empty union counts 1. LISA adds 1e-5 to each union, which this does not.
- J, F: db_eval_iou and db_eval_boundary of davis2017-evaluation (Perazzi et al., CVPR 2016, section 5.1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from ...twin.masks import dilate, iou

Mask = Bool[np.ndarray, "h w"]
BOUNDARY_TOLERANCE = 0.008  # radius of the disk as a share of the image diagonal


@dataclass(frozen=True)
class MaskScore:
    """One question. iou: mean over its frames, 0..1 (J); intersection, union: pixels summed over all frames.

    f: mean boundary F over its frames, 0..1; None if it was not computed.
    """

    iou: float
    intersection: int
    union: int
    f: float | None = None


def score_masks(
    predicted: Sequence[Mask | None],
    target: Sequence[Mask],
    ignore: Sequence[Mask | None] | None = None,
    boundaries: bool = False,
) -> MaskScore:
    """Score of one question's masks, one a frame. A missing prediction (None) counts as an empty one.

    ignore: pixels removed from prediction and target; None = all pixels count. Raises ValueError without a frame.
    """
    if not target:
        raise ValueError("no frame to compare: a question needs at least one annotated frame")
    masks = [np.zeros_like(t) if p is None else p for p, t in zip(predicted, target, strict=True)]
    targets = list(target)
    for k, void in enumerate(ignore or ()):
        if void is not None:
            masks[k], targets[k] = masks[k] & ~void, targets[k] & ~void
    pairs = list(zip(masks, targets, strict=True))
    return MaskScore(
        iou=float(np.mean([iou(p, t) for p, t in pairs])),
        intersection=sum(int(np.count_nonzero(p & t)) for p, t in pairs),
        union=sum(int(np.count_nonzero(p | t)) for p, t in pairs),
        f=float(np.mean([boundary_f(p, t) for p, t in pairs])) if boundaries else None,
    )


def boundary_f(predicted: Mask, target: Mask, tolerance: float = BOUNDARY_TOLERANCE) -> float:
    """F of the boundaries, 0..1, within ceil(tolerance x diagonal) pixels.

    As in the reference, two masks without a boundary (empty, or the full image) score 1, and one of these against a
    mask with a boundary scores 0.
    """
    radius_px = float(math.ceil(tolerance * math.hypot(*target.shape)))
    edge_p, edge_t = davis_boundary(predicted), davis_boundary(target)
    n_p, n_t = np.count_nonzero(edge_p), np.count_nonzero(edge_t)
    if not n_p or not n_t:
        return float(n_p == n_t)
    precision = np.count_nonzero(edge_p & dilate(edge_t, radius_px)) / n_p
    recall = np.count_nonzero(edge_t & dilate(edge_p, radius_px)) / n_t
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def davis_boundary(mask: Mask) -> Mask:
    """Boundary pixels as in the DAVIS and Berkeley benchmarks: pixels that differ from their right, lower, or lower
    right neighbour. The last row compares to the right only, the last column down only; the last pixel is never one."""
    edge = np.zeros_like(mask)
    here = mask[:-1, :-1]
    edge[:-1, :-1] = (here ^ mask[:-1, 1:]) | (here ^ mask[1:, :-1]) | (here ^ mask[1:, 1:])
    edge[-1, :-1] = mask[-1, :-1] ^ mask[-1, 1:]
    edge[:-1, -1] = mask[:-1, -1] ^ mask[1:, -1]
    return edge


def percentiles(milliseconds: Sequence[float]) -> dict[str, float | None]:
    """p50 and p95, None without measurements."""
    if not milliseconds:
        return {"p50": None, "p95": None}
    p50, p95 = np.percentile(milliseconds, [50, 95])
    return {"p50": round(float(p50), 3), "p95": round(float(p95), 3)}
