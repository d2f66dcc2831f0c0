"""A blocking client for planners, scripts and tests; `client_async` has the same for asyncio.

with ReasonSegClient() as robot:
    answer = robot.ask("hand me something to drink from")
    print(answer.status, answer.ids, answer.reason)
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from types import TracebackType
from typing import Any

from rclpy.node import Node

from fastreasonseg_ros.msg import Answer, SceneGraph
from fastreasonseg_ros.srv import QueryScene, SetVocabulary, Unwatch, Watch

from .client_link import LOOK_S, START_S, Goal, Link, UnreachableError, gone, late, missing
from .qos import latched, reliable

GRACE_S = 5.0  # the node says TIMED_OUT itself; only one that is gone says nothing


class ReasonSegClient:
    """Asks the reasoning node, and waits for it; replies are the typed messages.

    Usable from any thread and from any callback of your nodes, in any executor: replies come in a thread of the
    client's own. Waiting in a callback holds up that executor's other callbacks if it has one thread; `start` does not.
    With `node`, names are relative to that node's namespace and its context is shared.

    What happened is in the answer's status (`required` turns it into an exception). Raises UnreachableError, a
    TimeoutError, if a node is not there or does not reply in time, and WrongThreadError where waiting would never end.
    """

    def __init__(self, namespace: str = "", node_name: str = "reasonseg_client", node: Node | None = None) -> None:
        self._link = Link(namespace, node_name, node)
        self.node = self._link.node

    def ask(self, text: str, timeout_s: float = 60.0, query_id: str = "") -> Answer:
        """The answer to one question about the newest twin."""
        request = QueryScene.Request(text=text, query_id=query_id, timeout=float(timeout_s))
        return self._call(QueryScene, request, timeout_s + GRACE_S).answer

    def watch(self, text: str, timeout_s: float = 60.0, query_id: str = "") -> Answer:
        """The first answer to a standing question; later ones come by `on_answer`, or use `follow`."""
        return self._call(Watch, Watch.Request(text=text, query_id=query_id), timeout_s).answer

    def unwatch(self, query_id: str = "", timeout_s: float = 10.0) -> Unwatch.Response:
        """Stops a standing question; without an id all of them."""
        return self._call(Unwatch, Unwatch.Request(query_id=query_id), timeout_s)

    def set_vocabulary(
        self, words: Sequence[str], add: bool = False, timeout_s: float = 10.0
    ) -> SetVocabulary.Response:
        """Words to look for."""
        return self._call(SetVocabulary, SetVocabulary.Request(words=list(words), add=add), timeout_s)

    def ready(self) -> bool:
        """Whether the action is there, so that `start` can be called; does not wait."""
        return self._link.action[1]()

    def start(self, text: str, on_feedback: Callable[[str, str], None] | None = None) -> Goal:
        """`reason` without waiting: look at goal.done() and goal.answer(), or call goal.cancel(). For timers and ticks.

        Raises UnreachableError if the action is not there now (see `ready`).
        """
        return self._link.send_goal(Goal(text, on_feedback))

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
        name, ready = self._link.action
        self._until_ready("action", name, ready)
        goal = self.start(text, on_feedback)
        asked = False

        def look() -> None:
            nonlocal asked
            if cancel is not None and cancel.is_set() and not asked:
                asked = True
                goal.cancel()

        try:
            return self._wait(goal.reply, timeout_s, name, ready, look)
        except UnreachableError:
            goal.cancel()
            raise

    def follow(self, text: str, timeout_s: float = 60.0, query_id: str = "") -> Iterator[Answer]:
        """Answers to a standing question, one for every twin; of those that were not taken the newest.

        Leaving the loop ends the question. The first answer may have any status: look at it; if the question does not
        stand, it is the last. Raises UnreachableError when no answer came for timeout_s.
        """
        newest: queue.Queue[Answer] = queue.Queue(1)
        first = self.watch(text, timeout_s, query_id)
        subscription = self.on_answer(lambda a: put_newest(newest, a, first.query_id))
        try:
            yield first
            while first.standing:
                try:
                    yield newest.get(timeout=timeout_s)
                except queue.Empty:
                    raise UnreachableError(late(f"the standing question {first.query_id!r}", timeout_s)) from None
        finally:
            self.node.destroy_subscription(subscription)
            if first.standing and self._link.service(Unwatch)[1]():
                self.unwatch(first.query_id)

    def on_answer(self, callback: Callable[[Answer], None]) -> Any:
        """Calls back, in the client's thread, with every answer that is published. Gives the subscription."""
        return self.node.create_subscription(Answer, "answer", callback, reliable())

    def on_twin(self, callback: Callable[[SceneGraph], None]) -> Any:
        """Calls back with every twin, the last one at once. Gives the subscription."""
        return self.node.create_subscription(SceneGraph, "twin", callback, latched())

    def close(self) -> None:
        self._link.close()

    def __enter__(self) -> ReasonSegClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, kind: type, request: Any, timeout_s: float) -> Any:
        name, ready = self._link.service(kind)
        self._until_ready("service", name, ready)
        return self._wait(self._link.call(kind, request), timeout_s, name, ready)

    def _until_ready(self, kind: str, name: str, ready: Callable[[], bool]) -> None:
        self._link.may_wait()
        end = time.monotonic() + START_S
        while not ready():
            if time.monotonic() > end:
                raise UnreachableError(missing(kind, name))
            time.sleep(LOOK_S)

    def _wait(
        self,
        reply: Future[Any],
        timeout_s: float,
        name: str,
        ready: Callable[[], bool],
        look: Callable[[], None] | None = None,
    ) -> Any:
        end = time.monotonic() + timeout_s
        step_s = 0.01 if look else LOOK_S
        missed = 0
        while not wait([reply], step_s).done:
            if look is not None:
                look()
            missed = 0 if ready() else missed + 1
            if missed * step_s > 0.5 or time.monotonic() > end:
                reply.cancel()
                raise UnreachableError(gone(name) if missed * step_s > 0.5 else late(name, timeout_s))
        return reply.result()


def put_newest(newest: queue.Queue[Answer], answer: Answer, query_id: str) -> None:
    """Keeps the answer if it belongs to the standing question, in the place of one that nobody took."""
    if answer.query_id != query_id or not answer.standing:
        return
    if newest.full():
        newest.get_nowait()
    newest.put_nowait(answer)
