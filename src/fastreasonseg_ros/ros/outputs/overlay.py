"""The topics overlay and overlay/compressed: the picture with an answer drawn into it."""

from __future__ import annotations

from collections.abc import Callable

from sensor_msgs.msg import CompressedImage, Image

from fastreasonseg_ros.msg import Answer, SceneGraph

from ...visualization.overlay import draw_masks
from ..images import color_from_msg, compressed_to_msg, ids_from_msg, image_to_msg
from ..lifecycle import ManagedNode
from ..qos import reliable
from ..rgbd_subscriber import ImageSubscription, image_topic
from ..rgbd_synchronizer import COLOR
from ..settings import MaskSettings
from ..stamped_buffer import StampedBuffer
from .on_demand import OnDemand


class OverlayPublisher:
    """Pictures (0.9 MB each at 640x480) are subscribed to only while somebody subscribes to an overlay."""

    def __init__(self, node: ManagedNode[MaskSettings]) -> None:
        self._node = node
        self._pictures: StampedBuffer[Image | CompressedImage] = StampedBuffer()
        self._demand = demand = OnDemand(node, self._subscribe)
        self._raw = demand.by(node.publisher(Image, "overlay", reliable(), **demand.events))
        self._compressed = demand.by(node.publisher(CompressedImage, "overlay/compressed", reliable(), **demand.events))

    def start(self) -> None:
        self._demand.start()

    def stop(self) -> None:
        self._demand.stop()

    def clear(self) -> None:
        self._pictures.clear()

    @property
    def wanted(self) -> bool:
        """Whether somebody subscribes to it."""
        return self._demand.wanted

    def publish(self, answer: Answer, twin: SceneGraph) -> bool:
        """Whether it was published: it needs the picture of the twin's stamp, and an id image. Raises FrameError."""
        picture = self._pictures.at(twin.header)
        if picture is None:
            self._node.meter.count("without overlay: picture was missed")
            return False
        ids = ids_from_msg(twin.instance_ids)
        if ids is None:
            return False
        labels = {i.id: i.label for i in twin.instances}
        taken = [i for c in answer.commands for i in c.ids] or list(answer.ids)
        drawn = draw_masks(color_from_msg(picture), ids, taken, labels, destination_of(answer))
        if self._raw.get_subscription_count():
            self._raw.publish(image_to_msg(drawn, "rgb8", twin.header))
        if self._compressed.get_subscription_count():
            self._compressed.publish(compressed_to_msg(drawn, "rgb8", twin.header))
        return True

    def _subscribe(self) -> Callable[[], None]:
        s = self._node.settings
        kind, topic = image_topic(COLOR, s.color_transport)
        subscription = ImageSubscription(self._node, kind, topic, self._pictures.add, s.picture_qos)

        def end() -> None:
            subscription.close()
            self._pictures.clear()

        return end


def destination_of(answer: Answer) -> list[int]:
    """The ids of all destinations of an answer's commands."""
    return [i for command in answer.commands for i in command.destination_ids]
