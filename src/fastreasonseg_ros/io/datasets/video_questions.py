"""Reader of RVTBench and JiTBench: questions in JSON files about videos of DAVIS 2017 and SA-V.

Known: both have questions about 200 videos of DAVIS 2017 and SA-V, in the categories semantic, spatial and temporal,
with levels (arXiv 2505.11838 and 2503.21056); the layout of DAVIS 2017 (davis.py) and SA-V (sav_dataset/README.md of
facebookresearch/sam2). NOT known: the field names of the question files, which have not been available. FIELDS is an
assumption; DIR/fields.json, {"text": "prompt"}, overrides it. A record that does not fit raises an error with its file,
the field and the existing keys.

DIR/NAME/**/*.json or .jsonl, DIR/NAME*.json     a list of records, {VIDEO: [records]}, or a record per line
DIR[/ANY]/JPEGImages/480p/VIDEO/*.jpg            and Annotations/480p/VIDEO/*.png: DAVIS, palette indices are the ids
DIR[/ANY]/JPEGImages_24fps/VIDEO/*.jpg           and Annotations_6fps/VIDEO/000/*.png: SA-V, a folder per object
DIR[/ANY]/JPEGImages/VIDEO/*.jpg                 and Annotations/VIDEO in either layout

Task, category and level that a record lacks are taken from its file's path (segmentation/spatial/L2.json). A question
is about the full video unless it has frames [first, last]; its target is the union of its objects' masks, or the
record's own COCO run lengths (a list, one per frame, null for none). Frames without a mask image do not count.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ...errors import DatasetError
from ..files import read_json, read_jsonl
from .base import Dataset, Question, Scene, check_questions
from .davis import DavisScene
from .pictures import MaskFolders, need
from .revos import RevosScene

FIELDS: dict[str, tuple[str, ...]] = {
    "video": ("video", "video_id", "video_name", "sequence"),
    "text": ("query", "question", "text", "implicit_query"),
    "objects": ("object_ids", "target_ids", "obj_ids", "objects", "object_id", "obj_id"),
    "masks": ("masks", "segmentation"),
    "task": ("task", "task_type"),
    "category": ("category", "reasoning_category", "reasoning_type", "type"),
    "level": ("level", "difficulty", "difficulty_level"),
    "frames": ("frames",),
}
TASKS, CATEGORIES = ("segmentation", "grounding", "vqa", "summary"), ("semantic", "spatial", "temporal")
PLACES = (
    ("JPEGImages/480p", "Annotations/480p"),
    ("JPEGImages_24fps", "Annotations_6fps"),
    ("JPEGImages", "Annotations"),
)
LEVEL = re.compile(r"(?<![a-z0-9])l[1-4](?![a-z0-9])")
Fields = dict[str, tuple[str, ...]]


def question_files(root: Path, name: str) -> list[Path]:
    """Sorted question files of a data set called `name`."""
    inside = (p for p in (root / name).rglob("*.json*") if p.is_file())
    return sorted({*inside, *(p for p in root.glob(f"{name}*.json*") if p.is_file())})


def open_questions(root: Path, name: str, where: str, split: str | None) -> Dataset:
    """Segmentation questions of all files; other tasks are left out. Raises DatasetError naming file and field."""
    if split is not None:
        raise DatasetError(f"{root}: {name} has no splits that this reader knows; leave --split out")
    files = question_files(root, name)
    if not files:
        raise DatasetError(f"{root}: holds no question files {name}/**/*.json. {where}")
    fields = _fields(root / "fields.json")
    records = [record for path in files for record in _records(path, path.relative_to(root).as_posix().lower(), fields)]
    mine = [record for record in records if record.task in (None, "segmentation")]
    if not mine:
        found = ", ".join(sorted({str(r.task) for r in records})) or "none"
        raise DatasetError(f"{root}: no question of the task segmentation in {files[0]} ...; the tasks are: {found}")
    videos: dict[str, list[_Record]] = {}
    for record in mine:
        videos.setdefault(record.video, []).append(record)
    questions: list[Question] = []
    openers = {}
    for video, asked in videos.items():
        openers[video] = partial(_scene, *_place(root, video, f"{asked[0].where}: video", where), asked)
        questions += _questions(openers[video](), asked)
    order = {record.where: n for n, record in enumerate(records)}
    questions.sort(key=lambda q: order[q.where])
    return Dataset(name, root, tuple(questions), tuple(openers), lambda v: openers[v](), False, "annotated")


@dataclass(frozen=True)
class _Record:
    """One question as in its file. masks: COCO run lengths, one per frame; objects: ids as in the record."""

    where: str
    video: str
    text: str
    objects: tuple[int, ...] | None
    masks: list[Any] | None
    task: str | None
    category: str | None
    level: int | None
    frames: tuple[int, int] | None


def _scene(pictures: Path, masks: Path, records: list[_Record]) -> Scene:
    name, paths = pictures.name, sorted(pictures.glob("*.jpg"))
    packed = {k: record.masks for k, record in enumerate(records, 1) if record.masks is not None}
    if packed:
        for k, record in enumerate(records, 1):
            if k not in packed or len(packed[k]) != len(paths):
                raise DatasetError(
                    f"{record.where}: masks: expected {len(paths)} run lengths, one a frame, as other questions about "
                    f"{name} have them, got {'none' if k not in packed else len(packed[k])}"
                )
        return RevosScene(name, paths, packed, Path(records[0].where.rpartition(": record")[0]))
    if any(need(masks, f"The masks of {name} belong there").glob("*.png")):
        return DavisScene(name, pictures, masks)
    folders = sorted(p for p in masks.iterdir() if p.is_dir() and p.name.isdecimal())
    return MaskFolders(name, paths, {int(p.name) + 1: p for p in folders})  # object 000 has the id 1: 0 is background


def _place(root: Path, video: str, where: str, download: str) -> tuple[Path, Path]:
    """The folders of a video's images and masks."""
    for base in (root, *sorted(p for p in root.iterdir() if p.is_dir())):
        for pictures, masks in PLACES:
            if video and next((base / pictures / video).glob("*.jpg"), None) is not None:
                return base / pictures / video, base / masks / video
    raise DatasetError(f"{where}: unknown scene {video!r}; no pictures of it lie in {root}. {download}")


