"""Things that hold food and drink; each function makes one of random proportions in the colour given."""

from __future__ import annotations

import numpy as np

from .materials import Paint, Rgb, label, shade
from .object_model import LYING, UPRIGHT, Hollow, ObjectModel, block, cylinder, rod, wall
from .shapes import Mesh, joined, lathe, rotation, rounded, tube

Rng = np.random.Generator
STEEL: Rgb = (0.62, 0.62, 0.64)
UPSIDE_DOWN = rotation("x", 180)
MOSTLY_UPRIGHT = (*(UPRIGHT,) * 6, UPSIDE_DOWN, LYING)


def _hollow(outside: list[tuple[float, float]], thickness: float, smooth: int = 2) -> Mesh:
    """A vessel from the (radius, z) points of its outside, bottom to rim; the inside follows at `thickness`."""
    inside = [(max(r - thickness, 0.0), max(z, thickness)) for r, z in outside[::-1]]
    inside[0] = (outside[-1][0] - thickness, outside[-1][1])
    return lathe(rounded([(0.0, outside[0][1]), *outside, *inside, (0.0, inside[-1][1])], smooth))


def _handle(x: float, z: float, height: float, depth: float, thick: float) -> Mesh:
    t = np.linspace(-np.pi / 2, np.pi / 2, 14)
    path = np.stack([x + depth * np.cos(t), np.zeros_like(t), z + height / 2 * np.sin(t)], axis=1)
    return tube(np.concatenate([[[x - 0.002, 0, z - height / 2]], path, [[x - 0.002, 0, z + height / 2]]]), thick, 8)


