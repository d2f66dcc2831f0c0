"""Training batches of the segmenter from files of simulated frames: reads some files, makes inputs, shuffles."""

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

HELD_OUT_EVERY = 25  # one of so many files is held out for measuring
RIGHT_NORMAL = 2  # channel whose sign changes when mirrored
CROP = (80, 96)  # rows and columns of a training crop, since most of a frame is bare table
CROPS = 2  # per frame
FRAMES_OF_A_FILE = 3  # calibration frames per file


@dataclass(frozen=True)
class Samples:
    """Network inputs, and the object id of every pixel (0 = none), at the network's resolution."""

    inputs: Float32[np.ndarray, "n c h w"]
    ids: UInt8[np.ndarray, "n h w"]

    def __len__(self) -> int:
        return len(self.ids)


def split(folder: Path) -> tuple[list[Path], list[Path]]:
    """Training files and held-out files. Raises DatasetError if one of them is empty."""
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
    """The `number`-th pool: augmented crops of all frames of some randomly drawn files, shuffled.

    Deterministic for the same arguments and folder content. Raises DatasetError.
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
    """Network inputs of `count` random training frames, a few per file. Raises DatasetError."""
    rng = np.random.default_rng(seed)
    inputs: list[np.ndarray] = []
    learn = split(folder)[0] if count else []
    for k in rng.permutation(len(learn)):
        if len(inputs) >= count:
            break
        frames = next(measured([learn[int(k)]])).inputs
        inputs += list(frames[rng.permutation(len(frames))[:FRAMES_OF_A_FILE]])
    return inputs[:count]


def _samples(shard: Shard, rng: np.random.Generator | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    factor = shard.depth.shape[2] // WIDTH_PX
    if factor < 1 or shard.depth.shape[1:] != (factor * HEIGHT_PX, factor * WIDTH_PX):
        raise DatasetError(f"{shard.path}: frames are {shard.depth.shape[1:]}, no multiple of {HEIGHT_PX} x {WIDTH_PX}")
    for number in range(len(shard.depth)):
        depth_m, plane = shrink(shard.depth_m(number), factor), shard.support(number)
        ids = shard.ids[number][::factor, ::factor]
        if rng is not None:
            depth_m, plane = _with_holes(depth_m, rng), _misjudged(plane, rng)
        inputs = network_input(depth_m, shrink_intrinsics(shard.intrinsics(number), factor), plane)
        if rng is None:
            yield inputs, ids
            continue
        if rng.random() < 0.5:
            inputs, ids = inputs[..., ::-1].copy(), ids[..., ::-1]
            inputs[RIGHT_NORMAL] *= -1
        for _ in range(CROPS):
            window = _crop(ids, rng)
            yield inputs[(slice(None), *window)], ids[window]


def _crop(ids: np.ndarray, rng: np.random.Generator) -> tuple[slice, slice]:
    """A window (rows, columns) around a random object pixel, or at random if there is none."""
    inside = np.flatnonzero(ids)
    middle = divmod(int(inside[rng.integers(len(inside))]), ids.shape[1]) if len(inside) else (0, 0)
    starts = []
    for at, size, length in zip(middle, CROP, ids.shape, strict=True):
        start = at - size // 2 + int(rng.integers(-size // 4, size // 4 + 1))
        starts.append(min(max(start, 0), length - size))
    return slice(starts[0], starts[0] + CROP[0]), slice(starts[1], starts[1] + CROP[1])


def _with_holes(depth_m: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Augmentation: boxes of missing depth in a third of the frames."""
    if rng.random() > 0.33:
        return depth_m
    h, w = depth_m.shape
    depth_m = depth_m.copy()
    for _ in range(int(rng.integers(1, 6))):
        y, x = int(rng.integers(h)), int(rng.integers(w))
        depth_m[y : y + int(rng.integers(2, 14)), x : x + int(rng.integers(2, 14))] = np.nan
    return depth_m


def _misjudged(plane: Plane, rng: np.random.Generator) -> Plane:
    """The table plane with random errors: rotated by about 0.7 degrees, shifted by about 3 mm."""
    turn = Rotation.from_rotvec(np.radians(0.5) * rng.normal(size=3)).as_matrix()
    x, y, z = (float(v) for v in turn @ np.asarray(plane.normal))
    # Rotated about a visible point of the table, not about the camera.
    pivot = np.array([0.0, 0.0, plane.offset_m / plane.normal[2]]) if abs(plane.normal[2]) > 0.1 else np.zeros(3)
    offset = float(np.dot((x, y, z), pivot)) if pivot.any() else plane.offset_m
    return Plane((x, y, z), offset + float(rng.normal(scale=0.003)))


def _join(samples: list[tuple[np.ndarray, np.ndarray]], rng: np.random.Generator | None) -> Samples:
    order = np.arange(len(samples)) if rng is None else rng.permutation(len(samples))
    return Samples(np.stack([samples[k][0] for k in order]), np.stack([samples[k][1] for k in order]))
