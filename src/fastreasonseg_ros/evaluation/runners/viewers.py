"""Viewers of a bag evaluation: output bag, video, Rerun. Each is called once per frame, then closed.

They draw, encode and write in a separate thread, in parallel with perception of the next frame.
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

QUEUE_SIZE = 2  # frames that perception may be ahead


class Viewer(Protocol):
    def __call__(self, drawn: CachedOverlay) -> None: ...
    def close(self) -> None: ...


class ViewerThread:
    """Runs viewers in one thread. An error of a viewer is raised by the next call, or by close(), which waits."""

    def __init__(self, viewers: Sequence[Viewer]) -> None:
        self._cpu_s = 0.0
        self._viewers = viewers
        self._queue: Queue[AnnotatedFrame | None] = Queue(QUEUE_SIZE)
        self._error: Exception | None = None
        self._thread = Thread(target=self._work, name="viewers", daemon=True)
        self._thread.start()

    def __call__(self, annotated: AnnotatedFrame) -> None:
        self._raise()
        self._queue.put(annotated)

    @property
    def cpu_s(self) -> float:
        """Processor time of the thread so far, seconds."""
        number = self._thread.ident
        if number is None or not self._thread.is_alive():
            return self._cpu_s
        return time.clock_gettime(time.pthread_getcpuclockid(number))

    def settle(self) -> None:
        """Waits until all queued frames are drawn. Raises the error of a viewer."""
        self._queue.join()
        self._raise()

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join()
        for viewer in self._viewers:
            viewer.close()
        self._raise()

    def _work(self) -> None:
        while (annotated := self._queue.get()) is not None:
            try:
                if self._error is None:  # after an error the queue is only drained
                    drawn = CachedOverlay(annotated)
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


def viewers_of(args: Namespace, name: str, many: bool) -> list[ViewerThread]:
    """The viewers of --out, --video and --viz. name: of the bag; many: each bag has its own file in these folders."""
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
    return [ViewerThread(found)] if found else []


class GalleryView:
    """Viewer that collects the best and worst answers; row() of a question is called before its frame."""

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery
        self._rows: dict[int, Row] = {}

    def row(self, row: Row) -> None:
        if "n" in row:
            self._rows[row["n"]] = row

    def __call__(self, annotated: AnnotatedFrame) -> None:
        labels = {i.id: i.label for i in annotated.twin.instances} if annotated.twin else {}
        truth = None if annotated.frame.truth is None else annotated.frame.truth.ids
        for shown in annotated.shown:
            if (row := self._rows.pop(shown.n, None)) is not None:
                self._gallery.offer(row, annotated.frame.color, annotated.ids, truth, labels)

    def close(self) -> None:
        self._rows.clear()
