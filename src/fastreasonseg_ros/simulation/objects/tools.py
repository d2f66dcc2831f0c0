"""Cutlery, tools and writing objects, made lying on the table; each function makes one of random proportions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .materials import Paint, Rgb
from .object_model import ObjectModel, block, rod, wall
from .shapes import box, joined, lathe, rotation, strip, tube
from .vessels import STEEL

Rng = np.random.Generator
DARK = Paint((0.06, 0.06, 0.065), glossy=0.3)


def _grip(rng: Rng, start: float, end: float, width: float, thick: float) -> np.ndarray:
    x = np.linspace(start, end, 6)
    waist = np.array([0.7, 0.95, 1.0, 0.9, 1.0, 0.75])
    return np.stack([x, np.zeros(6), np.full(6, thick / 2), width / 2 * waist], axis=1)


def spoon(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A table or serving spoon, lying."""
    n, w = rng.uniform(0.15, 0.23), rng.uniform(0.015, 0.023)
    handle = strip([(0, 0, 0.006, 0.006), (0.3 * n, 0, 0.004, 0.0045), (0.7 * n, 0, 0.009, 0.003)], 0.0025)
    t = np.linspace(-np.pi / 2, np.pi / 2, 12)
    x = 0.84 * n + 0.16 * n * np.sin(t)
    hollow = strip(np.stack([x, 0 * t, 0.009 - 0.007 * np.cos(t), np.maximum(w * np.cos(t), 0.001)], axis=1), 0.002)
    solids = (rod((0, 0, 0.004), (0.7 * n, 0, 0.006), 0.004), block((0.3 * n, 1.4 * w, 0.008), (0.85 * n, 0, 0.004)))
    return _lying(((joined(handle, hollow), Paint(rgb, glossy=1.0)),), solids, 0.06, n)


