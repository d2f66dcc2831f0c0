"""Objects of a kind from Sweet Home's models: random model, size, hue and brightness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from zipfile import ZipFile

import cv2
import numpy as np

from ....errors import ConfigError
from ..household import SimObject
from ..materials import Paint, Rgb
from ..object_model import LYING, UPRIGHT, ObjectModel, block, cylinder
from ..shapes import Mesh
from .catalog import CATALOGS, LONGEST_M, Entry, read_catalog, read_table
from .obj import read_obj

Rng = np.random.Generator
ROUND = 0.06  # difference of width and depth, relative, up to which a thing may be a cylinder
RECOLORED = 0.3  # share of the objects that come in any hue
_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # from OBJ's axes (y up, z to the front) to ours (front -y)


class Library:
    """The models of one side of the split by kind. Reads a model when it is first needed."""

    def __init__(self, folder: Path, held_out: bool = False) -> None:
        """folder: with the .sh3f files, as `fastreasonseg train furniture` makes it. Raises ConfigError."""
        entries = {f"{c}/{id}": e for c in CATALOGS for id, e in read_catalog(folder / f"{c}.sh3f").items()}
        wanted = {key: kind for key, (kind, out) in read_table().items() if out == held_out}
        if missing := [key for key in wanted if key not in entries]:
            raise ConfigError(f"{folder}: lacks {missing[0]}; it must be version 1.8 of sweethome3d-furniture")
        if large := [key for key in wanted if max(entries[key].size_m) > LONGEST_M]:
            raise ConfigError(f"{folder}: {large[0]} is longer than {LONGEST_M} m")
        kinds: dict[str, list[Entry]] = {}
        for key, kind in wanted.items():
            kinds.setdefault(kind, []).append(entries[key])
        self.kinds: Mapping[str, tuple[Entry, ...]] = {kind: tuple(models) for kind, models in kinds.items()}

    def make(self, kind: str, rng: Rng) -> SimObject:
        """A random object of a kind. Its colour is not told: models have several. Raises ConfigError."""
        if kind not in self.kinds:
            raise ConfigError(f"no model of kind {kind!r}; there are {', '.join(sorted(self.kinds))}")
        models = self.kinds[kind]
        return SimObject(kind, None, varied(read_model(models[int(rng.integers(len(models)))]), rng))


@lru_cache(maxsize=256)
def read_model(entry: Entry) -> ObjectModel:
    """A model in its true size, standing as its catalogue has it. Raises DatasetError."""
    with ZipFile(entry.archive) as packed:
        pieces = read_obj(packed, entry.file)
    turn = _UP @ np.reshape(entry.turn, (3, 3))
    points = np.concatenate([mesh.vertices for mesh, _ in pieces]) @ turn.T
    low, high = points.min(axis=0), points.max(axis=0)
    scale = np.asarray(entry.size_m) / np.maximum(high - low, 1e-9)
    middle = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])
    moved = tuple((Mesh((m.vertices @ turn.T - middle) * scale, m.faces, m.uv), paint) for m, paint in pieces)
    return _with_solids(moved, entry.size_m)


def varied(model: ObjectModel, rng: Rng) -> ObjectModel:
    """The model in a random size, height, hue and brightness."""
    size = float(np.clip(rng.normal(1.0, 0.08), 0.8, 1.25))
    scale = size * np.array([1.0, 1.0, float(np.clip(rng.normal(1.0, 0.05), 0.85, 1.15))])
    hue = float(rng.uniform(-180, 180)) if rng.random() < RECOLORED else float(rng.normal(scale=6.0))
    gain, saturation = float(rng.uniform(0.7, 1.25)), float(rng.uniform(0.7, 1.2))
    tint = _pale_tint(rng)
    pieces = tuple(
        (Mesh(mesh.vertices * scale, mesh.faces, mesh.uv), _recolored(paint, hue, saturation, gain, tint))
        for mesh, paint in model.pieces
    )
    low, high = np.ptp(np.concatenate([mesh.vertices for mesh, _ in pieces]), axis=0), model.stands
    return _with_solids(pieces, (float(low[0]), float(low[1]), float(low[2])), high)


def _with_solids(
    pieces: tuple[tuple[Mesh, Paint], ...], size_m: tuple[float, float, float], stands: tuple | None = None
) -> ObjectModel:
    """Collision by the bounding cylinder of round things, which lie too where they are long, or the bounding box."""
    x, y, z = size_m
    points = np.concatenate([mesh.vertices for mesh, _ in pieces])[:, :2].astype(np.float32)
    area = cv2.contourArea(cv2.convexHull(points))
    is_round = abs(x - y) < ROUND * max(x, y) and area < 0.83 * x * y
    solid = cylinder((x + y) / 4, 0, z) if is_round else block(np.array([x, y, z]), np.array([0, 0, z / 2]))
    if stands is None:
        stands = (UPRIGHT,) * 4 + (LYING,) if is_round and z > 1.6 * max(x, y) else (UPRIGHT,)
    return ObjectModel(pieces, (solid,), 0.3, stands)


def _pale_tint(rng: Rng) -> Rgb | None:
    """A colour for surfaces of no colour of their own, for half of the objects."""
    if rng.random() < 0.5:
        return None
    r, g, b = rng.uniform(0.15, 1.0, 3)
    return float(r), float(g), float(b)


def _recolored(paint: Paint, hue: float, saturation: float, gain: float, tint: Rgb | None) -> Paint:
    picture = np.array([[paint.rgb]], np.float32) if paint.texture is None else paint.texture.astype(np.float32) / 255
    pale = paint.texture is None and max(paint.rgb) - min(paint.rgb) < 0.08 and max(paint.rgb) > 0.3
    if pale and tint is not None:
        picture = picture * np.array(tint, np.float32)
    hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0] + hue) % 360
    hsv[..., 1] = np.clip(hsv[..., 1] * saturation, 0, 1)
    picture = np.clip(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * gain, 0, 1)
    if paint.texture is not None:
        return replace(paint, texture=(255 * picture).astype(np.uint8))
    r, g, b = (float(v) for v in picture[0, 0])
    return replace(paint, rgb=(r, g, b))
