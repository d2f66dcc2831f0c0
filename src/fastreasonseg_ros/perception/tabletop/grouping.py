"""Groups surface patches into objects by convexity of their borders.

Objects are mostly convex, and where two of them touch, the surface is mostly concave (Hoffman and Richards, 1984);
see also Stein et al., Object Partitioning using Local Convexity, CVPR 2014. Every border between two patches gives
evidence for or against merging; patches are merged greedily by the largest summed evidence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int32

from ..support.surface import Surface

Labels = Int32[np.ndarray, "h w"]
CONTACT, COLOR_WEIGHT, BIAS = 0.5, 0.8, 0.2


@dataclass(frozen=True)
class Border:
    """Border of two patches a < b.

    joined: share of the length without a depth step. bend_deg: median signed angle between the normals on both sides,
    convex > 0. front: share of the stepped border where a is in front.
    """

    a: int
    b: int
    length_px: int
    joined: float
    bend_deg: float
    front: float


def borders(labels: Labels, surface: Surface, reach_px: int = 4) -> list[Border]:
    """All borders; normals and points are sampled up to `reach_px` away from the border, free of edge artefacts."""
    rows = []
    h, w = labels.shape
    for dy, dx in ((0, 1), (1, 0)):
        first = labels[: h - dy, : w - dx]
        second = labels[dy:, dx:]
        y, x = np.nonzero((first != second) & (first > 0) & (second > 0))
        rows.append(_samples(labels, surface, y, x, dy, dx, reach_px))
    samples = np.concatenate(rows)
    if not len(samples):
        return []
    first, second, bend, step, front = samples.T
    key = first.astype(np.int64) * (int(labels.max()) + 1) + second.astype(np.int64)
    pairs, group_of = np.unique(key, return_inverse=True)
    count, touching = np.bincount(group_of), step < 1
    joined = np.bincount(group_of, touching) / count
    steps = np.bincount(group_of[~touching], minlength=len(pairs))
    fronts = np.bincount(group_of[~touching], front[~touching], len(pairs))
    bends = _medians(group_of, np.where(touching, bend, np.float32(np.nan)), len(pairs))
    labels_of_pairs = np.divmod(pairs, int(labels.max()) + 1)
    rows = zip(*(column.tolist() for column in (*labels_of_pairs, count, joined, bends, fronts, steps)), strict=True)
    return [Border(a, b, n, j, angle, front / k if k else 0.5) for a, b, n, j, angle, front, k in rows]


def _medians(group_of: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """Median per group 0..count-1, ignoring NaN; 0 for empty groups. of: group of each value."""
    good = np.flatnonzero(np.isfinite(values))
    group_of, values = group_of[good], values[good]
    values = values[np.lexsort((values, group_of))]
    numbers = np.bincount(group_of, minlength=count)
    starts = np.cumsum(numbers) - numbers
    values = np.append(values, np.zeros(1, values.dtype))
    low, high = starts + np.maximum(numbers - 1, 0) // 2, starts + numbers // 2
    return np.where(numbers > 0, (values[low] + values[high]) / 2, 0.0)


def _samples(
    labels: Labels, surface: Surface, y: np.ndarray, x: np.ndarray, dy: int, dx: int, reach: int
) -> Float32[np.ndarray, "n 5"]:
    """Per border pixel: smaller and larger label, signed bend (degrees), step / limit, smaller in front (0 or 1)."""
    h, w = labels.shape
    la, lb = labels[y, x], labels[y + dy, x + dx]
    ya, xa, yb, xb = y, x, y + dy, x + dx
    for _ in range(reach):
        ty, tx = np.maximum(ya - dy, 0), np.maximum(xa - dx, 0)
        same_label = labels[ty, tx] == la
        ya, xa = np.where(same_label, ty, ya), np.where(same_label, tx, xa)
        ty, tx = np.minimum(yb + dy, h - 1), np.minimum(xb + dx, w - 1)
        same_label = labels[ty, tx] == lb
        yb, xb = np.where(same_label, ty, yb), np.where(same_label, tx, xb)
    points, normals = surface.points.reshape(-1, 3), surface.normals.reshape(-1, 3)
    pa, pb = (points.take(rows * w + columns, axis=0) for rows, columns in ((ya, xa), (yb, xb)))
    na, nb = (normals.take(rows * w + columns, axis=0) for rows, columns in ((ya, xa), (yb, xb)))
    difference = pa - pb
    angle = np.degrees(np.arccos(np.clip(np.einsum("ij,ij->i", na, nb), -1, 1)))
    sign = np.sign(np.einsum("ij,ij->i", na - nb, difference))
    # A depth step: neither surface, extrapolated to the border pixels, meets the other. Planes that meet in a crease
    # have no gap there.
    qa, qb = points.take(y * w + x, axis=0), points.take((y + dy) * w + x + dx, axis=0)
    gap = np.minimum(
        np.abs(np.einsum("ij,ij->i", na, qb - pa)) + np.abs(np.einsum("ij,ij->i", na, qa - pa)),
        np.abs(np.einsum("ij,ij->i", nb, qa - pb)) + np.abs(np.einsum("ij,ij->i", nb, qb - pb)),
    )
    nearer = np.fmin(qa[:, 2], qb[:, 2])
    pixel = np.abs(qa[:, 2] - qb[:, 2])
    limit = 0.008 + 4 * surface.noise_per_m * nearer**2
    step = np.minimum(gap, pixel) / limit
    first_is_small = la < lb
    front = (qa[:, 2] < qb[:, 2]) == first_is_small
    columns = (np.minimum(la, lb), np.maximum(la, lb), sign * angle, step, front)
    return np.stack([c.astype(np.float32) for c in columns], axis=1)


def weight(
    border: Border, smooth_deg: float, concave_deg: float, contact: float = 1.0, color_gap: float = 0.0
) -> float:
    """Evidence for (> 0) or against (< 0) merging two patches, in pixels of border.

    contact: length of the border over the square root of the smaller patch's area; about 1 for faces of one
    object, less for touching objects. color_gap: distance of their mean CIELAB (a, b).
    """
    joined = border.length_px * border.joined
    stepped = border.length_px - joined
    if border.bend_deg > -smooth_deg:
        vote = min(contact / CONTACT, 1.0) * (1.0 - COLOR_WEIGHT * min(max((color_gap - 15.0) / 30.0, 0.0), 1.0)) - BIAS
    else:
        vote = max(-3.0, -(-border.bend_deg - smooth_deg) / max(concave_deg - smooth_deg, 1e-6))
    return joined * vote - stepped


def join(count: int, weights: dict[tuple[int, int], float]) -> Int32[np.ndarray, "groups"]:
    """Group of every patch 0..count (0 stays 0): greedily merges the pair with the largest summed evidence."""
    parent = np.arange(count + 1, dtype=np.int32)
    neighbours: dict[int, dict[int, float]] = {i: {} for i in range(1, count + 1)}
    for (a, b), value in weights.items():
        neighbours[a][b] = neighbours[b][a] = value
    while True:
        best, pair = 0.0, None
        for a, adjacent in neighbours.items():
            for b, value in adjacent.items():
                if a < b and value > best:
                    best, pair = value, (a, b)
        if pair is None:
            break
        a, b = pair
        parent[parent == b] = a
        for c, value in neighbours.pop(b).items():
            neighbours[c].pop(b)
            if c != a:
                neighbours[a][c] = neighbours[c][a] = neighbours[a].get(c, 0.0) + value
    return parent
