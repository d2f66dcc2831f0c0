"""The command line: quick help, one-line errors, and every command it lists can be found."""

from __future__ import annotations

import argparse
import importlib.util
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from fastreasonseg_ros.cli import TRAINING, build_parser, main

COMMANDS = (
    *("demo", "ask", "eval", "eval-twins", "eval-students", "compare", "report"),
    *("eval-tracking", "eval-places", "bag", "bench", "train", "models", "mcp"),
)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fastreasonseg_ros.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, env=os.environ)


def test_help_names_every_command_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from fastreasonseg_ros.cli import build_parser; print(build_parser().format_help());"
        "print(sorted({'numpy', 'torch', 'cv2', 'yaml', 'rclpy', 'openvino'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=True)
    for command in COMMANDS:
        assert f"    {command}" in done.stdout
    assert done.stdout.rstrip().endswith("[]")


def test_help_is_quick() -> None:
    """In time of the processor, so that a machine that does other things hardly matters; 0.1 s when measured."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run("--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.0


@pytest.mark.parametrize("command", [c for c in COMMANDS if c not in ("train", "models")])
def test_every_command_explains_its_arguments(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        build_parser().parse_args([command, "--help"])
    assert end.value.code == 0
    assert "usage: fastreasonseg " + command in capsys.readouterr().out


def test_a_missing_data_set_is_one_line_on_stderr_and_status_2(tmp_path: Path) -> None:
    done = run("eval", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith(f"fastreasonseg: {tmp_path}: has no queries.jsonl and the files of no known data set")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_bag_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bag", "info", "/nowhere/bag"]) == 2
    assert "/nowhere/bag: there is no such bag" in capsys.readouterr().err


def test_every_command_and_every_stage_of_training_names_a_module_that_is_there() -> None:
    commands = next(a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction)).choices
    modules = [parser.get_default("module") for parser in commands.values() if parser.get_default("module")]
    assert len(modules) >= 12
    for module in (*modules, "cli.models", *(module for _, module in TRAINING.values())):
        assert importlib.util.find_spec(f"fastreasonseg_ros.{module}"), module


def test_an_unknown_training_stage_lists_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["train", "everything"])
    assert end.value.code == 2
    error = capsys.readouterr().err
    for stage in TRAINING:
        assert stage in error


def test_errors_that_are_not_ours_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str):
        raise ZeroDivisionError

    monkeypatch.setattr("fastreasonseg_ros.cli._module", broken)
    with pytest.raises(ZeroDivisionError):
        main(["bench"])
