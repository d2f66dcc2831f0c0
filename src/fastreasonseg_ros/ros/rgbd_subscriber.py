"""Subscriptions to the topics of an RGB-D camera: to make sets of messages for twin_node, or to pass a driver's on."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Any

from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from fastreasonseg_ros.msg import SceneGraph

from ..errors import ConfigError, ReasonSegError
from ..perception import WITHOUT_DEPTH
from .images import color_from_msg, depth_from_msg, depth_to_msg, image_to_msg
from .qos import OVERRIDES, reliable, sensor_data
from .rgbd_synchronizer import COLOR, DEPTH, DEPTH_INFO, INFO, TRUTH, RgbdMessages, RgbdSynchronizer, SyncReport

if TYPE_CHECKING:
    from .settings import CameraSettings, TwinSettings


class ImageSubscription:
    """A subscription to pictures, from publishers of any reliability.

    qos: "sensor_data" (best effort), "reliable", or "auto": reliable, since best effort loses a third of the pictures
    of 1 MB between processes, and best effort where the publisher offers no more. group: the node's default group if
    None.
    """

    def __init__(
        self,
        node: Node,
        kind: type,
        topic: str,
        callback: Callable[[Any], None],
        qos: str = "auto",
        depth: int = 5,
        group: Any = None,
    ) -> None:
        self._node, self._kind, self._topic, self._callback = node, kind, topic, callback
        self._depth, self._group = depth, group
        self._lock = Lock()
        events = SubscriptionEventCallbacks(incompatible_qos=self._use_best_effort) if qos == "auto" else None
        with self._lock:  # the event may come, in another thread, before this returns
            self._subscription = node.create_subscription(
                kind,
                topic,
                callback,
                sensor_data(depth) if qos == "sensor_data" else reliable(depth),
                callback_group=group,
                event_callbacks=events,
                qos_overriding_options=OVERRIDES,
            )

    def close(self) -> None:
        with self._lock:
            if self._subscription is not None:
                self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def _use_best_effort(self, _: Any) -> None:
        with self._lock:
            if self._subscription is None or self._subscription.qos_profile.reliability == sensor_data().reliability:
                return
            self._node.get_logger().info(f"{self._topic}: the publisher offers best effort only")
            old, self._subscription = (
                self._subscription,
                self._node.create_subscription(
                    self._kind, self._topic, self._callback, sensor_data(self._depth), callback_group=self._group
                ),
            )
            self._node.destroy_subscription(old)


def image_topic(name: str, transport: str) -> tuple[type, str]:
    """Message type and topic of an image by the names of image_transport. Raises ConfigError."""
    if transport == "raw":
        return Image, name
    if transport not in ("compressed", "compressedDepth"):
        raise ConfigError(f"transport is {transport!r}; known are raw, compressed and compressedDepth")
    return CompressedImage, f"{name}/{transport}"


class RgbdSubscriber:
    """Subscribes, until `close`, to the topics of twin_node; calls back with every set of messages, in its thread.

    Depth is left out for a perceiver that uses none.
    """

    def __init__(self, node: Node, settings: TwinSettings, callback: Callable[[RgbdMessages], None]) -> None:
        s, with_truth = settings, settings.perceiver == "oracle"
        with_depth = settings.perceiver not in WITHOUT_DEPTH
        self._callback = callback
        self._synchronizer = RgbdSynchronizer(
            s.sync_slop_s, s.sync_queue, s.depth_timeout_s, with_truth, with_depth=with_depth
        )
        topics = {
            COLOR: image_topic(COLOR, s.color_transport),
            INFO: (CameraInfo, INFO),
            **(
                {DEPTH: image_topic(DEPTH, s.depth_transport), DEPTH_INFO: (CameraInfo, DEPTH_INFO)}
                if with_depth
                else {}
            ),
            **({TRUTH: (SceneGraph, TRUTH)} if with_truth else {}),
        }
        self._subscriptions = [
            ImageSubscription(node, kind, topic, lambda msg, name=name: self._received(name, msg), s.picture_qos)
            for name, (kind, topic) in topics.items()
        ]

    def report(self, timeout_s: float) -> SyncReport:
        """See RgbdSynchronizer.report. timeout_s: the parameter depth_timeout_s, which may change at any time."""
        self._synchronizer.timeout_s = timeout_s
        return self._synchronizer.report()

    def clear(self) -> None:
        """Forgets pictures that wait for a partner, for a clock that was set back."""
        self._synchronizer.clear()

    def close(self) -> None:
        for one in self._subscriptions:
            one.close()

    def _received(self, name: str, msg: Any) -> None:
        if (messages := self._synchronizer.add(name, msg)) is not None:
            self._callback(messages)


class TopicRelay:
    """Publishes a driver's topics (in/color, in/depth, in/camera_info, to be remapped) under this package's names.

    Compressed pictures are decoded; 16-bit depth that is not in millimetres is converted. passed: called with the
    milliseconds that each colour picture took. trouble: called with a message when a picture cannot be used.
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
        self._unit_m, self._passed, self._trouble = settings.depth_unit_m, passed, trouble

        def relay(topic: str, transport: str, publisher: Any, convert: Callable[[Any], Any]) -> ImageSubscription:
            kind = CameraInfo if publisher is info else Image if transport == "raw" else CompressedImage

            def received(msg: Any) -> None:
                self._pass_on(msg, publisher, convert, is_color=publisher is color)

            return ImageSubscription(node, kind, topic, received, settings.picture_qos)

        self._subscriptions = [
            relay("in/camera_info", "raw", info, lambda msg: msg),
            relay("in/color", settings.color_transport, color, self._raw_color),
            relay("in/depth", settings.depth_transport, depth, self._raw_depth),
        ]

    def close(self) -> None:
        for one in self._subscriptions:
            one.close()

    def _raw_color(self, msg: Image | CompressedImage) -> Image:
        return msg if isinstance(msg, Image) else image_to_msg(color_from_msg(msg), "rgb8", msg.header)

    def _raw_depth(self, msg: Image | CompressedImage) -> Image:
        millimetres = isinstance(msg, Image) and (msg.encoding == "32FC1" or self._unit_m == 0.001)
        return msg if millimetres else depth_to_msg(depth_from_msg(msg, self._unit_m), msg.header)

    def _pass_on(self, msg: Any, publisher: Any, convert: Callable[[Any], Any], is_color: bool) -> None:
        start = time.perf_counter()
        try:
            publisher.publish(convert(msg))
        except ReasonSegError as error:
            self._trouble(str(error))
            return
        if is_color:
            self._passed((time.perf_counter() - start) * 1e3)
