"""An agent's side of the MCP server, for the tests: the SDK's own client over each transport, and in this process."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, TextContent
from processes import PATIENCE_S, wait_for

from fastreasonseg_ros.mcp.robot import RobotSettings
from fastreasonseg_ros.mcp.server import connected, make_server

PATIENT = ("--stale-after", str(PATIENCE_S))
WAIT_S = 3 * PATIENCE_S  # of a client for one reply


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "fastreasonseg_ros.cli", "mcp", *options]


@contextlib.asynccontextmanager
async def over_stdio(*options: str) -> AsyncIterator[Client]:
    """A server that the client starts, as desktop clients do."""
    program, *arguments = command(*PATIENT, *options)
    parameters = StdioServerParameters(command=program, args=arguments, env=dict(os.environ))
    async with Client(parameters, read_timeout_seconds=WAIT_S) as client:
        yield client


@contextlib.contextmanager
def http_server(log: Path, *options: str) -> Iterator[str]:
    """A server over HTTP in a process of its own; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with open(log, "w") as output:
        server = subprocess.Popen(
            command(*PATIENT, "--transport", "http", "--port", str(port), *options),
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def listens() -> bool:
        assert server.poll() is None, log.read_text()
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_for(listens, what="the server")
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        server.terminate()
        server.wait(PATIENCE_S)


@contextlib.asynccontextmanager
async def in_process(
    *namespaces: str, allow: tuple[str, ...] = (), stale_after_s: float = PATIENCE_S
) -> AsyncIterator[Client]:
    async with (
        connected(namespaces, RobotSettings(stale_after_s)) as robots,
        Client(make_server(robots, allow), read_timeout_seconds=WAIT_S) as client,
    ):
        yield client


def text_of(result: CallToolResult) -> str:
    """The only text of a result."""
    [text] = [content.text for content in result.content if isinstance(content, TextContent)]
    return text


async def call(client: Client, tool: str, **arguments) -> dict:
    """Structured content of a call that must succeed."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text_of(result)
    assert result.structured_content is not None
    return result.structured_content
