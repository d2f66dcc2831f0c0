"""The picture with an answer drawn into it, for whoever looks: pictures are subscribed to only while somebody does.

A picture of 640x480 has 0.9 MB and comes 15 times a second; a mask needs none.
"""

from __future__ import annotations

from threading import Lock
from typing import Any

from rclpy.event_handler import PublisherEventCallbacks
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from fastreasonseg_ros.msg import Answer, SceneGraph

from .moments import Moments
from .node import ManagedNode
from .qos import reliable
from .settings import MaskSettings
from .sync import PictureInput, topic_of


class Overlays:
    """Publishes the topic overlay. group: of the callbacks that call it, which exclude each other."""

    def __init__(self, node: ManagedNode[MaskSettings], group: Any) -> None:
        self._node, self._group = node, group
        self._moments = Moments()
        self._pictures: PictureInput | None = None
        self._active, self._following = False, Lock()
        events = PublisherEventCallbacks(matched=lambda _: self._follow())
        self._publisher = node.publisher(Image, "overlay", reliable(), event_callbacks=events, callback_group=group)

    def start(self) -> None:
        self._active = True
        self._follow()

    def stop(self) -> None:
        self._active = False
        self._follow()

    def forget(self) -> None:
        self._moments.forget()

    def twin_came(self, msg: SceneGraph) -> None:
        """Kept as it is: few are drawn."""
        if self._pictures is not None:
            self._moments.twin_came(msg)

    def draw(self, answer: Answer, header: Header) -> bool:
        """Whether it was drawn: somebody looks, and picture and twin of that stamp have come. Raises FrameError."""
        if self._pictures is None:
            return False
        if not self._moments.complete(header):
            self._node.meter.count("without overlay: picture or twin was missed")
            return False
        overlay = self._moments.overlay(answer, header)
        if overlay is not None:
            self._publisher.publish(overlay)
        return overlay is not None

    def _follow(self) -> None:
        """Subscribes to pictures, or ends that, as it is wanted now."""
        with self._following:
            wanted = self._active and self._publisher.get_subscription_count() > 0
            if wanted and self._pictures is None:
                s = self._node.settings
                kind, topic = topic_of("color/image_raw", s.color_transport)
                self._pictures = PictureInput(self._node, kind, topic, s.picture_qos, callback_group=self._group)
                self._pictures.registerCallback(self._moments.picture_came)
            elif not wanted and self._pictures is not None:
                self._pictures.close()
                self._pictures = None
                self._moments.forget()
