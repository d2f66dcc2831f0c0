"""The client of the service set_vocabulary: from reasoning_node to perception, in whatever process it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from rclpy.node import Node

from fastreasonseg_ros.srv import SetVocabulary

from ..errors import Status
from ..serving.open_vocabulary_retry import VocabularyReply

DISCOVERY_S = 2.0  # the twin may come before the service is discovered
DISCOVERY_STEP_S = 0.1


class VocabularyClient:
    """Calls the service set_vocabulary; for the event loop of the questions."""

    def __init__(self, node: Node) -> None:
        self._client = node.create_client(SetVocabulary, "set_vocabulary")
        self._sequence = 0

    async def ask(self, words: Sequence[str], end: float) -> VocabularyReply:
        """Asks perception to look for the words; awaits its reply until `end` (time.monotonic)."""
        known = min(end, time.monotonic() + DISCOVERY_S)
        while not self._client.service_is_ready():
            if time.monotonic() >= known:
                return VocabularyReply(message="perception cannot be asked: no node serves set_vocabulary")
            await asyncio.sleep(DISCOVERY_STEP_S)
        loop, replied = asyncio.get_running_loop(), asyncio.Event()
        future = self.send(words)
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(replied.set))
        try:
            async with asyncio.timeout(max(0.0, end - time.monotonic())):
                await replied.wait()
        except TimeoutError:
            return VocabularyReply(message="perception gave no reply in time")
        finally:
            if not future.done():
                self._client.remove_pending_request(future)
        reply = future.result()
        if reply.status != Status.OK:
            return VocabularyReply(message=reply.message)
        return VocabularyReply(tuple(reply.added), reply.sequence, reply.message)

    def twin_came(self, sequence: int, standing: Sequence[str]) -> None:
        """A low number is of a perception that was started again: it knows no words of standing questions."""
        if sequence < self._sequence and standing:
            self.send(standing)
        self._sequence = sequence

    def send(self, words: Sequence[str]) -> Any:
        """Sends the words without awaiting; the future of the reply."""
        return self._client.call_async(SetVocabulary.Request(words=list(words), add=True, asked=True))
