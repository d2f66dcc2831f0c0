"""A driver's topics under this package's names, and raw."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from ..errors import ReasonSegError
from .images import color_from_msg, depth_from_msg, depth_to_msg, image_to_msg
from .sync import PictureInput

if TYPE_CHECKING:
    from .settings import CameraSettings


class Relay:
    """Subscribes, until `close`, to in/color, in/depth and in/camera_info, which are to be remapped.

    passed: told the milliseconds that each colour picture took. trouble: told what cannot be decoded.
    """

    def __init__(
        self,
        node: Node,
        settings: CameraSettings,
        color: Any,
        depth: Any,
        info: Any,
        passed: Callable[[float], None],
        trouble: Callable[[str], None],
    ) -> None:
        self._color, self._passed, self._trouble = color, passed, trouble
        kinds = [CompressedImage if t != "raw" else Image for t in (settings.color_transport, settings.depth_transport)]
        self._inputs = []
        for kind, topic, publisher in (
            (CameraInfo, "in/camera_info", info),
            (kinds[0], "in/color", color),
            (kinds[1], "in/depth", depth),
        ):
            one = PictureInput(node, kind, topic, settings.picture_qos)
            one.registerCallback(self._pass_on, publisher)
            self._inputs.append(one)

    def close(self) -> None:
        for one in self._inputs:
            one.close()

    def _pass_on(self, msg: CameraInfo | Image | CompressedImage, publisher: Any) -> None:
        start = time.perf_counter()
        try:
            if isinstance(msg, CompressedImage) and publisher is self._color:
                msg = image_to_msg(color_from_msg(msg), "rgb8", msg.header)
            elif isinstance(msg, CompressedImage):
                msg = depth_to_msg(depth_from_msg(msg), msg.header)
        except ReasonSegError as error:
            self._trouble(str(error))
            return
        publisher.publish(msg)
        if publisher is self._color:
            self._passed((time.perf_counter() - start) * 1e3)
