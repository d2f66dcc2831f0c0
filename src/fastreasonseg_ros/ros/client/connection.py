"""What the clients stand on: a hidden node spun in a thread of its own, and goals that nobody needs to wait for.

Replies come in that thread, whatever the caller's executor does. So a client may be used in any callback of any node,
also in a single-threaded executor.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
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
from fastreasonseg_ros.srv import QueryScene, Select, SetVocabulary, Unwatch, Watch

from ...errors import ReasonSegError, Status
from ..qos import services

NAMESPACE = "reasonseg"  # of the launch files; see Connection
CLOSED = "the client is closed: make a new one"
SERVICES = {
    QueryScene: "query",
    Watch: "watch",
    Unwatch: "unwatch",
    SetVocabulary: "set_vocabulary",
    Select: "select",
}


class UnreachableError(ReasonSegError, TimeoutError):
    """A node is not there, went away, or did not reply in time; names it and says what to look at."""

    status = Status.NOT_READY


class WrongThreadError(ReasonSegError, RuntimeError):
    """A call that waits was made in the thread that would bring its reply."""


class AnswerError(ReasonSegError):
    """An answer whose status is not accepted; `answer` holds it, `status` its code."""

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


def sendable(text: str) -> str:
    """The text with spaces for NUL, at which DDS would cut it off without a word."""
    return text.replace("\0", " ")


class Goal:
    """One question on its way through the action `reason`; nothing here waits. Made by `Connection.send_goal`.

    stage and text are the newest feedback. `reply` holds the Answer when it is there, or the error.
    """

    def __init__(self, text: str, on_feedback: Callable[[str, str], None] | None = None) -> None:
        self.question, self.stage, self.text = text, "sent", ""
        self.reply: Future[Answer] = Future()
        self._on_feedback = on_feedback
        self._handle: Any = None
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
            self._cancelled, handle = True, self._handle
        if handle is not None and (self.reply.cancelled() or not self.reply.done()):
            with contextlib.suppress(InvalidHandle):  # the client was closed
                handle.cancel_goal_async()

    def feedback_came(self, message: Any) -> None:
        """Feedback of the node."""
        self.stage, self.text = message.feedback.stage, message.feedback.text
        if self._on_feedback is not None:
            self._on_feedback(self.stage, self.text)

    def accepted(self, future: Any) -> None:
        """The node's reply to the goal request."""
        handle = future.result()
        if not handle.accepted:
            settle(self.reply, Answer(text=self.question, status=Answer.BUSY, message="the goal was rejected"))
            return
        with self._lock:
            self._handle, cancelled = handle, self._cancelled
        handle.get_result_async().add_done_callback(lambda done: settle(self.reply, done.result().result.answer))
        if cancelled:
            handle.cancel_goal_async()


class Connection:
    """The hidden node: clients of the services and of the action. With `node` its context is shared."""

    def __init__(self, namespace: str, node_name: str, node: Node | None) -> None:
        """namespace: of the nodes that are asked; one without a leading / is below the namespace of `node`."""
        self._owns_context = node is None
        if node is None:
            self._context = Context()
            rclpy.init(context=self._context)
        else:
            self._context = node.context
            namespace = _below(node.get_namespace(), namespace)
            node_name = f"{node.get_name()}_{node_name}"
        self.node = Node(
            node_name,
            namespace=namespace,
            context=self._context,
            # A process-wide rule for __node or __ns is for the caller's nodes, and must not rename this one.
            cli_args=["--ros-args", "-r", f"__node:={node_name}", "-r", f"__ns:={_below('/', namespace)}"],
            start_parameter_services=False,
            enable_rosout=False,
        )
        group = ReentrantCallbackGroup()
        self._services = {
            kind: self.node.create_client(kind, name, qos_profile=services(), callback_group=group)
            for kind, name in SERVICES.items()
        }
        self._action = ActionClient(self.node, ReasonSegment, "reason", callback_group=group)
        self._names = {kind: self.node.resolve_service_name(c.srv_name) for kind, c in self._services.items()}
        self._names[ReasonSegment] = self.node.resolve_topic_name("reason")
        self._open: set[Future[Any]] = set()
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

    def call(self, kind: type, request: Any) -> Future[Any]:
        """The reply, when it comes. Cancelling the future forgets the request."""
        if kind is Watch and not request.query_id:
            request.query_id = f"w{uuid4().hex[:8]}"  # who asks again after no reply came replaces the same question
        client, reply = self._services[kind], self._pending()
        asked = client.call_async(request)
        asked.add_done_callback(lambda done: settle(reply, done.result()))
        reply.add_done_callback(lambda _: client.remove_pending_request(asked))
        return reply

    def send_goal(self, goal: Goal) -> Goal:
        """Raises UnreachableError if the action is not there at this moment."""
        if self._closed or not self.action[1]():
            raise UnreachableError(self.missing(ReasonSegment))
        goal.reply = self._pending()
        question = ReasonSegment.Goal(text=sendable(goal.question))
        self._action.send_goal_async(question, goal.feedback_came).add_done_callback(goal.accepted)
        return goal

    def servers(self, name: str) -> int:
        """How many nodes offer the service or action of that name; one that was killed counts until DDS notices."""
        with contextlib.suppress(InvalidHandle):
            return self.node.count_services(f"{name}/_action/send_goal" if name == self._names[ReasonSegment] else name)
        return 0

    def missing(self, kind: type) -> str:
        """Says that the service or action of this type is not there, and where one is, if the graph has one."""
        name = self._names[kind]
        what = "action" if kind is ReasonSegment else "service"
        return missing(what, name, self._elsewhere(kind))

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    @property
    def is_own_thread(self) -> bool:
        """Whether the caller runs in the thread that brings the replies."""
        return threading.current_thread() is self._thread

    def close(self) -> None:
        """Ends the thread and the node; who still waits gets an UnreachableError."""
        if self._closed:
            return
        self._closed = True
        self._executor.shutdown(timeout_sec=2.0)
        if not self.is_own_thread:
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

    def _elsewhere(self, kind: type) -> list[str]:
        """Names of services (actions) of this type in any namespace."""
        suffix = "/_action/send_goal" if kind is ReasonSegment else ""
        typed = f"fastreasonseg_ros/{'action' if suffix else 'srv'}/{kind.__name__}{'_SendGoal' if suffix else ''}"
        with contextlib.suppress(InvalidHandle):
            there = self.node.get_service_names_and_types()
            served = [n for n, types in there if typed in types and self.node.count_services(n)]  # not only asked for
            return sorted(n.removesuffix(suffix) for n in served if n.endswith(suffix))
        return []

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


def _below(parent: str, namespace: str) -> str:
    """The namespace as ROS resolves names in `parent`."""
    if namespace.startswith("/"):
        return namespace
    return f"{parent.rstrip('/')}/{namespace}".rstrip("/") or "/"


def missing(kind: str, name: str, elsewhere: Sequence[str] = ()) -> str:
    others = [n.rpartition("/")[0] or "/" for n in elsewhere if n != name]
    there = f" Such nodes are in the namespace {', '.join(others[:5])}." if others else ""
    return f"{kind} {name} is not there: are the nodes running, in this namespace, on this ROS_DOMAIN_ID?{there}"


def late(name: str, timeout_s: float) -> str:
    return f"{name} did not reply within {timeout_s:.1f} s: is its node still up (ros2 node list, /diagnostics)?"


def restarted(name: str) -> str:
    return f"{name} was started again while it was asked, and may not have received the question: ask again"


def gone(name: str) -> str:
    return f"{name} went away while it was asked: ask again when its node is back"
