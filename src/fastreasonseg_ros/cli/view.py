"""`fastreasonseg view`: a page for browsers about the running nodes.

Also the executable `view` of the package, for launch: it gets `--ros-args ...` after its own arguments, which rclpy
reads from the command line itself.
"""

from __future__ import annotations

import importlib.util
import sys
from argparse import Namespace
from collections.abc import Sequence

from ..errors import ConfigError
from ..weights import needs_extra

ROS_ARGUMENTS = ("--ros-args", "--")  # where arguments for ROS begin and end


def run(args: Namespace) -> int:
    """Raises ConfigError where something is not installed, or the address cannot be used."""
    with needs_extra("view", "the page"):
        import nicegui  # noqa: F401
    if importlib.util.find_spec("rclpy") is None:
        raise ConfigError("the page needs ROS 2 (rclpy): source a distribution, or `source env.sh` in a checkout")
    from ..web.server import serve
    from ..web.viewer import ViewSettings

    serve(ViewSettings(args.host, args.port, args.namespace, args.color_transport, args.timeout))
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """`view ARGUMENTS [--ros-args ...]`; the arguments are those of `fastreasonseg view`."""
    from . import main as command

    return command(["view", *without_ros_arguments(sys.argv[1:] if argv is None else argv)])


def without_ros_arguments(arguments: Sequence[str]) -> list[str]:
    """What is left for argparse: everything outside of `--ros-args ... --`."""
    begin, end = ROS_ARGUMENTS
    left, for_ros = [], False
    for word in arguments:
        if word == begin:
            for_ros = True
        elif for_ros:
            for_ros = word != end
        else:
            left.append(word)
    return left


if __name__ == "__main__":
    raise SystemExit(main())
