"""Fruit, vegetables and balls."""

from __future__ import annotations

import numpy as np

from .materials import Paint, Rgb, shade, speckled
from .object_model import ObjectModel, Solid, rod
from .shapes import Mesh, ellipsoid, joined, lathe, rounded, tube

Rng = np.random.Generator
STALK = Paint((0.3, 0.22, 0.1), glossy=0.0)


def _stalk(z: float, length: float = 0.015) -> Mesh:
    return tube([(0, 0, z - 0.006), (0.002, 0, z + length / 2), (0.005, 0, z + length)], 0.0018, 6)


def apple(rng: Rng, rgb: Rgb) -> ObjectModel:
    """An apple with a dimple and a stalk."""
    r = rng.uniform(0.033, 0.042)
    h = r * rng.uniform(1.65, 1.9)
    flesh = lathe(
        rounded(
            [
                (0, 0.06 * h),
                (0.35 * r, 0),
                (0.75 * r, 0.1 * h),
                (r, 0.5 * h),
                (0.85 * r, 0.9 * h),
                (0.4 * r, h),
                (0, 0.86 * h),
            ],
            3,
        )
    )
    skin = Paint(rgb, speckled(rng, rgb, 128, 0.06), 0.5)
    return ObjectModel(
        ((flesh, skin), (_stalk(0.86 * h), STALK)), (Solid("ellipsoid", (r, r, h / 2), (0, 0, h / 2)),), 0.15
    )


def orange(rng: Rng, rgb: Rgb) -> ObjectModel:
    """An orange or a mandarin."""
    r = rng.uniform(0.032, 0.043)
    ball = ellipsoid((r, r, 0.94 * r)).moved((0, 0, 0.94 * r))
    skin = Paint(rgb, speckled(rng, rgb, 256, 0.06), 0.3)
    return ObjectModel(((ball, skin),), (Solid("sphere", (0.97 * r,), (0, 0, 0.97 * r)),), 0.18)


