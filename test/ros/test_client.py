"""What a planner does with the client, in every kind of executor."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
import rclpy
from planner import (  # noqa: F401
    BOOK,
    LONG,
    MUG,
    PLATE,
    SPACE,
    SilentServer,
    cancelled,
    planner_nodes,
    planner_robot,
    spinning,
)
from processes import PATIENCE_S, wait_for
from rclpy.context import Context
from rclpy.executors import MultiThreadedExecutor, SingleThreadedExecutor
from rclpy.node import Node
from std_msgs.msg import Empty

from fastreasonseg_ros.errors import MissingDataError, Status
from fastreasonseg_ros.msg import Answer, SceneGraph
from fastreasonseg_ros.ros.client import (
    AnswerError,
    AsyncReasonSegClient,
    ReasonSegClient,
    UnreachableError,
    WrongThreadError,
    required,
)
from fastreasonseg_ros.ros.qos import latched


def in_a_callback(node: Node, work: Callable[[], object]) -> list:
    """What `work` gave or raised in a subscription's callback of the node."""
    outcome: list = []

    def called(_: Empty) -> None:
        try:
            outcome.append(work())
        except Exception as error:
            outcome.append(error)

    node.create_subscription(Empty, "go", called, latched())
    node.create_publisher(Empty, "go", latched()).publish(Empty())
    wait_for(lambda: outcome, what="the callback")
    return outcome


@pytest.mark.parametrize(
    ("executor", "arguments"),
    [
        (SingleThreadedExecutor, {}),
        (MultiThreadedExecutor, {"num_threads": 1}),
        (MultiThreadedExecutor, {"num_threads": 4}),
    ],
    ids=["single-threaded", "multi-threaded with one thread", "multi-threaded with four"],
)
def test_a_callback_of_any_executor_may_ask_and_wait(robot: ReasonSegClient, executor: type, arguments: dict) -> None:
    with spinning(executor, **arguments) as node, ReasonSegClient(node=node) as own:
        answers = in_a_callback(node, lambda: (own.ask("the plate"), own.reason("the book"), own.watch("the mug")))[0]
        assert [(a.status, list(a.ids)) for a in answers] == [(0, [PLATE]), (0, [BOOK]), (0, [MUG])]
        assert own.unwatch(answers[2].query_id).status == Answer.OK
        assert own.node.get_name() == "planner_reasonseg_client"
        assert own.node.context is node.context


def test_waiting_in_the_clients_own_callback_is_refused_with_what_to_do(robot: ReasonSegClient) -> None:
    with ReasonSegClient(SPACE) as own:
        raised: list[Exception] = []

        def ask_again(_: object) -> None:
            try:
                own.ask("the mug")
            except WrongThreadError as error:
                raised.append(error)

        own.on_twin(ask_again)
        wait_for(lambda: raised, what="an error")
    assert "start()" in str(raised[0])


def test_a_goal_that_is_started_is_looked_at_without_waiting_and_can_be_cancelled(robot: ReasonSegClient) -> None:
    def give_up(text: str) -> Answer:
        goal = robot.start(text)
        wait_for(lambda: (goal.stage == "thinking" and goal.text) or goal.done(), what="feedback")
        goal.cancel()
        wait_for(goal.done, what="the end")
        return goal.answer()

    answer = cancelled(give_up)
    assert Status(required(answer, Status.CANCELLED).status) is Status.CANCELLED


def test_an_answer_that_was_not_hoped_for_can_be_an_exception(robot: ReasonSegClient) -> None:
    answer = robot.ask("the green mug")
    assert required(answer, Status.NO_MATCH) is answer
    with pytest.raises(AnswerError, match="NO_MATCH: .*green mug") as raised:
        required(answer)
    assert raised.value.status is Status.NO_MATCH
    assert raised.value.answer is answer


def test_a_question_is_followed_until_the_loop_is_left(robot: ReasonSegClient) -> None:
    places, sequences = [], []
    for answer in robot.follow("the mug", query_id="followed"):
        assert list(answer.ids) == [MUG]
        places.append(answer.instances[0].center.x)
        sequences.append(answer.twin_sequence)
        if len(places) == 8:
            break
    assert sequences == sorted(sequences)
    assert max(places) - min(places) > 0.05
    assert robot.unwatch("followed").status == Answer.BAD_INPUT  # it does not stand any more


def test_asyncio_asks_several_at_once(robot: ReasonSegClient) -> None:
    async def plan() -> tuple[list[Answer], list[tuple[str, str]], list[Answer]]:
        heard: list[tuple[str, str]] = []
        async with AsyncReasonSegClient(SPACE) as own:
            answers = await asyncio.gather(
                own.ask("the plate"),
                own.ask("the book"),
                own.reason("the object farthest from the plate", lambda stage, text: heard.append((stage, text))),
            )
            followed: list[Answer] = []
            async with contextlib.aclosing(own.follow("the mug", query_id="async")) as later:
                async for answer in later:
                    followed.append(answer)
                    if len(followed) == 4:
                        break
            gone = await own.unwatch("async")
        assert gone.status == Answer.BAD_INPUT
        return list(answers), heard, followed

    answers, heard, followed = asyncio.run(plan())
    assert [list(a.ids) for a in answers[:2]] == [[PLATE], [BOOK]]
    assert answers[2].status == Answer.OK
    assert any(stage == "thinking" for stage, _ in heard)
    assert [list(a.ids) for a in followed] == [[MUG]] * 4