def fork(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A table fork, lying."""
    n = rng.uniform(0.16, 0.2)
    handle = strip(
        [
            (0, 0, 0.005, 0.006),
            (0.35 * n, 0, 0.004, 0.0045),
            (0.62 * n, 0, 0.007, 0.003),
            (0.7 * n, 0, 0.005, 0.011),
            (0.76 * n, 0, 0.003, 0.012),
        ],
        0.0025,
    )
    tines = [
        strip([(0.75 * n, y, 0.003, 0.0016), (0.9 * n, y, 0.003, 0.0015), (n, y, 0.009, 0.0006)], 0.002)
        for y in (-0.0105, -0.0035, 0.0035, 0.0105)
    ]
    solids = (rod((0, 0, 0.004), (0.7 * n, 0, 0.004), 0.004), block((0.3 * n, 0.024, 0.007), (0.85 * n, 0, 0.0035)))
    return _lying(((joined(handle, *tines), Paint(rgb, glossy=1.0)),), solids, 0.06, n)


def knife(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A kitchen knife: steel blade, handle of the colour given, lying flat."""
    n, w = rng.uniform(0.18, 0.3), rng.uniform(0.022, 0.036)
    cut = 0.42 * n
    handle = strip(_grip(rng, 0, cut, 0.8 * w, 0.014), 0.014)
    blade = strip(
        [
            (cut - 0.005, 0, 0.007, w / 2),
            (0.8 * n, 0, 0.007, w / 2),
            (0.92 * n, 0.1 * w, 0.007, w / 3),
            (n, 0.3 * w, 0.007, 0.001),
        ],
        0.002,
    )
    solids = (block((cut, 0.8 * w, 0.014), (cut / 2, 0, 0.007)), block((n - cut, w, 0.006), ((n + cut) / 2, 0, 0.007)))
    return _lying(((handle, Paint(rgb, glossy=0.3)), (blade, Paint(STEEL, glossy=1.0))), solids, 0.12, n)


def spatula(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A turner with a flat blade of the handle's colour."""
    n, w = rng.uniform(0.24, 0.32), rng.uniform(0.06, 0.085)
    handle = strip(_grip(rng, 0, 0.45 * n, 0.02, 0.014), 0.012)
    neck = strip([(0.43 * n, 0, 0.008, 0.004), (0.7 * n, 0, 0.006, 0.005)], 0.004)
    blade = strip([(0.68 * n, 0, 0.004, 0.25 * w), (0.74 * n, 0, 0.003, 0.45 * w), (n, 0, 0.003, w / 2)], 0.003)
    solids = (
        block((0.45 * n, 0.02, 0.014), (0.22 * n, 0, 0.007)),
        rod((0.4 * n, 0, 0.006), (0.7 * n, 0, 0.006), 0.005),
        block((0.3 * n, w, 0.006), (0.85 * n, 0, 0.003)),
    )
    return _lying(((joined(handle, neck, blade), Paint(rgb, glossy=0.3)),), solids, 0.1, n)


def hammer(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A claw hammer, lying on its side."""
    n, r = rng.uniform(0.24, 0.32), rng.uniform(0.012, 0.016)
    handle = tube(
        [(0, 0, r), (0.35 * n, 0, r), (0.5 * n, 0, r), (n, 0, r)], (r, 1.05 * r, 0.75 * r, 0.75 * r), flat=0.8
    )
    face = tube([(n - 0.005, 0, r), (n - 0.005, 0.055, r)], (0.8 * r, r), 12)
    claw = strip([(0, 0, r, 0.012), (0.03, 0, r, 0.011), (0.06, 0.012, r, 0.004)], 0.014)
    claw = claw.moved(rotation=rotation("z", -90)).moved((n - 0.005, 0, 0))
    solids = (rod((0, 0, r), (n, 0, r), r), block((0.024, 0.11, 2 * r), (n - 0.005, 0, r)))
    return _lying(
        ((handle, Paint(rgb, glossy=0.3)), (joined(face, claw), Paint((0.4, 0.4, 0.42), glossy=0.8))), solids, 0.5, n
    )


def screwdriver(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A screwdriver, lying."""
    n, r = rng.uniform(0.16, 0.25), rng.uniform(0.012, 0.017)
    cut = 0.42 * n
    x = np.linspace(0, cut, 8)
    handle = tube(np.stack([x, 0 * x, r + 0 * x], 1), r * np.array([0.6, 0.95, 1, 1, 0.95, 0.9, 0.7, 0.5]), 12)
    shaft = tube([(cut - 0.005, 0, r), (n, 0, r)], 0.0035, 8)
    solids = (rod((r, 0, r), (cut - r, 0, r), r), rod((cut, 0, r), (n, 0, r), 0.004))
    return _lying(((handle, Paint(rgb, glossy=0.6)), (shaft, Paint(STEEL, glossy=1.0))), solids, 0.12, n)


def wrench(rng: Rng, rgb: Rgb) -> ObjectModel:
    """An open-ended spanner, lying."""
    n, w = rng.uniform(0.15, 0.22), rng.uniform(0.014, 0.02)
    shaft = strip([(0.1 * n, 0, 0.004, w * 0.45), (0.5 * n, 0, 0.004, w * 0.38), (0.9 * n, 0, 0.004, w * 0.45)], 0.006)
    jaws = []
    for end, sign in ((0.1 * n, -1), (0.9 * n, 1)):
        t = np.linspace(0.5, 2 * np.pi - 0.5, 12)
        path = np.stack(
            [end + sign * (0.9 * w - w * np.cos(t + np.pi) * -1) * 1.0, w * np.sin(t), np.full(12, 0.004)], 1
        )
        jaws.append(tube(path, 0.0055, 8))
    solids = (block((n, w, 0.008), (n / 2, 0, 0.004)),)
    return _lying(((joined(shaft, *jaws), Paint(rgb, glossy=0.9)),), solids, 0.2, n)


def scissors(rng: Rng, rgb: Rgb) -> ObjectModel:
    """Scissors, slightly open, with looped handles of the colour given."""
    n = rng.uniform(0.15, 0.21)
    opening = rng.uniform(4, 14)
    t = np.linspace(0, 2 * np.pi, 20)
    blades, loops = [], []
    for sign in (-1, 1):
        orientation = rotation("z", sign * opening)
        blade = strip([(-0.04 * n, 0, 0, 0.007), (0.1 * n, 0, 0, 0.008), (0.5 * n, 0, 0, 0.001)], 0.0022)
        blades.append(blade.moved(rotation=orientation).moved((0.5 * n, 0, 0.005 + sign * 0.0012)))
        ring = np.stack([-0.33 * n + 0.13 * n * np.cos(t), sign * -0.075 * n + 0.07 * n * np.sin(t), 0 * t], 1)
        neck = np.array([(-0.2 * n, sign * -0.05 * n, 0), (-0.08 * n, 0, 0), (0.0, 0, 0)])
        loops += [
            tube(part, 0.0055, 8).moved(rotation=orientation).moved((0.5 * n, 0, 0.0055)) for part in (ring, neck)
        ]
    solids = (
        block((0.55 * n, 0.02, 0.008), (0.72 * n, 0, 0.005)),
        block((0.32 * n, 0.3 * n, 0.011), (0.17 * n, 0, 0.0055)),
    )
    return _lying(
        ((joined(*blades), Paint(STEEL, glossy=1.0)), (joined(*loops), Paint(rgb, glossy=0.3))), solids, 0.1, n
    )


def tape(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A roll of adhesive tape, lying."""
    r, h = rng.uniform(0.035, 0.055), rng.uniform(0.02, 0.048)
    core = r * rng.uniform(0.6, 0.75)
    roll = lathe([(core, 0), (r, 0), (r, h), (core, h)])
    inner = lathe([(core, h), (core - 0.003, h), (core - 0.003, 0), (core, 0), (core, h)])
    inside = Paint((0.75, 0.65, 0.5), glossy=0.0)
    return ObjectModel(((roll, Paint(rgb, glossy=0.5)), (inner, inside)), wall((r, 0), (r, h), r - core, 14), 0.15)


def flashlight(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A torch, lying."""
    n, r = rng.uniform(0.13, 0.2), rng.uniform(0.012, 0.016)
    big = 1.5 * r
    shaft = tube([(0, 0, big), (0.7 * n, 0, big), (0.78 * n, 0, big), (n, 0, big)], (r, r, big, big), 16)
    lens = tube([(n - 0.001, 0, big), (n + 0.001, 0, big)], 0.85 * big, 16)
    switch = box((0.02, 0.01, 0.006), 0.001).moved((0.55 * n, 0, big + r))
    solids = (rod((r, 0, big), (0.8 * n, 0, big), r), rod((0.8 * n, 0, big), (n - big * 0.5, 0, big), big))
    return _lying(
        ((shaft, Paint(rgb, glossy=0.4)), (lens, Paint((0.9, 0.9, 0.85), glossy=1.0)), (switch, DARK)), solids, 0.2, n
    )


def marker(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A felt pen of that colour, lying."""
    n, r = rng.uniform(0.12, 0.145), rng.uniform(0.007, 0.01)
    pen = tube([(0, 0, r), (0.004, 0, r), (n, 0, r)], (0.8 * r, r, r), 14)
    return _lying(((pen, Paint(rgb, glossy=0.3)),), (rod((r, 0, r), (n - r, 0, r), r),), 0.03, n)


def _lying(pieces: tuple, solids: tuple, mass_kg: float, length: float) -> ObjectModel:
    """Shifts what was built from x = 0 to be about its middle."""
    shift = (-length / 2, 0.0, 0.0)
    moved = tuple(replace(s, at=(s.at[0] - length / 2, s.at[1], s.at[2])) for s in solids)
    return ObjectModel(tuple((mesh.moved(shift), paint) for mesh, paint in pieces), moved, mass_kg)
