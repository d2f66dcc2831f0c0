"""Colours by basic name, and textures: prints, wood, cloth."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

Rgb = tuple[float, float, float]
Texture = UInt8[np.ndarray, "h w 3"]

# Ranges of hue (degrees), saturation and value that are unambiguous for Berlin and Kay's terms.
PALETTE: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "black": ((0, 360), (0.0, 0.15), (0.05, 0.13)),
    "white": ((30, 60), (0.0, 0.06), (0.92, 1.0)),
    "gray": ((200, 230), (0.0, 0.06), (0.42, 0.58)),
    "red": ((-6, 6), (0.8, 0.95), (0.6, 0.8)),
    "orange": ((20, 29), (0.85, 1.0), (0.88, 1.0)),
    "yellow": ((48, 56), (0.7, 0.92), (0.88, 1.0)),
    "green": ((95, 145), (0.55, 0.85), (0.35, 0.65)),
    "blue": ((208, 228), (0.65, 0.9), (0.4, 0.75)),
    "purple": ((268, 285), (0.5, 0.75), (0.35, 0.55)),
    "pink": ((330, 348), (0.3, 0.5), (0.9, 1.0)),
    "brown": ((18, 28), (0.55, 0.75), (0.28, 0.42)),
}
NAMES = tuple(PALETTE)


@dataclass(frozen=True)
class Paint:
    """How a surface looks. rgb and alpha 0..1; a texture, where there is one, replaces the colour.

    glossy: strength of the highlight, 0..1. clear: transparent material with unreliable depth.
    """

    rgb: Rgb
    texture: Texture | None = None
    glossy: float = 0.2
    alpha: float = 1.0
    clear: bool = False


def shade(name: str, rng: np.random.Generator) -> Rgb:
    """Random colour of a basic name; RGB, 0..1."""
    hue, saturation, value = (rng.uniform(*limits) for limits in PALETTE[name])
    return _rgb(hue, saturation, value)


def _rgb(hue: float, saturation: float, value: float) -> Rgb:
    pixel = np.array([[[hue % 360, saturation, value]]], np.float32)
    r, g, b = cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB)[0, 0]
    return float(r), float(g), float(b)


def bytes_of(rgb: Rgb) -> tuple[int, int, int]:
    """0..1 as 0..255."""
    r, g, b = (round(255 * min(max(c, 0.0), 1.0)) for c in rgb)
    return r, g, b


def _smooth_noise(
    rng: np.random.Generator, shape: tuple[int, int], cells: tuple[int, int]
) -> Float32[np.ndarray, "h w"]:
    """Noise of about zero mean and unit spread that varies over `cells` (rows, columns)."""
    coarse = rng.normal(size=cells).astype(np.float32)
    return cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)


def wood(rng: np.random.Generator, rgb: Rgb, size: int = 512) -> Texture:
    """Grain along the columns' direction (u)."""
    grain = sum(
        weight * _smooth_noise(rng, (size, size), (rows, columns))
        for rows, columns, weight in ((200, 3, 0.022), (60, 4, 0.018), (16, 3, 0.02), (400, 40, 0.015))
    )
    return _tinted(rgb, 1.0 + grain)


def cloth(rng: np.random.Generator, rgb: Rgb, size: int = 512) -> Texture:
    """Plain weave, stripes or a check, in a second colour."""
    second = np.asarray(shade(str(rng.choice(NAMES)), rng)) * 0.5 + 0.5 * np.asarray(rgb)
    picture = np.broadcast_to(np.asarray(rgb, np.float32), (size, size, 3)).copy()
    period, width = int(rng.integers(32, 128)), float(rng.uniform(0.08, 0.5))
    band = (np.arange(size) % period) < width * period
    kind = rng.integers(3)
    if kind >= 1:
        picture[band] = 0.5 * picture[band] + 0.5 * second
    if kind == 2:
        picture[:, band] = 0.5 * picture[:, band] + 0.5 * second
    noise = 1 + 0.03 * rng.normal(size=(size, size, 1)) + 0.04 * _smooth_noise(rng, (size, size), (5, 5))[..., None]
    return np.clip(255 * picture * noise, 0, 255).astype(np.uint8)


def speckled(rng: np.random.Generator, rgb: Rgb, size: int = 256, spread: float = 0.05) -> Texture:
    """Almost plain: laminate, stone, or the skin of a fruit."""
    noise = spread * _smooth_noise(rng, (size, size), (6, 6)) + 0.4 * spread * rng.normal(size=(size, size))
    return _tinted(rgb, 1.0 + noise)


