"""What both clients stand on: a hidden node that is spun in a thread of its own, and goals that are never waited for.

Replies come in that thread, whatever the caller's executor does. That is why a client may be used in any callback of
any node, also in a single-threaded executor: nothing that the reply needs is held up by the caller who waits for it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from typing import Any
from uuid import uuid4

import rclpy
from rclpy.action import ActionClient
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.context import Context
from rclpy.exceptions import InvalidHandle
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node

from fastreasonseg_ros.action import ReasonSegment
from fastreasonseg_ros.msg import Answer
from fastreasonseg_ros.srv import QueryScene, SetVocabulary, Unwatch, Watch

from ..errors import ReasonSegError, Status
from .client_again import Again
from .qos import services

START_S = 30.0  # time that nodes may take to come up
CLOSED = "the client is closed: make a new one"
LOOK_S = 0.05  # between two looks whether a server is there


class UnreachableError(ReasonSegError, TimeoutError):
    """A node is not there, went away, or did not reply in time; names it and says what to look at."""

    status = Status.NOT_READY


class WrongThreadError(ReasonSegError, RuntimeError):
    """A call that waits was made in the thread that would bring its reply."""


class AnswerError(ReasonSegError):
    """An answer whose status was not asked for; `answer` is the whole of it, `status` its code."""

    def __init__(self, answer: Answer) -> None:
        self.answer, self.status = answer, Status(answer.status)
        super().__init__(f"{self.status.name}: {answer.message} (question: {answer.text[:200]!r})")


def required(answer: Answer, *accepted: Status) -> Answer:
    """The answer, if its status is OK or among `accepted`; otherwise raises AnswerError.

    `required(robot.ask("the mug"))` for those who prefer exceptions. NO_MATCH is an answer: accept it where it is one.
    """
    if answer.status not in (Status.OK, *accepted):
        raise AnswerError(answer)
    return answer


class Goal:
    """One question on its way through the action `reason`; nothing here waits. Made by `Link.send_goal`.

    stage and text are the newest feedback. `reply` holds the Answer when it is there, or the error.
    """

    def __init__(self, text: str, on_feedback: Callable[[str, str], None] | None = None) -> None:
        self.question, self.stage, self.text = text, "sent", ""
        self.reply: Future[Answer] = Future()
        self._on_feedback = on_feedback
        self._handles: list[Any] = []  # more than one where it was sent again
        self._cancelled = False
        self._lock = threading.Lock()

    def done(self) -> bool:
        """True: `answer()` returns, or raises, at once."""
        return self.reply.done()

    def answer(self) -> Answer:
        """The answer of a goal that is done. Raises UnreachableError if the node went away or the client was closed."""
        return self.reply.result(timeout=0)

    def cancel(self) -> None:
        """Asks the node to stop; the answer that follows has the status CANCELLED, unless it was done before."""
        with self._lock:
            self._cancelled = True
            handles = list(self._handles)
        answered = self.reply.done() and not self.reply.cancelled()
        for handle in handles if not answered else ():
            with contextlib.suppress(InvalidHandle):  # the client was closed
                handle.cancel_goal_async()

    def heard(self, message: Any) -> None:
        self.stage, self.text = message.feedback.stage, message.feedback.text
        if self._on_feedback is not None:
            self._on_feedback(self.stage, self.text)

    def accepted(self, future: Any) -> None:
        handle = future.result()
        if not handle.accepted:
            settle(self.reply, Answer(text=self.question, status=Answer.BUSY, message="the goal was rejected"))
            return
        with self._lock:
            self._handles.append(handle)
            cancelled = self._cancelled
        handle.get_result_async().add_done_callback(lambda done: settle(self.reply, done.result().result.answer))
        if cancelled:
            handle.cancel_goal_async()


class Link:
    """A node beside the caller's, with clients of everything that is served, and the thread that spins it.

    node: shares its context (one DDS participant) and its namespace; None: a context of its own.
    """

    def __init__(self, namespace: str, node_name: str, node: Node | None) -> None:
        self._owns_context = node is None
        if node is None:
            self._context = Context()
            rclpy.init(context=self._context)
        else:
            self._context = node.context
            namespace = namespace or node.get_namespace()
            node_name = f"{node.get_name()}_{node_name}"
        self.node = Node(
            node_name,
            namespace=namespace,
            context=self._context,
            cli_args=["--ros-args", "-r", f"__node:={node_name}"],  # the process may be told another name for its node
            start_parameter_services=False,
            enable_rosout=False,
        )
        group = ReentrantCallbackGroup()
        self._services = {
            kind: self.node.create_client(kind, name, qos_profile=services(), callback_group=group)
            for kind, name in (
                (QueryScene, "query"),
                (Watch, "watch"),
                (Unwatch, "unwatch"),
                (SetVocabulary, "set_vocabulary"),
            )
        }
        self._action = ActionClient(self.node, ReasonSegment, "reason", callback_group=group)
        self._names = {kind: self.node.resolve_service_name(c.srv_name) for kind, c in self._services.items()}
        self._names[ReasonSegment] = self.node.resolve_topic_name("reason")
        self._open: set[Future[Any]] = set()
        self._again = Again(self.node)
        self._closed = False
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._spin, name=node_name, daemon=True)
        self._thread.start()

    def service(self, kind: type) -> tuple[str, Callable[[], bool]]:
        """Name of the service of this type, and whether it is there now."""
        return self._names[kind], self._unless_closed(self._services[kind].service_is_ready)

    @property
    def action(self) -> tuple[str, Callable[[], bool]]:
        """Name of the action, and whether it is there now."""
        return self._names[ReasonSegment], self._unless_closed(self._action.server_is_ready)

    def call(self, request_type: type, request: Any) -> Future[Any]:
        """The reply, when it comes. Cancelling the future forgets the request.

        It is sent again if another server comes meanwhile, so a question that is to stand needs an id: it gets one.
        """
        if request_type is Watch and not request.query_id:
            request.query_id = f"w{uuid4().hex[:8]}"
        client, reply = self._services[request_type], self._pending()

        def send() -> None:
            asked = client.call_async(request)
            asked.add_done_callback(lambda done: settle(reply, done.result()))
            reply.add_done_callback(lambda _: client.remove_pending_request(asked))

        send()
        self._again.watch(reply, self.service(request_type)[0], send)
        return reply

    def send_goal(self, goal: Goal) -> Goal:
        """Raises UnreachableError if the action is not there at this moment."""
        name, ready = self.action
        if self._closed or not ready():
            raise UnreachableError(missing("action", name))
        goal.reply = self._pending()

        def send() -> None:
            sent = self._action.send_goal_async(ReasonSegment.Goal(text=goal.question), goal.heard)
            sent.add_done_callback(goal.accepted)

        send()
        self._again.watch(goal.reply, f"{name}/_action/send_goal", send)
        return goal

    def may_wait(self) -> None:
        """Raises WrongThreadError in the thread that brings the replies."""
        if threading.current_thread() is self._thread:
            raise WrongThreadError(
                "this call waits, and was made in a callback of the client itself (on_answer, on_twin, on_feedback), "
                "in the thread that would bring its reply: use start(), or hand the work to another thread"
            )

    def close(self) -> None:
        """Ends the thread and the node; who still waits gets an UnreachableError."""
        if self._closed:
            return
        self._closed = True
        self._executor.shutdown(timeout_sec=2.0)
        if threading.current_thread() is not self._thread:
            self._thread.join(2.0)
        for reply in list(self._open):
            settle(reply, error=UnreachableError("the client was closed before the reply came"))
        self.node.destroy_node()
        if self._owns_context:
            self._context.try_shutdown()

    def _unless_closed(self, ready: Callable[[], bool]) -> Callable[[], bool]:
        """ready, which raises UnreachableError once the client is closed, also by another thread at this moment."""

        def look() -> bool:
            with contextlib.suppress(InvalidHandle):
                if not self._closed:
                    return ready()
            raise UnreachableError(CLOSED)

        return look

    def _pending(self) -> Future[Any]:
        if self._closed:
            raise UnreachableError(CLOSED)
        reply: Future[Any] = Future()
        self._open.add(reply)
        reply.add_done_callback(self._open.discard)
        return reply

    def _spin(self) -> None:
        with contextlib.suppress(ExternalShutdownException):
            self._executor.spin()


def settle(reply: Future[Any], value: Any = None, error: Exception | None = None) -> None:
    """Gives the future its result, unless its owner gave up on it."""
    with contextlib.suppress(InvalidStateError):
        if error is None:
            reply.set_result(value)
        else:
            reply.set_exception(error)


def missing(kind: str, name: str) -> str:
    return f"{kind} {name} is not there: are the nodes running, in this namespace, on this ROS_DOMAIN_ID?"


def late(name: str, timeout_s: float) -> str:
    return f"{name} did not reply within {timeout_s:.1f} s: is its node still up (ros2 node list, /diagnostics)?"


def gone(name: str) -> str:
    return f"{name} went away while it was asked: ask again when its node is back"
