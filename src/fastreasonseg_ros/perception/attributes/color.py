"""Colour naming: one of the eleven basic colour terms of Berlin and Kay, from CIELAB."""

from __future__ import annotations

import functools

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from ...twin.geometry import pixels_of
from ...twin.types import COLORS, ColorShare

Gain = Float32[np.ndarray, "3"]  # a factor for red, green and blue
_BITS = 5  # of each channel in the look-up table
_NAMES = ("black", "white", "gray", "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown")


def name_color(
    color: UInt8[np.ndarray, "h w 3"], mask: Bool[np.ndarray, "h w"], gain: Gain | None = None
) -> str | None:
    """The dominant colour inside the mask of an RGB picture, or None for an empty mask; see `name_colors`."""
    return name_colors(color, mask, gain)[0]


def name_colors(
    color: UInt8[np.ndarray, "h w 3"], mask: Bool[np.ndarray, "h w"], gain: Gain | None = None
) -> tuple[str | None, tuple[ColorShare, ...]]:
    """The dominant colour inside the mask of an RGB picture, and all that it has a tenth of, largest share first.

    gain: factors applied first, see `light_gain`. Every pixel votes for a basic term, except at the mask's border,
    where colours mix with the background. Chromatic terms have larger weights than white, gray and black, because print
    and shading leave achromatic pixels on coloured objects. (None, ()) for an empty mask.
    """
    inner = cv2.erode(mask.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    pixels = pixels_of(color, inner if np.count_nonzero(inner) > 30 else mask)
    if not len(pixels):
        return None, ()
    if gain is not None:
        pixels = np.minimum(pixels.astype(np.float32) * gain, 255).astype(np.uint8)
    shares = color_shares(pixels)
    word = _NAMES[int(np.argmax(shares * _WEIGHT))]
    found = [n for n in np.argsort(-shares, kind="stable")[:MOST_COLORS] if shares[n] >= LEAST_SHARE]
    return word, tuple(ColorShare(_NAMES[n], float(shares[n]), _tone(pixels, int(n))) for n in found)


def _tone(pixels: UInt8[np.ndarray, "n 3"], term: int) -> str:
    """Whether the pixels of that term are lighter or darker than usual for it; "" for neither, white and black."""
    if _NAMES[term] not in _USUAL_LIGHTNESS:
        return ""
    some = pixels[:: max(1, len(pixels) // SAMPLE)]
    own = some[color_terms(some) == term]
    if not len(own):
        return ""
    lightness = cv2.cvtColor(own[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0, :, 0]
    away = float(np.median(lightness)) - _USUAL_LIGHTNESS[_NAMES[term]]
    return "light" if away > TONE_STEP else "dark" if away < -TONE_STEP else ""


LEAST_SHARE, MOST_COLORS = 0.1, 3  # of a thing's colours that are kept
SAMPLE = 1000  # pixels of which a tone is told
TONE_STEP = 15.0  # in lightness (L* of CIELAB, 0 to 100) from the usual shade of a term to its light and dark ones
# Usual lightness of each term (L*), estimated; white and black have no shades.
_USUAL_LIGHTNESS = {
    "gray": 55.0, "red": 45.0, "orange": 62.0, "yellow": 81.0, "green": 50.0, "blue": 45.0, "purple": 40.0,
    "pink": 70.0, "brown": 35.0,
}  # fmt: skip
_WEIGHT = np.array([0.9, 0.9, 0.7, 1.2, 1.4, 1.2, 1.1, 1.0, 0.9, 0.9, 1.0])


def color_shares(pixels: UInt8[np.ndarray, "n 3"]) -> Float32[np.ndarray, "11"]:
    """Share of RGB pixels for every basic term, in the order of `twin.types.COLORS`."""
    counts = np.bincount(color_terms(pixels), minlength=len(_NAMES)).astype(np.float32)
    return counts / max(len(pixels), 1)


def color_terms(pixels: UInt8[np.ndarray, "n 3"]) -> UInt8[np.ndarray, "n"]:
    """Basic term of every RGB pixel, as its place in `twin.types.COLORS`."""
    code = pixels >> (8 - _BITS)
    red, green, blue = cv2.split(code[None])
    return _table().take((red[0].astype(np.int32) << (2 * _BITS)) | (green[0].astype(np.int32) << _BITS) | blue[0])


def light_gain(color: UInt8[np.ndarray, "h w 3"]) -> Gain:
    """Factors that bring the 95th percentile of brightness to 235 of 255, within 1..2, and take out half of a cast.

    The light's colour is the mean gradient of the channels (gray edge: van de Weijer et al., Edge-Based Color
    Constancy, IEEE TIP 2007). Half of it, and none where it would tint more than it makes white, gray or black: one
    large red thing has most of a picture's edges.
    """
    red, green, blue = (color[::8, ::8, c] for c in range(3))  # a maximum over the last axis takes ten times as long
    bright = np.percentile(np.maximum(np.maximum(red, green), blue), 95)
    exposure = float(np.clip(235.0 / max(float(bright), 1.0), 1.0, 2.0))
    small = cv2.resize(color, _SMALL, interpolation=cv2.INTER_AREA)
    linear = cv2.GaussianBlur(cv2.LUT(small, _LINEAR), (0, 0), 1)
    edges = cv2.magnitude(cv2.Sobel(linear, -1, 1, 0), cv2.Sobel(linear, -1, 0, 1))
    seen = cv2.inRange(functools.reduce(cv2.max, cv2.split(small)), DARK, SATURATED)
    light = np.array(cv2.mean(edges, seen)[:3])
    if light.mean() < FLAT:
        return np.full(3, exposure, np.float32)
    light /= light.mean()
    white = np.clip(np.maximum(light, 1e-3) ** -0.5, 1 - MOST_CAST, 1 + MOST_CAST)
    gain = (exposure * (white / white.mean()) ** (1 / _GAMMA)).astype(np.float32)
    plain = np.full(3, exposure, np.float32)
    return gain if _neutral(small, gain) >= _neutral(small, plain) - TINTED else plain


def _neutral(picture: UInt8[np.ndarray, "h w 3"], gain: Gain) -> float:
    """Share of the pixels that are white, gray or black."""
    pixels = picture.reshape(-1, 3)[::2]
    return float(color_shares(np.minimum(pixels * gain, 255).astype(np.uint8))[:3].sum())


_SMALL, _GAMMA = (160, 120), 2.2
_LINEAR = ((np.arange(256) / 255) ** _GAMMA).astype(np.float32)
DARK, SATURATED = 10, 250  # brightness beyond which a channel tells nothing of the light
FLAT = 1e-4  # mean gradient below which the light cannot be told
MOST_CAST = 0.2  # of a channel, linear
TINTED = 0.05  # share of the picture that may lose its white, gray or black


@functools.cache
def _table() -> np.ndarray:
    """Basic term of every RGB colour of 5 bits a channel."""
    axis = (np.arange(1 << _BITS) << (8 - _BITS)) + (1 << (7 - _BITS))
    rgb = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(1, -1, 3).astype(np.float32) / 255
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)[0]
    return name_lab(lab).astype(np.uint8)


def name_lab(lab: Float32[np.ndarray, "n 3"]) -> np.ndarray:
    """Index of the basic term for every CIELAB colour (L 0..100).

    Borders in lightness, chroma and hue angle follow the foci of Berlin and Kay's terms as measured by Sturges and
    Whitfield (1995): hue sectors for the chromatic terms, lightness to separate brown from orange and pink from red.
    """
    light, a, b = lab.T
    chroma = np.hypot(a, b)
    hue = np.degrees(np.arctan2(b, a)) % 360
    sectors = ((46, "red"), (78, "orange"), (107, "yellow"), (212, "green"), (296, "blue"), (335, "purple"),
               (361, "red"))  # fmt: skip
    name = np.full(len(lab), _NAMES.index("red"))
    lower = 0
    for upper, term in sectors:
        name[(hue >= lower) & (hue < upper)] = _NAMES.index(term)
        lower = upper

    def put(where: np.ndarray, term: str) -> None:
        name[where] = _NAMES.index(term)

    # CIELAB is not hue-linear at blue: saturated blues approach the hue of dull purples (sRGB blue: 306).
    put((hue >= 296) & (hue < 296 + 13 * np.clip((chroma - 25) / 35, 0, 1)), "blue")
    put((hue >= 78) & (hue < 82) & (chroma > 25), "orange")  # pale ones are yellow: vanilla, butter
    # Yellow is light: the same hue is named green if dark, and a greener hue is still named yellow if light.
    put((hue >= 100) & (hue < 107) & (light < 68), "green")
    put((hue >= 107) & (hue < 117) & (light > 80), "yellow")
    # Pink is light: dark or of middle lightness, a hue of purple stays purple.
    put((hue >= 325) & (hue < 350) & (light > np.where(hue < 340, 60, 45)), "pink")
    put(((hue >= 335) | (hue < 40)) & (light > 62), "pink")
    # Brown is dark orange, or red of low chroma.
    put((hue >= 46) & (hue < 88) & (light < np.where(chroma < 32, 58, 46)), "brown")
    put(((hue >= 10) & (hue < 46)) & (chroma < 27) & (light < 60), "brown")
    warm = (hue < 110) | (hue >= 330)
    put(chroma < np.where(warm, 10, 9), "gray")
    # Daylight and shade tint white along the blue-yellow axis: a larger chroma is allowed there.
    put((hue >= 235) & (hue < 315) & (chroma < 14) & (light < 70), "gray")
    put((hue >= 235) & (hue < 315) & (chroma < 25) & (light > 66), "white")
    put((chroma < np.where((hue > 55) & (hue < 115), 12, 10)) & (light > 70), "white")
    # Sensor noise and light from neighbours give dark surfaces some chroma.
    put((light < 28) & (chroma < 16), "black")
    put(light < 12, "black")
    return name


assert _NAMES == COLORS