def mug(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A straight or slightly waisted mug with a handle."""
    r, h, t = rng.uniform(0.036, 0.046), rng.uniform(0.08, 0.11), 0.0035
    foot = r * rng.uniform(0.85, 1.0)
    surface = _hollow([(foot * 0.9, 0), (foot, 0.006), (r, 0.4 * h), (r, h)], t)
    handle = _handle(r, 0.5 * h, 0.6 * h, rng.uniform(0.022, 0.03), 0.0055)
    paint = Paint(rgb, glossy=0.6)
    solids = (
        cylinder(foot, 0, 2 * t),
        *wall((foot, 0), (r, h), t),
        rod((r + 0.02, 0, 0.3 * h), (r + 0.02, 0, 0.7 * h), 0.006),
    )
    return ObjectModel(((joined(surface, handle), paint),), solids, 0.3, MOSTLY_UPRIGHT, Hollow(r - t, 2 * t, h))


def cup(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A tapered cup without a handle."""
    r, h, t = rng.uniform(0.034, 0.045), rng.uniform(0.07, 0.12), 0.0025
    foot = r * rng.uniform(0.6, 0.8)
    surface = _hollow([(foot, 0), (r * 0.92, 0.7 * h), (r, h)], t, 1)
    solids = (cylinder(foot, 0, 2 * t), *wall((foot, 0), (r, h), t))
    return ObjectModel(((surface, Paint(rgb, glossy=0.4)),), solids, 0.1, MOSTLY_UPRIGHT, Hollow(foot, 2 * t, h))


def tea_cup(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A low rounded cup with a small handle."""
    r, h, t = rng.uniform(0.042, 0.05), rng.uniform(0.05, 0.062), 0.003
    surface = _hollow([(0.45 * r, 0), (0.5 * r, 0.004), (0.85 * r, 0.35 * h), (r, h)], t, 3)
    handle = _handle(0.9 * r, 0.62 * h, 0.5 * h, 0.02, 0.004)
    solids = (
        cylinder(0.5 * r, 0, 2 * t),
        *wall((0.5 * r, 0), (r, h), t),
        rod((r + 0.01, 0, 0.5 * h), (r + 0.01, 0, 0.7 * h), 0.004),
    )
    return ObjectModel(
        ((joined(surface, handle), Paint(rgb, glossy=0.7)),), solids, 0.2, hollow=Hollow(0.6 * r, 0.01, h)
    )


def bowl(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A round bowl."""
    r, t = rng.uniform(0.065, 0.1), 0.004
    h, foot = r * rng.uniform(0.5, 1.15), r * rng.uniform(0.4, 0.6)
    surface = _hollow([(foot, 0), (foot, 0.004), (0.8 * r, 0.35 * h), (0.97 * r, 0.75 * h), (r, h)], t, 3)
    solids = (
        cylinder(foot, 0, 0.01),
        *wall((foot, 0.002), (0.84 * r, 0.4 * h), t),
        *wall((0.84 * r, 0.4 * h), (r, h), t),
    )
    return ObjectModel(
        ((surface, Paint(rgb, glossy=0.6)),), solids, 0.35, (UPRIGHT,) * 4 + (UPSIDE_DOWN,), Hollow(0.75 * r, 0.012, h)
    )


def plate(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A dinner or side plate."""
    r, t = rng.uniform(0.085, 0.13), 0.004
    surface = _hollow([(0.6 * r, 0), (0.66 * r, 0.006), (r, rng.uniform(0.016, 0.024))], t, 2)
    solids = (cylinder(0.65 * r, 0, 0.006), *wall((0.62 * r, 0.002), (r, 0.02), t, 16))
    return ObjectModel(
        ((surface, Paint(rgb, glossy=0.7)),), solids, 0.5, hollow=Hollow(0.62 * r, 0.006, 0.02), top=(0.006, 0.6 * r)
    )


def glass(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A clear tumbler."""
    r, h, t = rng.uniform(0.03, 0.04), rng.uniform(0.09, 0.15), 0.002
    surface = _hollow([(r * 0.85, 0), (r * 0.9, 0.008), (r, h)], t, 1)
    solids = (cylinder(r * 0.88, 0, 0.01), *wall((r * 0.88, 0), (r, h), t))
    paint = Paint(rgb, glossy=1.0, alpha=0.38, clear=True)
    return ObjectModel(((surface, paint),), solids, 0.2, hollow=Hollow(r * 0.85, 0.01, h))


def bottle(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A bottle with shoulders, a neck, a cap and a printed label."""
    r, h = rng.uniform(0.03, 0.042), rng.uniform(0.19, 0.28)
    neck, shoulder = rng.uniform(0.011, 0.016), h * rng.uniform(0.55, 0.68)
    profile = [(0, 0), (0.9 * r, 0), (r, 0.01), (r, shoulder), (0.85 * r, shoulder + 0.2 * (h - shoulder))]
    profile += [(neck, 0.85 * h), (neck, h), (0, h)]
    cap = lathe([(0, 0.955 * h), (neck + 0.003, 0.955 * h), (neck + 0.003, h + 0.004), (0, h + 0.004)], 24)
    low, high = sorted(rng.uniform(0.12, 0.9, 2) * shoulder)
    high = max(high, low + 0.35 * shoulder)
    sleeve = lathe([(r, low), (r + 0.0006, low), (r + 0.0006, min(high, shoulder)), (r, min(high, shoulder))])
    lid = Paint(shade(str(rng.choice(["white", "red", "blue", "black"])), rng), glossy=0.3)
    pieces = ((lathe(rounded(profile)), Paint(rgb, glossy=0.9)), (cap, lid))
    if rng.random() < 0.6:
        tint = tuple(0.75 * c + 0.25 for c in rgb)
        pieces += ((sleeve, Paint(rgb, label(rng, tint, ("Aqua", "Olio", "Juice", "Shampoo", "Sauce")), 0.3)),)
    solids = (cylinder(r, 0, shoulder + 0.02), cylinder(neck + 0.004, shoulder, h))
    return ObjectModel(pieces, solids, 0.4, (UPRIGHT, UPRIGHT, UPRIGHT, LYING))


def soap_bottle(rng: Rng, rgb: Rgb) -> ObjectModel:
    """An oval dispenser with a pump."""
    r, h = rng.uniform(0.035, 0.042), rng.uniform(0.12, 0.17)
    flask = lathe(rounded([(0, 0), (r, 0), (r, 0.75 * h), (0.4 * r, h), (0, h)]), squeeze=0.65)
    stem = tube([(0, 0, h), (0, 0, h + 0.035)], 0.006)
    spout = tube([(-0.01, 0, h + 0.036), (0.02, 0, h + 0.036), (0.042, 0, h + 0.03)], 0.006)
    collar = lathe([(0, h - 0.004), (0.015, h - 0.004), (0.015, h + 0.012), (0, h + 0.012)], 20)
    pump = Paint((0.93, 0.93, 0.92), glossy=0.3)
    solids = (block((2 * r, 1.3 * r, 0.85 * h), (0, 0, 0.425 * h)), cylinder(0.012, 0.8 * h, h + 0.04))
    return ObjectModel(((flask, Paint(rgb, glossy=0.6)), (joined(stem, spout, collar), pump)), solids, 0.3)


def jar(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A jar with contents of the colour given, a label and a metal lid."""
    r, h = rng.uniform(0.03, 0.043), rng.uniform(0.08, 0.13)
    flask = lathe(rounded([(0, 0), (0.92 * r, 0), (r, 0.01), (r, 0.75 * h), (0.8 * r, 0.86 * h), (0, 0.86 * h)]))
    lid = lathe([(0, 0.85 * h), (0.85 * r, 0.85 * h), (0.85 * r, h), (0.8 * r, h + 0.001), (0, h + 0.001)])
    cover = Paint(shade(str(rng.choice(["white", "gray", "red", "yellow"])), rng), glossy=0.6)
    pieces = ((flask, Paint(rgb, glossy=0.9)), (lid, cover))
    if rng.random() < 0.6:
        sleeve = lathe([(r, 0.2 * h), (r + 0.0006, 0.2 * h), (r + 0.0006, 0.6 * h), (r, 0.6 * h)])
        tint = tuple(0.6 * c + 0.4 for c in rgb)
        pieces += ((sleeve, Paint(rgb, label(rng, tint, ("Jam", "Honey", "Pesto", "Pickles")), 0.2)),)
    return ObjectModel(pieces, (cylinder(r, 0, 0.8 * h), cylinder(0.85 * r, 0.7 * h, h)), 0.35, top=(h, 0.8 * r))


def can(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A drinks can: printed wall, bright ends."""
    r, h = rng.uniform(0.026, 0.034), rng.uniform(0.11, 0.165)
    wall_ = lathe([(0.9 * r, 0.004), (r, 0.012), (r, h - 0.014), (0.86 * r, h - 0.004)])
    ends = lathe(
        [
            (0, 0.003),
            (0.8 * r, 0.003),
            (0.85 * r, 0),
            (0.9 * r, 0.004),
            (0.86 * r, h - 0.004),
            (0.86 * r, h),
            (0.8 * r, h - 0.004),
            (0, h - 0.004),
        ]
    )
    paint = Paint(rgb, label(rng, rgb, ("Cola", "Fizz", "Limo", "Soda", "Beer")), 0.7)
    return ObjectModel(
        ((wall_, paint), (ends, Paint(STEEL, glossy=0.9))), (cylinder(r, 0, h),), 0.35, MOSTLY_UPRIGHT, top=(h, 0.8 * r)
    )


def tin(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A food tin with a paper label."""
    r, h = rng.uniform(0.034, 0.052), rng.uniform(0.055, 0.125)
    ends = lathe(
        [
            (0, 0.002),
            (0.95 * r, 0.002),
            (r, 0),
            (r, 0.004),
            (r, h - 0.004),
            (r, h),
            (0.96 * r, h - 0.002),
            (0, h - 0.002),
        ]
    )
    sleeve = lathe([(r, 0.005), (r + 0.0008, 0.005), (r + 0.0008, h - 0.005), (r, h - 0.005)])
    paint = Paint(rgb, label(rng, rgb, ("Beans", "Tuna", "Corn", "Soup", "Peas")), 0.3)
    cover = Paint(STEEL, glossy=0.9)
    return ObjectModel(((ends, cover), (sleeve, paint)), (cylinder(r, 0, h),), 0.4, MOSTLY_UPRIGHT, top=(h, 0.9 * r))


def pot(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A cooking pot with two loop handles."""
    r, h, t = rng.uniform(0.08, 0.11), rng.uniform(0.08, 0.12), 0.004
    surface = _hollow([(0.95 * r, 0), (r, 0.01), (r, h - 0.004), (r + 0.003, h)], t, 1)
    loop = _handle(0, 0, 0.06, 0.026, 0.005).moved(rotation=rotation("x", 90)).moved((r, 0, 0.8 * h))
    loops = joined(loop, loop.moved(rotation=rotation("z", 180)))
    solids = (cylinder(r, 0, 0.008), *wall((r, 0), (r, h), t, 14))
    solids += tuple(block((0.026, 0.06, 0.01), (s * (r + 0.013), 0, 0.8 * h)) for s in (-1, 1))
    grips = Paint((0.08, 0.08, 0.08), glossy=0.3)
    return ObjectModel(
        ((surface, Paint(rgb, glossy=0.8)), (loops, grips)), solids, 0.9, hollow=Hollow(0.9 * r, 0.01, h)
    )


def pan(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A frying pan with one long handle."""
    r, h, t = rng.uniform(0.09, 0.12), rng.uniform(0.035, 0.05), 0.004
    length = rng.uniform(0.13, 0.17)
    surface = _hollow([(0.82 * r, 0), (0.88 * r, 0.008), (r, h)], t, 2)
    grip = tube(
        [(r - 0.005, 0, h - 0.008), (r + 0.04, 0, h + 0.002), (r + length, 0, h + 0.012)],
        (0.008, 0.009, 0.011),
        flat=0.6,
    )
    solids = (
        cylinder(0.85 * r, 0, 0.008),
        *wall((0.85 * r, 0), (r, h), t),
        rod((r, 0, h - 0.008), (r + length, 0, h + 0.01), 0.008),
    )
    return ObjectModel(
        ((surface, Paint(rgb, glossy=0.4)), (grip, Paint((0.07, 0.07, 0.07), glossy=0.3))),
        solids,
        0.8,
        hollow=Hollow(0.75 * r, 0.01, h),
    )


def teapot(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A round pot with spout, handle and lid."""
    r = rng.uniform(0.055, 0.075)
    h = r * rng.uniform(1.3, 1.6)
    belly = lathe(
        rounded(
            [(0, 0), (0.6 * r, 0), (0.95 * r, 0.25 * h), (r, 0.5 * h), (0.8 * r, 0.85 * h), (0.4 * r, h), (0, h)], 3
        )
    )
    knob = lathe(rounded([(0, h - 0.002), (0.008, h), (0.006, h + 0.008), (0.013, h + 0.016), (0, h + 0.024)]), 20)
    spout = tube(
        rounded([(0.7 * r, 0, 0.35 * h), (1.3 * r, 0, 0.45 * h), (1.5 * r, 0, 0.9 * h), (1.75 * r, 0, 0.98 * h)]),
        np.linspace(0.018, 0.008, 14),
    )
    handle = _handle(-0.8 * r, 0, 0.6 * h, -0.55 * r, 0.007).moved((0, 0, 0.55 * h))
    solids = (cylinder(0.62 * r, 0, 0.1 * h), cylinder(0.97 * r, 0.2 * h, 0.7 * h), cylinder(0.6 * r, 0.6 * h, h))
    solids += (
        rod((0.9 * r, 0, 0.45 * h), (1.65 * r, 0, 0.9 * h), 0.01),
        block((0.02, 0.014, 0.5 * h), (-1.25 * r, 0, 0.55 * h)),
    )
    return ObjectModel(((joined(belly, knob, spout, handle), Paint(rgb, glossy=0.8)),), solids, 0.6)


def candle(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A pillar candle with a wick."""
    r, h = rng.uniform(0.025, 0.04), rng.uniform(0.06, 0.14)
    wax = lathe(rounded([(0, 0), (r, 0), (r, h), (0.8 * r, h), (0, h - 0.004)], 1))
    wick = tube([(0, 0, h - 0.005), (0.001, 0, h + 0.012)], 0.0012, 6)
    return ObjectModel(((wax, Paint(rgb, glossy=0.1)), (wick, Paint((0.1, 0.1, 0.1)))), (cylinder(r, 0, h),), 0.2)


def shaker(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A salt or pepper shaker."""
    r, h = rng.uniform(0.02, 0.026), rng.uniform(0.07, 0.1)
    flask = lathe(rounded([(0, 0), (r, 0), (0.8 * r, 0.6 * h), (0.85 * r, 0.78 * h), (0, 0.78 * h)]))
    head = lathe(rounded([(0, 0.77 * h), (0.9 * r, 0.77 * h), (0.85 * r, 0.95 * h), (0.4 * r, h), (0, h)]))
    return ObjectModel(((flask, Paint(rgb, glossy=0.5)), (head, Paint(STEEL, glossy=0.9))), (cylinder(r, 0, h),), 0.15)
