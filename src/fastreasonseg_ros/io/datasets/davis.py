"""DAVIS 2017 (Pont-Tuset et al., arXiv 1704.00675), as davis2017-evaluation reads it, with added questions.

DAVIS/ImageSets/2017/{train,val}.txt, DAVIS/JPEGImages/480p/SEQUENCE/00000.jpg,
DAVIS/Annotations/480p/SEQUENCE/00000.png (palette indices are ids; 255 is void and does not count).

It has no questions. Those in DAVIS/queries.jsonl are used (our format: scene = SEQUENCE, frames from 0), else the
referring expressions in DAVIS/davis_text_annotations/Davis17_annot1_full_video.txt or Davis17_annot1.txt (Khoreva et
al., ACCV 2018; lines `SEQUENCE ID "TEXT"`; source of the format: code that reads it), each about the full sequence.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from ...errors import DatasetError
from ..files import check_size, read_ids
from .base import Dataset, IdImage, Mask, ObjectInfo, Question, check_questions, read_object_info, read_questions
from .pictures import Pictures, choose_split, need

NAME = "davis"
WHERE = (
    "Download DAVIS-2017-trainval-480p.zip from davischallenge.org and unpack it so that DIR/JPEGImages/480p, "
    "DIR/Annotations/480p and DIR/ImageSets/2017/val.txt exist; put questions into DIR/queries.jsonl, or the referring "
    "expressions of Khoreva et al. (davis_text_annotations) into DIR"
)
TEXTS = ("Davis17_annot1_full_video.txt", "Davis17_annot1.txt")
LINE = re.compile(r'(\S+)\s+(\d+)\s+"?(.*?)"?\s*')
# Sequence names in the expressions -> those of the image folders.
RENAMED = {"clasic-car": "classic-car", "dog-scale": "dogs-scale", "motor-bike": "motorbike"}
VOID = 255


def is_here(root: Path) -> bool:
    return all((root / folder).is_dir() for folder in ("JPEGImages/480p", "Annotations/480p", "ImageSets"))


def open_here(root: Path, split: str | None = None) -> Dataset:
    """One split, by default val. Raises DatasetError."""
    split = choose_split(root, split, sorted(p.stem for p in (root / "ImageSets/2017").glob("*.txt")), "val")
    names = tuple((root / "ImageSets/2017" / f"{split}.txt").read_text().split())
    for name in names:
        need(root / "JPEGImages/480p" / name, WHERE)
        need(root / "Annotations/480p" / name, WHERE)
    objects = read_object_info(root / "labels.jsonl")
    every = _questions(root, names)
    everywhere = {p.name for p in (root / "JPEGImages/480p").iterdir()}
    for question in every:
        if question.scene not in everywhere:
            raise DatasetError(f"{question.where}: unknown scene {question.scene!r}; it is not in JPEGImages/480p")
    questions = tuple(q for q in every if q.scene in names)
    scenes = partial(_scene, root, objects)
    dataset = Dataset(NAME, root, questions, names, scenes, False, "annotated", split)
    if not questions:
        raise DatasetError(f"{root}: DAVIS has no questions of its own about {split}. {WHERE}")
    for name, asked in dataset.by_scene().items():
        check_questions(dataset.scene(name), [question for _, question in asked])
    return dataset


def _scene(root: Path, objects: dict, name: str) -> DavisScene:
    return DavisScene(name, root / "JPEGImages/480p" / name, root / "Annotations/480p" / name, objects.get(name))


class DavisScene(Pictures):
    """One sequence. Frame numbers count from 0, independent of the file names."""

    def __init__(self, name: str, pictures: Path, masks: Path, objects: ObjectInfo | None = None) -> None:
        super().__init__(name, sorted(pictures.glob("*.jpg")), objects)
        self._masks = masks
        self._void: dict[int, Mask | None] = {}

    def annotation(self, number: int) -> tuple[Path, IdImage | None]:
        path = self._path(number)
        if not path.is_file():
            return path, None
        ids = read_ids(path).copy()
        ids[ids == VOID] = 0
        return path, ids

    def ignore(self, number: int) -> Mask | None:
        if number not in self._void:
            path = self._path(number)
            void = read_ids(path) == VOID
            check_size(path, void, self.size(number), self.paths[number])
            self._void[number] = void if void.any() else None
        return self._void[number]

    def _path(self, number: int) -> Path:
        return self._masks / f"{self.paths[number].stem}.png"


def _questions(root: Path, names: tuple[str, ...]) -> tuple[Question, ...]:
    if (root / "queries.jsonl").is_file():
        return read_questions(root / "queries.jsonl")
    path = next((p for t in TEXTS if (p := root / "davis_text_annotations" / t).is_file()), None)
    if path is None:
        return ()
    lengths = {name: len(list((root / "JPEGImages/480p" / name).glob("*.jpg"))) for name in names}
    questions = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = LINE.fullmatch(line)
        if match is None:
            raise DatasetError(f'{path}:{number}: expected SEQUENCE ID "TEXT", got {line!r}')
        name = RENAMED.get(match[1], match[1])
        if name in names:
            window = (0, lengths[name] - 1)
            questions.append(Question(name, match[3], (int(match[2]),), "referring", None, window, f"{path}:{number}"))
    return tuple(questions)
