"""The picture with an answer drawn into it, as JPEG; made once for all browsers that show the same."""

from __future__ import annotations

import asyncio

import cv2
import numpy as np
from jaxtyping import UInt8

from ..ros.images import color_from_msg, ids_from_msg
from ..ros.scene_feed import SceneFrame
from ..visualization.cached_overlay import jpeg
from ..visualization.overlay import draw_masks
from .answer_log import Entry

KEPT = 8  # pictures: browsers that lag behind may ask for one of these again
WIDEST = 1280  # pixels; a larger picture is made smaller, since a page shows no more


class LivePictures:
    """Gives the same bytes to all who ask for the same picture with the same objects. For one event loop."""

    def __init__(self) -> None:
        self._made: dict[tuple[object, ...], asyncio.Task[bytes]] = {}

    async def jpeg(self, frame: SceneFrame, entry: Entry | None) -> bytes:
        """entry: whose objects are drawn, if the frame has a twin. Raises FrameError."""
        wanted, destination = ((), ()) if entry is None or frame.twin is None else drawn_ids(entry)
        key = (frame.key, wanted, destination)
        task = self._made.get(key)
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            task = self._made[key] = asyncio.create_task(asyncio.to_thread(_draw, frame, wanted, destination))
            while len(self._made) > KEPT:
                del self._made[next(iter(self._made))]
        return await asyncio.shield(task)  # a browser that goes away must not take it from another

    def clear(self) -> None:
        """Lets go of all pictures."""
        self._made.clear()


def drawn_ids(entry: Entry) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What is to be taken, or was found, and where it goes."""
    commands = entry.answer.commands
    taken = [i for command in commands for i in command.ids] or entry.answer.ids
    return tuple(taken), tuple(i for command in commands for i in command.destination_ids)


def _draw(frame: SceneFrame, wanted: tuple[int, ...], destination: tuple[int, ...]) -> bytes:
    picture = color_from_msg(frame.picture)
    if frame.twin is not None and (wanted or destination):
        ids = ids_from_msg(frame.twin.instance_ids)
        if ids is not None and ids.shape == picture.shape[:2]:
            labels = {i.id: i.label for i in frame.twin.instances}
            picture = draw_masks(picture, ids, wanted, labels, destination)
    return jpeg(_not_wider(picture)).tobytes()


def _not_wider(picture: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "smaller_h smaller_w 3"]:
    height, width = picture.shape[:2]
    if width <= WIDEST:
        return picture
    return cv2.resize(picture, (WIDEST, round(height * WIDEST / width)), interpolation=cv2.INTER_AREA)
