"""A subscription that a node holds only while somebody subscribes to what it makes of it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

from rclpy.event_handler import PublisherEventCallbacks

from ..lifecycle import ManagedNode


class OnDemand:
    """subscribe: begins the subscription and returns what ends it; called while the node is active and one of the
    publishers has a subscriber. For callbacks of the node's default group, which exclude each other.

        demand = OnDemand(node, subscribe)
        publisher = demand.by(node.publisher(Image, "overlay", reliable(), **demand.events))
    """

    def __init__(self, node: ManagedNode[Any], subscribe: Callable[[], Callable[[], None]]) -> None:
        self._subscribe = subscribe
        self._publishers: list[Any] = []
        self._end: Callable[[], None] | None = None
        self._active, self._following = False, Lock()
        self.events: dict[str, Any] = {  # of publishers that are given to `by`
            "event_callbacks": PublisherEventCallbacks(matched=lambda _: self._follow()),
            "callback_group": node.default_callback_group,
        }

    def by(self, publisher: Any) -> Any:
        """The publisher itself; from now on its subscribers count. It must have been made with `events`."""
        self._publishers.append(publisher)
        return publisher

    def start(self) -> None:
        """The node is active."""
        self._active = True
        self._follow()

    def stop(self) -> None:
        """The node is not active any more."""
        self._active = False
        self._follow()

    @property
    def wanted(self) -> bool:
        """Whether it is subscribed."""
        return self._end is not None

    def _follow(self) -> None:
        with self._following:
            wanted = self._active and any(p.get_subscription_count() > 0 for p in self._publishers)
            if wanted and self._end is None:
                self._end = self._subscribe()
            elif not wanted and self._end is not None:
                self._end()
                self._end = None
