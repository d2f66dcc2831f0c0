"""No question of the development data stands in what this repository holds, in whole or in a turn of its own.

Everything that training, the prompts and the word lists read is looked at: forms, phrases, the knowledge table, the
lexicon, and the sources (docstrings, examples, sentences made by code); tests, scripts and documents too. `teacher/` of
the development data may be trained on, and is not looked at.
"""

from __future__ import annotations

import gzip
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from development_data import DATA, needs_data

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "corpus"))
import overlap

READ = (".py", ".jsonl", ".txt", ".gz", ".yaml", ".json", ".md", ".xml", ".sh", "")
FOLDERS = (
    "src", "config", "corpus", "demo", "docs", "examples", "launch", "models", "msg", "scripts", "srv", "action",
    "test",
)  # fmt: skip
# Forms that, with their blanks filled, are a question of the data: what they ask for is asked so by anybody.
COMMON_FORMS = (
    "which {x} is closest to the camera?", "the {x} closest to the camera", "which {x} is closest to the {r}?",
    "which of the {xs} is the {cmp} one?", "the {cmp} one of the two {xs}", "which of the {xs} is the {sup}?",
    "the {x} in front of the {r}", "the {x} between the {r} and the {q}", "what is the {r} standing on?",
    "which {x} has the {r} on it?",
)  # fmt: skip
BLANK = r"[a-z']+(?: [a-z']+){0,2}"


@cache
def questions() -> tuple[str, ...]:
    """Every question of the development data that may not be trained on."""
    return overlap.kept_questions(DATA)


def texts(root: Path = ROOT) -> Iterator[tuple[str, str]]:
    """Name and text of every file of the repository that says something; binary files are passed over."""
    for path in sorted(p for folder in FOLDERS for p in (root / folder).rglob("*")):
        if path.suffix not in READ or not path.is_file() or path in (Path(__file__), Path(overlap.__file__)):
            continue
        try:
            raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            yield str(path.relative_to(root)), raw.decode()
        except (UnicodeDecodeError, gzip.BadGzipFile):
            continue


def shared(root: Path = ROOT) -> dict[str, str]:
    """Runs of words that a file shares with a question, beside the common ones -> the file."""
    return {run: name for name, text in texts(root) for run in overlap.shared_runs(text, DATA)}


@needs_data
def test_no_file_shares_five_words_in_a_row_with_a_question() -> None:
    assert len(questions()) > 250
    assert shared() == {}


@needs_data
def test_no_form_with_its_blanks_filled_is_a_question() -> None:
    asked = [" ".join(overlap.words(question)) for question in questions()]
    found = {}
    for name, text in texts():
        if "/phrases/" not in name:
            continue
        for form in text.splitlines():
            parts = re.findall(r"[a-z']+|\{\w+\}", form.lower())
            if form[:1] in "#[" or form in COMMON_FORMS or sum(p[0] != "{" for p in parts) < overlap.SHARED_WORDS:
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
    asked = {run for question in questions() for run in overlap.runs(question)}
    assert set(overlap.COMMON) <= asked
