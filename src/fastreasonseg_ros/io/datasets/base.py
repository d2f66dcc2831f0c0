"""Common types of data sets: questions, and scenes that are read one frame at a time.

Each format has its own file in this folder; `open_dataset` detects the format. Questions (queries.jsonl) and labels
(labels.jsonl) of our own format can be added to data sets that have none:

queries.jsonl    {"scene", "text", "target_ids", "category"?, "level"?, "frames"? [first, last],
                 "destination_ids"?, "relation"?}    of a command (plan.operators.RELATIONS)
labels.jsonl     {"scene", "id", "label", "colour"}
scenes.jsonl     {"scene": "k01", "twin": {twin JSON}}    twin questions, with a queries.jsonl as above
"""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, UInt16

from ...errors import DatasetError
from ...plan.operators import RELATIONS
from ...twin.masks import select
from ...twin.serialization import twin_from_dict
from ...twin.types import DigitalTwin, Frame
from ..files import read_jsonl
from .marks import Marks

Mask = Bool[np.ndarray, "h w"]
IdImage = UInt16[np.ndarray, "h w"]


@dataclass(frozen=True)
class Question:
    """One question. frames: numbers of the first and last frame of its window; None = the last frame.

    target_ids: ground-truth ids that are the right answer. where: "FILE:LINE" or similar, for messages.
    destination_ids: of a command, the objects that it names as the destination (empty for the camera); None for a
    question. relation: in which it names them, where the data says so.
    """

    scene: str
    text: str
    target_ids: tuple[int, ...]
    category: str | None = None
    level: int | None = None
    frames: tuple[int, int] | None = None
    where: str = ""
    destination_ids: tuple[int, ...] | None = None
    relation: str | None = None


@dataclass(frozen=True)
class ObjectInfo:
    """Annotated labels and colours of the objects of one scene, by id."""

    labels: Mapping[int, str] = field(default_factory=dict)
    colors: Mapping[int, str] = field(default_factory=dict)


class PackedIds:
    """Id images by frame number, zlib-compressed, since a window of frames may be long."""

    def __init__(self) -> None:
        self._images: dict[int, tuple[bytes, tuple[int, ...]]] = {}

    def put(self, number: int, ids: IdImage) -> None:
        self._images[number] = zlib.compress(ids.tobytes(), 1), ids.shape

    def drop(self, number: int) -> None:
        self._images.pop(number, None)

    def get(self, number: int) -> IdImage | None:
        packed, shape = self._images.get(number, (None, ()))
        return None if packed is None else np.frombuffer(zlib.decompress(packed), np.uint16).reshape(shape)


class Scene(ABC):
    """One image or one video. Frames are read when requested; unreadable files raise DatasetError.

    marks: points that are its ground truth where it has no masks.
    """

    marks: Marks | None = None

    def __init__(self, name: str, objects: ObjectInfo | None = None) -> None:
        self.name = name
        self.objects = objects or ObjectInfo()
        self._truth = PackedIds()

    @property
    @abstractmethod
    def numbers(self) -> tuple[int, ...]:
        """Frame numbers, ascending; at least one."""

    @abstractmethod
    def frame(self, number: int) -> Frame:
        """One frame, with its ground truth if there is one."""

    @abstractmethod
    def read_truth(self, number: int) -> IdImage | None:
        """Reads the ground-truth id image of a frame, 0 = background; None if the frame is not annotated."""

    def truth_ids(self, number: int) -> IdImage | None:
        """read_truth(), cached."""
        ids = self._truth.get(number)
        if ids is None and (ids := self.read_truth(number)) is not None:
            self._truth.put(number, ids)
        return ids

    def target(self, question: Question, number: int) -> Mask | None:
        """Mask of the right answer in a frame; None if the frame is not annotated and does not count."""
        ids = self.truth_ids(number)
        return None if ids is None else select(ids, question.target_ids)

    def ignore(self, number: int) -> Mask | None:
        """Mask of the pixels that do not count; None if all count."""
        return None

    def frames(self, last: int | None = None) -> Iterator[tuple[int, Frame]]:
        """Yields frame numbers and frames in order, up to and including `last`."""
        for number in self.numbers:
            if last is not None and number > last:
                return
            yield number, self.frame(number)


