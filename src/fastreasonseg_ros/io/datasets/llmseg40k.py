"""LLM-Seg40K (Wang and Ke, LLM-Seg, CVPR Workshops 2024). Source of the format: its repository's code only.

LLMSeg's utils/llm_seg_dataset.py opens one JSON file per split, {IMAGE: {"from_dataset": "coco" or "ego_objects",
"qa_pairs": [{"question", "answer", "rle_seg": COCO run lengths}]}}, with IMAGE in the folder of its source. Comments
there show an older format with segmentation_path, a mask image (non-zero = target). It is supported too; the path is
searched below the data set's folder, first complete, then with leading folders removed one by one.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from ...errors import DatasetError
from ..files import check_size, read_json, read_mask
from .base import Dataset, IdImage, Mask, Question
from .pictures import Pictures, choose_split, decode_rle

NAME = "llmseg40k"
WHERE = (
    "Download LLM-Seg40K from the Google Drive folder named in github.com/wangjunchi/LLMSeg (README, 'Finetuning and "
    "Evaluation on LLM-Seg40K') into DIR (DIR/validation.json or DIR/split/validation.json), "
    "COCO 2017 training pictures into DIR/coco/train2017, EgoObjects pictures into DIR/ego_objects/images. The format "
    "is known from that repository's code only"
)
Stored = tuple[Path | dict[str, Any], str]  # file of a mask or its run lengths, and where it is defined
PICTURES = {"coco": "coco/train2017", "ego_objects": "ego_objects/images"}


def is_here(root: Path) -> bool:
    return bool(_files(root))


def open_here(root: Path, split: str | None = None) -> Dataset:
    """One split, by default validation. Raises DatasetError."""
    files = _files(root)
    split = choose_split(root, split, sorted(files), "validation")
    path = files[split]
    questions: list[Question] = []
    pictures: dict[str, tuple[Path, dict[int, Stored]]] = {}  # scene -> its image, and the mask of every question
    for image, sample in read_json(path).items():
        pairs = sample.get("qa_pairs") if isinstance(sample, dict) else None
        source = sample.get("from_dataset") if isinstance(sample, dict) else None
        if source not in PICTURES or not isinstance(pairs, list):
            raise DatasetError(f"{path}: {image}: expected from_dataset {' or '.join(PICTURES)} and a list of qa_pairs")
        picture = root / PICTURES[source] / image
        if not picture.is_file():
            raise DatasetError(f"{picture}: picture is missing; {path} asks about it. {WHERE}")
        scene = f"{source}/{image}"
        pictures[scene] = picture, {}
        for number, pair in enumerate(pairs):
            where = f"{path}: {image}: qa_pairs[{number}]"
            text, packed, stored = (
                pair.get(k) if isinstance(pair, dict) else None for k in ("question", "rle_seg", "segmentation_path")
            )
            if not isinstance(text, str) or not (isinstance(packed, dict) or isinstance(stored, str)):
                raise DatasetError(f"{where}: expected a question and rle_seg (or segmentation_path), got {pair!r}")
            mask = packed if isinstance(packed, dict) else _find_mask(root, str(stored), where)
            pictures[scene][1][number + 1] = mask, where
            questions.append(Question(scene, text, (number + 1,), source, where=where))
    return Dataset(NAME, root, tuple(questions), tuple(pictures), partial(_scene, pictures), False, "targets", split)


def _scene(pictures: dict[str, tuple[Path, dict[int, Stored]]], name: str) -> LlmSegScene:
    return LlmSegScene(name, *pictures[name])


class LlmSegScene(Pictures):
    """One image; question k (from 1) has its own mask. Where masks overlap, the id image has the later one."""

    def __init__(self, name: str, picture: Path, masks: dict[int, Stored]) -> None:
        super().__init__(name, [picture])
        self._masks = masks

    def annotation(self, number: int) -> tuple[Path, IdImage]:
        width, height = self.size(0)
        ids = np.zeros((height, width), np.uint16)
        for id in self._masks:
            ids[self._mask(id)] = id
        return self.paths[0], ids

    def target(self, question: Question, number: int) -> Mask:
        return self._mask(question.target_ids[0])

    def _mask(self, id: int) -> Mask:
        stored, where = self._masks[id]
        if isinstance(stored, dict):
            return decode_rle(stored, f"{where}: rle_seg", self.size(0), self.paths[0])
        mask = read_mask(stored)
        check_size(stored, mask, self.size(0), self.paths[0])
        return mask


def _files(root: Path) -> dict[str, Path]:
    found = [*root.glob("*.json"), *root.glob("split/*.json")] if root.is_dir() else []
    return {path.stem: path for path in found if _has_pairs(path)}


def _has_pairs(path: Path) -> bool:
    with path.open("rb") as file:  # many megabytes; the first entry is enough
        return b'"qa_pairs"' in file.read(1 << 16)


def _find_mask(root: Path, stored: str, where: str) -> Path:
    parts: Any = [p for p in PurePosixPath(stored.replace("\\", "/")).parts if p not in ("/", ".", "..")]
    for start in range(len(parts)):
        path = root.joinpath(*parts[start:])
        if path.is_file():
            return path
    raise DatasetError(f"{where}: mask {stored!r} was found neither in full nor in part below {root}. {WHERE}")
