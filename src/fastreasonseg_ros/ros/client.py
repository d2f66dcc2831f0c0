"""A blocking client for planners, scripts and tests.

with ReasonSegClient() as robot:
    answer = robot.ask("hand me something to drink from")
    print(answer.status, answer.ids, answer.reason)
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

import rclpy
from action_msgs.msg import GoalStatus
from rclpy.action import ActionClient
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.task import Future

from fastreasonseg_ros.action import ReasonSegment
from fastreasonseg_ros.msg import Answer, SceneGraph
from fastreasonseg_ros.srv import QueryScene, SetVocabulary, Unwatch, Watch

from .qos import latched, reliable

START_S = 30.0  # time that nodes may take to come up


class ReasonSegClient:
    """Asks the reasoning node, and waits for it; replies are the typed messages. Usable from any thread.

    Raises TimeoutError if a node is not there or does not reply in time; everything else is in the reply's status.
    """

    def __init__(self, namespace: str = "", node_name: str = "reasonseg_client") -> None:
        self._context = Context()
        rclpy.init(context=self._context)
        self.node = Node(node_name, namespace=namespace, context=self._context)
        group = ReentrantCallbackGroup()
        self._query = self.node.create_client(QueryScene, "query", callback_group=group)
        self._watch = self.node.create_client(Watch, "watch", callback_group=group)
        self._unwatch = self.node.create_client(Unwatch, "unwatch", callback_group=group)
        self._vocabulary = self.node.create_client(SetVocabulary, "set_vocabulary", callback_group=group)
        self._reason = ActionClient(self.node, ReasonSegment, "reason", callback_group=group)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._spin, name="reasonseg_client", daemon=True)
        self._thread.start()

    def ask(self, text: str, timeout_s: float = 60.0, query_id: str = "") -> Answer:
        """The answer to one question about the newest twin."""
        request = QueryScene.Request(text=text, query_id=query_id, timeout=float(timeout_s))
        return self._call(self._query, request, timeout_s + 5.0).answer

    def watch(self, text: str, timeout_s: float = 60.0, query_id: str = "") -> Answer:
        """The first answer to a standing question; later ones come by `on_answer`."""
        return self._call(self._watch, Watch.Request(text=text, query_id=query_id), timeout_s).answer

    def unwatch(self, query_id: str = "", timeout_s: float = 10.0) -> Unwatch.Response:
        """Stops a standing question; without an id all of them."""
        return self._call(self._unwatch, Unwatch.Request(query_id=query_id), timeout_s)

    def set_vocabulary(
        self, words: Sequence[str], add: bool = False, timeout_s: float = 10.0
    ) -> SetVocabulary.Response:
        """Words to look for."""
        return self._call(self._vocabulary, SetVocabulary.Request(words=list(words), add=add), timeout_s)

    def reason(
        self,
        text: str,
        on_feedback: Callable[[str, str], None] | None = None,
        cancel: threading.Event | None = None,
        timeout_s: float = 60.0,
    ) -> Answer:
        """`ask` by the action: on_feedback(stage, text so far) on the way; setting `cancel` stops the model."""
        if not self._reason.wait_for_server(START_S):
            raise TimeoutError(
                f"action {self.node.resolve_topic_name('reason')} is not there; is reasoning_node running?"
            )
        end = time.monotonic() + timeout_s
        feedback = None
        if on_feedback is not None:
            notify = on_feedback

            def feedback(msg: Any) -> None:
                notify(msg.feedback.stage, msg.feedback.text)

        goal = self._wait(self._reason.send_goal_async(ReasonSegment.Goal(text=text), feedback), end, "reason")
        if not goal.accepted:
            return Answer(text=text, status=Answer.BUSY, message="the goal was rejected")
        result = goal.get_result_async()
        asked = False
        while not result.done() and time.monotonic() < end:
            if cancel is not None and cancel.is_set() and not asked:
                asked = True
                goal.cancel_goal_async()
            time.sleep(0.01)
        reply = self._wait(result, end, "reason")
        assert reply.status in (GoalStatus.STATUS_SUCCEEDED, GoalStatus.STATUS_CANCELED, GoalStatus.STATUS_ABORTED)
        return reply.result.answer

    def on_answer(self, callback: Callable[[Answer], None]) -> None:
        """Calls back, in the client's thread, with every answer that is published."""
        self.node.create_subscription(Answer, "answer", callback, reliable())

    def on_twin(self, callback: Callable[[SceneGraph], None]) -> None:
        """Calls back with every twin, the last one at once."""
        self.node.create_subscription(SceneGraph, "twin", callback, latched())

    def close(self) -> None:
        self._executor.shutdown(timeout_sec=2.0)
        self._thread.join(2.0)
        self.node.destroy_node()
        self._context.try_shutdown()

    def __enter__(self) -> ReasonSegClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _spin(self) -> None:
        with contextlib.suppress(ExternalShutdownException):
            self._executor.spin()

    def _call(self, client: Any, request: Any, timeout_s: float) -> Any:
        if not client.wait_for_service(START_S):
            raise TimeoutError(f"service {client.srv_name} is not there after {START_S:.0f} s; are the nodes running?")
        return self._wait(client.call_async(request), time.monotonic() + timeout_s, client.srv_name)

    def _wait(self, future: Future, end: float, name: str) -> Any:
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        if not done.wait(max(0.1, end - time.monotonic())):
            raise TimeoutError(f"{name} did not reply in time")
        return future.result()