def _questions(scene: Scene, records: list[_Record]) -> list[Question]:
    """Questions about one video, with frames and ids checked."""
    found = []
    for number, record in enumerate(records, 1):
        ids = record.objects if record.objects is not None else (number,) if any(record.masks or ()) else ()
        if isinstance(scene, MaskFolders):
            ids = tuple(id + 1 for id in ids)
            if missing := set(ids) - set(scene.folders):
                raise DatasetError(
                    f"{record.where}: target id {min(missing) - 1} is in no annotation of {scene.name}; there are "
                    f"{', '.join(str(id - 1) for id in scene.folders) or 'none'}"
                )
        frames = record.frames or (scene.numbers[0], scene.numbers[-1])
        asked = Question(scene.name, record.text, ids, record.category, record.level, frames, record.where)
        check_questions(scene, [asked if isinstance(scene, DavisScene) else replace(asked, target_ids=())])
        found.append(asked)
    return found


def _fields(path: Path) -> Fields:
    if not path.is_file():
        return FIELDS
    given = read_json(path)
    for key, name in given.items() if isinstance(given, dict) else [(None, None)]:
        if key not in FIELDS or not isinstance(name, str):
            near = difflib.get_close_matches(str(key), FIELDS, n=1, cutoff=0.0)
            raise DatasetError(f'{path}: {key}: expected {{"{near[0]}": NAME}} of {", ".join(FIELDS)}, got {name!r}')
    return FIELDS | {key: (name,) for key, name in given.items()}


def _records(path: Path, place: str, fields: Fields) -> Iterator[_Record]:
    if path.suffix == ".jsonl":
        for where, data in read_jsonl(path):
            yield _record(where, place, data, fields, None)
        return
    data = read_json(path)
    lists = {None: data} if isinstance(data, list) else data
    if not isinstance(lists, dict) or not all(isinstance(v, list) for v in lists.values()):
        raise DatasetError(f"{path}: expected a list of questions, or one a video, got {type(data).__name__}")
    for video, entries in lists.items():
        for number, entry in enumerate(entries):
            where = f"{path}: record {number}" + ("" if video is None else f" of {video}")
            if not isinstance(entry, dict):
                raise DatasetError(f"{where}: expected an object, got {entry!r}")
            yield _record(where, place, entry, fields, video)


def _record(where: str, place: str, data: dict[str, Any], fields: Fields, video: str | None) -> _Record:
    name: Any
    level: Any

    def get(key: str) -> Any:
        return next((data[name] for name in fields[key] if name in data), None)

    def wrong(key: str, expected: str) -> DatasetError:
        return DatasetError(
            f"{where}: {key}: expected {expected} under {' or '.join(fields[key])}, got {get(key)!r}; its keys are "
            f'{", ".join(data)}. If it has another name, write {{"{key}": NAME}} into fields.json beside the data'
        )

    def is_index(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0

    task = get("task") or next((t for t in TASKS if t in place), None)
    category = get("category") or next((c for c in CATEGORIES if c in place), None)
    level = get("level") if get("level") is not None else (m[0] if (m := LEVEL.search(place)) else None)
    name, text, objects, masks, frames = (get(k) for k in ("video", "text", "objects", "masks", "frames"))
    name = video if name is None else name
    objects = [objects] if is_index(objects) else objects
    for key, value in (("video", name), ("text", text)):
        if not isinstance(value, str):
            raise wrong(key, "text")
    if isinstance(level, str):
        level = int(m[1]) if (m := re.fullmatch(r"\D*(\d)", level.strip())) else level
    if level is not None and not is_index(level):
        raise wrong("level", "a number or L1 to L4")
    for key, value in (("task", task), ("category", category)):
        if value is not None and not isinstance(value, str):
            raise wrong(key, "text")
    task = None if task is None else task.lower()
    if task in (None, "segmentation"):
        if masks is not None and not isinstance(masks, list):
            raise wrong("masks", "a list of run lengths, one a frame")
        if masks is None and not (isinstance(objects, list) and all(is_index(i) for i in objects)):
            raise wrong("objects", "a list of ids (empty for none)")
        window = isinstance(frames, list) and len(frames) == 2 and all(map(is_index, frames)) and frames[0] <= frames[1]
        if frames is not None and not window:
            raise wrong("frames", "[first, last]")
    segmented = masks is None and isinstance(objects, list) and task in (None, "segmentation")
    return _Record(
        where, name, text, tuple(objects) if segmented else None, masks, task,
        None if category is None else category.lower(), level, None if frames is None else tuple(frames),
    )  # fmt: skip
