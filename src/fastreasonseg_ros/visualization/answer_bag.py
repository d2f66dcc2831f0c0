"""Writes frames, twins and answers as a bag (MCAP) that Foxglove, RViz, Rerun and this package can open.

Stamps are the recorded ones, in nanoseconds, so that it can be played together with the bag it was made from. Topics
are named as by the nodes: color/image_raw/compressed, overlay/compressed (JPEG), mask (mono8), twin (SceneGraph),
answer (Answer), markers (MarkerArray), reasoning (String).
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from ..errors import DatasetError
from ..io.bags import messages as m
from .cached_overlay import CachedOverlay, jpeg

FORMAT = "rgb8; jpeg compressed bgr8"


class BagOutput:
    """A viewer that writes a bag. Raises DatasetError if the folder exists already.

    again: replaces a bag that an interrupted run has left there, but no folder with other content.
    """

    def __init__(self, path: str | Path, again: bool = False) -> None:
        path = Path(path)
        if again and path.is_dir() and {p.name for p in path.iterdir()} <= {f"{path.name}.mcap", "metadata.yaml"}:
            shutil.rmtree(path)
        if path.exists():
            raise DatasetError(f"{path}: is there already; remove it or write to another folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        m.types()
        self._writer = Writer(path, version=9, storage_plugin=StoragePlugin.MCAP)
        # Zstandard chunks take a millisecond a frame and reduce id images and masks (1 MB) to a twentieth.
        self._writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
        self._writer.open()
        self._connections: dict[str, Any] = {}

    def __call__(self, drawn: CachedOverlay) -> None:
        annotated = drawn.annotated
        now, frame = annotated.stamp_ns, annotated.frame
        head = m.header(now, frame.frame_id)
        self._put("/color/image_raw/compressed", m.packed(drawn.color, FORMAT, head), now)
        if annotated.twin is None:
            return
        self._put("/twin", m.scene_graph(annotated.twin, now), now)
        self._put("/markers", m.markers(annotated.twin, set(drawn.chosen), now), now)
        for shown in annotated.shown:
            message = m.answer(shown.answer, annotated.twin, now, str(shown.n), shown.question.standing)
            self._put("/answer", message, now)
            if not shown.question.standing:
                text = f"{shown.question.text}\n{shown.answer.reason}\n{shown.answer.plan}".strip()
                self._put("/reasoning", m.make("std_msgs/msg/String", data=text), now)
        if annotated.shown and drawn.mask is not None:
            mask = drawn.mask.view(np.uint8) * np.uint8(255)
            self._put("/mask", m.image(mask, "mono8", head), now)
            self._put("/overlay/compressed", m.packed(jpeg(drawn.overlay(drawn.chosen)), FORMAT, head), now)

    def close(self) -> None:
        self._writer.close()

    def _put(self, topic: str, message: Any, nanoseconds: int) -> None:
        kind = message.__msgtype__
        if topic not in self._connections:
            self._connections[topic] = self._writer.add_connection(topic, kind, typestore=m.types())
        self._writer.write(self._connections[topic], nanoseconds, m.types().serialize_cdr(message, kind))
