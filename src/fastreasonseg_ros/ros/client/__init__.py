"""Clients for planners, scripts and tests: the blocking one, and `AsyncReasonSegClient`, which it is built on.

with ReasonSegClient() as robot:
    answer = robot.ask("hand me something to drink from")
    print(answer.status, answer.ids, answer.reason)
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as NotYet
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
from jaxtyping import UInt8
from rclpy.node import Node
from std_msgs.msg import Header

from fastreasonseg_ros.msg import Answer, SceneGraph
from fastreasonseg_ros.srv import Select, SetVocabulary, Unwatch

from ..executors import EventLoopThread
from .asynchronous import AsyncReasonSegClient
from .connection import CLOSED, NAMESPACE, AnswerError, Goal, UnreachableError, WrongThreadError, required

__all__ = [
    "AnswerError",
    "AsyncReasonSegClient",
    "Goal",
    "ReasonSegClient",
    "UnreachableError",
    "WrongThreadError",
    "required",
]

T = TypeVar("T")
CANCEL_STEP_S = 0.02  # between two looks whether a cancel event is set


class ReasonSegClient:
    """Asks the nodes, and waits for the reply; replies are the typed messages.

    Usable from any thread and from any callback of your nodes, in any executor: replies come in threads of the client's
    own. Waiting in a callback holds up that executor's other callbacks if it has one thread; `start` does not.

    namespace: of the nodes that are asked: `reasonseg`, as the launch files have it; "" for nodes in none. With `node`
    it is below that node's namespace, unless it begins with a slash, and that node's context is shared.

    What happened is in the answer's status (`required` turns it into an exception). Raises UnreachableError, a
    TimeoutError, if a node is not there, goes away, or does not reply in time: ask again. Raises WrongThreadError where
    waiting would never end.
    """

    def __init__(
        self, namespace: str = NAMESPACE, node_name: str = "reasonseg_client", node: Node | None = None
    ) -> None:
        self._client = AsyncReasonSegClient(namespace, node_name, node)
        self._connection, self.node = self._client.connection, self._client.node
        self._loop = EventLoopThread("reasonseg_client")

    def ask(self, text: str, timeout_s: float = 60.0, query_id: str = "") -> Answer:
        """The answer to one question about the newest twin. timeout_s: up to 3600."""
        return self._run(self._client.ask(text, timeout_s, query_id))

    def watch(self, text: str, timeout_s: float = 60.0, query_id: str = "") -> Answer:
        """The first answer to a standing question; later ones come by `on_answer`, or use `follow`."""
        return self._run(self._client.watch(text, timeout_s, query_id))

    def unwatch(self, query_id: str = "", timeout_s: float = 10.0) -> Unwatch.Response:
        """Stops a standing question; without an id all of them."""
        return self._run(self._client.unwatch(query_id, timeout_s))

    def select(self, query_id: str = "", timeout_s: float = 10.0) -> Select.Response:
        """Chooses the question of the topics mask, overlay and target; without an id the one that was asked last."""
        return self._run(self._client.select(query_id, timeout_s))

    def set_vocabulary(
        self, words: Sequence[str], add: bool = False, timeout_s: float = 10.0
    ) -> SetVocabulary.Response:
        """Words to look for."""
        return self._run(self._client.set_vocabulary(words, add, timeout_s))

    def mask(self, answer: Answer, timeout_s: float = 10.0) -> tuple[UInt8[np.ndarray, "h w"], Header]:
        """Where the answer's objects are in the picture, 0 or 255, and the header of the twin that says so.

        See AsyncReasonSegClient.mask. Raises UnreachableError, MissingDataError.
        """
        return self._run(self._client.mask(answer, timeout_s))

    def ready(self) -> bool:
        """Whether the action is there, so that `start` can be called; does not wait."""
        return self._connection.action[1]()

    def start(self, text: str, on_feedback: Callable[[str, str], None] | None = None) -> Goal:
        """`reason` without waiting: look at goal.done() and goal.answer(), or call goal.cancel(). For timers and ticks.

        on_feedback is called in the client's thread. Raises UnreachableError if the action is not there now (`ready`).
        """
        return self._connection.send_goal(Goal(text, on_feedback))

    def reason(
        self,
        text: str,
        on_feedback: Callable[[str, str], None] | None = None,
        cancel: threading.Event | None = None,
        timeout_s: float = 60.0,
    ) -> Answer:
        """`ask` by the action: on_feedback(stage, text so far) on the way; setting `cancel` stops the model.

        Out of time, the goal is cancelled before UnreachableError is raised.
        """
        goal = self._run(self._client.send_goal(text, on_feedback))
        outcome = self._loop.submit(self._client.outcome(goal, timeout_s))
        while cancel is not None and not outcome.done():
            if cancel.is_set():
                goal.cancel()
                break
            try:
                return outcome.result(CANCEL_STEP_S)
            except NotYet:
                if outcome.done():
                    break
        return outcome.result()

    def follow(self, text: str, timeout_s: float = 60.0, query_id: str = "") -> Iterator[Answer]:
        """Answers to a standing question, one for every twin; of those that were not taken the newest.

        Leaving the loop ends the question. See AsyncReasonSegClient.follow.
        """
        answers = self._client.follow(text, timeout_s, query_id)
        try:
            while True:
                try:
                    yield self._run(anext(answers))
                except StopAsyncIteration:
                    return
        finally:
            self._run(answers.aclose())

    def on_answer(self, callback: Callable[[Answer], None]) -> Any:
        """Calls back, in the client's thread, with every answer that is published. Gives the subscription."""
        return self._client.on_answer(callback)

    def on_twin(self, callback: Callable[[SceneGraph], None]) -> Any:
        """Calls back with every twin, the last one at once. Gives the subscription."""
        return self._client.on_twin(callback)

    def close(self) -> None:
        self._connection.close()
        self._loop.close()

    def __enter__(self) -> ReasonSegClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, coroutine: Any) -> Any:
        """Waits for the coroutine. Raises what it raises, WrongThreadError, and UnreachableError once it is closed."""
        if self._connection.is_own_thread:
            coroutine.close()
            raise WrongThreadError(
                "this call waits, and was made in a callback of the client itself (on_answer, on_twin, on_feedback), "
                "in the thread that would bring its reply: use start(), or hand the work to another thread"
            )
        if self._connection.closed:
            coroutine.close()
            raise UnreachableError(CLOSED)
        future = self._loop.submit(_awaited(coroutine))
        try:
            return future.result()
        except CancelledError:  # by close, in another thread
            raise UnreachableError("the client was closed before the reply came") from None
        except BaseException:
            future.cancel()  # without effect on one that is done
            raise


async def _awaited(coroutine: Coroutine[Any, Any, T]) -> T:
    """anext() and aclose() give awaitables that are no coroutines."""
    return await coroutine
