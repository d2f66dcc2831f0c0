"""The arguments of the commands that serve what running nodes know: to agents (mcp) and browsers (view)."""

from __future__ import annotations

import argparse


def mcp_arguments(mcp: argparse.ArgumentParser) -> None:
    mcp.add_argument("--transport", choices=["stdio", "http"], default="stdio", help="how clients talk (%(default)s)")
    mcp.add_argument(
        "--namespace",
        metavar="NAME",
        action="append",
        help="of a robot's nodes; several times for several; / for none (reasonseg)",
    )
    mcp.add_argument(
        "--allow", metavar="TOOL", action="append", default=[], choices=["set_vocabulary", "select"],
        help="also offer set_vocabulary or select, which change what runs (several times)",
    )  # fmt: skip
    mcp.add_argument("--host", default="127.0.0.1", help="of http: where to listen (%(default)s)")
    mcp.add_argument("--port", type=int, default=8765, help="of http (%(default)s)")
    mcp.add_argument(
        "--expose", metavar="NAME", action="append", default=[],
        help="of http: let other machines in, without password or encryption, by this name of the machine",
    )  # fmt: skip
    mcp.add_argument("--color-topic", metavar="NAME", default="color/image_raw", help="of pictures (%(default)s)")
    mcp.add_argument("--color-transport", choices=["raw", "compressed"], default="raw", help="(%(default)s)")
    mcp.add_argument(
        "--stale-after", metavar="SECONDS", type=float, default=5.0,
        help="perception without a new twin for so long stands still (%(default)s)",
    )  # fmt: skip


def view_arguments(view: argparse.ArgumentParser) -> None:
    view.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS",
        help="address to listen on (%(default)s: this machine only); with another one, as 0.0.0.0, anyone who reaches "
        "it may look and ask, without a password",
    )  # fmt: skip
    view.add_argument("--port", type=int, default=8080, help="(%(default)s)")
    view.add_argument("--namespace", default="reasonseg", metavar="NAME", help="of the nodes; / for none (%(default)s)")
    view.add_argument(
        "--color-transport", default="raw", choices=["raw", "compressed"], help="of color/image_raw (%(default)s)"
    )
    view.add_argument(
        "--timeout", type=float, default=60.0, metavar="SECONDS", help="how long an answer is waited for (%(default)s)"
    )