@dataclass(frozen=True)
class Dataset:
    """Questions and scenes, checked for consistency as far as possible without decoding images.

    truth: "all" if every object of an image is annotated (then perception is measured too), "annotated" if some objects
    are, "targets" if there is only the mask of the right answer, "points" if there are points and no masks (then
    perception is measured too). scene_names: also those without a question. without_depth: scenes that have none where
    others do.
    """

    format: str
    path: Path
    questions: tuple[Question, ...]
    scene_names: tuple[str, ...]
    open_scene: Callable[[str], Scene]
    has_depth: bool
    truth: Literal["all", "annotated", "targets", "points"]
    split: str | None = None
    without_depth: frozenset[str] = frozenset()

    def limited(self, count: int | None) -> Dataset:
        """The same with the first `count` questions only, and their scenes; None for all."""
        if count is None:
            return self
        questions = self.questions[:count]
        return replace(self, questions=questions, scene_names=tuple(dict.fromkeys(q.scene for q in questions)))

    def seen_by(self, kind: str) -> Dataset:
        """What this perceiver can see: without the scenes that have no depth, where it needs depth."""
        if kind != "tabletop" or not self.without_depth:
            return self
        return replace(
            self,
            questions=tuple(q for q in self.questions if q.scene not in self.without_depth),
            scene_names=tuple(name for name in self.scene_names if name not in self.without_depth),
        )

    @property
    def measures_perception(self) -> bool:
        return self.truth in ("all", "points")

    def scene(self, name: str) -> Scene:
        return self.open_scene(name)

    def by_scene(self) -> dict[str, list[tuple[int, Question]]]:
        """(number, question) by scene, in the order of the file.

        All scenes if there are no questions, or if points make every picture a measure of perception.
        """
        every = self.truth == "points" or not self.questions
        groups: dict[str, list[tuple[int, Question]]] = {name: [] for name in self.scene_names} if every else {}
        for number, question in enumerate(self.questions):
            groups.setdefault(question.scene, []).append((number, question))
        return groups

    def check_perceiver(self, kind: str) -> None:
        """Raises DatasetError if this perceiver cannot work on this data set (table-top without depth, oracle)."""
        if kind == "oracle" and self.truth == "points":
            raise DatasetError(f"{self.path}: has points and no masks, which --perception oracle needs; use another")
        if kind == "tabletop" and not self.has_depth:
            oracle = {
                "all": "--perception oracle (objects from the annotation)",
                "annotated": "--perception oracle (the annotated objects, and no others)",
                "targets": "--perception oracle (which sees the right answer and nothing else: it tests the set-up)",
                "points": "--perception monocular",
            }
            raise DatasetError(
                f"{self.path}: {self.format} has pictures without depth, and the table-top perceiver needs depth; use "
                f"--perception foundation, or {oracle[self.truth]}"
            )

    def caution(self, kind: str) -> str | None:
        """A limitation of the figures with this perceiver; None if there is none."""
        if kind == "oracle" and self.truth == "targets":
            return f"{self.format} annotates the right answer only: oracle perception sees nothing else"
        if kind == "oracle" and self.truth == "annotated":
            return f"{self.format} annotates some objects only: oracle perception sees no others"
        if kind == "tabletop" and self.without_depth:
            number = len(self.without_depth)
            left = "1 picture without depth is" if number == 1 else f"{number} pictures without depth are"
            return f"{left} left out; --perception monocular looks at those too"
        return None


