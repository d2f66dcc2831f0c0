"""Object Segmentation Database (Richtsfeld et al., IROS 2012), in the layout of OSD-0.2-depth as it is published.

OSD/image_color/NAME.png, OSD/disparity/NAME.png (16 bit; despite its name depth in millimetres, as in UOAIS-Net's
loader), OSD/annotation/NAME.png (ids, 0 = background). Source of layout and unit: loaders that use it.

It has no questions: queries.jsonl and labels.jsonl of our format may be added in OSD/ (scene = NAME); without them only
perception is measured. Camera: OSD/camera.json if it exists, otherwise the Kinect's nominal values (525 pixels, centre
319.5, 239.5).
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ...errors import DatasetError, FrameError
from ...twin.types import Frame, GroundTruth
from ..files import check_size, picture_size, read_camera, read_color, read_depth, read_ids
from ..picture import intrinsics_of
from .base import Dataset, IdImage, ObjectInfo, Scene, check_questions, read_object_info, read_questions

NAME = "osd"
WHERE = (
    "Download OSD-0.2-depth.zip from www.acin.tuwien.ac.at/vision-for-robotics/software-tools/osd and unpack it so "
    "that DIR/image_color, DIR/disparity and DIR/annotation exist; questions, where you have some, go into "
    "DIR/queries.jsonl"
)
KINECT = {
    "width": 640.0, "height": 480.0, "fx": 525.0, "fy": 525.0, "cx": 319.5, "cy": 239.5, "depth_unit_m": 0.001,
}  # fmt: skip


def is_here(root: Path) -> bool:
    return (root / "image_color").is_dir() and (root / "annotation").is_dir()


def open_here(root: Path, split: str | None = None) -> Dataset:
    """All scenes, or with `split` those whose name begins with it (learn, test). Raises DatasetError."""
    names = [p.stem for p in sorted((root / "image_color").glob("*.png")) if p.stem.startswith(split or "")]
    if not names:
        raise DatasetError(f"{root}: no pictures in image_color begin with {split or ''!r}. {WHERE}")
    camera = read_camera(root / "camera.json") if (root / "camera.json").is_file() else KINECT
    objects = read_object_info(root / "labels.jsonl")
    every = read_questions(root / "queries.jsonl") if (root / "queries.jsonl").is_file() else ()
    questions = tuple(q for q in every if q.scene.startswith(split or ""))
    dataset = Dataset(NAME, root, questions, tuple(names), partial(_scene, root, camera, objects), True, "all", split)
    for name, asked in dataset.by_scene().items():
        if asked and name not in names:
            raise DatasetError(
                f"{asked[0][1].where}: unknown scene {name!r}; there is no {root}/image_color/{name}.png"
            )
        check_questions(dataset.scene(name), [question for _, question in asked])
    return dataset


def _scene(root: Path, camera: dict[str, float], objects: dict[str, ObjectInfo], name: str) -> OsdScene:
    return OsdScene(root, name, camera, objects.get(name))


class OsdScene(Scene):
    """One RGB-D image."""

    def __init__(self, root: Path, name: str, camera: dict[str, float], objects: ObjectInfo | None) -> None:
        super().__init__(name, objects)
        self.color_path, self.depth_path, self.ids_path = (
            root / folder / f"{name}.png" for folder in ("image_color", "disparity", "annotation")
        )
        self._camera = camera

    @property
    def numbers(self) -> tuple[int, ...]:
        return (0,)

    def frame(self, number: int) -> Frame:
        color = read_color(self.color_path)
        depth_m = read_depth(self.depth_path, self._camera["depth_unit_m"])
        check_size(self.depth_path, depth_m, (color.shape[1], color.shape[0]), self.color_path)
        ids = self.truth_ids(number)
        assert ids is not None
        try:
            truth = GroundTruth(ids, self.objects.labels, self.objects.colors)
            return Frame(color=color, depth_m=depth_m, intrinsics=intrinsics_of(self._camera), truth=truth)
        except FrameError as error:
            raise DatasetError(f"{self.color_path}: {error}; put a camera.json beside image_color") from error

    def read_truth(self, number: int) -> IdImage:
        ids = read_ids(self.ids_path)
        check_size(self.ids_path, ids, picture_size(self.color_path), self.color_path)
        return ids
