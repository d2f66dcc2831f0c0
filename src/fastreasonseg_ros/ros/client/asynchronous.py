"""The client for asyncio; cancelling the task cancels the question. The blocking client (client/__init__.py) runs this.

async with AsyncReasonSegClient() as robot:
    answer = await robot.ask("hand me something to drink from")
    async for answer in robot.follow("the cup nearest the gripper"):
        ...

For `asyncio` only. In an `async def` callback of an rclpy executor use `start` and a timer: rclpy's coroutines are
driven by its executor, which knows nothing of asyncio.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np
from jaxtyping import UInt8
from rclpy.node import Node
from std_msgs.msg import Header

from fastreasonseg_ros.action import ReasonSegment
from fastreasonseg_ros.msg import Answer, SceneGraph
from fastreasonseg_ros.srv import QueryScene, Select, SetVocabulary, Unwatch, Watch

from ...errors import MissingDataError
from ..conversions import mask_from_twin
from ..images import duration
from ..qos import latched, reliable
from ..stamped_buffer import StampedBuffer
from .connection import NAMESPACE, Connection, Goal, UnreachableError, gone, late, restarted, sendable

START_S = 30.0  # time that nodes may take to come up
GRACE_S = 5.0  # the node says TIMED_OUT itself; only one that is gone does not reply
STEP_S = 0.05  # between two looks whether a server is there
GONE_S = 0.5  # a server that is not there for so long is gone
TWIN_S = 0.5  # how long the twin of an answer is waited for before the newest one is taken


class AsyncReasonSegClient:
    """Asks the nodes; replies are the typed messages. Nothing blocks the event loop.

    What happened is in the answer's status (`required` turns it into an exception). Raises UnreachableError, a
    TimeoutError, if a node is not there, goes away, or does not reply in time. A request is sent once.
    """

    def __init__(
        self, namespace: str = NAMESPACE, node_name: str = "reasonseg_client", node: Node | None = None
    ) -> None:
        """namespace: of the nodes that are asked, "" for none; with `node` it is below that node's, unless it begins
        with a slash, and the context is shared."""
        self.connection = Connection(namespace, node_name, node)
        self.node = self.connection.node
        self._twins: StampedBuffer[SceneGraph] | None = None
        self._no_twin = ""  # why the newest message of the topic twin has none

    async def ask(self, text: str, timeout_s: float = 60.0, query_id: str = "") -> Answer:
        """The answer to one question about the newest twin. timeout_s: up to 3600."""
        request = QueryScene.Request(text=sendable(text), query_id=query_id, timeout=duration(timeout_s))
        return (await self.call(QueryScene, request, timeout_s + GRACE_S)).answer

    async def watch(self, text: str, timeout_s: float = 60.0, query_id: str = "") -> Answer:
        """The first answer to a standing question; later ones come by `on_answer`, or use `follow`."""
        return (await self.call(Watch, Watch.Request(text=sendable(text), query_id=query_id), timeout_s)).answer

    async def unwatch(self, query_id: str = "", timeout_s: float = 10.0) -> Unwatch.Response:
        """Stops a standing question; without an id all of them."""
        return await self.call(Unwatch, Unwatch.Request(query_id=query_id), timeout_s)

    async def select(self, query_id: str = "", timeout_s: float = 10.0) -> Select.Response:
        """Chooses the question of the topics mask, overlay and target; without an id the one that was asked last."""
        return await self.call(Select, Select.Request(query_id=query_id), timeout_s)

    async def set_vocabulary(
        self, words: Sequence[str], add: bool = False, timeout_s: float = 10.0
    ) -> SetVocabulary.Response:
        """Words to look for."""
        return await self.call(SetVocabulary, SetVocabulary.Request(words=list(words), add=add), timeout_s)

    async def reason(
        self, text: str, on_feedback: Callable[[str, str], None] | None = None, timeout_s: float = 60.0
    ) -> Answer:
        """`ask` by the action; on_feedback(stage, text so far) is called in the event loop.

        Cancelling the task, or running out of time, stops the model.
        """
        loop = asyncio.get_running_loop()

        def feedback_came(stage: str, so_far: str) -> None:
            if on_feedback is not None and not loop.is_closed():
                loop.call_soon_threadsafe(on_feedback, stage, so_far)

        return await self.outcome(await self.send_goal(text, feedback_came), timeout_s)

    async def send_goal(self, text: str, on_feedback: Callable[[str, str], None] | None = None) -> Goal:
        """Waits for the action and sends the question; on_feedback is called in the connection's thread."""
        await self._until_ready(ReasonSegment, self.connection.action[1])
        return self.connection.send_goal(Goal(text, on_feedback))

    async def outcome(self, goal: Goal, timeout_s: float) -> Answer:
        """The answer of a goal; it is cancelled if the task is, or if it does not come in time."""
        try:
            return await self._wait(goal.reply, timeout_s, *self.connection.action)
        except (asyncio.CancelledError, UnreachableError):
            goal.cancel()
            raise

    async def follow(self, text: str, timeout_s: float = 60.0, query_id: str = "") -> AsyncGenerator[Answer, None]:
        """Answers to a standing question, one for every twin; of those that were not awaited the newest.

        Ends the question when the loop is left (`contextlib.aclosing` makes that certain) or its task is cancelled.
        The first answer may have any status; if the question does not stand, it is the last. Raises UnreachableError
        when no answer came for timeout_s.
        """
        first = await self.watch(text, timeout_s, query_id)
        loop = asyncio.get_running_loop()
        newest: asyncio.Queue[Answer] = asyncio.Queue(1)

        def put(answer: Answer) -> None:
            if newest.full():
                newest.get_nowait()
            newest.put_nowait(answer)

        def answer_came(answer: Answer) -> None:
            if answer.standing and answer.query_id == first.query_id and not loop.is_closed():
                loop.call_soon_threadsafe(put, answer)

        subscription = self.on_answer(answer_came)
        try:
            yield first
            while first.standing:
                try:
                    yield await asyncio.wait_for(newest.get(), timeout_s)
                except TimeoutError:
                    raise UnreachableError(late(f"the standing question {first.query_id!r}", timeout_s)) from None
        finally:
            self.node.destroy_subscription(subscription)
            if first.standing and self.connection.service(Unwatch)[1]():
                await self.unwatch(first.query_id)

    async def mask(self, answer: Answer, timeout_s: float = 10.0) -> tuple[UInt8[np.ndarray, "h w"], Header]:
        """Where the answer's objects are in the picture, 0 or 255, and the header of the twin that says so.

        It is the twin that the answer speaks of, if this client keeps twins (from the first call on) and it came within
        half a second; else the newest one, in which objects have the same ids. Raises UnreachableError if no twin came
        within timeout_s, MissingDataError if only refusals of pictures came or the perceiver makes no masks.
        """
        if self._twins is None:
            self._twins = StampedBuffer()
            self.on_twin(self._keep_twin)
        twins, loop = self._twins, asyncio.get_running_loop()
        start = loop.time()
        while (twin := twins.at(answer.header)) is None:
            twin = twins.newest
            if twin is not None and (_is_later(twin, answer) or loop.time() - start > TWIN_S):
                break
            if loop.time() - start > timeout_s:
                if self._no_twin:
                    raise MissingDataError(f"no twin came within {timeout_s:.1f} s: {self._no_twin}")
                raise UnreachableError(late("the topic twin", timeout_s))
            await asyncio.sleep(STEP_S)
        mask = mask_from_twin(twin, answer.ids)
        if mask is None:
            raise MissingDataError("the twin has no id image: this perceiver makes no masks")
        return mask, twin.header

    def on_answer(self, callback: Callable[[Answer], None]) -> Any:
        """Calls back, in the connection's thread, with every answer that is published. Gives the subscription."""
        return self.node.create_subscription(Answer, "answer", callback, reliable(64))

    def on_twin(self, callback: Callable[[SceneGraph], None]) -> Any:
        """Calls back with every twin, the last one at once. Gives the subscription."""
        return self.node.create_subscription(SceneGraph, "twin", callback, latched())

    async def call(self, kind: type, request: Any, timeout_s: float) -> Any:
        """The reply of the service of that type."""
        name, ready = self.connection.service(kind)
        await self._until_ready(kind, ready)
        return await self._wait(self.connection.call(kind, request), timeout_s, name, ready)

    async def close(self) -> None:
        await asyncio.to_thread(self.connection.close)

    async def __aenter__(self) -> AsyncReasonSegClient:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    def _keep_twin(self, msg: SceneGraph) -> None:
        self._no_twin = "" if msg.status == Answer.OK else msg.message
        if self._twins is not None and msg.status == Answer.OK:
            self._twins.add(msg)

    async def _until_ready(self, kind: type, ready: Callable[[], bool]) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + START_S
        while not ready():
            if loop.time() > end:
                raise UnreachableError(self.connection.missing(kind))
            await asyncio.sleep(STEP_S)

    async def _wait(self, reply: Future[Any], timeout_s: float, name: str, ready: Callable[[], bool]) -> Any:
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_s
        last_there, servers = loop.time(), self.connection.servers(name)
        waited = asyncio.wrap_future(reply)
        try:
            while not (await asyncio.wait([waited], timeout=STEP_S))[0]:
                last_there = loop.time() if ready() else last_there
                if loop.time() - last_there > GONE_S:
                    raise UnreachableError(gone(name))
                before, servers = servers, self.connection.servers(name)
                if servers > before:
                    raise UnreachableError(restarted(name))
                if loop.time() > end:
                    raise UnreachableError(late(name, timeout_s))
            return waited.result()
        finally:
            waited.cancel()  # without effect on one that is done


def _is_later(twin: SceneGraph, answer: Answer) -> bool:
    return twin.sequence > answer.twin_sequence
