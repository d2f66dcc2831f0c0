"""The topic cloud: the points of what the selected question found, with colour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool
from sensor_msgs.msg import Image, PointCloud2, PointField
from std_msgs.msg import Header

from ...errors import FrameError
from ...twin.types import Frame
from ..images import color_from_msg
from ..lifecycle import ManagedNode
from ..qos import reliable
from ..stamped_buffer import StampedBuffer
from .on_demand import OnDemand

KEPT = 8  # frames that wait for their mask: half a second at 15 Hz, 2 MB each at 640x480
FIELDS = [
    PointField(name=name, offset=4 * n, datatype=PointField.FLOAT32, count=1)
    for n, name in enumerate(("x", "y", "z", "rgb"))
]


@dataclass(frozen=True)
class _Kept:
    header: Header
    frame: Frame


class CloudPublisher:
    """While somebody subscribes to cloud, the topic mask is subscribed to, and frames are kept for it.

    The mask says what to cut out, so that mask and cloud belong to the same question. Here and not in mask_node, since
    this node has depth in the pixels of the colour picture already.
    """

    def __init__(self, node: ManagedNode[Any]) -> None:
        self._node = node
        self._frames: StampedBuffer[_Kept] = StampedBuffer(KEPT)
        self._demand = OnDemand(node, self._subscribe)
        self._cloud = self._demand.by(node.publisher(PointCloud2, "cloud", reliable(), **self._demand.events))

    def start(self) -> None:
        self._demand.start()

    def stop(self) -> None:
        self._demand.stop()

    def keep(self, frame: Frame, header: Header) -> None:
        """A frame whose mask may come; from any one thread."""
        if self._demand.wanted:
            self._frames.add(_Kept(header, frame))

    def _subscribe(self) -> Callable[[], None]:
        subscription = self._node.create_subscription(Image, "mask", self._mask_came, reliable())

        def end() -> None:
            self._node.destroy_subscription(subscription)
            self._frames.clear()

        return end

    def _mask_came(self, msg: Image) -> None:
        kept = self._frames.at(msg.header)
        if kept is None:
            self._node.meter.count("without cloud: picture was missed")
            return
        try:
            cloud = cloud_of(kept.frame, color_from_msg(msg)[:, :, 0] > 0, msg.header)
        except FrameError as error:  # a mask of another publisher
            self._node.meter.error("mask", str(error))
            return
        if cloud is not None:
            self._cloud.publish(cloud)


def cloud_of(frame: Frame, mask: Bool[np.ndarray, "h w"], header: Header) -> PointCloud2 | None:
    """Points where the mask is true and depth is known: x, y, z in metres, and rgb as PCL packs it (0x00rrggbb in the
    bits of a float32). One row, without NaN. None where the frame has no depth or camera model. Raises FrameError for a
    mask of another size.
    """
    if mask.shape != frame.color.shape[:2]:
        raise FrameError(
            f"the mask is {mask.shape} but the picture {frame.color.shape[:2]}: is `mask` that of mask_node?"
        )
    if frame.depth_m is None or frame.intrinsics is None:
        return None
    k = frame.intrinsics
    v, u = np.nonzero(mask & np.isfinite(frame.depth_m))
    z = frame.depth_m[v, u]
    r, g, b = frame.color[v, u].astype(np.uint32).T
    points = np.empty((len(z), 4), np.float32)
    points[:, 0], points[:, 1], points[:, 2] = (u - k.cx) / k.fx * z, (v - k.cy) / k.fy * z, z
    points[:, 3] = (r << 16 | g << 8 | b).view(np.float32)
    return PointCloud2(
        header=header, height=1, width=len(points), fields=FIELDS, is_bigendian=False, point_step=16,
        row_step=16 * len(points), data=points.tobytes(), is_dense=True,
    )  # fmt: skip
