"""`fastreasonseg bag make DATASET OUT`: writes every scene of a data set as a bag with its questions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...errors import DatasetError
from ..datasets.base import Dataset, Question, Scene
from .writer import write_bag


def make_bags(dataset: Dataset, out: str | Path, *, compressed: bool = False, storage: str = "mcap") -> list[Path]:
    """Writes OUT/SCENE for every scene, and returns these folders.

    compressed: colour as JPEG (lossy); without it `bag eval` of the bags equals `eval` of the data set. Questions are
    written to the topic /questions as JSON (questions.py). Raises DatasetError for a data set without id images.
    """
    if dataset.truth in ("targets", "points"):
        what = "a mask for every question" if dataset.truth == "targets" else "points"
        raise DatasetError(
            f"{dataset.path}: {dataset.format} has {what} and no ids, which a bag could hold; "
            "evaluate it as it is: fastreasonseg eval"
        )
    made = []
    for name, questions in dataset.by_scene().items():
        scene = dataset.scene(name)
        stamps = {number: frame.stamp_s for number, frame in scene.frames()} if len(scene.numbers) > 1 else {}
        path = Path(out) / name.replace("/", "_")
        texts = [json.dumps(_line(question, scene, stamps), ensure_ascii=False) for _, question in questions]
        write_bag(path, (f for _, f in scene.frames()), compressed=compressed, storage=storage, questions=texts)
        made.append(path)
    return made


def _line(question: Question, scene: Scene, stamps: dict[int, float]) -> dict[str, Any]:
    first, last = question.frames or (scene.numbers[-1], scene.numbers[-1])
    start = stamps.get(scene.numbers[0], 0.0)
    line: dict[str, Any] = {"text": question.text, "at": round(stamps.get(last, 0.0) - start, 9)}
    line |= {"target_ids": list(question.target_ids), "category": question.category, "level": question.level}
    if question.frames is not None:
        line["from"] = round(stamps.get(first, 0.0) - start, 9)
    return {key: value for key, value in line.items() if value is not None}
