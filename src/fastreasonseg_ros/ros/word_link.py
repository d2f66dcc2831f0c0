"""From the reasoning node to perception, in whatever process it is: words that a question brings."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Event
from typing import Any

from rclpy.node import Node

from fastreasonseg_ros.srv import SetVocabulary

from ..errors import Status
from .looking import Told

POLL_S = 0.02
DISCOVERY_S = 2.0  # the twin may be heard before the service is known


class WordLink:
    """Calls the service `set_vocabulary`. Usable from any thread but the one that would take its reply."""

    def __init__(self, node: Node, group: Any) -> None:
        self._client = node.create_client(SetVocabulary, "set_vocabulary", callback_group=group)
        self._sequence = 0

    def __call__(self, words: Sequence[str], end: float, cancelled: Callable[[], bool] = lambda: False) -> Told:
        """Asks perception to look for the words, and waits for its reply until `end` (time.monotonic)."""
        known = min(end, time.monotonic() + DISCOVERY_S)
        while not self._client.service_is_ready():
            if cancelled() or time.monotonic() >= known:
                return Told(message="perception cannot be asked: no node serves set_vocabulary")
            time.sleep(POLL_S)
        replied = Event()
        future = self.tell(words)
        future.add_done_callback(lambda _: replied.set())
        while not replied.wait(POLL_S):
            if cancelled() or time.monotonic() >= end:
                self._client.remove_pending_request(future)
                return Told(message="perception gave no reply in time")
        reply = future.result()
        if reply.status != Status.OK:
            return Told(message=reply.message)
        return Told(tuple(reply.added), reply.sequence, reply.message)

    def heard(self, sequence: int, standing: Sequence[str]) -> None:
        """A twin came. From a perception that was started anew it has a low number: it knows no words of questions."""
        if sequence < self._sequence and standing:
            self.tell(standing)
        self._sequence = sequence

    def tell(self, words: Sequence[str]) -> Any:
        """Asks, and does not wait; the future of the reply."""
        return self._client.call_async(SetVocabulary.Request(words=list(words), add=True, asked=True))
