"""Runs of words that a text shares with questions that may only measure, never train."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SHARED_WORDS = 5
# Five words in a row that anybody says who speaks of a table: prepositions and the verbs of place, without a noun.
COMMON = (
    "to the left of the", "is to the left of", "to the right of the", "is to the right of", "on the right hand side",
    "in the middle of the", "stands in front of the", "standing in front of the", "that is on top of",
    "is on top of the", "lying on top of the", "is lying on its side", "is closest to the camera",
    "is closer to the camera", "to the camera than the", "which of these is a", "give me the one that",
)  # fmt: skip


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower().replace("’", "'"))


def runs(text: str) -> Iterator[str]:
    """Every SHARED_WORDS words in a row."""
    tokens = words(text)
    return (" ".join(tokens[n : n + SHARED_WORDS]) for n in range(len(tokens) - SHARED_WORDS + 1))


@cache
def kept_questions(data: Path = DATA) -> tuple[str, ...]:
    """Every question of the development data that may not be trained on; none where the data is not there."""
    files = [p for name in ("queries.jsonl", "questions.jsonl") for p in sorted(data.rglob(name))]
    lines = [line for p in files if "teacher" not in p.parts for line in p.read_text(encoding="utf-8").splitlines()]
    return tuple(json.loads(line)["text"] for line in lines if line.strip())


@cache
def kept_runs(data: Path = DATA) -> frozenset[str]:
    """The runs of those questions, beside the common ones."""
    return frozenset(run for question in kept_questions(data) for run in runs(question)) - frozenset(COMMON)


def shared_runs(text: str, data: Path = DATA) -> set[str]:
    """Runs of the text that stand in a question kept for measuring."""
    return set(runs(text)) & kept_runs(data)