def test_a_cancelled_task_stops_the_model(robot: ReasonSegClient) -> None:
    answers: list[Answer] = []
    listening = robot.on_answer(answers.append)

    async def give_up(text: str) -> Answer:
        thinking = asyncio.Event()
        async with AsyncReasonSegClient(SPACE) as own:
            task = asyncio.create_task(own.reason(text, lambda *_: thinking.set()))
            await thinking.wait()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                return await task  # it was done before
            while not (said := [a for a in answers if a.text == text]):  # the node says how it ended
                await asyncio.sleep(0.01)
        return said[0]

    cancelled(lambda text: asyncio.run(asyncio.wait_for(give_up(text), 2 * PATIENCE_S)), f"{LONG}, or the last,")
    robot.node.destroy_subscription(listening)


def test_who_is_not_there_is_named_within_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastreasonseg_ros.ros.client.asynchronous.START_S", 0.2)
    with ReasonSegClient(f"{SPACE}/nobody") as own:
        assert not own.ready()
        with pytest.raises(UnreachableError, match="/nobody/query is not there"):
            own.ask("the mug")
        with pytest.raises(TimeoutError, match="ROS_DOMAIN_ID"):
            own.start("the mug")

    async def ask() -> None:
        async with AsyncReasonSegClient(f"{SPACE}/nobody") as own:
            await own.watch("the mug")

    with pytest.raises(UnreachableError, match="/nobody/watch"):
        asyncio.run(ask())


def test_who_goes_away_while_it_is_asked_is_noticed_and_so_is_a_closed_client() -> None:
    """A server that accepts and says nothing, then ends; and a client that is closed while it waits."""
    from fastreasonseg_ros.srv import QueryScene

    context = Context()
    rclpy.init(context=context)
    silent = Node("silent", namespace=f"{SPACE}/silent", context=context)
    silent.create_service(QueryScene, "query", lambda request, response: response)  # never spun: never answers
    outcome: list[Exception] = []

    def ask(client: ReasonSegClient) -> None:
        try:
            client.ask("the mug", PATIENCE_S)
        except UnreachableError as error:
            outcome.append(error)

    def asked(client: ReasonSegClient) -> threading.Thread:
        """In a thread, until the question is on its way."""
        asking = threading.Thread(target=ask, args=(client,))
        asking.start()
        wait_for(lambda: client._connection._open, what="the question to be sent")
        return asking

    with ReasonSegClient(f"{SPACE}/silent") as own:
        with pytest.raises(UnreachableError, match=r"did not reply within"):
            own._run(own._client.call(QueryScene, QueryScene.Request(text="the mug"), 0.3))
        asking = asked(own)
        own.close()
        asking.join(PATIENCE_S)
        assert "closed" in str(outcome[0])
        with pytest.raises(UnreachableError, match="make a new one"):
            own.ask("the mug")
    with ReasonSegClient(f"{SPACE}/silent") as own:
        asking = asked(own)
        silent.destroy_node()
        context.try_shutdown()
        asking.join(PATIENCE_S)
    assert "went away" in str(outcome[1])
    assert Status.NOT_READY is outcome[1].status


def test_the_mask_of_an_answer_comes_from_the_twin_when_it_is_asked_for(robot: ReasonSegClient) -> None:
    answer = robot.ask("the plate")
    mask, header = robot.mask(answer)
    assert header.frame_id == answer.header.frame_id
    assert set(np.unique(mask)) == {0, 255}
    ys, xs = np.nonzero(mask)
    assert (xs.min(), xs.max(), ys.min(), ys.max()) == (120, 189, 110, 169)
    nothing, _ = robot.mask(robot.ask("the green mug"))
    assert nothing.shape == mask.shape
    assert not nothing.any()


def test_a_client_that_keeps_twins_gives_the_mask_at_the_stamp_of_the_answer(robot: ReasonSegClient) -> None:
    robot.mask(robot.ask("the mug"))  # from now on twins are kept
    for n, answer in enumerate(robot.follow("the mug", query_id="masked")):
        mask, header = robot.mask(answer)
        if n:
            assert header.stamp == answer.header.stamp
            middle = np.nonzero(mask)[1].mean()
            assert (middle - 160) * 0.9 / 300 == pytest.approx(answer.instances[0].center.x, abs=0.02)
        if n == 4:
            break


def test_where_only_refusals_come_the_mask_says_why() -> None:
    with ReasonSegClient(f"{SPACE}/refused") as own:
        own.node.create_publisher(SceneGraph, "twin", latched()).publish(SceneGraph(status=1, message="no depth"))
        with pytest.raises(MissingDataError, match="no depth"):
            own.mask(Answer(), 5.0)


def test_no_request_is_sent_again_by_itself(robot: ReasonSegClient) -> None:
    """A node that says nothing hears one request; its asker is told, and decides."""
    silent = SilentServer(f"{SPACE}/once")
    with ReasonSegClient(f"{SPACE}/once") as own:
        with pytest.raises(UnreachableError, match="did not reply within"):
            own.watch("the mug", timeout_s=1.0)
        silent.spin()
        wait_for(lambda: silent.heard, what="the request")
        time.sleep(1.0)
        assert silent.heard == ["the mug"]
    silent.close()


def test_who_asked_a_node_that_was_killed_is_told_when_the_next_one_comes(robot: ReasonSegClient) -> None:
    """DDS takes a killed process for alive for 20 s; its successor is seen at once."""
    dead = SilentServer(f"{SPACE}/killed")
    with ReasonSegClient(f"{SPACE}/killed") as own:
        outcome: list[Exception] = []

        def ask() -> None:
            try:
                own.ask("the mug", PATIENCE_S)
            except UnreachableError as error:
                outcome.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        wait_for(lambda: own._connection._open, what="the question to be sent")
        time.sleep(0.3)
        living = SilentServer(f"{SPACE}/killed")
        asking.join(PATIENCE_S)
        assert "was started again" in str(outcome[0])
        living.close()
    dead.close()
