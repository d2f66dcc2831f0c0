"""What looks on while a bag is evaluated: an output bag, a video, Rerun. Each is called once a picture, and closed.

They draw, encode and write in a thread of their own, so that perception goes on with the next picture meanwhile.
"""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Protocol

from ...errors import ConfigError
from ...visualization.annotated_frame import AnnotatedFrame
from ...visualization.cached_overlay import CachedOverlay
from ..reports.gallery import Gallery
from .evaluate import Row

WAITING = 2  # pictures that perception may be ahead


class Viewer(Protocol):
    def __call__(self, drawn: CachedOverlay) -> None: ...
    def close(self) -> None: ...


class Onlookers:
    """Some viewers in one thread. What one of them raises is raised by the next call, or by `close`, which waits."""

    def __init__(self, viewers: Sequence[Viewer]) -> None:
        self._cpu_s = 0.0
        self._viewers = viewers
        self._queue: Queue[AnnotatedFrame | None] = Queue(WAITING)
        self._error: Exception | None = None
        self._thread = Thread(target=self._work, name="viewers", daemon=True)
        self._thread.start()

    def __call__(self, looked: AnnotatedFrame) -> None:
        self._raise()
        self._queue.put(looked)

    @property
    def cpu_s(self) -> float:
        """Seconds of processor time that they took so far, also within the picture that they are at."""
        number = self._thread.ident
        if number is None or not self._thread.is_alive():
            return self._cpu_s
        return time.clock_gettime(time.pthread_getcpuclockid(number))

    def settle(self) -> None:
        """Waits until all that was given is drawn. Raises what a viewer raised."""
        self._queue.join()
        self._raise()

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join()
        for viewer in self._viewers:
            viewer.close()
        self._raise()

    def _work(self) -> None:
        while (looked := self._queue.get()) is not None:
            try:
                if self._error is None:  # else: only let nobody wait
                    drawn = CachedOverlay(looked)
                    for viewer in self._viewers:
                        viewer(drawn)
            except Exception as error:
                self._error = error
            self._cpu_s = time.thread_time()
            self._queue.task_done()

    def _raise(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error


def viewers_of(args: Namespace, name: str, many: bool) -> list[Onlookers]:
    """name: of the bag; many: every bag gets a file of its own in the folders that were given."""
    found: list[Viewer] = []
    if args.out:
        from ...visualization.answer_bag import BagOutput

        found.append(BagOutput(Path(args.out) / name if many else args.out, again=args.resume))
    if args.video:
        from ...visualization.overlay_video import Video

        found.append(Video(Path(args.video) / f"{name}.mp4"))
    if args.viz:
        from ...visualization.rerun_viewer import RerunView

        if many and args.viz_out:
            found.append(RerunView(name, Path(args.viz_out) / f"{name}.rrd"))
        else:
            found.append(RerunView(name, Path(args.viz_out) if args.viz_out else None))
    elif args.viz_out:
        raise ConfigError("--viz-out is the file of --viz rerun; give both")
    return [Onlookers(found)] if found else []


class GalleryView:
    """Keeps pictures of the best and worst answers; a question's row comes before its picture."""

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery
        self._rows: dict[int, Row] = {}

    def row(self, row: Row) -> None:
        if "n" in row:
            self._rows[row["n"]] = row

    def __call__(self, looked: AnnotatedFrame) -> None:
        labels = {i.id: i.label for i in looked.twin.instances} if looked.twin else {}
        truth = None if looked.frame.truth is None else looked.frame.truth.ids
        for shown in looked.shown:
            if (row := self._rows.pop(shown.n, None)) is not None:
                self._gallery.offer(row, looked.frame.color, looked.ids, truth, labels)

    def close(self) -> None:
        self._rows.clear()