def _tinted(rgb: Rgb, brightness: np.ndarray) -> Texture:
    return np.clip(255 * np.asarray(rgb) * brightness[..., None], 0, 255).astype(np.uint8)


def package(rng: np.random.Generator, rgb: Rgb, words: tuple[str, ...], size: int = 192) -> Texture:
    """The atlas of `shapes.box` for a printed package: pictures and words on a ground of one colour."""
    sheet = np.empty((2 * size, 3 * size, 3), np.uint8)
    for cell in range(6):
        row, column = divmod(cell, 3)
        view = sheet[row * size : (row + 1) * size, column * size : (column + 1) * size]
        view[:] = bytes_of(rgb)
        if cell in (0, 1):
            view[:] = _front(rng, view, words)
        elif cell in (3, 4):
            view[:] = _small_print(rng, view)
        else:
            view[:] = _titled(rng, view, words, 0.5, 0.5)
    return sheet


def label(rng: np.random.Generator, rgb: Rgb, words: tuple[str, ...], size: int = 256) -> Texture:
    """Label texture of a can or bottle: the text twice, between bands."""
    sheet = np.empty((size, 2 * size, 3), np.uint8)
    sheet[:] = bytes_of(rgb)
    band = bytes_of(shade(str(rng.choice(NAMES)), rng))
    for y in rng.choice([0.12, 0.2, 0.78, 0.86], size=int(rng.integers(1, 3)), replace=False):
        cv2.rectangle(sheet, (0, int(y * size)), (2 * size, int((y + 0.07) * size)), band, -1)
    for half in (sheet[:, :size], sheet[:, size:]):
        half[:] = _titled(rng, half, words, 0.45, 0.9)
    return sheet


def _front(rng: np.random.Generator, view: np.ndarray, words: tuple[str, ...]) -> np.ndarray:
    """A title, and a picture of round and angular shapes in one half."""
    view = np.ascontiguousarray(view)
    size = len(view)
    if rng.random() < 0.5:
        second = bytes_of(shade(str(rng.choice(NAMES)), rng))
        y = int(rng.uniform(0.6, 0.85) * size)
        cv2.ellipse(view, (size // 2, size + int(0.1 * size)), (int(0.8 * size), size - y), 0, 0, 360, second, -1, 16)
    middle = np.array([rng.uniform(0.35, 0.65), rng.uniform(0.55, 0.75)]) * size
    for _ in range(int(rng.integers(4, 10))):
        color = bytes_of(shade(str(rng.choice(NAMES)), rng))
        at = tuple(int(v) for v in middle + rng.normal(scale=0.12 * size, size=2))
        axes = tuple(int(v) for v in rng.uniform(0.04, 0.13, 2) * size)
        cv2.ellipse(view, at, axes, float(rng.uniform(0, 180)), 0, 360, color, -1, cv2.LINE_AA)
    return _titled(rng, view, words, 0.2, 0.9)


def _titled(rng: np.random.Generator, view: np.ndarray, words: tuple[str, ...], y: float, width: float) -> np.ndarray:
    view = np.ascontiguousarray(view)
    size = len(view)
    text = str(rng.choice(words))
    font = int(rng.choice([cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_HERSHEY_SCRIPT_COMPLEX]))
    (w, h), _ = cv2.getTextSize(text, font, 1.0, 2)
    scale = min(width * size / w, 0.24 * size / h)
    at = (int((size - w * scale) / 2), int(y * size + h * scale / 2))
    ground = view.mean()
    ink = (250, 250, 245) if ground < 130 else bytes_of(shade(str(rng.choice(["red", "blue", "black", "green"])), rng))
    cv2.putText(view, text, at, font, scale, ink, max(1, int(3 * scale)), cv2.LINE_AA)
    return view


def _small_print(rng: np.random.Generator, view: np.ndarray) -> np.ndarray:
    """A white field with lines, and a bar code."""
    view = np.ascontiguousarray(view)
    size = len(view)
    cv2.rectangle(view, (size // 8, size // 4), (size * 7 // 8, size * 5 // 8), (235, 235, 230), -1)
    for y in range(size // 4 + 8, size * 5 // 8 - 4, 9):
        cv2.line(view, (size // 7, y), (int(size * rng.uniform(0.5, 0.85)), y), (90, 90, 90), 1)
    cv2.rectangle(view, (size // 4, size * 3 // 4), (size * 3 // 4, size * 15 // 16), (250, 250, 250), -1)
    for x in range(size // 4 + 6, size * 3 // 4 - 6, 5):
        cv2.line(view, (x, size * 3 // 4 + 4), (x, size * 15 // 16 - 4), (20, 20, 20), int(rng.integers(1, 4)))
    return view
