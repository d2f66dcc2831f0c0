"""Simulated tables to evaluate labels: several views of each scene with ground truth, cached on disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import cv2
import numpy as np

from ....simulation.rendering.depth_noise import SENSORS
from ....simulation.scenes.placing import CLUTTER
from ....simulation.scenes.scene import Scene, make_scene
from ....simulation.scenes.truth import true_twin
from ....simulation.scenes.world import View, view_from
from ....twin.serialization import twin_from_json, twin_to_json
from ....twin.types import CameraIntrinsics, DigitalTwin, Frame, GroundTruth

VIEWS = 3
DEPTH_UNIT_M = 0.0001


@dataclass(frozen=True)
class AnnotatedView:
    """One frame with ground truth, and the true twin (amodal sizes, relations)."""

    frame: Frame
    twin: DigitalTwin


def cached_views(folder: Path, seed: int, number: int) -> list[AnnotatedView]:
    """The views of one scene, from the folder if they were rendered before; unreadable files are rendered again."""
    path = folder / f"scene{seed}.npz"
    if path.is_file():
        try:
            return _read(path)
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            path.unlink()
    pictures = list(render(seed, number))
    folder.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.npz")
    _write(part, pictures)
    part.rename(path)
    return pictures


def render(seed: int, number: int) -> Iterator[AnnotatedView]:
    """Renders a scene; clutter and sensor cycle with `number`, all else depends on the seed."""
    clutter, noise = CLUTTER[number % len(CLUTTER)], sorted(SENSORS)[number // len(CLUTTER) % len(SENSORS)]
    rng = np.random.default_rng([seed, 5])
    with make_scene(seed, clutter=clutter, n_objects=6 + number % 9) as scene:
        for view in range(VIEWS):
            if view:
                scene.look(_other_view(rng, scene))
            frame = scene.render(noise)
            yield AnnotatedView(frame, true_twin(scene, frame))


def _other_view(rng: np.random.Generator, scene: Scene) -> View:
    """A random view: any azimuth, larger ranges of distance and elevation than of a robot's head."""
    return view_from(
        distance_m=float(rng.uniform(0.55, 1.3)),
        tilt_deg=float(rng.uniform(20, 75)),
        around_deg=float(rng.uniform(-180, 180)),
        roll_deg=float(rng.normal(scale=3)),
        aim=(float(rng.normal(scale=0.05)), float(rng.normal(scale=0.05)), 0.04),
        focal_px=scene.view.focal_px,
    )


def _write(path: Path, pictures: list[AnnotatedView]) -> None:
    arrays: dict[str, np.ndarray] = {}
    for k, picture in enumerate(pictures):
        frame = picture.frame
        assert frame.depth_m is not None
        assert frame.intrinsics is not None
        assert frame.truth is not None
        depth = np.nan_to_num(frame.depth_m / DEPTH_UNIT_M).round().clip(0, 65535).astype(np.uint16)
        for name, image in (("rgb", frame.color[..., ::-1]), ("depth", depth), ("ids", frame.truth.ids)):
            arrays[f"{name}{k}"] = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1]
        c = frame.intrinsics
        arrays[f"camera{k}"] = np.array([c.width, c.height, c.fx, c.fy, c.cx, c.cy])
        arrays[f"twin{k}"] = np.array(twin_to_json(picture.twin))
    np.savez(path, **arrays)


def _read(path: Path) -> list[AnnotatedView]:
    pictures = []
    with np.load(path, allow_pickle=False) as data:
        for k in range(sum(name.startswith("twin") for name in data.files)):
            color, depth, ids = (
                cv2.imdecode(data[f"{name}{k}"], cv2.IMREAD_UNCHANGED) for name in ("rgb", "depth", "ids")
            )
            w, h, *rest = (float(v) for v in data[f"camera{k}"])
            twin = twin_from_json(str(data[f"twin{k}"]), str(path))
            depth_m = np.where(depth > 0, depth * np.float32(DEPTH_UNIT_M), np.float32(np.nan)).astype(np.float32)
            truth = GroundTruth(
                ids.astype(np.uint16),
                {i.id: i.label for i in twin.instances},
                {i.id: i.color for i in twin.instances if i.color},
            )
            camera = CameraIntrinsics(int(w), int(h), *rest)
            pictures.append(
                AnnotatedView(Frame(np.ascontiguousarray(color[..., ::-1]), depth_m, camera, truth=truth), twin)
            )
    return pictures
