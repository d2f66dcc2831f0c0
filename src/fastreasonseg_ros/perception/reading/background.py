"""Reads things beside the frame's path: in a thread of low priority, new things first, seldom where nothing is found.

A thing is read when it is new, then after 1, 2, 4 ... s as long as nothing was read, and again when it is seen much
larger. Texts belong to ids of the twin; tracking carries them on, also while a thing is out of view.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import threading
import time
import weakref
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool, UInt8

from ...errors import ModelError
from ...twin.types import DigitalTwin, Frame, Instance
from .agreement import agreed, joined
from .ocr import Line, LineReader

_LOG = logging.getLogger(__name__)
NICE = 15  # of the thread, where the system knows priorities of threads (Linux)
MARGIN_PX = 4  # around a thing's box
ON_IT = 0.6  # share of a line's area that must lie on the thing
LARGER = 1.5  # a thing that is seen so many times larger is read again
INPUT_PX = 256, 456  # to which the longer side of a crop is brought for the first scale, as near to twice as it allows
SECOND_SCALE = 1.4
MAX_INPUT_PX = 640


@dataclass(frozen=True)
class ReadingConfig:
    """What is read, and how often.

    min_side_px: shorter side of a thing's box. min_sharpness: variance of the crop's Laplacian (grey levels squared).
    max_speed: metres per second. first_s: after it a thing on which nothing was read is tried again, then after twice
    as long, up to last_s. queue: crops that wait at most; of more, those tried most often are left out.
    """

    min_side_px: int = 28
    min_sharpness: float = 20.0
    max_speed: float = 0.15
    first_s: float = 1.0
    last_s: float = 32.0
    queue: int = 8


@dataclass(frozen=True, eq=False)  # a crop is only itself: arrays have no one truth value
class _Crop:
    """A thing to be read: its picture and mask. tried: how often it was before."""

    id: int
    color: UInt8[np.ndarray, "h w 3"]
    mask: Bool[np.ndarray, "h w"]
    stamp_s: float
    tried: int


@dataclass
class _Known:
    """What was tried on a thing. due_s: stamp of the next attempt. side_px: its size at the last one."""

    first_seen_s: float | None
    due_s: float = -math.inf
    tried: int = 0
    side_px: float = 0.0
    text: str = ""


class BackgroundReader:
    """Texts of a twin's instances. Called by one thread; the networks are loaded by its own, at the first crop."""

    def __init__(self, folder: Path, config: ReadingConfig = ReadingConfig()) -> None:
        """folder: the networks, see ocr.find_models."""
        self.config = config
        self._known: dict[int, _Known] = {}
        self._first_ids: np.ndarray | None = None  # of the scene's first twin
        self._desk = _Desk(folder, config)
        self._close = weakref.finalize(self, self._desk.close)

    def close(self) -> None:
        """Ends the thread, after the crop that it reads."""
        self._close()

    def with_texts(self, twin: DigitalTwin, frame: Frame, wait: bool = False) -> DigitalTwin:
        """The twin with what was read so far; what is due in its frame waits to be read.

        wait: until that was read, for single pictures.
        """
        if twin.sequence <= 1 and twin.ids is not self._first_ids:  # another scene
            self._first_ids = twin.ids
            self._known.clear()
            self._desk.forget()
        here = {i.id: i for i in twin.instances}
        gone = {*self._known} - {*here} - {i.id for i in twin.forgotten}
        for id in gone:
            del self._known[id]
        for instance in twin.instances:
            known = self._known.get(instance.id)
            if known is None or known.first_seen_s != instance.first_seen_s:
                self._known[instance.id] = _Known(instance.first_seen_s, text=instance.text)
        self._offer(twin, frame)
        if wait:
            self._desk.wait()
            while self._offer(twin, frame):  # the queue holds a few at a time
                self._desk.wait()
        for id, text in self._desk.collect():
            if id in self._known:
                self._known[id].text = joined(self._known[id].text, text)
        texts = {id: known.text for id, known in self._known.items() if known.text}
        changed = (replace(i, text=texts[i.id]) if i.text != texts.get(i.id, i.text) else i for i in twin.instances)
        return replace(twin, instances=tuple(changed)) if texts else twin

    def _offer(self, twin: DigitalTwin, frame: Frame) -> int:
        """How many things of the frame wait to be read now that did not before."""
        offered = 0
        if twin.ids is None:
            return offered
        for instance in twin.instances:
            known = self._known[instance.id]
            box = _box(instance, twin.image_size)
            if not instance.visible or box is None or not self._is_due(known, instance, box, twin.stamp_s):
                continue
            if not self._desk.takes(known.tried):
                continue
            rows, columns = box
            crop = _Crop(
                instance.id, frame.color[rows, columns].copy(), twin.ids[rows, columns] == instance.id,
                twin.stamp_s, known.tried,
            )  # fmt: skip
            self._desk.put(crop)
            offered += 1
            known.side_px = _longer_side(box)
            wait_s = min(self.config.first_s * 2.0 ** min(known.tried, 16), self.config.last_s)
            known.due_s, known.tried = twin.stamp_s + wait_s, known.tried + 1
        return offered

    def _is_due(self, known: _Known, instance: Instance, box: tuple[slice, slice], stamp_s: float) -> bool:
        sides = [s.stop - s.start - 2 * MARGIN_PX for s in box]
        if min(sides) < self.config.min_side_px or math.hypot(*(instance.velocity or ())) > self.config.max_speed:
            return False
        larger = _longer_side(box) > LARGER * known.side_px
        return larger or (not known.text and stamp_s >= known.due_s)


