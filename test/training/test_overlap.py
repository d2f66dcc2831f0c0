"""No question of the development data stands in what this repository holds, in whole or in a turn of its own.

Everything that training, the prompts and the word lists read is looked at: forms, phrases, the knowledge table, the
lexicon, and the sources (docstrings, examples, sentences made by code); tests, scripts and documents too. `teacher/` of
the development data may be trained on, and is not looked at.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from development_data import DATA, needs_data

ROOT = Path(__file__).resolve().parents[2]
READ = (".py", ".jsonl", ".txt", ".gz", ".yaml", ".json", ".md", ".xml", ".sh", "")
FOLDERS = ("src", "config", "demo", "docs", "examples", "launch", "models", "msg", "scripts", "srv", "action", "test")
SHARED_WORDS = 5
# Five words in a row that anybody says who speaks of a table: prepositions and the verbs of place, without a noun.
COMMON = (
    "to the left of the", "is to the left of", "to the right of the", "is to the right of", "on the right hand side",
    "in the middle of the", "stands in front of the", "standing in front of the", "that is on top of",
    "is on top of the", "lying on top of the", "is lying on its side", "is closest to the camera",
    "is closer to the camera", "to the camera than the", "which of these is a", "give me the one that",
)  # fmt: skip
# Forms that, with their blanks filled, are a question of the data: what they ask for is asked so by anybody.
COMMON_FORMS = (
    "which {x} is closest to the camera?", "the {x} closest to the camera", "which {x} is closest to the {r}?",
    "which of the {xs} is the {cmp} one?", "the {cmp} one of the two {xs}", "which of the {xs} is the {sup}?",
    "the {x} in front of the {r}", "the {x} between the {r} and the {q}", "what is the {r} standing on?",
    "which {x} has the {r} on it?",
)  # fmt: skip
BLANK = r"[a-z']+(?: [a-z']+){0,2}"


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower().replace("’", "'"))


def runs(text: str) -> Iterator[str]:
    """Every SHARED_WORDS words in a row."""
    tokens = words(text)
    return (" ".join(tokens[n : n + SHARED_WORDS]) for n in range(len(tokens) - SHARED_WORDS + 1))


@cache
def questions() -> tuple[str, ...]:
    """Every question of the development data that may not be trained on."""
    files = [p for name in ("queries.jsonl", "questions.jsonl") for p in sorted(DATA.rglob(name))]
    lines = [line for p in files if "teacher" not in p.parts for line in p.read_text(encoding="utf-8").splitlines()]
    return tuple(json.loads(line)["text"] for line in lines if line.strip())


def texts(root: Path = ROOT) -> Iterator[tuple[str, str]]:
    """Name and text of every file of the repository that says something; binary files are passed over."""
    for path in sorted(p for folder in FOLDERS for p in (root / folder).rglob("*")):
        if path.suffix not in READ or not path.is_file() or path == Path(__file__):
            continue
        try:
            raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            yield str(path.relative_to(root)), raw.decode()
        except (UnicodeDecodeError, gzip.BadGzipFile):
            continue


def shared(root: Path = ROOT) -> dict[str, str]:
    """Runs of words that a file shares with a question, beside the common ones -> the file."""
    asked = {run for question in questions() for run in runs(question)} - set(COMMON)
    return {run: name for name, text in texts(root) for run in runs(text) if run in asked}


@needs_data
def test_no_file_shares_five_words_in_a_row_with_a_question() -> None:
    assert len(questions()) > 250
    assert shared() == {}


@needs_data
def test_no_form_with_its_blanks_filled_is_a_question() -> None:
    asked = [" ".join(words(question)) for question in questions()]
    found = {}
    for name, text in texts():
        if "/phrases/" not in name:
            continue
        for form in text.splitlines():
            parts = re.findall(r"[a-z']+|\{\w+\}", form.lower())
            if form[:1] in "#[" or form in COMMON_FORMS or sum(p[0] != "{" for p in parts) < SHARED_WORDS:
                continue
            pattern = re.compile(" ".join(BLANK if p[0] == "{" else p for p in parts))
            found |= {question: form for question in asked if pattern.fullmatch(question)}
    assert found == {}


@needs_data
@pytest.mark.parametrize("place", ["src/phrases/forms.txt", "src/prompt.py", "config/lexicon.txt.gz"])
def test_a_question_in_any_kind_of_file_is_found(tmp_path: Path, place: str) -> None:
    question = max(questions(), key=len)
    file = tmp_path / place
    file.parent.mkdir(parents=True)
    file.write_bytes(gzip.compress(question.encode()) if place.endswith(".gz") else f"[x]\n{question}\n".encode())
    assert set(shared(tmp_path).values()) == {place}


@needs_data
def test_what_is_called_common_is_really_asked() -> None:
    """A turn of phrase that is in no question any more leaves the list."""
    asked = {run for question in questions() for run in runs(question)}
    assert set(COMMON) <= asked
