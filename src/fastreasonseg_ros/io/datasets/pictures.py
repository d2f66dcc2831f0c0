"""Scenes of benchmarks without depth: single images, and videos as a folder of JPEG files."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DatasetError
from ...twin.masks import union
from ...twin.types import Frame, GroundTruth
from ..files import DEFAULT_FPS, check_size, picture_size, read_color, read_mask
from .base import IdImage, Mask, ObjectInfo, Question, Scene


class Pictures(Scene):
    """Frames 0, 1, ... from image files, without depth and camera; subclasses read the annotation."""

    def __init__(self, name: str, paths: list[Path], objects: ObjectInfo | None = None) -> None:
        super().__init__(name, objects)
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
        truth = None if ids is None else GroundTruth(ids, self.objects.labels, self.objects.colors)
        return Frame(color=color, stamp_s=number / DEFAULT_FPS, truth=truth)

    def size(self, number: int) -> tuple[int, int]:
        """(width, height) of a frame."""
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
        """The annotation file of a frame, for messages, and its id image (None: not annotated)."""


class MaskFolders(Pictures):
    """A video with a folder of mask images for every object, by id; frames without a mask image do not count.

    Where masks overlap, the id image has the later one; target() uses the complete masks.
    """

    def __init__(self, name: str, paths: list[Path], folders: Mapping[int, Path]) -> None:
        super().__init__(name, paths)
        self.folders = folders

    def annotation(self, number: int) -> tuple[Path, IdImage | None]:
        masks = {id: mask for id in self.folders if (mask := self._mask(id, number)) is not None}
        width, height = self.size(number)
        ids = np.zeros((height, width), np.uint16)
        for id, mask in masks.items():
            ids[mask] = id
        return self.paths[number], ids if masks else None

    def target(self, question: Question, number: int) -> Mask | None:
        masks = [self._mask(id, number) for id in question.target_ids or self.folders]
        if all(mask is None for mask in masks):
            return None
        width, height = self.size(number)
        return union((m for m in masks if m is not None and question.target_ids), (height, width))

    def _mask(self, id: int, number: int) -> Mask | None:
        path = self.folders[id] / f"{self.paths[number].stem}.png"
        if not path.is_file():
            return None
        mask = read_mask(path)
        check_size(path, mask, self.size(number), self.paths[number])
        return mask


def decode_rle(packed: Any, where: str, size: tuple[int, int], of: Path) -> Mask:
    """Decodes a mask in COCO run lengths; None is an empty one. size: (width, height) of the image `of`.

    Raises DatasetError for invalid run lengths or another size.
    """
    from pycocotools import mask as coco

    if packed is None:
        return np.zeros((size[1], size[0]), bool)
    try:
        mask = coco.decode(packed)
    except (TypeError, KeyError, ValueError) as error:
        raise DatasetError(f"{where} is not a run-length mask: {error}") from error
    check_size(Path(where), mask, size, of)
    return np.asarray(mask if mask.ndim == 2 else mask.any(axis=2)) > 0


def need(path: Path, where: str) -> Path:
    """The path. Raises DatasetError with the download instructions `where` if it does not exist."""
    if not path.exists():
        raise DatasetError(f"{path}: is missing. {where}")
    return path


def choose_split(root: Path, given: str | None, found: list[str], preferred: str) -> str:
    """The given split, or the preferred one, or the only one. Raises DatasetError naming the existing splits."""
    if given is None:
        given = preferred if preferred in found else found[0] if len(found) == 1 else None
    if given not in found:
        raise DatasetError(f"{root}: split {given or preferred!r} is not here; choose --split {' or '.join(found)}")
    return given