class _Desk:
    """The crops that wait, the thread that reads them, and what it read. Shared by two threads."""

    def __init__(self, folder: Path, config: ReadingConfig) -> None:
        self._folder, self._config = folder, config
        self._changed = threading.Condition()
        self._waiting: list[_Crop] = []
        self._read: list[tuple[int, str]] = []
        self._reading: _Crop | None = None
        self._closed = self._awaited = False
        self._thread: threading.Thread | None = None

    def takes(self, tried: int) -> bool:
        """Whether a thing that was tried so often has a place; where all are taken, before what was tried more."""
        with self._changed:
            if self._closed:
                return False
            return len(self._waiting) < self._config.queue or tried < max(crop.tried for crop in self._waiting)

    def put(self, crop: _Crop) -> None:
        """In place of an older crop of the same thing, or of one that was tried more where all places are taken."""
        with self._changed:
            self._waiting = [waiting for waiting in self._waiting if waiting.id != crop.id]
            if len(self._waiting) >= self._config.queue:
                self._waiting.remove(max(self._waiting, key=lambda waiting: waiting.tried))
            self._waiting.append(crop)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="reading", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def collect(self) -> list[tuple[int, str]]:
        with self._changed:
            found, self._read = self._read, []
            return found

    def forget(self) -> None:
        """Leaves nothing of what was offered or read so far."""
        with self._changed:
            self._waiting, self._read, self._reading = [], [], None

    def wait(self) -> None:
        """Until every crop was read."""
        with self._changed:
            self._awaited = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._closed or not (self._waiting or self._reading))
            self._awaited = False

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._waiting = []
            self._changed.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _work(self) -> None:
        with contextlib.suppress(AttributeError, OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
        try:
            self._read_all(LineReader(self._folder))
        except ModelError as error:
            _LOG.error("nothing is read: %s", error)
        finally:  # nobody waits for a thread that has ended
            with self._changed:
                self._closed = True
                self._changed.notify_all()

    def _read_all(self, reader: LineReader) -> None:
        while crop := self._next():
            start = time.monotonic()
            text = read_crop(reader, crop.color, crop.mask, self._config.min_sharpness)
            spent_s = time.monotonic() - start
            with self._changed:
                if self._reading is crop and text:
                    self._read.append((crop.id, text))
                self._reading = None if self._reading is crop else self._reading
                self._changed.notify_all()
                # As long a rest as the work: threads of frames share caches and memory with it whatever its priority.
                self._changed.wait_for(lambda: self._closed or self._awaited, timeout=spent_s)

    def _next(self) -> _Crop | None:
        """The crop that was tried least, of these the newest; None when closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting)
            if self._closed:
                return None
            self._reading = min(self._waiting, key=lambda crop: (crop.tried, -crop.stamp_s))
            self._waiting.remove(self._reading)
            return self._reading


def read_crop(
    reader: LineReader, color: UInt8[np.ndarray, "h w 3"], mask: Bool[np.ndarray, "h w"], min_sharpness: float = 0.0
) -> str:
    """What two readings of a crop at two scales agree on; lines that do not lie on the mask are another thing's."""
    if cv2.Laplacian(cv2.cvtColor(color, cv2.COLOR_RGB2GRAY), cv2.CV_32F).var() < min_sharpness:
        return ""
    side, filled = max(color.shape[:2]), _filled(mask)
    low, high = INPUT_PX
    first = float(np.clip(2 * side, low, high)) / side
    if side > high:
        first = min(MAX_INPUT_PX, side) / side
    second = first / SECOND_SCALE if side > high else first * SECOND_SCALE
    lines = _on(reader.lines(color, first), filled)
    return agreed(lines, _on(reader.lines(color, second), filled)) if lines else ""


def _on(lines: list[Line], mask: UInt8[np.ndarray, "h w"]) -> list[Line]:
    kept = []
    for line in lines:
        area = np.zeros_like(mask)
        cv2.fillConvexPoly(area, np.round(line.corners).astype(np.int32), 1)
        if int((area & mask).sum()) >= ON_IT * max(int(area.sum()), 1):
            kept.append(line)
    return kept


def _filled(mask: Bool[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
    """Without the holes and notches that missing depth leaves: the hull of its outline."""
    filled = mask.astype(np.uint8)
    outlines, _ = cv2.findContours(filled, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if outlines:
        cv2.fillConvexPoly(filled, cv2.convexHull(np.concatenate(outlines)), 1)
    return filled


def _box(instance: Instance, image_size: tuple[int, int]) -> tuple[slice, slice] | None:
    """Rows and columns of the box with a margin, inside the picture."""
    if instance.box_xyxy is None:
        return None
    x0, y0, x1, y1 = (round(v) for v in instance.box_xyxy)
    width, height = image_size
    rows = slice(max(y0 - MARGIN_PX, 0), min(y1 + MARGIN_PX, height))
    columns = slice(max(x0 - MARGIN_PX, 0), min(x1 + MARGIN_PX, width))
    return (rows, columns) if rows.start < rows.stop and columns.start < columns.stop else None


def _longer_side(box: tuple[slice, slice]) -> float:
    return float(max(s.stop - s.start for s in box))
