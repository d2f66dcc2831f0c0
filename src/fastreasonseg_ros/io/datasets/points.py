"""Pictures with points as ground truth, as `fastreasonseg annotate` makes them (marks.py); no masks.

DATASET/SCENE/rgb.png (or .jpg), objects.json, background.json, questions.jsonl    or these files in DATASET itself
              depth.png 16-bit, 0 = unknown, and camera.json: width height fx fy cx cy depth_unit_m; both optional
"""

from __future__ import annotations

from functools import cached_property, partial
from pathlib import Path

from ...errors import DatasetError
from ...twin.types import Frame
from ..files import picture_size
from ..picture import read_picture
from .base import Dataset, Question, Scene
from .marks import has_picture, picture_of, read_marks

NAME = "points"
WHERE = (
    "It needs a folder a picture, with rgb.png, and objects.json, background.json and questions.jsonl, which "
    "`fastreasonseg annotate DIR` makes; depth.png and camera.json beside them where the camera measures depth"
)


def is_here(root: Path) -> bool:
    return bool(_folders(root))


def open_here(root: Path, split: str | None = None) -> Dataset:
    """All pictures, or with `split` those whose folder's name begins with it. Raises DatasetError."""
    folders = [f for f in _folders(root) if f.name.startswith(split or "")]
    if not folders:
        raise DatasetError(f"{root}: no folder whose name begins with {split!r} holds objects.json. {WHERE}")
    by_name = {f.name: f for f in folders}
    questions = tuple(q for f in folders for q in PointScene(f).questions)
    flat = frozenset(f.name for f in folders if not _has_depth(f))
    return Dataset(
        NAME, root, questions, tuple(by_name), partial(_scene, by_name), len(flat) < len(folders), "points", split, flat
    )


def _folders(root: Path) -> list[Path]:
    """The folder itself or those in it that hold a picture with marks, by name."""
    found = [root, *sorted(root.iterdir())] if root.is_dir() else []
    return [f for f in found if f.is_dir() and has_picture(f) and (f / "objects.json").is_file()]


def _has_depth(folder: Path) -> bool:
    return (folder / "depth.png").is_file()


def _scene(by_name: dict[str, Path], name: str) -> PointScene:
    return PointScene(by_name[name])


class PointScene(Scene):
    """One picture. Raises DatasetError for marks that cannot be used, naming file and entry."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.name)
        self.path, self.marks = path, read_marks(path)
        width, height = picture_size(picture_of(path))
        for thing in self.marks.things:
            if not thing.points:
                raise DatasetError(f"{path / 'objects.json'}: {thing.label!r} ({thing.id}) has no point; click one")
        for x, y in (*self.marks.background, *(p for t in self.marks.things for p in t.points)):
            if not (0 <= x < width and 0 <= y < height):
                raise DatasetError(f"{path}: the point [{x}, {y}] is outside its picture of {width}x{height}")

    @property
    def numbers(self) -> tuple[int, ...]:
        return (0,)

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        known, file = {t.id for t in self.marks.things}, self.path / "questions.jsonl"
        for question in self.marks.questions:
            if unknown := set(question.target_ids) - known:
                raise DatasetError(f"{file}: {question.text!r} means {min(unknown)}, which objects.json does not have")
        return tuple(
            Question(self.name, q.text, q.target_ids, q.category, q.level, where=str(file))
            for q in self.marks.questions
        )

    def frame(self, number: int) -> Frame:
        depth, camera = self.path / "depth.png", self.path / "camera.json"
        has_depth = _has_depth(self.path)
        return read_picture(
            picture_of(self.path), depth if has_depth else None, camera if has_depth or camera.is_file() else None
        )

    def read_truth(self, number: int) -> None:
        return None
