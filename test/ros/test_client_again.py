"""A question on its way to a node that was killed is asked again of the one that comes in its place."""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
import rclpy
from processes import NAMESPACE, wait_for
from rclpy.action import ActionServer
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.context import Context
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node

from fastreasonseg_ros.action import ReasonSegment
from fastreasonseg_ros.msg import Answer
from fastreasonseg_ros.ros.client import ReasonSegClient
from fastreasonseg_ros.srv import QueryScene, Watch


class Server:
    """Serves query, watch and reason in a context of its own. spins=False: as one that was killed is seen by others,
    which is there and says nothing. heard: ids of the questions."""

    def __init__(self, space: str, spins: bool) -> None:
        self.context, self.heard, self.goals = Context(), [], 0
        rclpy.init(context=self.context)
        self.node = Node("reasoning_node", namespace=space, context=self.context)
        group = ReentrantCallbackGroup()
        self.node.create_service(QueryScene, "query", self._answer, callback_group=group)
        self.node.create_service(Watch, "watch", self._answer, callback_group=group)
        self.action = ActionServer(self.node, ReasonSegment, "reason", self._execute, callback_group=group)
        self.executor = MultiThreadedExecutor(4, context=self.context)
        self.executor.add_node(self.node)
        if spins:
            threading.Thread(target=self._spin, daemon=True).start()

    def _spin(self) -> None:
        with contextlib.suppress(Exception):
            self.executor.spin()

    def _answer(self, request, response):
        self.heard.append(request.query_id)
        response.answer = Answer(text=request.text, query_id=request.query_id, message="by the second")
        return response

    def _execute(self, goal):
        self.goals += 1
        goal.succeed()
        return ReasonSegment.Result(answer=Answer(text=goal.request.text, message="by the second"))

    def close(self) -> None:
        self.executor.shutdown(timeout_sec=1.0)
        self.action.destroy()
        self.node.destroy_node()
        self.context.try_shutdown()


@pytest.fixture
def space(request: pytest.FixtureRequest) -> str:
    return f"{NAMESPACE}/again{abs(hash(request.node.name)) % 10_000}"


@pytest.mark.parametrize("how", ["ask", "watch", "reason"])
def test_who_asked_a_node_that_was_killed_is_answered_by_the_next(space: str, how: str) -> None:
    dead = Server(space, spins=False)
    with ReasonSegClient(space) as client, ThreadPoolExecutor(1) as beside:
        wait_for(lambda: client.ready() and client._link.service(QueryScene)[1](), 10, "the first server")
        asked = beside.submit(getattr(client, how), "the mug", timeout_s=20.0)
        time.sleep(0.5)
        assert not asked.done()
        start = time.monotonic()
        living = Server(space, spins=True)
        assert asked.result(10).message == "by the second"
        assert time.monotonic() - start < 3.0
        if how == "watch":
            assert len(set(living.heard)) == 1  # however often it was sent, one question stands
            assert living.heard[0]
        living.close()
    dead.close()


def test_who_asks_while_a_dead_node_is_still_seen_is_answered_once_by_the_living_one(space: str) -> None:
    dead, living = Server(space, spins=False), Server(space, spins=True)
    with ReasonSegClient(space) as client:
        wait_for(lambda: client.node.count_services(f"{space}/query") == 2, 10, "both servers")
        answers = [client.ask("the mug", 10.0, f"q{n}") for n in range(3)]
        assert [a.query_id for a in answers] == ["q0", "q1", "q2"]
        time.sleep(2.5)  # an answered question is not asked again
        assert living.heard == ["q0", "q1", "q2"]
    living.close()
    dead.close()
