"""Which things of a twin are looked at when: new ones first, then at growing intervals, and when seen much larger."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from ...twin.types import DigitalTwin, Frame, Instance
from .desk import Crop, Desk

MARGIN_PX = 4  # around a thing's box
LARGER = 1.5  # a thing that is seen so many times larger is looked at again
Found = TypeVar("Found")


@dataclass(frozen=True)
class ScheduleConfig:
    """What is looked at, and how often.

    min_side_px: shorter side of a thing's box. max_speed: metres per second. first_s: after it a thing is looked at
    again, then after twice as long, up to last_s. queue: crops that wait at most; of more, those tried most often are
    left out.
    """

    min_side_px: int = 28
    max_speed: float = 0.15
    first_s: float = 1.0
    last_s: float = 32.0
    queue: int = 8


@dataclass(frozen=True)
class Task(Generic[Found]):
    """What is to be found out about things.

    name: of its thread. load: loads, in that thread, what turns a crop into what is found, or None. known: what an
    instance has of it already. joined: what was known (or None) with what is new. enough: whether nothing more is
    looked for, unless the thing is seen larger.
    """

    name: str
    load: Callable[[], Callable[[Crop], Found | None]]
    known: Callable[[Instance], Found | None]
    joined: Callable[[Found | None, Found], Found]
    enough: Callable[[Found], bool]


@dataclass
class _Thing(Generic[Found]):
    """What was tried on a thing. due_s: stamp of the next attempt. side_px: its size at the last one."""

    first_seen_s: float | None
    found: Found | None
    due_s: float = -math.inf
    tried: int = 0
    side_px: float = 0.0


class BackgroundWork(Generic[Found]):
    """What is found out about a twin's instances, by id. Called by one thread; its own does the work."""

    def __init__(self, task: Task[Found], config: ScheduleConfig, margin: float = 0.0) -> None:
        """margin: around a thing's box, as a share of its longer side, beside MARGIN_PX."""
        self.config, self._task, self._margin = config, task, margin
        self._things: dict[int, _Thing[Found]] = {}
        self._first_ids: np.ndarray | None = None  # of the scene's first twin
        self._desk: Desk[Found] = Desk(task.name, task.load, config.queue)
        self._close = weakref.finalize(self, self._desk.close)

    def close(self) -> None:
        """Ends the thread, after the crop that it works on."""
        self._close()

    @property
    def durations_ms(self) -> list[float]:
        """What each of the newest crops took, up to a thousand."""
        return self._desk.durations_ms

    def found(self, twin: DigitalTwin, frame: Frame, wait: bool = False) -> Mapping[int, Found]:
        """What is known so far, by id; what is due in the frame, of which the twin was made, waits from now on.

        wait: until all that was worked on, for single pictures.
        """
        if twin.sequence <= 1 and twin.ids is not self._first_ids:  # another scene
            self._first_ids = twin.ids
            self._things.clear()
            self._desk.forget()
        here = {i.id for i in twin.instances}
        for id in {*self._things} - here - {i.id for i in twin.forgotten}:
            del self._things[id]
        for instance in twin.instances:
            thing = self._things.get(instance.id)
            if thing is None or thing.first_seen_s != instance.first_seen_s:
                self._things[instance.id] = _Thing(instance.first_seen_s, self._task.known(instance))
        self._offer(twin, frame)
        if wait:
            self._desk.wait()
            while self._offer(twin, frame):  # the queue holds a few at a time
                self._desk.wait()
        for id, found in self._desk.collect():
            if thing := self._things.get(id):
                thing.found = self._task.joined(thing.found, found)
        return {id: thing.found for id, thing in self._things.items() if thing.found is not None}

    def _offer(self, twin: DigitalTwin, frame: Frame) -> int:
        """How many things of the frame wait now that did not before."""
        offered = 0
        if twin.ids is None:
            return offered
        for instance in twin.instances:
            thing = self._things[instance.id]
            box = self._box(instance, twin.image_size)
            if not instance.visible or box is None or not self._is_due(thing, instance, twin.stamp_s):
                continue
            if not self._desk.takes(thing.tried):
                continue
            rows, columns = box
            ids = twin.ids[rows, columns]
            mask = ids == instance.id
            color = frame.color[rows, columns].copy()
            self._desk.put(Crop(instance.id, color, mask, ~mask & (ids > 0), twin.stamp_s, thing.tried))
            offered += 1
            thing.side_px = max(_sides(instance))
            wait_s = min(self.config.first_s * 2.0 ** min(thing.tried, 16), self.config.last_s)
            thing.due_s, thing.tried = twin.stamp_s + wait_s, thing.tried + 1
        return offered

    def _is_due(self, thing: _Thing[Found], instance: Instance, stamp_s: float) -> bool:
        sides = _sides(instance)
        if min(sides) < self.config.min_side_px or math.hypot(*(instance.velocity or ())) > self.config.max_speed:
            return False
        if max(sides) > LARGER * thing.side_px:
            return True
        return stamp_s >= thing.due_s and (thing.found is None or not self._task.enough(thing.found))

    def _box(self, instance: Instance, image_size: tuple[int, int]) -> tuple[slice, slice] | None:
        """Rows and columns of the box with its margin, inside the picture."""
        if instance.box_xyxy is None:
            return None
        margin = MARGIN_PX + round(self._margin * max(_sides(instance)))
        x0, y0, x1, y1 = (round(v) for v in instance.box_xyxy)
        width, height = image_size
        rows = slice(max(y0 - margin, 0), min(y1 + margin, height))
        columns = slice(max(x0 - margin, 0), min(x1 + margin, width))
        return (rows, columns) if rows.start < rows.stop and columns.start < columns.stop else None


def _sides(instance: Instance) -> tuple[float, float]:
    """Width and height of the box in pixels."""
    x0, y0, x1, y1 = (round(v) for v in instance.box_xyxy or (0, 0, 0, 0))
    return float(x1 - x0), float(y1 - y0)
