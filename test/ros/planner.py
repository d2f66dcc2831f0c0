"""A planner and the nodes that it asks, for the tests of the client and of the examples."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

import pytest
import rclpy
from processes import NAMESPACE, PATIENCE_S, Nodes, write_scene
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node

from fastreasonseg_ros.msg import Answer
from fastreasonseg_ros.ros.client import ReasonSegClient

SPACE = f"{NAMESPACE}/planner"
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
    node = Node("planner", namespace=SPACE, context=context)
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
