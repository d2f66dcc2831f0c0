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
from rclpy.qos import QoSProfile, ReliabilityPolicy

from .images import time_to_s

PICTURES = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
PICTURES_BEST_EFFORT = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)


class PictureInput:
    """A subscription whose messages go to every registered callback, from any publisher.

    Reliable, since best effort loses a third of the pictures of 1 MB between processes; where a driver offers best
    effort only, it is taken.
    """

    def __init__(self, node: Node, type: type, topic: str, callback_group: Any = None) -> None:
        self._node, self._type, self._topic, self._group = node, type, topic, callback_group
        self._callbacks: list[tuple[Callable, tuple]] = []
        self._lock = Lock()
        events = SubscriptionEventCallbacks(incompatible_qos=self._fall_back)
        self._subscription = node.create_subscription(
            type, topic, self._received, PICTURES, callback_group=callback_group, event_callbacks=events
        )

    def registerCallback(self, callback: Callable, *args: Any) -> None:  # the name that message_filters gives it
        self._callbacks.append((callback, args))

    def _received(self, msg: Any) -> None:
        for callback, args in self._callbacks:
            callback(msg, *args)

    def _fall_back(self, _: Any) -> None:
        with self._lock:
            old, self._subscription = self._subscription, None
        if old is None:
            return
        self._node.get_logger().info(f"{self._topic}: the publisher offers best effort only")
        self._best_effort = self._node.create_subscription(
            self._type, self._topic, self._received, PICTURES_BEST_EFFORT, callback_group=self._group
        )
        self._node.destroy_subscription(old)


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
                matched = self._match(stamp, index)
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


__all__ = ["ApproximateTimeSynchronizer", "PictureInput"]
