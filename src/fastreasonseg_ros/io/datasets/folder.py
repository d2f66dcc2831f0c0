"""Our own folder format (DESIGN 6), with depth and videos.

DATASET/queries.jsonl, labels.jsonl    see base.py; labels are optional
DATASET/SCENE/camera.json              width height fx fy cx cy depth_unit_m (default 0.001), fps (default 10)
DATASET/SCENE/000000/                  rgb.png 8-bit; depth.png 16-bit, 0 = unknown, optional; ids.png, 0 = background;
                                       pose.json, optional: the camera's in a static frame, turn (3x3) and at_m (metres)
"""

from __future__ import annotations

from functools import cached_property, partial
from pathlib import Path

import numpy as np

from ...errors import DatasetError, FrameError
from ...twin.pose import Pose
from ...twin.types import Frame, GroundTruth
from ..files import read_camera, read_color, read_depth, read_ids, read_json
from ..picture import intrinsics_of
from ..registration import fit_depth
from .base import Dataset, IdImage, ObjectInfo, Scene, check_questions, read_object_info, read_questions

NAME = "folder"
WHERE = "It needs queries.jsonl, and a folder a scene with camera.json and frames 000000/rgb.png, depth.png, ids.png"


def is_here(root: Path) -> bool:
    return (root / "queries.jsonl").is_file()


def open_here(root: Path, split: str | None = None) -> Dataset:
    """`split` is a folder inside the data set. Raises DatasetError."""
    root = root / split if split else root
    questions = read_questions(root / "queries.jsonl")
    objects = read_object_info(root / "labels.jsonl")
    names = tuple(sorted(p.name for p in root.iterdir() if (p / "camera.json").is_file()))
    dataset = Dataset(NAME, root, questions, names, partial(_scene, root, objects), False, "all", split)
    for name, asked in dataset.by_scene().items():
        scene = FolderScene(root / name, objects.get(name))
        if asked and (not name or not scene.path.is_dir()):
            raise DatasetError(f"{asked[0][1].where}: unknown scene {name!r}; there is no folder {scene.path}")
        check_questions(scene, [question for _, question in asked])
    depth = any((root / name / f"{0:06d}" / "depth.png").is_file() for name in names) or any(root.glob("*/*/depth.png"))
    return Dataset(NAME, root, questions, names, dataset.open_scene, depth, "all", split)


def _scene(root: Path, objects: dict[str, ObjectInfo], name: str) -> FolderScene:
    return FolderScene(root / name, objects.get(name))


class FolderScene(Scene):
    """One folder of frames. Frame numbers are the names of its subfolders."""

    def __init__(self, path: Path, objects: ObjectInfo | None = None, depth_unit_m: float | None = None) -> None:
        """depth_unit_m: metres per count of depth.png; None: by camera.json."""
        super().__init__(path.name, objects)
        self.path, self._depth_unit_m = path, depth_unit_m

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """Frame numbers, ascending. Raises DatasetError if there is none."""
        folders = self.path.iterdir() if self.path.is_dir() else ()
        numbers = tuple(sorted(int(p.name) for p in folders if p.name.isdecimal() and p.is_dir()))
        if not numbers:
            raise DatasetError(f"{self.path}: has no frames; expected folders 000000, 000001 ... holding rgb.png")
        return numbers

    @cached_property
    def camera(self) -> dict[str, float]:
        return read_camera(self.path / "camera.json")

    def frame(self, number: int) -> Frame:
        """One frame, with ground truth if there is an ids.png. Raises DatasetError naming the file."""
        folder = self._folder(number)
        color = read_color(folder / "rgb.png")
        depth_path, ids_path = folder / "depth.png", folder / "ids.png"
        camera = self.camera
        try:
            intrinsics = intrinsics_of(camera)
            ids = self.truth_ids(number) if ids_path.exists() else None
            depth_m = None
            if depth_path.exists():
                raw_m = read_depth(depth_path, self._depth_unit_m or camera["depth_unit_m"])
                depth_m = fit_depth(raw_m, color.shape[1], color.shape[0])
            return Frame(
                color=color,
                depth_m=depth_m,
                intrinsics=intrinsics,
                stamp_s=(number - self.numbers[0]) / camera["fps"],
                truth=None if ids is None else GroundTruth(ids, self.objects.labels, self.objects.colors),
                pose=_read_pose(folder / "pose.json"),
            )
        except FrameError as error:
            raise DatasetError(f"{folder}: {error}") from error

    def read_truth(self, number: int) -> IdImage:
        return read_ids(self._folder(number) / "ids.png")

    def _folder(self, number: int) -> Path:
        # Usually six digits; other names are searched by value.
        folder = self.path / f"{number:06d}"
        return folder if folder.is_dir() else next(p for p in self.path.iterdir() if p.name.lstrip("0") == str(number))


def _read_pose(path: Path) -> Pose | None:
    """The pose, None without a file. Raises FrameError for an invalid one."""
    if not path.is_file():
        return None
    data = read_json(path)
    try:
        return Pose(np.array(data["turn"], float), np.array(data["at_m"], float))
    except (KeyError, TypeError, ValueError) as error:
        raise FrameError(f"{path.name} needs turn (3x3) and at_m (3 metres): {error!r}") from error
