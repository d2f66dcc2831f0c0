"""Pictures that belong together: message_filters where it exists, else a stand-in with its interface.

The wheels on PyPI lack message_filters; a ROS 2 distribution has it. `Subscriber` and `ApproximateTimeSynchronizer`
are used alike in both cases.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

from .images import time_to_s

try:
    from message_filters import ApproximateTimeSynchronizer, Subscriber
except ImportError:

    class Subscriber:
        """A subscription whose messages go to every registered callback."""

        def __init__(self, node: Any, type: type, topic: str, qos_profile: Any = 10, **options: Any) -> None:
            self._callbacks: list[tuple[Callable, tuple]] = []
            self.sub = node.create_subscription(type, topic, self._received, qos_profile, **options)
            self.topic = topic

        def registerCallback(self, callback: Callable, *args: Any) -> None:
            self._callbacks.append((callback, args))

        def _received(self, msg: Any) -> None:
            for callback, args in self._callbacks:
                callback(msg, *args)

    class ApproximateTimeSynchronizer:
        """Calls back with one message of each input whose stamps differ by at most `slop` seconds.

        Each new message is matched with the nearest ones that wait in the other queues; what is older than a match is
        dropped, so sets come out in the order of time.
        """

        def __init__(self, fs: Sequence[Subscriber], queue_size: int, slop: float) -> None:
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


__all__ = ["ApproximateTimeSynchronizer", "Subscriber"]