def lemon(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A lemon with its two tips, lying."""
    r = rng.uniform(0.025, 0.031)
    n = r * rng.uniform(1.35, 1.6)
    t = np.linspace(-np.pi / 2, np.pi / 2, 21)
    profile = np.stack([r * np.cos(t) ** 0.8, n * np.sin(t) + 0.18 * n * np.sin(t) ** 7], axis=1)
    profile[[0, -1], 0] = 0
    lying = np.array([[0, 0, 1.0], [0, 1, 0], [-1, 0, 0]])
    fruit = lathe(profile).moved((0, 0, r), lying)
    skin = Paint(rgb, speckled(rng, rgb, 128, 0.05), 0.3)
    return ObjectModel(((fruit, skin),), (Solid("ellipsoid", (1.1 * n, r, r), (0, 0, r)),), 0.1)


def pear(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A pear, standing."""
    r = rng.uniform(0.032, 0.038)
    h = r * rng.uniform(2.5, 2.9)
    flesh = lathe(
        rounded(
            [
                (0, 0.02 * h),
                (0.4 * r, 0),
                (0.95 * r, 0.12 * h),
                (r, 0.35 * h),
                (0.55 * r, 0.65 * h),
                (0.42 * r, 0.92 * h),
                (0, h),
            ],
            3,
        )
    )
    skin = Paint(rgb, speckled(rng, rgb, 128, 0.06), 0.3)
    solids = (
        Solid("cylinder", (0.5 * r, 0.02), (0, 0, 0.02)),
        Solid("ellipsoid", (0.95 * r, 0.95 * r, 0.33 * h), (0, 0, 0.36 * h)),
        rod((0, 0, 0.5 * h), (0, 0, 0.85 * h), 0.4 * r),
    )
    return ObjectModel(((flesh, skin), (_stalk(h), STALK)), solids, 0.18)


def tomato(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A tomato with a green star of leaves."""
    r = rng.uniform(0.028, 0.04)
    flesh = ellipsoid((r, r, 0.8 * r)).moved((0, 0, 0.8 * r))
    leaves = [
        tube(
            [
                (0, 0, 1.6 * r),
                (0.3 * r * np.cos(a), 0.3 * r * np.sin(a), 1.58 * r),
                (0.55 * r * np.cos(a), 0.55 * r * np.sin(a), 1.5 * r),
            ],
            (0.003, 0.003, 0.001),
            6,
        )
        for a in np.arange(5) * 2 * np.pi / 5
    ]
    solid = Solid("ellipsoid", (r, r, 0.8 * r), (0, 0, 0.8 * r))
    return ObjectModel(
        ((flesh, Paint(rgb, glossy=0.8)), (joined(*leaves, _stalk(1.6 * r)), Paint(shade("green", rng), glossy=0.0))),
        (solid,),
        0.12,
    )


def banana(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A bent banana, lying on its side, with dark ends."""
    n, r = rng.uniform(0.15, 0.2), rng.uniform(0.016, 0.019)
    bend = rng.uniform(1.3, 1.9)
    big = n / bend
    t = np.linspace(-bend / 2, bend / 2, 18)
    path = np.stack([big * np.sin(t), big * (np.cos(t) - 0.75), np.full_like(t, r)], axis=1)
    thick = r * np.clip(1.6 * np.cos(0.93 * np.pi * t / bend) ** 0.6, 0.28, 1.0)
    fruit = tube(path, thick, 7)
    ends = joined(tube(path[:2], 0.3 * r, 7), tube([path[-1], path[-1] + 0.9 * (path[-1] - path[-2])], 0.3 * r, 7))
    solids = tuple(rod(path[i], path[j], 0.9 * r) for i, j in ((2, 6), (6, 11), (11, 15)))
    return ObjectModel(((fruit, Paint(rgb, speckled(rng, rgb, 128, 0.05), 0.2)), (ends, STALK)), solids, 0.15)


def carrot(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A carrot with a stump of green, lying."""
    n, r = rng.uniform(0.13, 0.18), rng.uniform(0.013, 0.018)
    root = tube(
        [(-n / 2, 0, r), (-0.45 * n, 0, r), (0, 0, 0.8 * r), (0.4 * n, 0, 0.45 * r), (n / 2, 0, 0.3 * r)],
        (0.7 * r, r, 0.75 * r, 0.4 * r, 0.12 * r),
        12,
    )
    green = tube([(-n / 2, 0, r), (-n / 2 - 0.025, 0, r)], (0.5 * r, 0.25 * r), 8)
    solids = (rod((-0.45 * n, 0, r), (0, 0, 0.85 * r), 0.85 * r), rod((0, 0, 0.7 * r), (0.45 * n, 0, 0.4 * r), 0.4 * r))
    return ObjectModel(
        ((root, Paint(rgb, speckled(rng, rgb, 128, 0.08), 0.1)), (green, Paint(shade("green", rng)))), solids, 0.08
    )


def egg(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A hen's egg, lying."""
    r = rng.uniform(0.02, 0.023)
    t = np.linspace(-np.pi / 2, np.pi / 2, 19)
    profile = np.stack([r * np.cos(t) * (1 - 0.13 * np.sin(t)), 1.3 * r * np.sin(t)], axis=1)
    profile[[0, -1], 0] = 0
    lying = np.array([[0, 0, 1.0], [0, 1, 0], [-1, 0, 0]])
    return ObjectModel(
        ((lathe(profile).moved((0, 0, r), lying), Paint(rgb, glossy=0.2)),),
        (Solid("ellipsoid", (1.3 * r, r, r), (0, 0, r)),),
        0.06,
    )


def ball(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A plain or striped ball."""
    r = rng.uniform(0.03, 0.075)
    picture = None
    if rng.random() < 0.5:
        picture = speckled(rng, rgb, 128, 0.02)
        picture[56:72] = (240, 240, 235)
    return ObjectModel(
        ((ellipsoid((r, r, r), 24, 40).moved((0, 0, r)), Paint(rgb, picture, 0.4)),),
        (Solid("sphere", (r,), (0, 0, r)),),
        0.1,
    )
