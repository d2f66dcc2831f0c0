"""Training samples for labels: features and true labels of simulated objects.

Two sources: the segmenter's cluttered frames, and tables of many separate objects, which are fast to make. Each object
is segmented twice: by its true mask with random erosion or dilation, as a model of any segmenter's errors, and by the
table-top perceiver. Samples are cached by scene.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8, UInt16
from scipy import ndimage

from ....evaluation.metrics.segmentation import match_ids
from ....perception.attributes.describe import Geometry, describe
from ....perception.attributes.features import Features
from ....perception.protocol import Perceiver
from ....perception.support.surface import analyse
from ....simulation.objects.household import KINDS, make_object
from ....simulation.rendering.depth_noise import SENSORS
from ....simulation.scenes.clutter import placements_of, random_look
from ....simulation.scenes.placing import arrange
from ....simulation.scenes.scene import Scene
from ....simulation.scenes.world import random_world
from ....twin.types import CameraIntrinsics, Frame, Plane
from ..segmenter.frames import SIZE, Shard, read_shard

LEAST_PX = 60  # of a thing, at 320x240
LEAST_F = 0.7  # least overlap F of the perceiver's mask with the true one
# Frequent kinds of many proportions: drawn twice as often.
VARIED = (
    "box", "cereal box", "tea box", "book", "bowl", "mug", "cup", "bottle", "can", "tin", "canister", "cookie tin",
)  # fmt: skip
PLANE_NOISE_M, PLANE_NOISE_RAD = 0.0015, 0.004


@dataclass(frozen=True)
class Samples:
    """Feature vectors and labels, one row per object and view."""

    names: tuple[str, ...]
    vectors: Float32[np.ndarray, "n features"]


def shard_samples(folder: Path, path: Path, views: int, perceiver: Perceiver) -> Samples:
    """Samples of `views` evenly spaced frames of a file of the segmenter; cached in the folder."""
    return _cached(folder / f"{path.stem}-{views}.npz", lambda: look_at(_frames_of(read_shard(path), views), perceiver))


def table_samples(folder: Path, seed: int, views: int, perceiver: Perceiver, things: int = 14) -> Samples:
    """Samples of a table of separate objects, from `views` views; cached in the folder."""
    return _cached(folder / f"table{seed}-{views}.npz", lambda: look_at(_table(seed, views, things), perceiver))


def _cached(path: Path, make: Callable[[], Samples]) -> Samples:
    if path.is_file():
        try:
            with np.load(path, allow_pickle=False) as data:
                return Samples(tuple(str(n) for n in data["names"]), data["vectors"])
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            path.unlink()
    samples = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.npz")
    np.savez(part, names=np.array(samples.names, str), vectors=samples.vectors)
    part.rename(path)
    return samples


@dataclass(frozen=True)
class Shot:
    """A frame, its table plane, and labels by id; seed: of the random changes of masks and plane."""

    color: UInt8[np.ndarray, "h w 3"]
    depth_m: Float32[np.ndarray, "h w"]
    ids: UInt16[np.ndarray, "h w"]
    camera: CameraIntrinsics
    plane: Plane
    names: Mapping[int, str]
    seed: int


def look_at(shots: Iterable[Shot], perceiver: Perceiver) -> Samples:
    """Samples of all objects of at least LEAST_PX pixels, by both of their masks."""
    found: list[tuple[str, np.ndarray]] = []
    for shot in shots:
        rng = np.random.default_rng([shot.seed, 42])
        surface = analyse(shot.depth_m, shot.camera)
        geometry = Geometry(surface, 1, _jittered(shot.plane, rng), 1 / shot.camera.fx)
        masks = [(int(id), _as_segmented(shot.ids == id, rng)) for id in np.unique(shot.ids[shot.ids > 0])]
        frame = Frame(shot.color, shot.depth_m, shot.camera)
        for id, mask in (*masks, *cut_out(perceiver, frame, shot.ids).items()):
            if np.count_nonzero(mask) >= LEAST_PX:
                features = features_of(mask, shot.color, geometry, 1.0)
                if features is not None:
                    found.append((shot.names[id], features.vector()))
    return Samples(tuple(name for name, _ in found), np.array([vector for _, vector in found], np.float32))


def features_of(
    mask: Bool[np.ndarray, "h w"], color: UInt8[np.ndarray, "h w 3"], geometry: Geometry, gain: float | None = None
) -> Features | None:
    """The features of the object under a mask (not empty); None if there is too little depth."""
    label = mask.astype(np.int32)
    return describe(1, label, ndimage.find_objects(label)[0], color, geometry, None, gain)[1]


def cut_out(
    perceiver: Perceiver, frame: Frame, true_ids: UInt16[np.ndarray, "h w"], least_f: float = LEAST_F
) -> dict[int, Bool[np.ndarray, "h w"]]:
    """{true id: mask of the perceiver} of the objects with an overlap F of at least least_f."""
    ids = np.zeros(true_ids.shape, np.uint16)
    for n, detection in enumerate(perceiver.perceive(frame).detections, 1):
        ids[detection.mask] = n
    return {true_id: ids == n for true_id, (n, f) in match_ids(ids, true_ids).items() if f >= least_f}


def _frames_of(shard: Shard, views: int) -> Iterator[Shot]:
    seed, arrangement = shard.path.stem.split("-", 1)
    names = {k: p.object.label for k, p in enumerate(placements_of(int(seed), arrangement), 1)}
    for n in np.unique(np.linspace(0, len(shard.depth) - 1, views).astype(int)).tolist():
        ids = shard.ids[n].astype(np.uint16)
        color = cv2.resize(shard.color[n], ids.shape[::-1], interpolation=cv2.INTER_LINEAR)
        yield Shot(color, shard.depth_m(n), ids, shard.intrinsics(n), shard.support(n), names, 100 * int(seed) + n)


def _table(seed: int, views: int, things: int) -> Iterator[Shot]:
    """Views of a table with separate objects; without physics, which makes it fast."""
    rng = np.random.default_rng([seed, 77])
    made = [make_object(str(kind), rng) for kind in rng.choice([*KINDS, *VARIED], size=things)]
    placements = arrange(made, "sparse", rng, 0.35)
    with Scene(seed, placements, random_world(rng), random_look(rng, SIZE), SIZE, shadows=False) as scene:
        for n in range(views):
            scene.look(random_look(rng, SIZE))
            frame = scene.render(sorted(SENSORS)[n % len(SENSORS)], sharpness=float(rng.uniform(1.0, 2.2)))
            assert frame.depth_m is not None
            assert frame.intrinsics is not None
            assert frame.truth is not None
            yield Shot(
                frame.color, frame.depth_m, frame.truth.ids, frame.intrinsics, scene.plane, frame.truth.labels,
                100 * seed + n,
            )  # fmt: skip


def _as_segmented(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The mask eroded or dilated by a pixel, opened, or unchanged, at random."""
    cross, image = np.ones((3, 3), np.uint8), mask.astype(np.uint8)
    kind = rng.random()
    if kind < 0.15:
        image = cv2.erode(image, cross)
    elif kind < 0.3:
        image = cv2.dilate(image, cross)
    elif kind < 0.45:
        image = cv2.morphologyEx(image, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    return image > 0


def _jittered(plane: Plane, rng: np.random.Generator) -> Plane:
    """The table plane with random errors, as of a perceiver."""
    normal = np.asarray(plane.normal) + rng.normal(scale=PLANE_NOISE_RAD, size=3)
    normal /= np.linalg.norm(normal)
    # Rotated about the point of the table on the optical axis, not about the camera.
    at = np.array([0.0, 0.0, plane.offset_m / min(plane.normal[2], -0.1)])
    shift = float(rng.normal(scale=PLANE_NOISE_M))
    x, y, z = (float(v) for v in normal)
    return Plane((x, y, z), float(normal @ at) + shift)
