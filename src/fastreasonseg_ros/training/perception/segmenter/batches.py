"""Batches for the segmenter out of files of simulated frames: read a few files, look at them, shuffle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8
from scipy.spatial.transform import Rotation

from ....errors import DatasetError
from ....perception.support.surface import shrink, shrink_intrinsics
from ....perception.tabletop.affinity import HEIGHT_PX, WIDTH_PX, network_input
from ....twin.types import Plane
from .frames import Shard, read_shard, shards_in

HELD_OUT_EVERY = 25  # of so many files one is measured with, and never learnt from
RIGHT_NORMAL = 2  # the channel that changes its sign in a mirror
CROP = (80, 96)  # rows and columns that are learnt from: most of a picture is bare table
CROPS = 2  # of every frame
FRAMES_OF_A_FILE = 3  # that calibrate the exported network


@dataclass(frozen=True)
class Samples:
    """What the network sees, and the object of every pixel (0 = none), at its own resolution."""

    seen: Float32[np.ndarray, "n c h w"]
    ids: UInt8[np.ndarray, "n h w"]

    def __len__(self) -> int:
        return len(self.ids)


def split(folder: Path) -> tuple[list[Path], list[Path]]:
    """Files to learn from, and files to measure with. Raises DatasetError where there are none of either."""
    files = list(shards_in(folder))
    held_out = [f for f in files if int(f.stem.partition("-")[0]) % HELD_OUT_EVERY == 0]
    learn = [f for f in files if f not in set(held_out)]
    if not learn or not held_out:
        raise DatasetError(
            f"{folder} has {len(files)} files of simulated frames, {len(held_out)} of them to measure with: too few to "
            "train; make more with `fastreasonseg train segmenter stage=frames`"
        )
    return learn, held_out


def pool(folder: Path, seed: int, number: int, files: int) -> Samples:
    """The `number`-th pool: crops of all frames of some files drawn anew each time, changed at random, in random order.

    The same numbers give the same pool as long as the folder is the same. Raises DatasetError.
    """
    rng = np.random.default_rng([seed, number])
    learn = split(folder)[0]
    picked = [learn[int(k)] for k in rng.permutation(len(learn))[:files]]
    return _join([sample for path in picked for sample in _samples(read_shard(path), rng)], rng)


def measured(files: Sequence[Path]) -> Iterator[Samples]:
    """The frames of each file, unchanged. Raises DatasetError."""
    for path in files:
        yield _join(list(_samples(read_shard(path), None)), None)


def calibration(folder: Path, count: int, seed: int) -> list[Float32[np.ndarray, "c h w"]]:
    """What the network sees of so many frames to learn from, a few of a file, drawn by chance. Raises DatasetError."""
    rng = np.random.default_rng(seed)
    seen: list[np.ndarray] = []
    learn = split(folder)[0] if count else []
    for k in rng.permutation(len(learn)):
        if len(seen) >= count:
            break
        frames = next(measured([learn[int(k)]])).seen
        seen += list(frames[rng.permutation(len(frames))[:FRAMES_OF_A_FILE]])
    return seen[:count]


def _samples(shard: Shard, rng: np.random.Generator | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    factor = shard.depth.shape[2] // WIDTH_PX
    if factor < 1 or shard.depth.shape[1:] != (factor * HEIGHT_PX, factor * WIDTH_PX):
        raise DatasetError(f"{shard.path}: frames are {shard.depth.shape[1:]}, no multiple of {HEIGHT_PX} x {WIDTH_PX}")
    for number in range(len(shard.depth)):
        depth_m, plane = shrink(shard.depth_m(number), factor), shard.support(number)
        ids = shard.ids[number][::factor, ::factor]
        if rng is not None:
            depth_m, plane = _with_holes(depth_m, rng), _misjudged(plane, rng)
        seen = network_input(depth_m, shrink_intrinsics(shard.intrinsics(number), factor), plane)
        if rng is None:
            yield seen, ids
            continue
        if rng.random() < 0.5:
            seen, ids = seen[..., ::-1].copy(), ids[..., ::-1]
            seen[RIGHT_NORMAL] *= -1
        for _ in range(CROPS):
            window = _crop(ids, rng)
            yield seen[(slice(None), *window)], ids[window]


def _crop(ids: np.ndarray, rng: np.random.Generator) -> tuple[slice, slice]:
    """Rows and columns about a random pixel of an object, or anywhere where there is none."""
    inside = np.flatnonzero(ids)
    middle = divmod(int(inside[rng.integers(len(inside))]), ids.shape[1]) if len(inside) else (0, 0)
    starts = []
    for at, size, whole in zip(middle, CROP, ids.shape, strict=True):
        start = at - size // 2 + int(rng.integers(-size // 4, size // 4 + 1))
        starts.append(min(max(start, 0), whole - size))
    return slice(starts[0], starts[0] + CROP[0]), slice(starts[1], starts[1] + CROP[1])


def _with_holes(depth_m: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """In a third of the frames, boxes where the sensor saw nothing."""
    if rng.random() > 0.33:
        return depth_m
    h, w = depth_m.shape
    depth_m = depth_m.copy()
    for _ in range(int(rng.integers(1, 6))):
        y, x = int(rng.integers(h)), int(rng.integers(w))
        depth_m[y : y + int(rng.integers(2, 14)), x : x + int(rng.integers(2, 14))] = np.nan
    return depth_m


def _misjudged(plane: Plane, rng: np.random.Generator) -> Plane:
    """The table as it would be found in noise: turned by about 0.7 degrees, shifted by some 3 mm."""
    turn = Rotation.from_rotvec(np.radians(0.5) * rng.normal(size=3)).as_matrix()
    x, y, z = (float(v) for v in turn @ np.asarray(plane.normal))
    # Turned about a point of the table in view, not about the camera.
    pivot = np.array([0.0, 0.0, plane.offset_m / plane.normal[2]]) if abs(plane.normal[2]) > 0.1 else np.zeros(3)
    offset = float(np.dot((x, y, z), pivot)) if pivot.any() else plane.offset_m
    return Plane((x, y, z), offset + float(rng.normal(scale=0.003)))


def _join(samples: list[tuple[np.ndarray, np.ndarray]], rng: np.random.Generator | None) -> Samples:
    order = np.arange(len(samples)) if rng is None else rng.permutation(len(samples))
    return Samples(np.stack([samples[k][0] for k in order]), np.stack([samples[k][1] for k in order]))
