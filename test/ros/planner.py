"""A planner and the nodes that it asks, for the tests of the client and of the examples."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

import pytest
import rclpy
from processes import NAMESPACE, PATIENCE_S, Nodes
from rclpy.action import ActionServer
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from written_scene import write_scene

from fastreasonseg_ros.action import ReasonSegment
from fastreasonseg_ros.msg import Answer
from fastreasonseg_ros.ros.client import ReasonSegClient
from fastreasonseg_ros.srv import QueryScene, Watch

ROBOT = f"{NAMESPACE}/planner"  # of the planner's own node
SPACE = f"{ROBOT}/reasonseg"  # of the nodes that it asks, as the launch files have it
MUG, PLATE, BOOK = 1, 2, 3
LONG = "which of the objects to the left of the book and behind the plate is the largest one"
ENDS = (" or the smallest", " or the reddest", " or the tallest", " or the widest", " or the nearest")


@pytest.fixture(scope="module", name="nodes")
def planner_nodes(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("planner")
    nodes = Nodes(folder, SPACE)
    nodes.start("camera_node", source="scene", path=write_scene(folder / "data"))
    nodes.start("twin_node", perceiver="oracle", depth_timeout_s=60.0)
    nodes.start("reasoning_node", query_timeout_s=2 * PATIENCE_S, stale_after_s=PATIENCE_S)
    nodes.start("mask_node")
    yield nodes
    alive = not nodes.dead()
    nodes.stop()
    assert alive, nodes.dead()


@pytest.fixture(scope="module", name="robot")
def planner_robot(nodes: Nodes):
    with ReasonSegClient(SPACE) as client:
        client.ask("the mug", timeout_s=2 * PATIENCE_S)  # the first question waits for the model
        yield client


def cancelled(give_up: Callable[[str], Answer], text: str = LONG) -> Answer:
    """The answer to a question that was given up while the model wrote. One that was done before is asked otherwise.

    give_up: asks a text, and cancels at the first word of the model.
    """
    for end in ENDS:
        answer = give_up(text + end)
        if answer.status == Answer.CANCELLED:
            return answer
        assert answer.status in (Answer.OK, Answer.NO_MATCH), answer.message
    raise AssertionError(f"none of {len(ENDS)} questions could be cancelled")


@contextlib.contextmanager
def spinning(executor_type: type, **arguments: int):
    """A planner's own node, spun by this kind of executor in a thread."""
    context = Context()
    rclpy.init(context=context)
    node = Node("planner", namespace=ROBOT, context=context)
    executor = executor_type(context=context, **arguments)
    executor.add_node(node)

    def spin() -> None:
        with contextlib.suppress(ExternalShutdownException):
            executor.spin()

    thread = threading.Thread(target=spin, daemon=True)
    thread.start()
    yield node
    executor.shutdown(timeout_sec=PATIENCE_S)
    thread.join(PATIENCE_S)
    node.destroy_node()
    context.try_shutdown()


class SilentServer:
    """Serves query, watch and reason in a context of its own, and says nothing until `spin`. heard: the texts."""

    def __init__(self, space: str) -> None:
        self.context, self.heard = Context(), []
        rclpy.init(context=self.context)
        self.node = Node("reasoning_node", namespace=space, context=self.context)
        self.node.create_service(QueryScene, "query", self._answer)
        self.node.create_service(Watch, "watch", self._answer)
        self.action = ActionServer(self.node, ReasonSegment, "reason", self._execute)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)

    def spin(self) -> None:
        def run() -> None:
            with contextlib.suppress(Exception):
                self.executor.spin()

        threading.Thread(target=run, daemon=True).start()

    def _answer(self, request, response):
        self.heard.append(request.text)
        response.answer = Answer(text=request.text, query_id=request.query_id)
        return response

    def _execute(self, goal):
        self.heard.append(goal.request.text)
        goal.succeed()
        return ReasonSegment.Result(answer=Answer(text=goal.request.text))

    def close(self) -> None:
        self.executor.shutdown(timeout_sec=1.0)
        self.action.destroy()
        self.node.destroy_node()
        self.context.try_shutdown()
