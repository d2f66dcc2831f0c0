"""ReVOS (Yan et al., VISA, ECCV 2024). Source of the format: the published file list (cilinyan/ReVOS-api) and VISA's
code (utils/d2_datasets/mevis_utils.py, tools/eval_revos.py).

ReVOS/meta_expressions_valid_.json    {"videos": {VIDEO: {"frames": [NAME], "expressions": {ID: {"exp", "obj_id",
                                      "anno_id": [number], "type_id": 0 referring, 1 reasoning, 2 nothing there}}}}}
ReVOS/mask_dict.json                  {ANNO_ID: [COCO run lengths or null, one a frame]}
ReVOS/JPEGImages/VIDEO/NAME.jpg

An expression is about the full video; its target in a frame is the union of its annotations' masks, as in
eval_revos.py, which also averages J and F over all frames. The robustness measures of that script are not implemented.
mask_dict.json is read into memory at once; images are read one at a time.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DatasetError
from ...twin.masks import union
from ..files import read_json
from .base import Dataset, IdImage, Mask, Question
from .pictures import Pictures, choose_split, decode_rle, need

NAME = "revos"
WHERE = (
    "Download ReVOS (OneDrive or Baidu, linked in github.com/cilinyan/ReVOS-api) and unpack it so that "
    "DIR/meta_expressions_valid_.json, DIR/mask_dict.json and DIR/JPEGImages/VIDEO/*.jpg exist. Its fields are known "
    "from the code of github.com/cilinyan/VISA only"
)
TYPES = {0: "referring", 1: "reasoning", 2: "absent"}
META = re.compile(r"meta_expressions_(\w+?)_\.json")


def is_here(root: Path) -> bool:
    return bool(_splits(root))


def open_here(root: Path, split: str | None = None) -> Dataset:
    """One split, by default valid. Raises DatasetError."""
    splits = _splits(root)
    split = choose_split(root, split, sorted(splits), "valid")
    path = splits[split]
    masks = read_json(need(root / "mask_dict.json", WHERE))
    videos = read_json(path).get("videos")
    if not isinstance(videos, dict) or not isinstance(masks, dict):
        raise DatasetError(f"{path}: expected an object with videos, and {root / 'mask_dict.json'} one of annotations")
    questions: list[Question] = []
    scenes: dict[str, tuple[list[Path], dict[int, list[Any]]]] = {}
    for name, video in videos.items():
        where = f"{path}: {name}"
        frames, asked = (video.get(k) if isinstance(video, dict) else None for k in ("frames", "expressions"))
        if not isinstance(frames, list) or not frames or not isinstance(asked, dict):
            raise DatasetError(f"{where}: expected frames, a list of names, and expressions")
        numbers: dict[str, int] = {}  # annotation -> id in this video
        for key, expression in asked.items():
            ids = _anno_ids(expression, f"{where}: expression {key}")
            for anno in ids:
                if not isinstance(masks.get(anno), list) or len(masks[anno]) != len(frames):
                    raise DatasetError(
                        f"{where}: expression {key}: annotation {anno} has no list of {len(frames)} masks in "
                        f"{root / 'mask_dict.json'}"
                    )
            targets = tuple(numbers.setdefault(anno, len(numbers) + 1) for anno in ids)
            category = TYPES.get(expression.get("type_id"))
            window = (0, len(frames) - 1)
            questions.append(
                Question(name, expression["exp"], targets, category, None, window, f"{where}: expression {key}")
            )
        paths = [root / "JPEGImages" / name / f"{frame}.jpg" for frame in frames]
        need(paths[0], WHERE)
        scenes[name] = paths, {number: masks[anno] for anno, number in numbers.items()}
    return Dataset(
        NAME, root, tuple(questions), tuple(scenes), partial(_scene, root, scenes), False, "annotated", split
    )


def _scene(root: Path, scenes: dict[str, tuple[list[Path], dict[int, list[Any]]]], name: str) -> RevosScene:
    return RevosScene(name, *scenes[name], root / "mask_dict.json")


class RevosScene(Pictures):
    """One video. Where masks overlap, the id image has the later one; target() uses the complete masks."""

    def __init__(self, name: str, paths: list[Path], masks: dict[int, list[Any]], where: Path) -> None:
        super().__init__(name, paths)
        self._masks = masks
        self._where = where

    def annotation(self, number: int) -> tuple[Path, IdImage]:
        width, height = self.size(number)
        ids = np.zeros((height, width), np.uint16)
        for id in self._masks:
            ids[self._mask(id, number)] = id
        return self._where, ids

    def target(self, question: Question, number: int) -> Mask:
        width, height = self.size(number)
        return union((self._mask(id, number) for id in question.target_ids), (height, width))

    def _mask(self, id: int, number: int) -> Mask:
        where = f"{self._where}: frame {number} of an annotation of {self.name}"
        return decode_rle(self._masks[id][number], where, self.size(number), self.paths[number])


def _splits(root: Path) -> dict[str, Path]:
    found = root.glob("meta_expressions_*_.json") if root.is_dir() else ()
    return {match[1]: path for path in found if (match := META.fullmatch(path.name))}


def _anno_ids(expression: Any, where: str) -> tuple[str, ...]:
    ids = expression.get("anno_id") if isinstance(expression, dict) else None
    if not isinstance(ids, list) or not isinstance(expression.get("exp"), str):
        raise DatasetError(f"{where}: expected exp and anno_id, a list, got {expression!r}")
    return tuple(dict.fromkeys(str(id) for id in ids))
