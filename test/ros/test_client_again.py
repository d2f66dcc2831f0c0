"""A question on its way to a node that was killed is asked again of the one that comes in its place; a node that says
nothing holds up nobody who did not choose to wait."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
import rclpy
from processes import NAMESPACE, PATIENCE_S, wait_for
from rclpy.action import ActionServer
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.context import Context
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node

from fastreasonseg_ros.action import ReasonSegment
from fastreasonseg_ros.msg import Answer
from fastreasonseg_ros.ros.client import ReasonSegClient
from fastreasonseg_ros.ros.client import AsyncReasonSegClient
from fastreasonseg_ros.ros.client import Link
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


NUMBERS = itertools.count(1)


@pytest.fixture
def space() -> str:
    return f"{NAMESPACE}/again{next(NUMBERS)}"


def on_the_way(link: Link) -> int:
    """Questions that were sent and not answered."""
    return len(link._again._waiting)


@pytest.mark.parametrize("how", ["ask", "watch", "reason"])
def test_who_asked_a_node_that_was_killed_is_answered_by_the_next(space: str, how: str) -> None:
    dead = Server(space, spins=False)
    with ReasonSegClient(space) as client, ThreadPoolExecutor(1) as beside:
        wait_for(lambda: client.ready() and client._link.service(QueryScene)[1](), what="the first server")
        asked = beside.submit(getattr(client, how), "the mug", timeout_s=PATIENCE_S)
        wait_for(lambda: on_the_way(client._link), what="the question to be sent")
        assert not asked.done()
        living = Server(space, spins=True)
        assert asked.result(PATIENCE_S).message == "by the second"
        assert client.node.count_services(f"{space}/query") == 2  # nobody waited until the dead one was missed
        if how == "watch":
            assert len(set(living.heard)) == 1  # however often it was sent, one question stands
            assert living.heard[0]
        living.close()
    dead.close()


def test_who_asks_while_a_dead_node_is_still_seen_is_answered_once_by_the_living_one(space: str) -> None:
    dead, living = Server(space, spins=False), Server(space, spins=True)
    with ReasonSegClient(space) as client:
        wait_for(lambda: client.node.count_services(f"{space}/query") == 2, what="both servers")
        answers = [client.ask("the mug", PATIENCE_S, f"q{n}") for n in range(3)]
        assert [a.query_id for a in answers] == ["q0", "q1", "q2"]
        assert on_the_way(client._link) == 0  # an answered question is not asked again
        assert list(dict.fromkeys(living.heard)) == ["q0", "q1", "q2"]
    living.close()
    dead.close()


def test_a_goal_to_a_node_that_says_nothing_is_started_without_waiting(space: str) -> None:
    silent = Server(space, spins=False)
    with ReasonSegClient(space) as client:
        wait_for(client.ready, what="the server")
        goals = [client.start("the mug") for _ in range(3)]  # would never come back if it waited
        assert not any(goal.done() for goal in goals)
    silent.close()


def test_the_event_loop_goes_on_while_nodes_say_nothing_or_are_not_there(space: str) -> None:
    async def wait_in_vain() -> None:
        async with AsyncReasonSegClient(space) as own, AsyncReasonSegClient(f"{space}/nobody") as lost:
            while not (own._link.action[1]() and own._link.service(Watch)[1]()):
                await asyncio.sleep(0.01)
            calls = [own.ask("the mug"), own.watch("the mug"), own.reason("the mug"), anext(own.follow("the mug"))]
            tasks = [asyncio.ensure_future(c) for c in (*calls, lost.ask("the mug"), lost.reason("the mug"))]
            while on_the_way(own._link) < len(calls):
                await asyncio.sleep(0.01)
            for _ in range(50):  # a call that blocked the loop would come to its end before these
                await asyncio.sleep(0.01)
            assert not any(task.done() for task in tasks)
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(e, asyncio.CancelledError) for e in ended)

    silent = Server(space, spins=False)
    asyncio.run(wait_in_vain())
    silent.close()
