"""The client for asyncio: the same calls, awaited; cancelling the task cancels the question.

async with AsyncReasonSegClient() as robot:
    answer = await robot.ask("hand me something to drink from")
    async for answer in robot.follow("the cup nearest the gripper"):
        ...

For `asyncio` only. In an `async def` callback of an rclpy executor use `ReasonSegClient.start` and a timer: rclpy's
coroutines are driven by its executor, which knows nothing of asyncio.
"""

from __future__ import annotations

import asyncio
import queue
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from rclpy.node import Node

from fastreasonseg_ros.msg import Answer
from fastreasonseg_ros.srv import QueryScene, SetVocabulary, Unwatch, Watch

from .client import GRACE_S, put_newest
from .client_link import LOOK_S, START_S, Goal, Link, UnreachableError, gone, late, missing
from .qos import reliable


class AsyncReasonSegClient:
    """As ReasonSegClient; nothing blocks the event loop. Errors and statuses are the same."""

    def __init__(self, namespace: str = "", node_name: str = "reasonseg_client", node: Node | None = None) -> None:
        self._link = Link(namespace, node_name, node)
        self.node = self._link.node

    async def ask(self, text: str, timeout_s: float = 60.0, query_id: str = "") -> Answer:
        """The answer to one question about the newest twin."""
        request = QueryScene.Request(text=text, query_id=query_id, timeout=float(timeout_s))
        return (await self._call(QueryScene, request, timeout_s + GRACE_S)).answer

    async def watch(self, text: str, timeout_s: float = 60.0, query_id: str = "") -> Answer:
        """The first answer to a standing question; see `follow` for the others."""
        return (await self._call(Watch, Watch.Request(text=text, query_id=query_id), timeout_s)).answer

    async def unwatch(self, query_id: str = "", timeout_s: float = 10.0) -> Unwatch.Response:
        """Stops a standing question; without an id all of them."""
        return await self._call(Unwatch, Unwatch.Request(query_id=query_id), timeout_s)

    async def set_vocabulary(
        self, words: Sequence[str], add: bool = False, timeout_s: float = 10.0
    ) -> SetVocabulary.Response:
        """Words to look for."""
        return await self._call(SetVocabulary, SetVocabulary.Request(words=list(words), add=add), timeout_s)

    async def reason(
        self, text: str, on_feedback: Callable[[str, str], None] | None = None, timeout_s: float = 60.0
    ) -> Answer:
        """`ask` by the action; on_feedback(stage, text so far) is called in the event loop.

        Cancelling the task, or running out of time, stops the model.
        """
        name, ready = self._link.action
        await self._until_ready("action", name, ready)
        loop = asyncio.get_running_loop()
        notify = on_feedback

        def heard(stage: str, so_far: str) -> None:
            if notify is not None and not loop.is_closed():
                loop.call_soon_threadsafe(notify, stage, so_far)

        goal = self._link.send_goal(Goal(text, heard))
        try:
            return await self._wait(goal.reply, timeout_s, name, ready)
        except (asyncio.CancelledError, UnreachableError):
            goal.cancel()
            raise

    async def follow(self, text: str, timeout_s: float = 60.0, query_id: str = "") -> AsyncIterator[Answer]:
        """Answers to a standing question, one for every twin; of those that were not awaited the newest.

        Ends the question when the loop is left (`contextlib.aclosing` makes that certain) or its task is cancelled.
        """
        first = await self.watch(text, timeout_s, query_id)
        newest: queue.Queue[Answer] = queue.Queue(1)
        loop, came = asyncio.get_running_loop(), asyncio.Event()

        def heard(answer: Answer) -> None:
            put_newest(newest, answer, first.query_id)
            if not newest.empty() and not loop.is_closed():
                loop.call_soon_threadsafe(came.set)

        subscription = self.node.create_subscription(Answer, "answer", heard, reliable())
        try:
            yield first
            while first.standing:
                try:
                    await asyncio.wait_for(came.wait(), timeout_s)
                except TimeoutError:
                    raise UnreachableError(late(f"the standing question {first.query_id!r}", timeout_s)) from None
                came.clear()
                try:
                    answer = newest.get_nowait()
                except queue.Empty:  # taken already: two came, one was left
                    continue
                yield answer
        finally:
            self.node.destroy_subscription(subscription)
            if first.standing and self._link.service(Unwatch)[1]():
                await self.unwatch(first.query_id)

    async def close(self) -> None:
        await asyncio.to_thread(self._link.close)

    async def __aenter__(self) -> AsyncReasonSegClient:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def _call(self, kind: type, request: Any, timeout_s: float) -> Any:
        name, ready = self._link.service(kind)
        await self._until_ready("service", name, ready)
        return await self._wait(self._link.call(kind, request), timeout_s, name, ready)

    async def _until_ready(self, kind: str, name: str, ready: Callable[[], bool]) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + START_S
        while not ready():
            if loop.time() > end:
                raise UnreachableError(missing(kind, name))
            await asyncio.sleep(LOOK_S)

    async def _wait(self, reply: Any, timeout_s: float, name: str, ready: Callable[[], bool]) -> Any:
        loop = asyncio.get_running_loop()
        end, missed = loop.time() + timeout_s, 0
        waited = asyncio.wrap_future(reply)
        try:
            while not (await asyncio.wait([waited], timeout=LOOK_S))[0]:
                missed = 0 if ready() else missed + 1
                if missed * LOOK_S > 0.5 or loop.time() > end:
                    raise UnreachableError(gone(name) if missed * LOOK_S > 0.5 else late(name, timeout_s))
            return waited.result()
        finally:
            waited.cancel()  # without effect on one that is done
