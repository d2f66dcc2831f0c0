"""What docs/agents.md tells people to type is what the command line takes, and its tables name what the server has."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from fastreasonseg_ros.cli import build_parser

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs/agents.md").read_text()
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"fastreasonseg mcp[^\"`#\n]*", PAGE)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_one_that_the_command_line_takes(command: str) -> None:
    build_parser().parse_args(shlex.split(command)[1:])


def test_options_that_are_named_are_options() -> None:
    commands = build_parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]
    options = set(commands["mcp"]._option_string_actions)
    assert set(re.findall(r"`(--[a-z-]+)", PAGE)) <= options


def test_configurations_are_json_that_names_a_server() -> None:
    configurations = [json.loads(block) for kind, block in BLOCKS if kind == "json"]
    assert len(configurations) == 2
    for configuration in configurations:
        [server] = configuration["mcpServers"].values()
        assert "command" in server or server["url"].endswith("/mcp")


def test_the_table_of_tools_is_the_servers() -> None:
    pytest.importorskip("rclpy", reason="ROS 2 is not installed")
    server = pytest.importorskip("fastreasonseg_ros.mcp.server", reason="the extra mcp is not installed")
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", PAGE, re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert named == [*server.READING, *server.CHANGING]
    robot = (ROOT / "src/fastreasonseg_ros/mcp/robot.py").read_text()
    assert "REMEMBERED = 64" in robot
    assert "good for the last 64 answers" in PAGE
