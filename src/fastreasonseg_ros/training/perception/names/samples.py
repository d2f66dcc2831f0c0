"""Training samples for labels: features and true labels of simulated objects.

Three sources: the cluttered frames of the segmenter, tables of many separate objects, which are fast to make, and
tables at the full resolution of a camera, where about half of the objects are modelled ones with real surfaces. Each is
segmented twice: by its true mask with random erosion or dilation, as a model of the errors of any segmenter, and by the
table-top perceiver. Samples are cached by scene.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from zipfile import BadZipFile

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8, UInt16
from scipy import ndimage

from ....evaluation.metrics.segmentation import match_ids
from ....perception.attributes.crops import crop_of
from ....perception.attributes.describe import Geometry, describe
from ....perception.attributes.eyes import Eyes
from ....perception.attributes.features import Features
from ....perception.protocol import Perceiver
from ....perception.support.surface import analyse, shrink, shrink_intrinsics
from ....simulation.objects.household import KINDS, SimObject, make_object
from ....simulation.objects.sweethome.library import Library
from ....simulation.rendering.depth_noise import SENSORS
from ....simulation.scenes.clutter import placements_of, random_look
from ....simulation.scenes.placing import arrange
from ....simulation.scenes.scene import Scene
from ....simulation.scenes.world import random_world
from ....twin.types import CameraIntrinsics, Frame, Plane
from ..segmenter.frames import SIZE, Shard, read_shard

LEAST_PX = 60  # of a thing, at 320x240
FULL_SIZE = (640, 480)
CROP_PX, CROP_QUALITY = 160, 90  # longest side of the crops that are kept, and their JPEG quality
LEAST_F = 0.7  # least overlap F of the perceiver's mask with the true one
# Frequent kinds of many proportions: drawn twice as often.
VARIED = (
    "box", "cereal box", "tea box", "book", "bowl", "mug", "cup", "bottle", "can", "tin", "canister", "cookie tin",
)  # fmt: skip
PLANE_NOISE_M, PLANE_NOISE_RAD = 0.0015, 0.004


@dataclass(frozen=True)
class Samples:
    """Feature vectors and labels, one row per object and view.

    crops: JPEG pictures of the objects, as crop_of cuts them; none from sources of low resolution. seen: what Eyes see
    in them, NaN where there is no crop; None without Eyes.
    """

    names: tuple[str, ...]
    vectors: Float32[np.ndarray, "n features"]
    crops: tuple[bytes, ...] = ()
    seen: Float32[np.ndarray, "n seen"] | None = None


def shard_samples(folder: Path, path: Path, views: int, perceiver: Perceiver) -> Samples:
    """Samples of `views` evenly spaced frames of a file of the segmenter; cached in the folder."""
    return _cached(folder / f"{path.stem}-{views}.npz", lambda: look_at(_frames_of(read_shard(path), views), perceiver))


def table_samples(folder: Path, seed: int, views: int, perceiver: Perceiver, things: int = 14) -> Samples:
    """Samples of a table of separate objects, from `views` views; cached in the folder."""
    return _cached(folder / f"table{seed}-{views}.npz", lambda: look_at(_table(seed, views, things), perceiver))


def furniture_samples(
    folder: Path, seed: int, views: int, perceiver: Perceiver, library: Library, made_by_rule: float, things: int = 12
) -> Samples:
    """Samples, with crops, of a table at full resolution with objects of a library; cached in the folder.

    made_by_rule: share of the objects that are procedural ones.
    """

    def look() -> Samples:
        rng = np.random.default_rng([seed, 78])
        made = [
            _by_rule(rng) if rng.random() < made_by_rule else library.make(str(rng.choice(sorted(library.kinds))), rng)
            for _ in range(things)
        ]
        clutter = "sparse" if rng.random() < 0.65 else "touching"
        return look_at(_views(seed, views, made, rng, FULL_SIZE, clutter), perceiver, keep_crops=True)

    return _cached(folder / f"furniture{seed}-{views}.npz", look)


def looked_at(path: Path, samples: Samples, eyes: Eyes) -> Samples:
    """The samples with what is seen of their crops, kept in a file."""
    if path.is_file():
        try:
            with np.load(path, allow_pickle=False) as data:
                seen = data["seen"].astype(np.float32)
            if seen.shape == (len(samples.names), eyes.size):
                return replace(samples, seen=seen)
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            path.unlink()
    seen = np.array([eyes.look_at_crop(_decoded(crop)) for crop in samples.crops], np.float32)
    seen = seen if len(seen) else np.full((len(samples.names), eyes.size), np.nan, np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.npz")
    np.savez(part, seen=seen.astype(np.float16))
    part.rename(path)
    return replace(samples, seen=seen)


def _cached(path: Path, make: Callable[[], Samples]) -> Samples:
    if path.is_file():
        try:
            with np.load(path, allow_pickle=False) as data:
                ends = np.cumsum(data["crop_sizes"]).tolist() if "crop_sizes" in data else []
                packed = data["crops"].tobytes() if ends else b""
                crops = tuple(packed[a:b] for a, b in pairwise([0, *ends]))
                return Samples(tuple(str(n) for n in data["names"]), data["vectors"], crops)
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            path.unlink()
    samples = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.npz")
    crops = {"crops": np.frombuffer(b"".join(samples.crops), np.uint8), "crop_sizes": [len(c) for c in samples.crops]}
    np.savez(part, names=np.array(samples.names, str), vectors=samples.vectors, **(crops if samples.crops else {}))
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


def look_at(shots: Iterable[Shot], perceiver: Perceiver, keep_crops: bool = False) -> Samples:
    """Samples of all objects of at least LEAST_PX pixels, by both of their masks."""
    found: list[tuple[str, np.ndarray]] = []
    crops: list[bytes] = []
    for shot in shots:
        rng = np.random.default_rng([shot.seed, 42])
        factor = max(1, round(shot.camera.width / SIZE[0]))
        surface = analyse(shrink(shot.depth_m, factor), shrink_intrinsics(shot.camera, factor))
        geometry = Geometry(surface, factor, _jittered(shot.plane, rng), factor / shot.camera.fx)
        masks = [(int(id), _as_segmented(shot.ids == id, rng, factor)) for id in np.unique(shot.ids[shot.ids > 0])]
        frame = Frame(shot.color, shot.depth_m, shot.camera)
        for id, mask in (*masks, *cut_out(perceiver, frame, shot.ids).items()):
            if np.count_nonzero(mask) >= LEAST_PX * factor**2:
                features = features_of(mask, shot.color, geometry, 1.0)
                if features is not None:
                    found.append((shot.names[id], features.vector()))
                    box = ndimage.find_objects(mask.astype(np.int32))[0]
                    crops += [encoded(crop_of(shot.color, box))] if keep_crops else []
    vectors = np.array([vector for _, vector in found], np.float32)
    return Samples(tuple(name for name, _ in found), vectors, tuple(crops))


def encoded(picture: UInt8[np.ndarray, "h w 3"]) -> bytes:
    """A crop as JPEG, at most CROP_PX wide and high."""
    scale = CROP_PX / max(picture.shape[:2])
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else picture
    return cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, CROP_QUALITY])[1].tobytes()


def _decoded(crop: bytes) -> UInt8[np.ndarray, "h w 3"]:
    return cv2.cvtColor(np.asarray(cv2.imdecode(np.frombuffer(crop, np.uint8), cv2.IMREAD_COLOR)), cv2.COLOR_BGR2RGB)


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
    return _views(seed, views, made, rng, SIZE)


def _by_rule(rng: np.random.Generator) -> SimObject:
    return make_object(str(rng.choice([*KINDS, *VARIED])), rng)


def _views(
    seed: int,
    views: int,
    made: Sequence[SimObject],
    rng: np.random.Generator,
    size: tuple[int, int],
    clutter: str = "sparse",
) -> Iterator[Shot]:
    placements = arrange(made, clutter, rng, 0.35)
    sharpness = (1.0, 2.2) if size == SIZE else (0.8, 1.2)  # pixels of depth sensors per pixel of the picture
    with Scene(seed, placements, random_world(rng), random_look(rng, size), size, shadows=False) as scene:
        for n in range(views):
            scene.look(random_look(rng, size))
            frame = scene.render(sorted(SENSORS)[n % len(SENSORS)], sharpness=float(rng.uniform(*sharpness)))
            assert frame.depth_m is not None
            assert frame.intrinsics is not None
            assert frame.truth is not None
            yield Shot(
                frame.color, frame.depth_m, frame.truth.ids, frame.intrinsics, scene.plane, frame.truth.labels,
                100 * seed + n,
            )  # fmt: skip


def _as_segmented(mask: np.ndarray, rng: np.random.Generator, by_px: int = 1) -> np.ndarray:
    """The mask eroded or dilated by some pixels, opened, or unchanged, at random."""
    cross, image = np.ones((2 * by_px + 1,) * 2, np.uint8), mask.astype(np.uint8)
    kind = rng.random()
    if kind < 0.15:
        image = cv2.erode(image, cross)
    elif kind < 0.3:
        image = cv2.dilate(image, cross)
    elif kind < 0.45:
        image = cv2.morphologyEx(image, cv2.MORPH_OPEN, np.ones((4 * by_px + 1,) * 2, np.uint8))
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
