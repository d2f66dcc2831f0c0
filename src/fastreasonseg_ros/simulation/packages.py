"""Packages, books and other things with flat sides; each function makes one of random proportions."""

from __future__ import annotations

import numpy as np

from .body import UPRIGHT, Body, block, cylinder
from .materials import Paint, Rgb, package, shade, speckled
from .shapes import box, joined, lathe, rotation, strip

Rng = np.random.Generator
ON_SIDE, ON_BACK = rotation("y", 90), rotation("x", 90)


def _carton(rng: Rng, rgb: Rgb, size: tuple[float, float, float], words: tuple[str, ...], mass_kg: float) -> Body:
    """A printed box; it stands, or lies on a side or on its back."""
    x, y, z = size
    surface = box(size).moved((0, 0, z / 2))
    stands = (UPRIGHT, UPRIGHT, ON_BACK, ON_SIDE)
    solid = block(size, (0, 0, z / 2))
    return Body(
        ((surface, Paint(rgb, package(rng, rgb, words), 0.25)),), (solid,), mass_kg, stands, top=(z, min(x, y) / 2)
    )


def cereal_box(rng: Rng, rgb: Rgb) -> Body:
    """A large flat carton of cereals."""
    size = (rng.uniform(0.14, 0.2), rng.uniform(0.045, 0.07), rng.uniform(0.2, 0.29))
    return _carton(rng, rgb, size, ("Muesli", "Crispies", "Flakes", "Loops", "Granola", "Oats"), 0.4)


def tea_box(rng: Rng, rgb: Rgb) -> Body:
    """A small carton of tea bags."""
    size = (rng.uniform(0.11, 0.15), rng.uniform(0.055, 0.075), rng.uniform(0.06, 0.085))
    return _carton(rng, rgb, size, ("Green Tea", "Chai", "Earl Grey", "Mint", "Tea"), 0.1)


def box_(rng: Rng, rgb: Rgb) -> Body:
    """A plain cardboard or plastic box."""
    size = tuple(rng.uniform(0.06, 0.17, 3))
    x, y, z = size
    surface = box(size, 0.0015).moved((0, 0, z / 2))
    paint = Paint(rgb, speckled(rng, rgb, 128, 0.02), 0.1)
    return Body(((surface, paint),), (block(size, (0, 0, z / 2)),), 0.3, top=(z, min(x, y) / 2))


def carton(rng: Rng, rgb: Rgb) -> Body:
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
    return Body(((trunk, Paint(rgb, sheet, 0.4)), (joined(roof, fin), plain), (cap, lid)), solids, 0.6)


def book(rng: Rng, rgb: Rgb) -> Body:
    """A hardcover lying flat; pages show on three sides."""
    x, y, z = rng.uniform(0.15, 0.24), rng.uniform(0.11, 0.17), rng.uniform(0.015, 0.045)
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
    return Body(pieces, (block((x, y, z), (0, 0, z / 2)),), 0.4, top=(z, min(x, y) / 2))


def remote(rng: Rng, rgb: Rgb) -> Body:
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
    return Body(pieces, (block((n, w, h), (0, 0, h / 2)),), 0.15, top=(h, w / 2))


def phone(rng: Rng, rgb: Rgb) -> Body:
    """A smartphone, its screen up."""
    n, w, h = rng.uniform(0.14, 0.165), rng.uniform(0.068, 0.078), rng.uniform(0.008, 0.011)
    case = box((n, w, h), 0.003).moved((0, 0, h / 2))
    screen = box((0.93 * n, 0.9 * w, 0.001)).moved((0, 0, h))
    return Body(
        ((case, Paint(rgb, glossy=0.5)), (screen, Paint((0.04, 0.04, 0.05), glossy=1.0))),
        (block((n, w, h), (0, 0, h / 2)),),
        0.18,
    )


def sponge(rng: Rng, rgb: Rgb) -> Body:
    """A washing-up sponge with a scouring side."""
    x, y, z = rng.uniform(0.09, 0.12), rng.uniform(0.06, 0.075), rng.uniform(0.028, 0.04)
    foam = box((x, y, 0.75 * z), 0.003).moved((0, 0, 0.375 * z))
    pad = box((x, y, 0.25 * z)).moved((0, 0, 0.875 * z))
    paint = Paint(rgb, speckled(rng, rgb, 256, 0.12), 0.0)
    scour = tuple(0.6 * c for c in rgb)
    return Body(
        ((foam, paint), (pad, Paint(scour, speckled(rng, scour, 256, 0.15), 0.0))),
        (block((x, y, z), (0, 0, z / 2)),),
        0.05,
    )


def toy_block(rng: Rng, rgb: Rgb) -> Body:
    """A wooden cube or brick."""
    size = (rng.uniform(0.035, 0.07), rng.uniform(0.035, 0.05), rng.uniform(0.035, 0.05))
    surface = box(size, 0.002).moved((0, 0, size[2] / 2))
    return Body(
        ((surface, Paint(rgb, glossy=0.3)),), (block(size, (0, 0, size[2] / 2)),), 0.1, top=(size[2], min(size) / 2)
    )


def pail(rng: Rng, rgb: Rgb) -> Body:
    """A cylinder standing for a storage canister with a lid."""
    r, h = rng.uniform(0.045, 0.06), rng.uniform(0.1, 0.16)
    surface = lathe([(0, 0), (r, 0), (r, 0.85 * h), (0, 0.85 * h)])
    lid = lathe(
        [(0, 0.84 * h), (r + 0.002, 0.84 * h), (r + 0.002, h), (0.35 * r, h), (0.2 * r, h + 0.012), (0, h + 0.012)]
    )
    return Body(((surface, Paint(rgb, glossy=0.4)), (lid, Paint(rgb, glossy=0.6))), (cylinder(r, 0, h),), 0.4)
