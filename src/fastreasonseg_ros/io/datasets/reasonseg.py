"""ReasonSeg (Lai et al., LISA, CVPR 2024), as LISA's utils/data_processing.py and utils/dataset.py read it.

ReasonSeg/{train,val,test}/NAME.jpg + NAME.json    {"text": [...], "is_sentence": bool, "shapes": [{"label", "points"}]}

Polygons are drawn from the largest to the smallest, filled and with their outline; a label that contains "ignore" marks
pixels that do not count, "flag" marks deprecated polygons, which are left out, every other label is the target. As in
LISA's validation only the first text of an image is asked. Categories: "long" for sentences, "short" for phrases.
Source of the field names: LISA's code and its published files.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8

from ...errors import DatasetError
from ..files import read_json
from .base import Dataset, IdImage, Mask, Question
from .pictures import Pictures, choose_split

NAME = "reasonseg"
WHERE = (
    "Download ReasonSeg from the Google Drive folder named in github.com/dvlab-research/LISA (README, 'ReasonSeg') and "
    "unpack it so that DIR/val/*.jpg and DIR/val/*.json exist (also train, test)"
)
ENCODINGS = ("utf-8", "cp1252")  # some of the published files are in the second
TARGET, IGNORED = 1, 255


def is_here(root: Path) -> bool:
    return any(_has_samples(folder) for folder in (root, *_splits(root)))


def open_here(root: Path, split: str | None = None) -> Dataset:
    """One split, by default val; `root` may also be the folder of a split itself. Raises DatasetError."""
    folder = root
    if not _has_samples(root):
        split = choose_split(root, split, [p.name for p in _splits(root) if _has_samples(p)], "val")
        folder = root / split
    questions = tuple(_question(path) for path in sorted(folder.glob("*.json")))
    names = tuple(q.scene for q in questions)
    return Dataset(NAME, root, questions, names, partial(ReasonSegScene, folder), False, "targets", split)


class ReasonSegScene(Pictures):
    """One image; its id image has 1 for the target."""

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(name, [folder / f"{name}.jpg"])
        self.json_path = folder / f"{name}.json"
        self._drawn: UInt8[np.ndarray, "h w"] | None = None

    def annotation(self, number: int) -> tuple[Path, IdImage]:
        return self.json_path, (self._values() == TARGET).astype(np.uint16)

    def ignore(self, number: int) -> Mask:
        return self._values() == IGNORED

    def _values(self) -> UInt8[np.ndarray, "h w"]:
        if self._drawn is None:
            width, height = self.size(0)
            self._drawn = draw_polygons(_read(self.json_path)["shapes"], (height, width))
        return self._drawn


def draw_polygons(shapes: list[dict[str, Any]], shape: tuple[int, int]) -> UInt8[np.ndarray, "h w"]:
    """Image of 0, 1 (target) and 255 (does not count) from labelled polygons; smaller ones are drawn last."""
    drawn = []
    for polygon in shapes:
        if polygon["label"].lower() == "flag":
            continue
        one = np.zeros(shape, np.uint8)
        points = np.array([polygon["points"]], np.int32)  # truncated, as in LISA
        cv2.polylines(one, points, True, 1, 1)
        cv2.fillPoly(one, points, 1)
        drawn.append((int(one.sum()), one > 0, IGNORED if "ignore" in polygon["label"].lower() else TARGET))
    values = np.zeros(shape, np.uint8)
    for _, mask, value in sorted(drawn, key=lambda item: item[0], reverse=True):
        values[mask] = value
    return values


def _splits(root: Path) -> list[Path]:
    return sorted(p for p in root.iterdir() if p.is_dir()) if root.is_dir() else []


def _has_samples(folder: Path) -> bool:
    first = next(iter(sorted(folder.glob("*.json"))), None) if folder.is_dir() else None
    return first is not None and first.with_suffix(".jpg").is_file() and b'"shapes"' in first.read_bytes()


def _read(path: Path) -> dict[str, Any]:
    data = read_json(path, ENCODINGS)
    shapes, texts = (data.get(k) if isinstance(data, dict) else None for k in ("shapes", "text"))
    if not isinstance(texts, list) or not texts or not all(isinstance(t, str) for t in texts):
        raise DatasetError(f"{path}: text: expected a list of questions, got {texts!r}")
    if not isinstance(data.get("is_sentence"), bool):
        raise DatasetError(f"{path}: is_sentence: expected true or false, got {data.get('is_sentence')!r}")
    for number, shape in enumerate(shapes if isinstance(shapes, list) else [None]):
        points = shape.get("points") if isinstance(shape, dict) and isinstance(shape.get("label"), str) else None
        array = np.array(points, float) if _is_points(points) else np.zeros(0)
        if array.ndim != 2 or array.shape[1] != 2 or not np.isfinite(array).all():
            raise DatasetError(f"{path}: shapes[{number}]: expected a label and points [[x, y], ...], got {shape!r}")
    return data


def _is_points(points: Any) -> bool:
    return isinstance(points, list) and all(
        isinstance(p, list) and len(p) == 2 and all(isinstance(v, int | float) for v in p) for p in points
    )


def _question(path: Path) -> Question:
    data = _read(path)
    if not path.with_suffix(".jpg").is_file():
        raise DatasetError(f"{path.with_suffix('.jpg')}: picture is missing; {path.name} asks about it")
    has_target = any("ignore" not in s["label"].lower() and s["label"].lower() != "flag" for s in data["shapes"])
    category = "long" if data["is_sentence"] else "short"
    return Question(path.stem, data["text"][0].strip(), (1,) if has_target else (), category, where=str(path))
