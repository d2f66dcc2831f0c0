"""`fastreasonseg mcp`: the robot's eyes as tools of an agent (Model Context Protocol)."""

from __future__ import annotations

import importlib.util
from argparse import Namespace

from ..errors import ConfigError
from ..weights import needs_extra


def run(args: Namespace) -> int:
    """Raises ConfigError where the SDK or ROS 2 is not installed, and for addresses and names that cannot be."""
    with needs_extra("mcp", "`fastreasonseg mcp`"):
        import anyio
        import mcp.server.mcpserver  # noqa: F401
    if importlib.util.find_spec("rclpy") is None:
        raise ConfigError("`fastreasonseg mcp` needs ROS 2: source its setup file and this package's, or env.sh")
    from ..mcp.robot import RobotSettings
    from ..mcp.server import HttpSettings, serve

    settings = RobotSettings(args.stale_after, args.color_topic, args.color_transport)
    http = HttpSettings(args.host, args.port, tuple(args.expose)) if args.transport == "http" else None
    anyio.run(serve, args.namespace or [""], settings, args.allow, http)
    return 0
