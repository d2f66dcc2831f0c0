"""Pictures as they come, and pictures that belong together.

Matching is done by message_filters where it exists (a ROS 2 distribution has it, the wheels on PyPI do not), else by a
stand-in with its interface.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node

from ..errors import ConfigError
from .images import time_to_s
from .qos import OVERRIDES, reliable, sensor_data


class PictureInput:
    """A subscription whose messages go to every registered callback, from any publisher.

    qos: "sensor_data" (best effort), "reliable", or "auto": reliable, since best effort loses a third of the pictures
    of 1 MB between processes, and best effort where a driver offers no more.
    """

    def __init__(
        self, node: Node, type: type, topic: str, qos: str = "auto", depth: int = 5, callback_group: Any = None
    ) -> None:
        self._node, self._type, self._topic, self._group, self._depth = node, type, topic, callback_group, depth
        self._callbacks: list[tuple[Callable, tuple]] = []
        self._lock = Lock()
        events = SubscriptionEventCallbacks(incompatible_qos=self._fall_back) if qos == "auto" else None
        with self._lock:  # the event may come, in another thread, before this returns
            self._subscription = node.create_subscription(
                type,
                topic,
                self._received,
                sensor_data(depth) if qos == "sensor_data" else reliable(depth),
                callback_group=callback_group,
                event_callbacks=events,
                qos_overriding_options=OVERRIDES,
            )

    def registerCallback(self, callback: Callable, *args: Any) -> None:  # the name that message_filters gives it
        self._callbacks.append((callback, args))

    def close(self) -> None:
        with self._lock:
            self._callbacks = []
            if self._subscription is not None:
                self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def _received(self, msg: Any) -> None:
        for callback, args in self._callbacks:
            callback(msg, *args)

    def _fall_back(self, _: Any) -> None:
        with self._lock:
            if self._subscription is None or self._subscription.qos_profile.reliability == sensor_data().reliability:
                return
            self._node.get_logger().info(f"{self._topic}: the publisher offers best effort only")
            old, self._subscription = (
                self._subscription,
                self._node.create_subscription(
                    self._type, self._topic, self._received, sensor_data(self._depth), callback_group=self._group
                ),
            )
            self._node.destroy_subscription(old)


def topic_of(name: str, transport: str) -> tuple[Any, str]:
    """Message type and topic of an image by image_transport's names. Raises ConfigError for an unknown transport."""
    from sensor_msgs.msg import CompressedImage, Image

    if transport == "raw":
        return Image, name
    if transport not in ("compressed", "compressedDepth"):
        raise ConfigError(f"transport is {transport!r}; known are raw, compressed and compressedDepth")
    return CompressedImage, f"{name}/{transport}"


try:
    from message_filters import ApproximateTimeSynchronizer
except ImportError:

    class ApproximateTimeSynchronizer:
        """Calls back with one message of each input whose stamps differ by at most `slop` seconds.

        Each new message is matched with the nearest ones that wait in the other queues; what is older than a match is
        dropped, so sets come out in the order of time.
        """

        def __init__(self, fs: Sequence[PictureInput], queue_size: int, slop: float) -> None:
            self._queues: list[dict[float, Any]] = [{} for _ in fs]
            self._queue_size, self._slop = queue_size, slop
            self._callbacks: list[tuple[Callable, tuple]] = []
            self._lock = Lock()
            for index, subscriber in enumerate(fs):
                subscriber.registerCallback(self.add, index)

        def registerCallback(self, callback: Callable, *args: Any) -> None:
            self._callbacks.append((callback, args))

        def add(self, msg: Any, index: int) -> None:
            stamp = time_to_s(msg.header.stamp)
            with self._lock:
                queue = self._queues[index]
                queue[stamp] = msg
                while len(queue) > self._queue_size:
                    del queue[min(queue)]
                matched = self._match(stamp, index) if stamp in queue else None
            if matched is not None:
                for callback, args in self._callbacks:
                    callback(*matched, *args)

        def _match(self, stamp: float, index: int) -> list[Any] | None:
            stamps = [min(q, key=lambda s: abs(s - stamp), default=None) for q in self._queues]
            stamps[index] = stamp
            if any(s is None for s in stamps) or max(stamps) - min(stamps) > self._slop:
                return None
            matched = [queue.pop(s) for queue, s in zip(self._queues, stamps, strict=True)]
            for queue, used in zip(self._queues, stamps, strict=True):
                for old in [s for s in queue if s < used]:
                    del queue[old]
            return matched


__all__ = ["ApproximateTimeSynchronizer", "PictureInput", "topic_of"]
