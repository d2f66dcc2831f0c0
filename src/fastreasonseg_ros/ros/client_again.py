"""Requests that are sent again when their node was killed and another came in its place.

A process that was killed says no goodbye: DDS takes it for alive until its lease ends (20 s with Fast DDS), and what is
sent to it meanwhile is lost without a word. That a further server has come is known at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node

LOOK_S = 0.25
# After a server was seen: it may not yet know where to send its reply, on a busy machine for seconds. More than once is
# harmless: the first reply is taken, and the node joins questions of one text.
PAUSES_S = (0.3, 2.0, 8.0)


@dataclass
class _Waiting:
    service: str
    send: Callable[[], None]
    servers: int
    due: list[float] = field(default_factory=list)


class Again:
    """Looks at the graph in the node's executor, while replies are waited for."""

    def __init__(self, node: Node, now: Callable[[], float] = time.monotonic) -> None:
        self._node, self._now, self._lock = node, now, Lock()
        self._waiting: dict[Future[Any], _Waiting] = {}
        self._timer = node.create_timer(LOOK_S, self.look, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def watch(self, reply: Future[Any], service: str, send: Callable[[], None]) -> None:
        """Until the reply is there, calls `send` for every server of that name that comes."""
        waiting = _Waiting(service, send, self._node.count_services(service))
        if waiting.servers > 1:  # one of them may be dead, or so new that it does not know this client
            waiting.due = [self._now() + pause_s for pause_s in PAUSES_S]
        with self._lock:
            self._waiting[reply] = waiting
        reply.add_done_callback(self._forget)

    def look(self) -> None:
        with self._lock:
            waiting = list(self._waiting.values())
        for one in waiting:
            servers, now = self._node.count_services(one.service), self._now()
            if servers > one.servers:
                one.due = [now + pause_s for pause_s in PAUSES_S]
            one.servers = servers
            if one.due and one.due[0] <= now:
                one.due.pop(0)
                one.send()

    def _forget(self, reply: Future[Any]) -> None:
        with self._lock:
            self._waiting.pop(reply, None)
