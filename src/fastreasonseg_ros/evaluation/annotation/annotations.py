"""Pictures that are being annotated by points; the files are those of io/datasets/marks.py."""

from __future__ import annotations

from pathlib import Path

from ...errors import DatasetError
from ...io.datasets.marks import Marks, Point, has_picture, picture_of, read_marks, write_marks
from ...io.files import picture_size

MAX_UNDO = 500


class Annotation:
    """The marks of one folder. Every change is on disk when it returns."""

    def __init__(self, folder: Path) -> None:
        """Reads what is there. Raises DatasetError naming the file that cannot be read."""
        self.folder, self.picture = folder, picture_of(folder)
        self.size = picture_size(self.picture)
        self.marks = read_marks(folder)
        self._before: list[Marks] = []

    def change(self, marks: Marks) -> None:
        """Writes the marks. Raises DatasetError where the disk does not take them; then nothing has changed."""
        write_marks(self.folder, marks, self.marks)
        self._before = [*self._before, self.marks][-MAX_UNDO:]
        self.marks = marks

    def undo(self) -> bool:
        """Takes the last change back; False where there is none."""
        if not self._before:
            return False
        write_marks(self.folder, self._before[-1], self.marks)
        self.marks = self._before.pop()
        return True

    def inside(self, x: float, y: float) -> Point:
        """The pixel at a place in the picture."""
        width, height = self.size
        return min(max(int(x), 0), width - 1), min(max(int(y), 0), height - 1)


def open_annotations(folder: Path) -> list[Annotation]:
    """Of the folder itself where it holds a picture, else of its folders. Raises DatasetError where there is none."""
    if not folder.is_dir():
        raise DatasetError(f"{folder}: no such folder")
    folders = [folder] if has_picture(folder) else sorted(f for f in folder.iterdir() if f.is_dir() and has_picture(f))
    if not folders:
        raise DatasetError(
            f"{folder}: holds no rgb.png, nor do its folders; put each picture as rgb.png into a folder of its own, "
            "with depth.png and camera.json beside it"
        )
    return [Annotation(f) for f in folders]
