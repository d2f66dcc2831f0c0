"""What the README tells people to type is checked: commands parse, the client is complete, links lead somewhere."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
from pathlib import Path

import pytest

from fastreasonseg_ros.cli import TRAINING, build_parser

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
COMMANDS = [
    shlex.split(line, comments=True)
    for kind, block in BLOCKS
    if kind == "bash"
    for line in block.replace("\\\n", " ").splitlines()
    if line.strip()
]


@pytest.mark.parametrize("words", [c for c in COMMANDS if c[0] == "fastreasonseg"], ids=" ".join)
def test_every_command_is_one_that_the_command_line_takes(words: list[str]) -> None:
    if words[1] == "train":
        assert words[2] in TRAINING
    else:
        build_parser().parse_args(words[1:])


def test_every_make_target_is_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = {c[1] for c in COMMANDS if c[0] == "make"} | set(re.findall(r"`make (\w+)[ `]", README))
    assert {"demo", "test"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_client_is_complete_and_uses_the_fields_that_messages_have() -> None:
    [client] = [block for kind, block in BLOCKS if kind == "python"]
    ast.parse(client)
    assert len([line for line in client.splitlines() if line.strip()]) <= 15
    answer, instance = ((ROOT / "msg" / f"{name}.msg").read_text() for name in ("Answer", "Instance"))
    for used, definition in (("answer", answer), ("thing", instance)):
        for name in set(re.findall(rf"\b{used}\.(\w+)", client)):
            assert re.search(rf"^\S+ {name}\b", definition, re.MULTILINE), f"{used}.{name}"


def test_links_lead_to_files() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target


def test_the_page_of_parameters_is_what_the_nodes_have(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rclpy")
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    written = importlib.import_module("write_parameters")
    assert written.PAGE.read_text() == written.page(), "run `python scripts/write_parameters.py`"


def test_the_page_of_the_plan_language_is_the_operator_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    written = importlib.import_module("write_plan_language")
    assert written.PAGE.read_text() == written.page(), "run `python scripts/write_plan_language.py`"