def check_questions(scene: Scene, questions: list[Question]) -> None:
    """Raises DatasetError naming file and line for a frame or target id that is not in the scene."""
    for question in questions:
        for number in question.frames or ():
            if number not in scene.numbers:
                raise DatasetError(
                    f"{question.where}: frame {number} is not in {scene.name} "
                    f"({scene.numbers[0]} to {scene.numbers[-1]})"
                )
    missing = {id: q for q in reversed(questions) for id in q.target_ids}
    for number in reversed(scene.numbers):  # the last frame usually shows all of them
        if not missing:
            return
        ids = scene.truth_ids(number)
        for id in () if ids is None else np.unique(ids):
            missing.pop(int(id), None)
    for id, question in missing.items():
        raise DatasetError(f"{question.where}: target id {id} is in no annotation of {scene.name}")


def read_questions(path: str | Path) -> tuple[Question, ...]:
    """Reads a queries.jsonl. Raises DatasetError naming file and line."""
    return tuple(_question(where, data) for where, data in read_jsonl(path))


def _question(where: str, data: Mapping[str, Any]) -> Question:
    def wrong(key: str, expected: str) -> DatasetError:
        return DatasetError(f"{where}: {key}: expected {expected}, got {data.get(key)!r}")

    def is_integer(value: Any, least: int) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and value >= least

    ids, frames, destination = data.get("target_ids"), data.get("frames"), data.get("destination_ids")
    for key in ("scene", "text"):
        if not isinstance(data.get(key), str):
            raise wrong(key, "text")
    if not isinstance(ids, list) or not all(is_integer(i, 1) for i in ids):
        raise wrong("target_ids", "a list of ids from 1 (empty for none)")
    if destination is not None and not (isinstance(destination, list) and all(is_integer(i, 1) for i in destination)):
        raise wrong("destination_ids", "a list of ids from 1 (empty for the camera)")
    if data.get("relation") is not None and data["relation"] not in RELATIONS:
        raise wrong("relation", f"one of {', '.join(RELATIONS)}")
    if data.get("category") is not None and not isinstance(data["category"], str):
        raise wrong("category", "text")
    if data.get("level") is not None and not is_integer(data["level"], 0):
        raise wrong("level", "a whole number")
    if frames is not None and not (
        isinstance(frames, list)
        and len(frames) == 2
        and all(is_integer(f, 0) for f in frames)
        and frames[0] <= frames[1]
    ):
        raise wrong("frames", "[first, last]")
    return Question(
        data["scene"], data["text"], tuple(ids), data.get("category"), data.get("level"),
        None if frames is None else (frames[0], frames[1]), where,
        None if destination is None else tuple(destination), data.get("relation"),
    )  # fmt: skip


def read_object_info(path: str | Path) -> dict[str, ObjectInfo]:
    """Reads labels.jsonl: labels and colours by scene; empty if there is no file. Raises DatasetError."""
    scenes: dict[str, ObjectInfo] = {}
    for where, data in read_jsonl(path) if Path(path).exists() else ():
        scene, id, label, color = (data.get(k) for k in ("scene", "id", "label", "colour"))
        if not isinstance(scene, str) or not isinstance(id, int) or not isinstance(label, str):
            raise DatasetError(f'{where}: expected {{"scene": text, "id": number, "label": text}}, got {data}')
        objects = scenes.setdefault(scene, ObjectInfo({}, {}))
        objects.labels[id] = label  # type: ignore[index]
        if isinstance(color, str):
            objects.colors[id] = color  # type: ignore[index]
    return scenes


def read_twin_scenes(path: str | Path) -> dict[str, DigitalTwin]:
    """Reads scenes.jsonl: scene name -> twin. Raises DatasetError naming file, line and field."""
    twins: dict[str, DigitalTwin] = {}
    for where, data in read_jsonl(path):
        name = data.get("scene")
        if not isinstance(name, str) or name in twins:
            raise DatasetError(f"{where}: scene: expected a name that no line above has, got {name!r}")
        twins[name] = twin_from_dict(data.get("twin"), f"{where}: twin")
    return twins
