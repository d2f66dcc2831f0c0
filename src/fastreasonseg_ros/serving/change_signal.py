"""Coroutines that wait until something that others change is as they need it. No ROS in here."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable


class ChangeSignal:
    """For one event loop, as asyncio.Condition, with a time limit and without a lock."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def notify(self) -> None:
        """Wakes everything that waits in `until`."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def until(self, ready: Callable[[], bool], end: float) -> bool:
        """Waits until `ready()` or that moment (time.monotonic); whether it is ready."""
        while not ready() and (left := end - time.monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._changed.wait()
        return ready()
