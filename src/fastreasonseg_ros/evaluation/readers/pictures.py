"""Scenes of benchmarks whose pictures have no depth: single pictures, and videos as a folder of JPEG files."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path

from ...errors import DatasetError
from ...twin.types import Frame, GroundTruth
from ..datasets import IdImage, Scene, Words
from ..files import DEFAULT_FPS, check_size, picture_size, read_color


class Pictures(Scene):
    """Frames 0, 1, ... from picture files, without depth and camera; subclasses know the annotation."""

    def __init__(self, name: str, paths: list[Path], words: Words | None = None) -> None:
        super().__init__(name, words)
        self.paths = paths
        self._sizes: dict[int, tuple[int, int]] = {}
        if not paths:
            raise DatasetError(f"{name}: has no pictures")

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(range(len(self.paths)))

    def frame(self, number: int) -> Frame:
        color = read_color(self.paths[number])
        ids = self.truth_ids(number)
        truth = None if ids is None else GroundTruth(ids, self.words.labels, self.words.colors)
        return Frame(color=color, stamp_s=number / DEFAULT_FPS, truth=truth)

    def size(self, number: int) -> tuple[int, int]:
        """(width, height) of a frame's picture."""
        if number not in self._sizes:
            self._sizes[number] = picture_size(self.paths[number])
        return self._sizes[number]

    def read_truth(self, number: int) -> IdImage | None:
        path, ids = self.annotation(number)
        if ids is not None:
            check_size(path, ids, self.size(number), self.paths[number])
        return ids

    @abstractmethod
    def annotation(self, number: int) -> tuple[Path, IdImage | None]:
        """The file that a frame's ids come from, for messages, and the ids."""


def need(path: Path, where: str) -> Path:
    """The path. Raises DatasetError, with what to download, where there is nothing."""
    if not path.exists():
        raise DatasetError(f"{path}: is missing. {where}")
    return path


def choose_split(root: Path, given: str | None, found: list[str], preferred: str) -> str:
    """The split asked for, or the preferred one, or the only one. Raises DatasetError naming those that there are."""
    if given is None:
        given = preferred if preferred in found else found[0] if len(found) == 1 else None
    if given not in found:
        raise DatasetError(f"{root}: split {given or preferred!r} is not here; choose --split {' or '.join(found)}")
    return given
