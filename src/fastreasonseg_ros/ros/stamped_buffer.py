"""Pictures and twins of the last seconds, by stamp, so that an answer is drawn into the picture that it speaks of."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from fastreasonseg_ros.msg import Answer, SceneGraph

from ..evaluation.overlay import draw_masks
from .images import color_from_msg, ids_from_msg, image_to_msg

KEPT = 60  # pictures and twins that wait for an answer about them


class Moments:
    """Not thread-safe: for callbacks of one group."""

    def __init__(self) -> None:
        self._twins: OrderedDict[int, SceneGraph] = OrderedDict()
        self._pictures: OrderedDict[int, Image | CompressedImage] = OrderedDict()

    def picture_came(self, msg: Image | CompressedImage) -> None:
        _keep(self._pictures, stamp_ns(msg.header), msg)

    def twin_came(self, msg: SceneGraph) -> None:
        _keep(self._twins, stamp_ns(msg.header), msg)

    def forget(self) -> None:
        self._twins.clear()
        self._pictures.clear()

    def complete(self, header: Header) -> bool:
        """Whether both picture and twin of that stamp are here."""
        return stamp_ns(header) in self._pictures and stamp_ns(header) in self._twins

    def overlay(self, answer: Answer, header: Header) -> Image | None:
        """The picture with the answer drawn into it; None without an id image. Raises FrameError, KeyError."""
        picture, twin = self._pictures[stamp_ns(header)], self._twins[stamp_ns(header)]
        ids = ids_from_msg(twin.instance_ids)
        if ids is None:
            return None
        labels = {i.id: i.label for i in twin.instances}
        return image_to_msg(draw_masks(color_from_msg(picture), ids, list(answer.ids), labels), "rgb8", header)


def stamp_ns(header: Header) -> int:
    """Nanoseconds since 1970."""
    return header.stamp.sec * 10**9 + header.stamp.nanosec


def _keep(kept: OrderedDict[int, Any], key: int, value: Any) -> None:
    kept[key] = value
    while len(kept) > KEPT:
        kept.popitem(last=False)
