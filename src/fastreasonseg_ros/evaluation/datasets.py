"""Reader of the folder form of data sets, and of twin questions; both stream, and name file and line when they fail.

DATASET/queries.jsonl          {"scene", "text", "target_ids", "category"?, "level"?, "frames"? [first, last]}
DATASET/labels.jsonl           {"scene", "id", "label", "colour"}                                        optional
DATASET/SCENE/camera.json      width height fx fy cx cy depth_unit_m (default 0.001), fps (default 10)
DATASET/SCENE/000000/          rgb.png 8-bit; depth.png 16-bit, 0 = unknown, optional; ids.png, 0 = background

scenes.jsonl                   {"scene": "k01", "twin": {twin JSON}}      with a queries.jsonl as above
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float32, UInt8, UInt16

from ..errors import DatasetError, FrameError
from ..twin.serialization import twin_from_dict
from ..twin.types import CameraIntrinsics, DigitalTwin, Frame, GroundTruth

DEFAULT_FPS = 10.0


@dataclass(frozen=True)
class Question:
    """One line of queries.jsonl. frames: numbers of the first and last frame it speaks of; None = the last one.

    where: "FILE:LINE", for messages.
    """

    scene: str
    text: str
    target_ids: tuple[int, ...]
    category: str | None = None
    level: int | None = None
    frames: tuple[int, int] | None = None
    where: str = ""


@dataclass(frozen=True)
class Words:
    """What labels.jsonl says of the objects of one scene."""

    labels: Mapping[int, str] = field(default_factory=dict)
    colors: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scene:
    """One folder of frames. frame numbers are the names of its subfolders."""

    path: Path
    words: Words = Words()

    @property
    def name(self) -> str:
        return self.path.name

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """Frame numbers, ascending. Raises DatasetError if there is none."""
        folders = self.path.iterdir() if self.path.is_dir() else ()
        numbers = tuple(sorted(int(p.name) for p in folders if p.name.isdecimal() and p.is_dir()))
        if not numbers:
            raise DatasetError(f"{self.path}: has no frames; expected folders 000000, 000001 ... holding rgb.png")
        return numbers

    @cached_property
    def camera(self) -> dict[str, float]:
        return read_camera(self.path / "camera.json")

    def frame(self, number: int) -> Frame:
        """One frame with its ground truth where ids.png is there. Raises DatasetError naming the file."""
        folder = self._folder(number)
        color = read_color(folder / "rgb.png")
        depth_path, ids_path = folder / "depth.png", folder / "ids.png"
        camera = self.camera
        try:
            intrinsics = CameraIntrinsics(
                int(camera["width"]), int(camera["height"]), camera["fx"], camera["fy"], camera["cx"], camera["cy"]
            )
            return Frame(
                color=color,
                depth_m=read_depth(depth_path, camera["depth_unit_m"]) if depth_path.exists() else None,
                intrinsics=intrinsics,
                stamp_s=(number - self.numbers[0]) / camera["fps"],
                truth=GroundTruth(read_ids(ids_path), self.words.labels, self.words.colors)
                if ids_path.exists()
                else None,
            )
        except FrameError as error:
            raise DatasetError(f"{folder}: {error}") from error

    def frames(self, last: int | None = None) -> Iterator[tuple[int, Frame]]:
        """Frame numbers and frames in order, up to and with `last`, read one at a time."""
        for number in self.numbers:
            if last is not None and number > last:
                return
            yield number, self.frame(number)

    def truth_ids(self, number: int) -> UInt16[np.ndarray, "h w"]:
        """The ground-truth id image of a frame."""
        return read_ids(self._folder(number) / "ids.png")

    def _folder(self, number: int) -> Path:
        # Usually six digits; others are found by their value.
        folder = self.path / f"{number:06d}"
        return folder if folder.is_dir() else next(p for p in self.path.iterdir() if p.name.lstrip("0") == str(number))


@dataclass(frozen=True)
class Dataset:
    """A folder of scenes with its questions, all checked against each other when it is opened."""

    path: Path
    questions: tuple[Question, ...]
    words: Mapping[str, Words]

    @staticmethod
    def open(path: str | Path) -> Dataset:
        """Raises DatasetError naming file and line: unknown scene, frame or id, missing picture, broken JSON."""
        root = Path(path)
        if not (root / "queries.jsonl").is_file():
            raise DatasetError(f"{root}: has no queries.jsonl; give the folder of a data set")
        words = read_words(root / "labels.jsonl") if (root / "labels.jsonl").exists() else {}
        dataset = Dataset(root, read_questions(root / "queries.jsonl"), words)
        for name, questions in dataset.by_scene().items():
            dataset._check(name, questions)
        return dataset

    def scene(self, name: str) -> Scene:
        return Scene(self.path / name, self.words.get(name, Words()))

    def by_scene(self) -> dict[str, list[Question]]:
        """Questions by scene, in the order of the file."""
        groups: dict[str, list[Question]] = {}
        for question in self.questions:
            groups.setdefault(question.scene, []).append(question)
        return groups

    def _check(self, name: str, questions: list[Question]) -> None:
        scene = self.scene(name)
        if not name or not scene.path.is_dir():
            raise DatasetError(f"{questions[0].where}: unknown scene {name!r}; there is no folder {scene.path}")
        for question in questions:
            for number in question.frames or ():
                if number not in scene.numbers:
                    raise DatasetError(
                        f"{question.where}: frame {number} is not in {scene.path} "
                        f"({scene.numbers[0]} to {scene.numbers[-1]})"
                    )
        wanted = {id: q for q in reversed(questions) for id in q.target_ids}
        for number in reversed(scene.numbers):  # the last frame alone usually shows all of them
            if not wanted:
                return
            for id in np.unique(scene.truth_ids(number)):
                wanted.pop(int(id), None)
        for id, question in wanted.items():
            raise DatasetError(f"{question.where}: target id {id} is in no ids.png of {scene.path}")


def read_jsonl(path: str | Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """("FILE:LINE", object) for every line that is not empty. Raises DatasetError naming file and line."""
    try:
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    data = json.loads(line)
                except json.JSONDecodeError as error:
                    raise DatasetError(f"{path}:{number}: is not JSON: {error.msg} at column {error.colno}") from error
                if not isinstance(data, dict):
                    raise DatasetError(f"{path}:{number}: expected a JSON object, got {type(data).__name__}")
                yield f"{path}:{number}", data
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: is not UTF-8 text") from error
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}); check the path") from error


def read_questions(path: str | Path) -> tuple[Question, ...]:
    """The questions of a queries.jsonl."""
    return tuple(_question(where, data) for where, data in read_jsonl(path))


def _question(where: str, data: Mapping[str, Any]) -> Question:
    def wrong(key: str, expected: str) -> DatasetError:
        return DatasetError(f"{where}: {key}: expected {expected}, got {data.get(key)!r}")

    def whole(value: Any, least: int) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and value >= least

    ids, frames = data.get("target_ids"), data.get("frames")
    for key in ("scene", "text"):
        if not isinstance(data.get(key), str):
            raise wrong(key, "text")
    if not isinstance(ids, list) or not all(whole(i, 1) for i in ids):
        raise wrong("target_ids", "a list of ids from 1 (empty for none)")
    if data.get("category") is not None and not isinstance(data["category"], str):
        raise wrong("category", "text")
    if data.get("level") is not None and not whole(data["level"], 0):
        raise wrong("level", "a whole number")
    if frames is not None and not (
        isinstance(frames, list) and len(frames) == 2 and all(whole(f, 0) for f in frames) and frames[0] <= frames[1]
    ):
        raise wrong("frames", "[first, last]")
    return Question(
        data["scene"], data["text"], tuple(ids), data.get("category"), data.get("level"),
        None if frames is None else (frames[0], frames[1]), where,
    )  # fmt: skip


def read_words(path: str | Path) -> dict[str, Words]:
    """labels.jsonl: labels and colours of every scene."""
    scenes: dict[str, Words] = {}
    for where, data in read_jsonl(path):
        scene, id, label, color = (data.get(k) for k in ("scene", "id", "label", "colour"))
        if not isinstance(scene, str) or not isinstance(id, int) or not isinstance(label, str):
            raise DatasetError(f'{where}: expected {{"scene": text, "id": number, "label": text}}, got {data}')
        words = scenes.setdefault(scene, Words({}, {}))
        words.labels[id] = label  # type: ignore[index]
        if isinstance(color, str):
            words.colors[id] = color  # type: ignore[index]
    return scenes


def read_camera(path: Path) -> dict[str, float]:
    """width height fx fy cx cy depth_unit_m fps of a camera.json."""
    try:
        data = json.loads(path.read_text())
        camera = {k: float(data[k]) for k in ("width", "height", "fx", "fy", "cx", "cy")}
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}); every scene needs its camera") from error
    except (ValueError, TypeError, KeyError) as error:
        raise DatasetError(f"{path}: needs numbers width height fx fy cx cy: {error!r}") from error
    unit, fps = data.get("depth_unit_m", 0.001), data.get("fps", DEFAULT_FPS)
    if not isinstance(unit, int | float) or not isinstance(fps, int | float) or unit <= 0 or fps <= 0:
        raise DatasetError(f"{path}: depth_unit_m and fps must be positive numbers, got {unit!r} and {fps!r}")
    return camera | {"depth_unit_m": float(unit), "fps": float(fps)}


def read_twin_scenes(path: str | Path) -> dict[str, DigitalTwin]:
    """scenes.jsonl: scene name -> twin. Raises DatasetError naming file, line and field."""
    twins: dict[str, DigitalTwin] = {}
    for where, data in read_jsonl(path):
        name = data.get("scene")
        if not isinstance(name, str) or name in twins:
            raise DatasetError(f"{where}: scene: expected a name that no line above has, got {name!r}")
        twins[name] = twin_from_dict(data.get("twin"), f"{where}: twin")
    return twins


def read_color(path: Path) -> UInt8[np.ndarray, "h w 3"]:
    """RGB of an 8-bit picture file."""
    return cv2.cvtColor(_read(path, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def read_depth(path: Path, unit_m: float) -> Float32[np.ndarray, "h w"]:
    """Metres from a 16-bit picture; NaN where it is 0."""
    raw = _one_channel(path)
    depth_m = raw.astype(np.float32) * np.float32(unit_m)
    depth_m[raw == 0] = np.nan
    return depth_m


def read_ids(path: Path) -> UInt16[np.ndarray, "h w"]:
    """An id image of 8 or 16 bits."""
    return _one_channel(path).astype(np.uint16)


def _one_channel(path: Path) -> np.ndarray:
    image = _read(path, cv2.IMREAD_UNCHANGED)
    if image.ndim != 2 or image.dtype not in (np.uint8, np.uint16):
        raise DatasetError(f"{path}: expected one channel of 8 or 16 bits, got {image.dtype} {image.shape}")
    return image


def _read(path: Path, flags: int) -> np.ndarray:
    if not path.is_file():
        raise DatasetError(f"{path}: picture is missing")
    image = cv2.imread(str(path), flags)
    if image is None:
        raise DatasetError(f"{path}: is not a picture that OpenCV can read")
    return image
