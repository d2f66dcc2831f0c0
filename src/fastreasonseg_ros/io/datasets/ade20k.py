"""ADE20K (Zhou et al., IJCV 2019) with attributes, release ADE20K_2021_17_01. Source of the format: the repository
CSAILVision/ADE20K (README, utils/utils_ade20k.py and sample images).

.../ADE/{training,validation}/**/NAME.jpg, NAME_seg.png, NAME.json. In NAME_seg.png the class is R / 10 * 256 + G and
the blue channel separates instances; NAME.json has "annotation": {"object": [{"name", "name_ndx", "attributes",
"parts": {"part_level"}, "polygon": {"x", "y"}}]}. Parts (part_level > 0) are left out. An instance gets label and
attributes of the object of its class whose polygon covers it best, since the relation of blue values to object ids is
not documented. Checked on the three sample images of the repository: all instances have a label.

It has no questions. Those in DIR/queries.jsonl are used (scene = NAME), otherwise they are generated from the
annotation: "the NAME" for every class ("semantic"), "the ATTRIBUTE NAME" for every attribute of it ("attribute").
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ...errors import DatasetError
from ...twin.types import COLORS
from ..files import check_size, picture_size, read_color, read_json
from .base import Dataset, IdImage, ObjectInfo, Question, check_questions, read_questions
from .pictures import Pictures, choose_split

NAME = "ade20k"
WHERE = (
    "Register at groups.csail.mit.edu/vision/datasets/ADE20K, download the full data set (2021_17_01) and unpack it "
    "so that NAME.jpg, NAME_seg.png and NAME.json lie beside each other below DIR, in folders training and validation"
)


def is_here(root: Path) -> bool:
    return root.is_dir() and next(root.rglob("*_seg.png"), None) is not None


def open_here(root: Path, split: str | None = None) -> Dataset:
    """Images below a folder called `split` (default validation), or all if there are no such folders."""
    paths = {p.name.removesuffix("_seg.png"): p for p in sorted(root.rglob("*_seg.png"))}
    splits = sorted({part for p in paths.values() for part in p.parts if part in ("training", "validation")})
    if splits or split:
        split = choose_split(root, split, splits, "validation")
        paths = {name: p for name, p in paths.items() if split in p.parts}
    scenes = partial(_scene, paths)
    if (root / "queries.jsonl").is_file():
        questions = read_questions(root / "queries.jsonl")
    else:
        questions = tuple(q for name in paths for q in _derived(scenes(name)))
    dataset = Dataset(NAME, root, questions, tuple(paths), scenes, False, "all", split)
    if (root / "queries.jsonl").is_file():
        for name, asked in dataset.by_scene().items():
            if asked and name not in paths:
                raise DatasetError(f"{asked[0][1].where}: unknown scene {name!r}; no {name}_seg.png lies below {root}")
            check_questions(dataset.scene(name), [question for _, question in asked])
    return dataset


def _scene(paths: dict[str, Path], name: str) -> AdeScene:
    return AdeScene(name, paths[name])


class AdeScene(Pictures):
    """One image with its annotation, read on construction."""

    def __init__(self, name: str, seg_path: Path) -> None:
        super().__init__(name, [seg_path.with_name(f"{name}.jpg")])
        self.seg_path, self.json_path = seg_path, seg_path.with_name(f"{name}.json")
        ids, classes = _segments(seg_path)
        check_size(seg_path, ids, picture_size(self.paths[0]), self.paths[0])
        self._ids = ids
        self.attributes: dict[int, tuple[str, ...]] = {}
        labels: dict[int, str] = {}
        best: dict[int, int] = {}
        for label, index, attributes, polygon in _objects(self.json_path):
            covered = np.zeros(ids.shape, np.uint8)
            cv2.fillPoly(covered, [polygon], 1)
            counts = np.bincount(ids[covered > 0], minlength=len(classes) + 1)
            for id in (i for i, c in classes.items() if c == index and counts[i] > best.get(i, 0)):
                best[id], labels[id], self.attributes[id] = int(counts[id]), label, attributes
        colors = {i: a for i, all in self.attributes.items() for a in all if a in COLORS}
        self.objects = ObjectInfo(labels, colors)

    def annotation(self, number: int) -> tuple[Path, IdImage]:
        return self.seg_path, self._ids


def _segments(path: Path) -> tuple[IdImage, dict[int, int]]:
    """Id image (ids 1 ... in order of class and blue value), and {id: class}."""
    r, g, b = np.moveaxis(read_color(path).astype(np.int64), 2, 0)
    classes = r // 10 * 256 + g
    codes, ids = np.unique(np.where(classes > 0, classes * 256 + b, 0), return_inverse=True)
    ids = ids.reshape(classes.shape) + (codes[0] != 0)
    if ids.max() > np.iinfo(np.uint16).max:
        raise DatasetError(f"{path}: has {ids.max()} instances; it is not an ADE20K segmentation")
    instances = [int(c) // 256 for c in codes if c]
    return ids.astype(np.uint16), dict(enumerate(instances, 1))


def _objects(path: Path) -> Iterator[tuple[str, int, tuple[str, ...], np.ndarray]]:
    """Yields name, class, attributes and polygon of every object that is not a part."""
    try:
        for entry in read_json(path, ("utf-8", "cp1252"))["annotation"]["object"]:
            if int(entry["parts"]["part_level"]) > 0:
                continue
            value: Any = entry["attributes"]
            attributes = tuple(a.strip() for a in ([value] if isinstance(value, str) else value) if a.strip())
            polygon = np.stack([np.array(entry["polygon"][k], np.int32) for k in "xy"], axis=1)
            yield entry["name"].split(",")[0].strip(), int(entry["name_ndx"]), attributes, polygon
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DatasetError(f"{path}: is not an ADE20K annotation of 2021: {error!r}") from error


def _derived(scene: AdeScene) -> Iterator[Question]:
    names: dict[str, list[int]] = {}
    by_attribute: dict[tuple[str, str], list[int]] = {}
    for id, label in scene.objects.labels.items():
        names.setdefault(label, []).append(id)
        for attribute in scene.attributes[id]:
            by_attribute.setdefault((attribute, label), []).append(id)
    where = str(scene.json_path)
    for label, ids in names.items():
        yield Question(scene.name, f"the {label}", tuple(ids), "semantic", where=where)
    for (attribute, label), ids in by_attribute.items():
        yield Question(scene.name, f"the {attribute} {label}", tuple(ids), "attribute", where=where)
