"""What looks on while a bag is evaluated: an output bag, a video, Rerun. Each is called once a picture, and closed."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Protocol

from ..errors import ConfigError
from .bag_eval import Looked


class Viewer(Protocol):
    def __call__(self, looked: Looked) -> None: ...
    def close(self) -> None: ...


def viewers_of(args: Namespace, name: str, many: bool) -> list[Viewer]:
    """name: of the bag; many: every bag gets a file of its own in the folders that were given."""
    found: list[Viewer] = []
    if args.out:
        from .bag_output import BagOutput

        found.append(BagOutput(Path(args.out) / name if many else args.out))
    if args.video:
        from .video import Video

        found.append(Video(Path(args.video) / f"{name}.mp4"))
    if args.viz:
        from .rerun_view import RerunView

        if many and args.viz_out:
            found.append(RerunView(name, Path(args.viz_out) / f"{name}.rrd"))
        else:
            found.append(RerunView(name, Path(args.viz_out) if args.viz_out else None))
    elif args.viz_out:
        raise ConfigError("--viz-out is the file of --viz rerun; give both")
    return found
