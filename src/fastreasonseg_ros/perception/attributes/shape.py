"""Shape classification from features: one of `twin.types.SHAPES`."""

from __future__ import annotations

from .features import Features


def name_shape(f: Features) -> str:
    """Shape by the first matching rule; thresholds are in the units of `Features`. Without a match: irregular."""
    if f.height < 0.035 and f.height < 0.3 * f.width and f.length < 3.5 * f.width:
        return "flat"
    if f.length > 3.0 * max(f.width, f.height):
        return "elongated"
    round_outline = f.round_top > 0.92  # a square: 0.79
    wide = f.length > 0.085 and f.height < 0.85 * f.length
    if wide and round_outline and (f.hollow > 0.35 or f.curvature < -1.5):
        return "bowl"
    if f.sphere_error < 0.07 and f.curvature > 8 and f.flatness < 0.65:
        return "sphere" if f.length < 1.45 * f.height + 0.005 else "bowl"  # a hemisphere: an inverted bowl
    if f.curvature > 10 and f.upright < 0.3 and f.round_top > 0.9 and f.length < 2 * f.height + 0.01:
        return "sphere"
    if round_outline or f.hollow > 0.35:
        return "cylinder"
    if f.flatness > 0.8:
        return "box"
    if f.curvature > 4 or f.ribbed < 0.03:
        return "cylinder"
    return "box" if f.flatness > 0.65 else "irregular"
