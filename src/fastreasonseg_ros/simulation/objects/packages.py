"""Packages, books and other objects with flat sides; each function makes one of random proportions."""

from __future__ import annotations

import numpy as np

from .materials import Paint, Rgb, label, package, shade, speckled
from .object_model import LYING, UPRIGHT, Hollow, ObjectModel, block, cylinder, wall
from .shapes import box, joined, lathe, rotation, rounded, strip

Rng = np.random.Generator
ON_SIDE, ON_BACK, UPSIDE_DOWN = rotation("y", 90), rotation("x", 90), rotation("x", 180)


def _carton(
    rng: Rng, rgb: Rgb, size: tuple[float, float, float], words: tuple[str, ...], mass_kg: float
) -> ObjectModel:
    """A printed box; it stands, or lies on a side or on its back."""
    x, y, z = size
    surface = box(size).moved((0, 0, z / 2))
    stands = (UPRIGHT, UPRIGHT, ON_BACK, ON_SIDE)
    solid = block(size, (0, 0, z / 2))
    return ObjectModel(
        ((surface, Paint(rgb, package(rng, rgb, words), 0.25)),), (solid,), mass_kg, stands, top=(z, min(x, y) / 2)
    )


def cereal_box(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A large flat carton of cereals."""
    size = (rng.uniform(0.135, 0.22), rng.uniform(0.042, 0.085), rng.uniform(0.19, 0.31))
    return _carton(rng, rgb, size, ("Muesli", "Crispies", "Flakes", "Loops", "Granola", "Oats"), 0.4)


def tea_box(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A small carton of tea bags."""
    size = (rng.uniform(0.11, 0.165), rng.uniform(0.055, 0.08), rng.uniform(0.06, 0.095))
    return _carton(rng, rgb, size, ("Green Tea", "Chai", "Earl Grey", "Mint", "Tea"), 0.1)


def box_(rng: Rng, rgb: Rgb) -> ObjectModel:
    """Any other box: plain cardboard or plastic, or printed; long packs, flat packs and cubes among them."""
    long, middle, short = sorted(rng.uniform(0.045, 0.22, 3), reverse=True)
    # What has the size of a packet of cereals or of tea goes by that name.
    while middle > 0.12 and long > 0.17 and short < 0.09:
        long, middle, short = sorted(rng.uniform(0.045, 0.22, 3), reverse=True)
    if rng.random() < 0.25:
        long, middle, short = rng.uniform(0.13, 0.25), rng.uniform(0.04, 0.075), rng.uniform(0.03, 0.05)
    size = tuple(float(v) for v in rng.permutation([long, middle, short]))
    if rng.random() < 0.5:
        return _carton(rng, rgb, size, ("Bars", "Biscuits", "Crackers", "DVD", "Pasta", "Rice", "Snack"), 0.2)
    x, y, z = size
    surface = box(size, 0.0015).moved((0, 0, z / 2))
    paint = Paint(rgb, speckled(rng, rgb, 128, 0.02), 0.1)
    return ObjectModel(((surface, paint),), (block(size, (0, 0, z / 2)),), 0.3, top=(z, min(x, y) / 2))


def carton(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A milk or juice carton with a gable and a cap."""
    w, h = rng.uniform(0.065, 0.085), rng.uniform(0.16, 0.2)
    trunk = box((w, w, h)).moved((0, 0, h / 2))
    roof = strip([(-w / 2, 0, h + 0.012, w * 0.3), (w / 2, 0, h + 0.012, w * 0.3)], 0.03)
    fin = box((w, 0.003, 0.02)).moved((0, 0, h + 0.035))
    cap = (
        lathe([(0, 0), (0.011, 0), (0.011, 0.014), (0, 0.014)], 20)
        .moved(rotation=rotation("x", 40))
        .moved((0, -w * 0.25, h + 0.018))
    )
    sheet = package(rng, rgb, ("Milk", "Juice", "Cream", "Soy"))
    plain = Paint(rgb, glossy=0.4)
    lid = Paint(shade(str(rng.choice(["red", "blue", "green", "white"])), rng))
    solids = (block((w, w, h), (0, 0, h / 2)), block((w, 0.5 * w, 0.03), (0, 0, h + 0.015)))
    return ObjectModel(
        ((trunk, Paint(rgb, sheet, 0.4)), (joined(roof, fin), plain), (cap, lid)),
        solids,
        0.6,
        (UPRIGHT,) * 4 + (LYING,),
    )


def book(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A book; pages show on three sides. It lies flat, or stands."""
    x, y = rng.uniform(0.14, 0.3), rng.uniform(0.1, 0.2)
    z = rng.uniform(0.008, 0.04)
    pages = box((x - 0.008, y - 0.008, z - 0.004)).moved((0, 0.003, z / 2))
    cover = package(rng, rgb, ("Atlas", "Robots", "History", "Cooking", "Poems", "Physics"))
    # Front and back of the atlas are for standing boxes: the lid of a book shows the front's picture.
    size = cover.shape[0] // 2
    cover[:size, 2 * size :] = cover[:size, :size]
    lids = joined(box((x, y, 0.002)).moved((0, 0, z - 0.001)), box((x, y, 0.002)).moved((0, 0, 0.001)))
    spine = box((x, 0.002, z)).moved((0, -y / 2 + 0.001, z / 2))
    pieces = (
        (pages, Paint((0.93, 0.91, 0.84), glossy=0.0)),
        (lids, Paint(rgb, cover, 0.3)),
        (spine, Paint(rgb, glossy=0.3)),
    )
    stands = (UPRIGHT,) * 5 + ((ON_SIDE, ON_BACK) if z > 0.02 else ())
    return ObjectModel(pieces, (block((x, y, z), (0, 0, z / 2)),), 0.4, stands, top=(z, min(x, y) / 2))


def remote(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A remote control with rows of buttons."""
    n, w, h = rng.uniform(0.15, 0.21), rng.uniform(0.042, 0.052), rng.uniform(0.017, 0.024)
    case = box((n, w, h), 0.004).moved((0, 0, h / 2))
    keys, colored = [], []
    for i, x in enumerate(np.linspace(-0.4 * n, 0.35 * n, 8)):
        for j in (-1, 0, 1):
            key = box((0.009, 0.008, 0.003)).moved((x, j * 0.28 * w, h))
            (colored if i == 7 and j == 0 else keys).append(key)
    gray = Paint((0.55, 0.55, 0.56) if sum(rgb) < 1.2 else (0.25, 0.25, 0.26))
    pieces = ((case, Paint(rgb, glossy=0.3)), (joined(*keys), gray), (joined(*colored), Paint((0.75, 0.08, 0.08))))
    return ObjectModel(pieces, (block((n, w, h), (0, 0, h / 2)),), 0.15, top=(h, w / 2))


def phone(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A smartphone, its screen up."""
    n, w, h = rng.uniform(0.14, 0.165), rng.uniform(0.068, 0.078), rng.uniform(0.008, 0.011)
    case = box((n, w, h), 0.003).moved((0, 0, h / 2))
    screen = box((0.93 * n, 0.9 * w, 0.001)).moved((0, 0, h))
    return ObjectModel(
        ((case, Paint(rgb, glossy=0.5)), (screen, Paint((0.04, 0.04, 0.05), glossy=1.0))),
        (block((n, w, h), (0, 0, h / 2)),),
        0.18,
    )


def sponge(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A washing-up sponge with a scouring side."""
    x, y, z = rng.uniform(0.09, 0.12), rng.uniform(0.06, 0.075), rng.uniform(0.028, 0.04)
    foam = box((x, y, 0.75 * z), 0.003).moved((0, 0, 0.375 * z))
    pad = box((x, y, 0.25 * z)).moved((0, 0, 0.875 * z))
    paint = Paint(rgb, speckled(rng, rgb, 256, 0.12), 0.0)
    scour = tuple(0.6 * c for c in rgb)
    return ObjectModel(
        ((foam, paint), (pad, Paint(scour, speckled(rng, scour, 256, 0.15), 0.0))),
        (block((x, y, z), (0, 0, z / 2)),),
        0.05,
    )


def toy_block(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A wooden cube or brick."""
    size = (rng.uniform(0.035, 0.07), rng.uniform(0.035, 0.05), rng.uniform(0.035, 0.05))
    surface = box(size, 0.002).moved((0, 0, size[2] / 2))
    return ObjectModel(
        ((surface, Paint(rgb, glossy=0.3)),), (block(size, (0, 0, size[2] / 2)),), 0.1, top=(size[2], min(size) / 2)
    )


def pail(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A storage canister: a cylinder with a lid of its own or of another colour, with or without a knob."""
    r, h = rng.uniform(0.036, 0.062), rng.uniform(0.095, 0.21)
    surface = lathe([(0, 0), (r, 0), (r, 0.85 * h), (0, 0.85 * h)])
    knob = [(0.35 * r, h), (0.2 * r, h + 0.012), (0, h + 0.012)] if rng.random() < 0.6 else [(0, h)]
    lid = lathe([(0, 0.84 * h), (r + 0.002, 0.84 * h), (r + 0.002, h), *knob])
    cover = rgb if rng.random() < 0.6 else shade(str(rng.choice(["black", "gray", "brown", "white"])), rng)
    return ObjectModel(
        ((surface, Paint(rgb, glossy=0.4)), (lid, Paint(cover, glossy=0.6))), (cylinder(r, 0, h),), 0.4,
        (UPRIGHT,) * 6 + (LYING,),
    )  # fmt: skip


def chips_can(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A tall printed tube of potato crisps with a plastic lid; it stands or lies."""
    r, h = rng.uniform(0.033, 0.042), rng.uniform(0.17, 0.27)
    tube_ = lathe([(0, 0.002), (r, 0.002), (r, h - 0.01), (0, h - 0.01)])
    lid = lathe([(0, h - 0.012), (r + 0.0015, h - 0.012), (r + 0.0015, h), (0, h)])
    paint = Paint(rgb, label(rng, rgb, ("Chips", "Crisps", "Paprika", "Snax")), 0.4)
    cover = Paint(shade(str(rng.choice(["white", "black", "red", "gray"])), rng), glossy=0.4)
    return ObjectModel(
        ((tube_, paint), (lid, cover)), (cylinder(r, 0, h),), 0.2, (UPRIGHT, UPRIGHT, LYING), top=(h, 0.8 * r)
    )


def cookie_tin(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A flat round tin of biscuits with a lid; it lies flat, or stands on its edge."""
    r, h = rng.uniform(0.075, 0.11), rng.uniform(0.045, 0.085)
    lid = rng.uniform(0.3, 0.6) * h
    lower = lathe([(0, 0), (r, 0), (r, h - lid), (0, h - lid)])
    upper = lathe(rounded([(0, h - lid), (r + 0.001, h - lid), (r + 0.001, h - 0.003), (r - 0.002, h), (0, h)], 1))
    paint = Paint(rgb, label(rng, rgb, ("Biscuits", "Cookies", "Butter")) if rng.random() < 0.6 else None, 0.5)
    stands = (UPRIGHT, UPRIGHT, UPRIGHT, LYING)
    return ObjectModel(
        ((lower, paint), (upper, Paint(rgb, glossy=0.5))), (cylinder(r, 0, h),), 0.4, stands, top=(h, 0.9 * r)
    )


def tub(rng: Rng, rgb: Rgb) -> ObjectModel:
    """A plastic container without handles, round and open, or upside down."""
    r, h, t = rng.uniform(0.065, 0.1), rng.uniform(0.075, 0.14), 0.003
    foot = r * rng.uniform(0.85, 0.98)
    outside = [(foot, 0), (r, h)]
    inside = [(r - t, h), (foot - t, t), (0, t)]
    surface = lathe(rounded([(0, 0), *outside, *inside], 1))
    solids = (cylinder(foot, 0, 0.008), *wall((foot, 0), (r, h), t, 14))
    return ObjectModel(
        ((surface, Paint(rgb, glossy=0.4)),), solids, 0.3, (UPRIGHT, UPRIGHT, UPSIDE_DOWN),
        hollow=Hollow(0.92 * foot, 0.01, h),
    )  # fmt: skip
