"""Simulated test clips for tracking: rendered once from a seed, cached on disk in the `folder` format.

ROOT/CLIP/camera.json, ROOT/CLIP/000000/{rgb,depth,ids}.png and pose.json are as in io/datasets/folder.py and can be
used like any scene; things.json holds position, size and visible pixels of every visible object.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ...io.datasets.folder import FolderScene
from ...io.files import read_json
from ...simulation.scenes.scenarios import FPS, SCENARIOS, SimulatedFrame, TrueObject, simulate
from ...twin.types import Frame

FIRST_SEED = 9000  # not used in training
DEPTH_UNIT_M = 0.0001


@dataclass(frozen=True)
class Clip:
    """A scenario of simulation/scenes/scenarios.py with its seed and image size (width, height)."""

    scenario: str
    seed: int
    size: tuple[int, int] = (320, 240)

    @property
    def name(self) -> str:
        return f"{self.scenario.replace(', ', '-').replace(' ', '-')}-{self.seed}-{self.size[0]}x{self.size[1]}"

    @property
    def pose_known(self) -> bool:
        """Whether the perceiver gets the camera pose; by the scenario's name."""
        return not self.scenario.endswith("pose unknown")


def choose_clips(count: int = 30, scenarios: tuple[str, ...] = (), size: tuple[int, int] = (320, 240)) -> list[Clip]:
    """The first `count` clips, cycling through all scenarios, or through the given ones."""
    names = [name for name in SCENARIOS if not scenarios or name in scenarios]
    return [Clip(names[n % len(names)], FIRST_SEED + n, size) for n in range(count)]


def read_clip(clip: Clip, root: Path) -> Iterator[SimulatedFrame]:
    """The frames of a clip with ground truth, read from disk; rendered first if missing or incomplete."""
    folder = root / clip.name
    if not (folder / "camera.json").is_file():
        _render(clip, folder)
    scene = FolderScene(folder)
    for number in scene.numbers:
        things = read_json(folder / f"{number:06d}" / "things.json")
        yield SimulatedFrame(
            scene.frame(number),
            {int(i): TrueObject(tuple(t["at_m"]), tuple(t["size_m"]), t["visible_px"]) for i, t in things.items()},
        )


def _render(clip: Clip, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    camera = None
    for number, picture in enumerate(simulate(clip.scenario, clip.seed, clip.size)):
        _write(picture, folder / f"{number:06d}")
        camera = picture.frame.intrinsics
    assert camera is not None
    # Written last: its presence marks the clip as complete.
    about = {k: getattr(camera, k) for k in ("width", "height", "fx", "fy", "cx", "cy")}
    (folder / "camera.json").write_text(json.dumps(about | {"depth_unit_m": DEPTH_UNIT_M, "fps": FPS}) + "\n")


def _write(picture: SimulatedFrame, folder: Path) -> None:
    frame = picture.frame
    folder.mkdir(parents=True)
    assert frame.depth_m is not None
    assert frame.truth is not None
    assert frame.pose is not None
    depth = np.nan_to_num(frame.depth_m / DEPTH_UNIT_M).round().clip(0, 65535).astype(np.uint16)
    fast = [cv2.IMWRITE_PNG_COMPRESSION, 1]
    for name, image in (("rgb", frame.color[..., ::-1]), ("depth", depth), ("ids", frame.truth.ids)):
        cv2.imwrite(str(folder / f"{name}.png"), image, fast)
    things = {i: {"at_m": t.at_m, "size_m": t.size_m, "visible_px": t.visible_px} for i, t in picture.objects.items()}
    (folder / "things.json").write_text(json.dumps(things) + "\n")
    pose = {"turn": frame.pose.rotation.tolist(), "at_m": frame.pose.translation.tolist()}
    (folder / "pose.json").write_text(json.dumps(pose) + "\n")


def without_truth(picture: SimulatedFrame, clip: Clip) -> Frame:
    """The frame without ground truth, and without the camera pose unless clip.pose_known."""
    frame = picture.frame
    return Frame(
        frame.color,
        frame.depth_m,
        frame.intrinsics,
        frame.stamp_s,
        frame.frame_id,
        pose=frame.pose if clip.pose_known else None,
    )
