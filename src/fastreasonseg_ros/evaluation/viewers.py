"""What looks on while a bag is evaluated: an output bag, a video, Rerun. Each is called once a picture, and closed."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Protocol

from ..errors import ConfigError
from .bag_eval import Looked
from .evaluate import Row
from .gallery import Gallery


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


class GalleryView:
    """Keeps pictures of the best and worst answers; a question's row comes before its picture."""

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery
        self._rows: dict[int, Row] = {}

    def row(self, row: Row) -> None:
        if "n" in row:
            self._rows[row["n"]] = row

    def __call__(self, looked: Looked) -> None:
        labels = {i.id: i.label for i in looked.twin.instances} if looked.twin else {}
        truth = None if looked.frame.truth is None else looked.frame.truth.ids
        for shown in looked.shown:
            if (row := self._rows.pop(shown.n, None)) is not None:
                self._gallery.offer(row, looked.frame.color, looked.ids, truth, labels)

    def close(self) -> None:
        self._rows.clear()
