"""The page by symptom quotes what the package prints: every quoted message is a text in the source."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs/troubleshooting.md").read_text()
QUOTED = re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE)


def texts_of_the_source() -> set[str]:
    """Every string constant and every constant part of an f-string; implicit concatenation is one."""
    return {
        node.value
        for path in (ROOT / "src").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


TEXTS = texts_of_the_source()


@pytest.mark.parametrize("message", QUOTED)
def test_a_quoted_message_is_one_that_the_package_prints(message: str) -> None:
    parts = [part.strip(" :") for part in message.split("...")]
    assert any(len(part) > 10 for part in parts), "too little to find it by"
    for part in parts:
        if len(part) > 4:
            assert any(part in text for text in TEXTS), part


def test_every_symptom_has_messages() -> None:
    sections = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
    assert len(sections) >= 6
    assert len(QUOTED) >= 20
    for section in sections:
        assert re.search(r"^\| `", section, re.MULTILINE), section.splitlines()[0]
    for status in ("BUSY", "NO_MATCH", "NOT_READY", "STALE", "TIMED_OUT", "UNREACHABLE"):
        assert status in PAGE
