"""Points and questions of one picture, and their files: objects.json, background.json, questions.jsonl.

    objects.json     [{"id": 1, "label": "white mug", "also": ["mug", "cup"], "color": "white", "points": [[302, 264]]}]
    background.json  [[100, 80]]                                      that no answer may cover
    questions.jsonl  {"text": "the white cup", "target_ids": [1], "category": "attribute", "level": 1}

Points are [x, y] in pixels, two or three well inside each thing. Every change is written at once, to a new file that
then takes the old one's place, so that a crash leaves the one or the other. Keys that are not known here are kept.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ...errors import DatasetError
from ..files import read_json, read_jsonl

PICTURES = ("rgb.png", "rgb.jpg", "rgb.jpeg")
CATEGORIES = ("semantic", "attribute", "spatial", "affordance", "compositional", "text")
Point = tuple[int, int]


@dataclass(frozen=True)
class Thing:
    """also: other words that are right for it. color: one of twin.types.COLORS, or empty."""

    id: int
    label: str
    also: tuple[str, ...] = ()
    color: str = ""
    points: tuple[Point, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Asked:
    """A question and the ids of what is meant; none for what is not there. level: 1 (plain) to 3."""

    text: str
    target_ids: tuple[int, ...] = ()
    category: str = CATEGORIES[0]
    level: int = 1
    more: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Marks:
    things: tuple[Thing, ...] = ()
    background: tuple[Point, ...] = ()
    questions: tuple[Asked, ...] = ()

    def thing(self, id: int) -> Thing | None:
        return next((t for t in self.things if t.id == id), None)

    def with_thing(self, thing: Thing) -> Marks:
        """With the thing in place of the one of its id, or as a further one."""
        if self.thing(thing.id) is None:
            return replace(self, things=(*self.things, thing))
        return replace(self, things=tuple(thing if t.id == thing.id else t for t in self.things))

    def without_thing(self, id: int) -> Marks:
        """Without it, also in questions."""
        questions = (replace(q, target_ids=tuple(k for k in q.target_ids if k != id)) for q in self.questions)
        return replace(self, things=tuple(t for t in self.things if t.id != id), questions=tuple(questions))

    @property
    def free_id(self) -> int:
        return max((t.id for t in self.things), default=0) + 1


def picture_of(folder: Path) -> Path:
    return next((folder / name for name in PICTURES if (folder / name).is_file()), folder / PICTURES[0])


def has_picture(folder: Path) -> bool:
    return picture_of(folder).is_file()


def read_marks(folder: Path) -> Marks:
    """What the folder's files hold; files that are not there are empty. Raises DatasetError naming file and entry."""
    objects, background, questions = (folder / n for n in ("objects.json", "background.json", "questions.jsonl"))
    things = _list(objects) if objects.exists() else []
    points = _list(background) if background.exists() else []
    asked = list(read_jsonl(questions)) if questions.exists() else []
    found = Marks(
        tuple(_thing(entry, f"{objects}: entry {n}") for n, entry in enumerate(things, 1)),
        tuple(_point(entry, f"{background}: entry {n}") for n, entry in enumerate(points, 1)),
        tuple(_asked(entry, where) for where, entry in asked),
    )
    if len({t.id for t in found.things}) < len(found.things):
        raise DatasetError(f"{objects}: two things have the same id; give each its own")
    return found


def write_marks(folder: Path, marks: Marks, before: Marks | None = None) -> None:
    """Writes the files whose content changed; things without a point are left out. Raises DatasetError."""
    new, old = _texts(marks), {} if before is None else _texts(before)
    for name, text in new.items():
        if old.get(name) != text or not (folder / name).exists():
            _write(folder / name, text)


def _texts(marks: Marks) -> dict[str, str]:
    things = [
        {"id": t.id, "label": t.label, "also": [*t.also], "color": t.color or None}
        | {"points": [[*p] for p in t.points]}
        | dict(t.more)
        for t in marks.things
        if t.points
    ]
    things = [{key: value for key, value in thing.items() if value is not None} for thing in things]
    asked = [
        {"text": q.text, "target_ids": [*q.target_ids], "category": q.category, "level": q.level} | dict(q.more)
        for q in marks.questions
    ]
    return {
        "objects.json": "[" + ",\n ".join(_json(thing) for thing in things) + "]\n",
        "background.json": _json([[*p] for p in marks.background]) + "\n",
        "questions.jsonl": "".join(_json(q) + "\n" for q in asked),
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _write(path: Path, text: str) -> None:
    temporary = ""
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            temporary = file.name
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise DatasetError(
            f"{path}: cannot be written ({error.strerror or error}); free some disk space, or check its permissions"
        ) from error


def _list(path: Path) -> list[Any]:
    value = read_json(path)
    if not isinstance(value, list):
        raise DatasetError(f"{path}: expected a list, got {type(value).__name__}")
    return value


def _thing(entry: Any, where: str) -> Thing:
    if not isinstance(entry, dict) or not isinstance(entry.get("id"), int) or not isinstance(entry.get("label"), str):
        raise DatasetError(f"{where}: expected an object with a whole id and a label, got {entry!r:.80}")
    known = ("id", "label", "also", "color", "points")
    return Thing(
        entry["id"],
        entry["label"],
        _strings(entry.get("also", []), where),
        str(entry.get("color") or ""),
        tuple(_point(p, where) for p in entry.get("points", [])),
        {key: value for key, value in entry.items() if key not in known},
    )


def _asked(entry: Mapping[str, Any], where: str) -> Asked:
    ids, level = entry.get("target_ids", []), entry.get("level", 1)
    if not isinstance(entry.get("text"), str) or not isinstance(ids, list) or not all(isinstance(k, int) for k in ids):
        raise DatasetError(f"{where}: expected text and a list of target_ids")
    more = {key: v for key, v in entry.items() if key not in ("text", "target_ids", "category", "level")}
    category = str(entry.get("category") or CATEGORIES[0])
    return Asked(entry["text"], tuple(ids), category, level if isinstance(level, int) else 1, more)


def _point(entry: Any, where: str) -> Point:
    if not isinstance(entry, list) or len(entry) != 2 or not all(isinstance(v, int | float) for v in entry):
        raise DatasetError(f"{where}: expected a point [x, y], got {entry!r:.80}")
    return int(entry[0]), int(entry[1])


def _strings(values: Sequence[Any], where: str) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
        raise DatasetError(f'{where}: "also" must be a list of words')
    return tuple(values)
