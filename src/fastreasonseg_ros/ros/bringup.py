"""bringup: the four nodes in one process, with an executor of several threads."""

from __future__ import annotations

from collections.abc import Sequence

from .camera_node import CameraNode
from .mask_node import MaskNode
from .node import run
from .reasoning_node import ReasoningNode
from .twin_node import TwinNode


def main(argv: Sequence[str] | None = None) -> int:
    """One node's parameter: `--ros-args -p camera_node:source:=bag -p camera_node:path:=table.mcap`."""
    return run([CameraNode, TwinNode, ReasoningNode, MaskNode], argv)


if __name__ == "__main__":
    raise SystemExit(main())
