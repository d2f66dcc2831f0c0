"""Questions about bags, from a .jsonl file or a topic of the bag, each with the time at which it is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DatasetError
from ..files import json_object, read_jsonl
from .reader import bag_info, find_topics, read_ids, read_texts


@dataclass(frozen=True)
class TimedQuestion:
    """A question about a bag. at_s: seconds since the start of the bag when it is asked; None = at the end.

    target_ids: of the bag's ground-truth id image; None = unknown, so that no IoU is computed. standing: asked once,
    answered on every later frame. from_s: the answer is scored on every frame from then to at_s, not on the last only.
    scene: the name of the bag that it is about; None = any. where: "FILE:LINE" or topic, for messages.
    """

    text: str
    at_s: float | None = None
    target_ids: tuple[int, ...] | None = None
    category: str | None = None
    standing: bool = False
    level: int | None = None
    from_s: float | None = None
    scene: str | None = None
    where: str = field(default="", compare=False)


def read_timed_questions(path: str | Path) -> tuple[TimedQuestion, ...]:
    """Lines {"text", "at"?, "target_ids"?, "category"?, "level"?, "standing"?, "from"?, "scene"?}.

    Raises DatasetError naming file and line.
    """
    return tuple(question_of(where, data) for where, data in read_jsonl(path))


def questions_in(path: str | Path, topic: str | None = None) -> tuple[TimedQuestion, ...]:
    """The questions of a bag's topic (JSON as in a file); "at" defaults to the time of recording."""
    info = bag_info(path)
    topic = topic or find_topics(info, path).questions
    found = []
    for number, (recorded_ns, text) in enumerate(read_texts(path, topic) if topic else (), 1):
        where = f"{path}: topic {topic}, message {number}"
        data = json_object(text, where)
        found.append(question_of(where, {"at": max(0.0, recorded_ns * 1e-9 - info.start_s)} | data))
    return tuple(found)


def question_of(where: str, data: Mapping[str, Any]) -> TimedQuestion:
    """A question from its JSON object. Raises DatasetError naming `where` and the key."""

    def number(key: str) -> float | None:
        value = data.get(key)
        if value is not None and (not isinstance(value, int | float) or isinstance(value, bool) or value < 0):
            raise DatasetError(f"{where}: {key}: expected seconds since the start of the bag, got {value!r}")
        return value

    at, since, ids = number("at"), number("from"), data.get("target_ids")
    for key, kind in (("text", str), ("category", str), ("scene", str), ("level", int)):
        if (value := data.get(key)) is None and key != "text":
            continue
        if not isinstance(value, kind):
            raise DatasetError(f"{where}: {key}: expected {'text' if kind is str else 'a number'}, got {value!r}")
    if ids is not None and not (isinstance(ids, list) and all(isinstance(i, int) and i > 0 for i in ids)):
        raise DatasetError(f"{where}: target_ids: expected a list of ids from 1, got {ids!r}")
    return TimedQuestion(
        data["text"], at, None if ids is None else tuple(ids), data.get("category"), bool(data.get("standing")),
        data.get("level"), since, data.get("scene"), where,
    )  # fmt: skip


def assign(
    bags: Mapping[str, Path], asked: Sequence[TimedQuestion] | None, topic: str | None = None
) -> tuple[TimedQuestion, ...]:
    """All questions, each with its bag's name. asked: of a file; None: those in the bags.

    Raises DatasetError for a question about an unknown bag, and for a bag without questions if asked is None.
    """
    for question in asked or ():
        if question.scene is not None and question.scene not in bags:
            raise DatasetError(
                f"{question.where}: unknown scene {question.scene!r}; the bags are {', '.join(list(bags)[:12])}"
            )
    found = []
    for name, path in bags.items():
        mine = questions_in(path, topic) if asked is None else [q for q in asked if q.scene in (None, name)]
        if not mine and asked is None:
            raise DatasetError(
                f"{path}: holds no questions (std_msgs/String on a topic with 'questions' in its name); give --queries "
                'FILE with lines such as {"text": "the mug", "at": 2.0}'
            )
        found += [replace(question, scene=name) for question in mine]
    return tuple(found)


def check_targets(path: Path, topic: str | None, asked: Sequence[TimedQuestion]) -> None:
    """Raises DatasetError for a target id that is in no id image of the bag.

    Images are read until all target ids are found; usually the first is enough.
    """
    missing = {id: question for question in reversed(asked) for id in question.target_ids or ()}
    present: set[int] = set()
    for ids in read_ids(path, topic) if topic and missing else ():
        present.update(int(id) for id in np.unique(ids))
        missing = {id: question for id, question in missing.items() if id not in present}
        if not missing:
            return
    if missing and present:
        id, question = next(iter(missing.items()))
        raise DatasetError(
            f"{question.where}: target id {id} is in no picture of {path}; there are "
            f"{', '.join(str(i) for i in sorted(present - {0})) or 'none'}"
        )
