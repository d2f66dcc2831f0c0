"""What names are learnt from: features and true names of things in the segmenter's simulated frames.

Things are cut out by their true masks, made a little too small or too large at random as any segmenter does, so that
the names do not depend on which segmenter is used later. What a file of frames gives is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import cv2
import numpy as np
from jaxtyping import Float32
from scipy import ndimage

from ..perception.describe import Geometry, describe
from ..perception.surface import analyse
from ..simulation.clutter import placements_of
from ..twin.types import Plane
from .segmenter_frames import Shard, read_shard

LEAST_PX = 60  # of a thing, at 320x240
PLANE_NOISE_M, PLANE_NOISE_RAD = 0.0015, 0.004


@dataclass(frozen=True)
class Samples:
    """One row a thing in a picture. covered: share of its outline that is not seen."""

    names: tuple[str, ...]
    vectors: Float32[np.ndarray, "n features"]


def samples_cached(folder: Path, path: Path, views: int) -> Samples:
    """The samples of one file of frames, from the folder if it was looked at before."""
    kept = folder / f"{path.stem}-{views}.npz"
    if kept.is_file():
        try:
            with np.load(kept, allow_pickle=False) as data:
                return Samples(tuple(str(n) for n in data["names"]), data["vectors"])
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            kept.unlink()
    samples = look_at(read_shard(path), views)
    folder.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(".part.npz")
    np.savez(part, names=np.array(samples.names, str), vectors=samples.vectors)
    part.rename(kept)
    return samples


def look_at(shard: Shard, views: int) -> Samples:
    """Samples of `views` of the shard's frames, spread over all of them."""
    seed, arrangement = shard.path.stem.split("-", 1)
    names = [p.thing.label for p in placements_of(int(seed), arrangement)]
    rng = np.random.default_rng([int(seed), 42])
    chosen = np.unique(np.linspace(0, len(shard.depth) - 1, views).astype(int))
    found: list[tuple[str, np.ndarray]] = []
    for number in chosen:
        depth = shard.depth_m(int(number))
        geometry = Geometry(depth, analyse(depth, shard.intrinsics(int(number))), 1, _jittered(shard, number, rng))
        ids = shard.ids[number].astype(np.int32)
        color = cv2.resize(shard.color[number], ids.shape[::-1], interpolation=cv2.INTER_LINEAR)
        for id in np.unique(ids[ids > 0]):
            mask = _as_segmented(ids == id, rng)
            if np.count_nonzero(mask) >= LEAST_PX:
                box = ndimage.find_objects(mask.astype(np.int32))[0]
                _, features = describe(1, mask.astype(np.int32), box, color, geometry, None, 1.0)
                if features is not None:
                    found.append((names[id - 1], features.vector()))
    vectors = np.array([vector for _, vector in found], np.float32)
    return Samples(tuple(name for name, _ in found), vectors)


def _as_segmented(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The mask, one pixel less or more all around, or without its thin parts, or just so."""
    cross, image = np.ones((3, 3), np.uint8), mask.astype(np.uint8)
    kind = rng.random()
    if kind < 0.15:
        image = cv2.erode(image, cross)
    elif kind < 0.3:
        image = cv2.dilate(image, cross)
    elif kind < 0.45:
        image = cv2.morphologyEx(image, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    return image > 0


def _jittered(shard: Shard, number: int, rng: np.random.Generator) -> Plane:
    """The table as a perceiver would find it."""
    plane = shard.support(int(number))
    normal = np.asarray(plane.normal) + rng.normal(scale=PLANE_NOISE_RAD, size=3)
    normal /= np.linalg.norm(normal)
    # Turned about the point of the table under the camera's look, not about the camera.
    at = np.array([0.0, 0.0, plane.offset_m / min(plane.normal[2], -0.1)])
    shift = float(rng.normal(scale=PLANE_NOISE_M))
    x, y, z = (float(v) for v in normal)
    return Plane((x, y, z), float(normal @ at) + shift)
