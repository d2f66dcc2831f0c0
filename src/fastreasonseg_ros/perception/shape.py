"""The shape word of a thing, from its features: one of `twin.types.SHAPES`."""

from __future__ import annotations

from .features import Features


def name_shape(f: Features) -> str:
    """First rule that holds; borders are in the units of `Features`. A thing that fits none is irregular."""
    if f.height < 0.035 and f.height < 0.3 * f.width and f.length < 3.5 * f.width:
        return "flat"
    if f.length > 3.0 * max(f.width, f.height):
        return "elongated"
    if f.hollow > 0.35 and f.length > 0.085 and f.height < 0.85 * f.length and f.flatness < 0.8:
        return "bowl"
    if f.sphere_miss < 0.06 and f.curvature > 8 and f.length < 1.6 * f.height + 0.01 and f.flatness < 0.6:
        return "sphere"
    if f.flatness > 0.8:
        return "box"
    if f.curvature > 4 or f.ribbed < 0.03 or f.hollow > 0.35:
        return "cylinder"
    return "box" if f.flatness > 0.65 else "irregular"
