"""The camera's picture with things outlined, tinted and labelled, encoded for an agent that can see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import cv2

from fastreasonseg_ros.msg import SceneGraph

from ..errors import FrameError, MissingDataError
from ..ros.images import color_from_msg, ids_from_msg
from ..visualization.overlay import draw_masks
from .sensor_text import shown

Encoding = Literal["jpeg", "png"]
LONGEST_SIDE = 1280  # pixels; a larger picture is scaled down: it costs the agent, and shows it no more
DRAWN = 24  # characters of a label


def draw(
    picture: Any, twin: SceneGraph, ids: Sequence[int] | None, destination: Sequence[int], encoding: Encoding
) -> bytes:
    """picture: Image or CompressedImage that the twin was made from. ids: what to show; None: all things in view.

    destination: of a command. Raises FrameError for a picture that cannot be read, MissingDataError where the twin has
    no masks.
    """
    color, pixels = color_from_msg(picture), ids_from_msg(twin.instance_ids)
    if pixels is None:
        raise MissingDataError("the twin has no id image: this perceiver makes no masks, so nothing can be outlined")
    if pixels.shape != color.shape[:2]:
        raise FrameError(f"the twin's id image is {pixels.shape}, the picture {color.shape[:2]}: is it of this camera?")
    if ids is None:
        ids = [i.id for i in twin.instances if i.visible]
    labels = {i.id: shown(i.label, DRAWN) for i in twin.instances}
    drawn = cv2.cvtColor(draw_masks(color, pixels, ids, labels, destination), cv2.COLOR_RGB2BGR)
    if (scale := LONGEST_SIDE / max(drawn.shape[:2])) < 1:
        drawn = cv2.resize(drawn, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    suffix, options = (".jpg", [cv2.IMWRITE_JPEG_QUALITY, 88]) if encoding == "jpeg" else (".png", [])
    encoded, data = cv2.imencode(suffix, drawn, options)
    if not encoded:
        raise FrameError(f"the picture of {drawn.shape[1]} x {drawn.shape[0]} pixels cannot be written as {encoding}")
    return data.tobytes()
