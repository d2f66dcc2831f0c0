"""bringup: the nodes in one process."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from rclpy.utilities import remove_ros_args

from ..executors import run
from .camera_node import CameraNode
from .mask_node import MaskNode
from .reasoning_node import ReasoningNode
from .twin_node import TwinNode

NODES = {"camera_node": CameraNode, "twin_node": TwinNode, "reasoning_node": ReasoningNode, "mask_node": MaskNode}


def main(argv: Sequence[str] | None = None) -> int:
    """One node's parameter: `--ros-args -p camera_node:source:=bag -p camera_node:path:=table.mcap`.

    In a namespace rcl passes over such a rule in silence: give a file there (`--params-file`, `/**/camera_node`).
    """
    parser = argparse.ArgumentParser(prog="bringup", description="The nodes in one process.")
    parser.add_argument("--without", action="append", default=[], choices=NODES, help="a node that is not started")
    args = parser.parse_args(remove_ros_args(argv)[1:] if argv is None else remove_ros_args(argv))
    return run([make for name, make in NODES.items() if name not in args.without], argv)


if __name__ == "__main__":
    raise SystemExit(main())
