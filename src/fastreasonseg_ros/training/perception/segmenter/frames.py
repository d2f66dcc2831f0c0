"""Simulated frames to train segmentation: one compressed file per scene, made in parallel processes.

Existing files are not made again, so that the command can be resumed. Shapes in a file of n frames:
depth (n, h, w) uint16 in steps of 0.1 mm, 0 = hole; ids (n, h, w) uint8, 0 = no object; color (n, h/2, w/2, 3) uint8;
camera (n, 4) fx, fy, cx, cy in pixels; plane (n, 4) unit normal and offset (metres) of the table in the camera's frame.
"""

from __future__ import annotations

import multiprocessing
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import cv2
import numpy as np
from jaxtyping import Float32, UInt8, UInt16
from tqdm import tqdm

from ....errors import DatasetError
from ....simulation.scenes.clutter import ARRANGEMENTS, frames_of
from ....twin.types import CameraIntrinsics, Plane

STEP_M = 1e-4
SIZE = (320, 240)
# Arrangements that are difficult by depth alone are more frequent.
SHARES = {
    "single": 1, "sparse": 2, "touching": 4, "leaning": 3, "stacked": 4, "heap": 4, "container": 3, "thin": 2,
}  # fmt: skip
_ORDER = tuple(
    kind for turn in range(max(SHARES.values())) for kind in ARRANGEMENTS if SHARES[kind] > turn
)  # every run of files holds every kind


@dataclass(frozen=True)
class Shard:
    """The frames of one scene, as in its file."""

    path: Path
    depth: UInt16[np.ndarray, "n h w"]
    ids: UInt8[np.ndarray, "n h w"]
    color: UInt8[np.ndarray, "n h2 w2 3"]
    camera: Float32[np.ndarray, "n 4"]
    plane: Float32[np.ndarray, "n 4"]

    def depth_m(self, number: int) -> Float32[np.ndarray, "h w"]:
        """Depth in metres, NaN where it is missing."""
        depth = self.depth[number].astype(np.float32) * np.float32(STEP_M)
        depth[self.depth[number] == 0] = np.nan
        return depth

    def intrinsics(self, number: int) -> CameraIntrinsics:
        h, w = self.depth.shape[1:]
        fx, fy, cx, cy = (float(v) for v in self.camera[number])
        return CameraIntrinsics(w, h, fx, fy, cx, cy)

    def support(self, number: int) -> Plane:
        x, y, z, offset = (float(v) for v in self.plane[number])
        return Plane((x, y, z), offset)


def shard_names(frames: int, views: int, seed: int) -> list[tuple[str, int]]:
    """(arrangement, seed) of the files of `frames` frames, `views` in each."""
    return [(_ORDER[n % len(_ORDER)], seed + n) for n in range(-(-frames // views))]


def shard_path(folder: Path, arrangement: str, seed: int) -> Path:
    return folder / f"{seed:07d}-{arrangement}.npz"


def make_frames(folder: Path, frames: int, views: int, seed: int, workers: int) -> int:
    """Makes the missing files, and returns the number of the requested frames in the folder.

    Raises DatasetError if a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = shard_names(frames, views, seed)
    jobs = [(folder, a, s, views) for a, s in wanted if not shard_path(folder, a, s).is_file()]
    bar = tqdm(total=len(wanted), initial=len(wanted) - len(jobs), desc="scenes", unit="scene", mininterval=5)
    if workers <= 1:
        for job in jobs:
            _make(job)
            bar.update()
    else:
        # Forked processes would share the parent's OpenGL context.
        with multiprocessing.get_context("spawn").Pool(workers, maxtasksperchild=200) as pool:
            for _ in pool.imap_unordered(_make, jobs):
                bar.update()
    bar.close()
    return views * sum(shard_path(folder, a, s).is_file() for a, s in wanted)


def _make(job: tuple[Path, str, int, int]) -> None:
    folder, arrangement, seed, views = job
    cv2.setNumThreads(1)
    depth, ids, color, camera, plane = [], [], [], [], []
    for frame, table in frames_of(seed, arrangement, views, size=SIZE):
        assert frame.depth_m is not None
        assert frame.truth is not None
        assert frame.intrinsics is not None
        depth.append(np.clip(np.nan_to_num(frame.depth_m / STEP_M), 0, 65535).astype(np.uint16))
        ids.append(frame.truth.ids.astype(np.uint8))
        color.append(cv2.resize(frame.color, (SIZE[0] // 2, SIZE[1] // 2), interpolation=cv2.INTER_AREA))
        k = frame.intrinsics
        camera.append((k.fx, k.fy, k.cx, k.cy))
        plane.append((*table.normal, table.offset_m))
    path = shard_path(folder, arrangement, seed)
    half = path.with_suffix(".half")
    try:
        with half.open("wb") as file:
            _write(
                file, depth=np.stack(depth), ids=np.stack(ids), color=np.stack(color),
                camera=np.array(camera, np.float32), plane=np.array(plane, np.float32),
            )  # fmt: skip
        half.rename(path)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise DatasetError(
            f"{path} cannot be written ({error.strerror}): make room and give the same command again; "
            "what is made is kept"
        ) from error


def _write(file: IO[bytes], **arrays: np.ndarray) -> None:
    """Like np.savez_compressed, but five times faster."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)


def read_shard(path: Path) -> Shard:
    """Reads a file of frames. Raises DatasetError naming the file if it is missing, damaged or of another kind."""
    try:
        with np.load(path, allow_pickle=False) as data:
            shard = Shard(path, data["depth"], data["ids"], data["color"], data["camera"], data["plane"])
        n, h, w = shard.depth.shape
        if shard.ids.shape != (n, h, w) or shard.camera.shape != (n, 4) or shard.plane.shape != (n, 4):
            raise ValueError(f"depth is {shard.depth.shape}, ids {shard.ids.shape}, camera {shard.camera.shape}")
        return shard
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DatasetError(
            f"{path} is no file of simulated frames ({error}); delete it, and "
            "`fastreasonseg train segmenter` makes it anew"
        ) from error


def shards_in(folder: Path) -> Iterator[Path]:
    """The files of a folder in the order of their seeds."""
    yield from sorted(folder.glob("*.npz"))
