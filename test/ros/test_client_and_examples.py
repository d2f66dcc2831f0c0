"""What a planner does with the client, in every kind of executor; the examples run as they are, against real nodes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
import rclpy
from geometry_msgs.msg import PoseStamped
from processes import NAMESPACE, Nodes, wait_for, write_scene
from rclpy.action import ActionClient
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor, SingleThreadedExecutor
from rclpy.node import Node
from std_msgs.msg import Empty, Float32

from fastreasonseg_ros.action import ReasonSegment
from fastreasonseg_ros.errors import Status
from fastreasonseg_ros.msg import Answer, Instance
from fastreasonseg_ros.ros import client_link
from fastreasonseg_ros.ros.client import ReasonSegClient
from fastreasonseg_ros.ros.client_async import AsyncReasonSegClient
from fastreasonseg_ros.ros.client_link import AnswerError, UnreachableError, WrongThreadError, required
from fastreasonseg_ros.ros.qos import latched

EXAMPLES = Path(__file__).parents[2] / "examples"
SPACE = f"{NAMESPACE}/planner"
MUG, PLATE, BOOK = 1, 2, 3
LONG = "which of the objects to the left of the book and behind the plate is the largest one"

sys.path.insert(0, str(EXAMPLES))


@pytest.fixture(scope="module", autouse=True)
def nodes(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("planner")
    nodes = Nodes(folder, SPACE)
    nodes.start("camera_node", source="scene", path=write_scene(folder / "data"))
    nodes.start("twin_node", perceiver="oracle")
    nodes.start("reasoning_node", query_timeout_s=120.0)
    yield nodes
    alive = not nodes.dead()
    nodes.stop()
    assert alive, nodes.dead()


@pytest.fixture(scope="module")
def robot(nodes: Nodes):
    with ReasonSegClient(SPACE) as client:
        client.ask("the mug", timeout_s=150.0)  # the first question waits for the model
        yield client


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
    executor.shutdown(timeout_sec=5)
    thread.join(5)
    node.destroy_node()
    context.try_shutdown()


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
    wait_for(lambda: outcome, 60, "the callback")
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
        wait_for(lambda: raised, 10, "an error")
    assert "start()" in str(raised[0])


def test_a_goal_that_is_started_is_looked_at_without_waiting_and_can_be_cancelled(robot: ReasonSegClient) -> None:
    began = time.monotonic()
    goal = robot.start(LONG)
    assert time.monotonic() - began < 0.05
    assert not goal.done()
    wait_for(lambda: goal.stage == "thinking" and goal.text, 60, "feedback")
    goal.cancel()
    wait_for(goal.done, 5, "the end")
    assert goal.answer().status == Answer.CANCELLED
    assert Status(required(goal.answer(), Status.CANCELLED).status) is Status.CANCELLED


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


def test_asyncio_asks_several_at_once_while_the_loop_goes_on(robot: ReasonSegClient) -> None:
    async def plan() -> tuple[list[Answer], list[tuple[str, str]], float, list[Answer]]:
        heard: list[tuple[str, str]] = []
        pauses = [time.monotonic()]

        async def beat() -> None:
            while True:
                await asyncio.sleep(0.01)
                pauses.append(time.monotonic())

        async with AsyncReasonSegClient(SPACE) as own:
            beating = asyncio.create_task(beat())
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
            beating.cancel()
        assert gone.status == Answer.BAD_INPUT
        return list(answers), heard, max(np.diff(pauses)), followed

    answers, heard, pause_s, followed = asyncio.run(plan())
    assert [list(a.ids) for a in answers[:2]] == [[PLATE], [BOOK]]
    assert answers[2].status == Answer.OK
    assert any(stage == "thinking" for stage, _ in heard)
    assert [list(a.ids) for a in followed] == [[MUG]] * 4
    print(f"longest pause of the event loop: {pause_s * 1e3:.0f} ms")
    assert pause_s < 0.5


def test_a_cancelled_task_stops_the_model(robot: ReasonSegClient) -> None:
    answers: list[Answer] = []
    listening = robot.on_answer(answers.append)

    async def give_up() -> None:
        thinking = asyncio.Event()
        async with AsyncReasonSegClient(SPACE) as own:
            task = asyncio.create_task(own.reason(LONG + " or the smallest", lambda *_: thinking.set()))
            await asyncio.wait_for(thinking.wait(), 60)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.sleep(0.5)

    asyncio.run(give_up())
    wait_for(lambda: any(a.status == Answer.CANCELLED for a in answers), 5, "the node saying that it stopped")
    robot.node.destroy_subscription(listening)


def test_who_is_not_there_is_named_within_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("client", "client_async"):
        monkeypatch.setattr(f"fastreasonseg_ros.ros.{module}.START_S", 0.2)
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
            client.ask("the mug", 30.0)
        except UnreachableError as error:
            outcome.append(error)

    with ReasonSegClient(f"{SPACE}/silent") as own:
        with pytest.raises(UnreachableError, match=r"did not reply within"):
            own._call(QueryScene, QueryScene.Request(text="the mug"), 0.3)
        asking = threading.Thread(target=ask, args=(own,))
        asking.start()
        time.sleep(0.5)
        own.close()
        asking.join(5)
        assert "closed" in str(outcome[0])
    with ReasonSegClient(f"{SPACE}/silent") as own:
        asking = threading.Thread(target=ask, args=(own,))
        asking.start()
        time.sleep(0.7)
        silent.destroy_node()
        context.try_shutdown()
        asking.join(10)
    assert "went away" in str(outcome[1])
    assert client_link.Status.NOT_READY is outcome[1].status


def run_example(name: str, *arguments: str, timeout_s: float = 90.0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s)


def test_the_grasp_example_publishes_where_the_gripper_goes(robot: ReasonSegClient) -> None:
    from grasp_target import grasp_target

    poses: dict[str, PoseStamped] = {}
    for topic in ("grasp", "pregrasp"):
        robot.node.create_subscription(PoseStamped, topic, lambda m, t=topic: poses.update({t: m}), latched())
    widths: list[Float32] = []
    robot.node.create_subscription(Float32, "gripper_width", widths.append, latched())
    grasp = grasp_target(robot, "the plate", max_opening_m=0.5)
    wait_for(lambda: len(poses) == 2 and widths, 10, "both poses and the width")
    assert grasp.width_m == pytest.approx(60 * 0.9 / 300 + 0.02, abs=0.03)  # 60 of its 70 x 60 pixels, seen from above
    assert abs(grasp.approach @ grasp.across) < 1e-6
    assert poses["grasp"].header.frame_id == "camera_color_optical_frame"
    assert poses["grasp"].pose.position.z == pytest.approx(0.9, abs=0.06)
    assert poses["pregrasp"].pose.position.z == pytest.approx(poses["grasp"].pose.position.z - 0.1, abs=0.02)
    done = run_example("grasp_target.py", "the plate", "--namespace", SPACE, "--max-opening", "0.05")
    assert done.returncode == 1
    assert "more than the gripper's 0.050 m" in done.stderr


def test_a_grasp_needs_a_place_and_comes_from_above_where_up_is_known() -> None:
    from grasp_target import GraspError, plan_grasp

    thing = Instance(id=4, label="box")
    thing.center.x = thing.center.y = thing.center.z = float("nan")
    with pytest.raises(GraspError, match="box 4 has no position"):
        plan_grasp(thing, None, 0.1)
    thing.center.x, thing.center.y, thing.center.z = 0.0, 0.1, 1.0
    thing.size.x, thing.size.y, thing.size.z = 0.04, 0.3, 0.09
    grasp = plan_grasp(thing, np.array([0.0, -1.0, 0.0]), 0.1)
    np.testing.assert_allclose(grasp.approach, [0, 1, 0], atol=1e-9)  # y points down
    np.testing.assert_allclose(grasp.across, [1, 0, 0], atol=1e-9)
    assert grasp.width_m == pytest.approx(0.06)


def test_the_behaviour_is_running_then_succeeds_and_no_tick_waits(robot: ReasonSegClient) -> None:
    py_trees = pytest.importorskip("py_trees")
    from behavior_tree_node import make_tree

    with spinning(SingleThreadedExecutor) as node, ReasonSegClient(node=node) as own:
        tree = make_tree(own, ["the red one", "the plate"])
        seen, ticks_s = [], []
        while not seen or seen[-1] is py_trees.common.Status.RUNNING:
            start = time.monotonic()
            tree.tick_once()
            ticks_s.append(time.monotonic() - start)
            seen.append(tree.status)
            time.sleep(0.05)
            assert len(seen) < 1200
        assert seen[0] is py_trees.common.Status.RUNNING
        assert seen[-1] is py_trees.common.Status.SUCCESS, py_trees.display.ascii_tree(tree, show_status=True)
        assert np.median(ticks_s) < 0.02
        assert list(py_trees.blackboard.Blackboard.get("answer_1").ids) == [PLATE]
        lost = make_tree(own, ["the green mug"])
        lost.tick_once()
        wait_for(lambda: lost.tick_once() or lost.status is not py_trees.common.Status.RUNNING, 60, "an end")
        assert lost.status is py_trees.common.Status.FAILURE
    done = run_example("behavior_tree_node.py", "the plate", "--ros-args", "-r", f"__ns:={SPACE}")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "1 object: 2" in done.stdout


def test_an_interrupted_behaviour_cancels_its_question(robot: ReasonSegClient) -> None:
    py_trees = pytest.importorskip("py_trees")
    from behavior_tree_node import Ask

    ask = Ask(robot, LONG + " and the reddest", "answer")
    ask.tick_once()
    wait_for(lambda: ask.tick_once() or "thinking" in ask.feedback_message, 60, "the model")
    goal = ask._goal
    assert goal is not None
    ask.stop(py_trees.common.Status.INVALID)
    wait_for(goal.done, 5, "the end of the goal")
    assert goal.answer().status == Answer.CANCELLED


def test_the_navigation_example_drives_to_a_place_before_the_object(robot: ReasonSegClient, tmp_path: Path) -> None:
    sent: list[PoseStamped] = []
    robot.node.create_subscription(PoseStamped, "goal_pose", sent.append, 1)
    command = [sys.executable, str(EXAMPLES / "nav2_style_action_server.py"), "--ros-args", "-r", f"__ns:={SPACE}"]
    with open(tmp_path / "log", "w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        go_to = ActionClient(robot.node, ReasonSegment, "go_to")
        assert go_to.wait_for_server(20), (tmp_path / "log").read_text()
        stages: list[str] = []

        def go(text: str):
            goal = ReasonSegment.Goal(text=text)
            asked = go_to.send_goal_async(goal, lambda m: stages.append(m.feedback.stage))
            handle = wait_for(asked.result, 20, "acceptance")
            return wait_for(handle.get_result_async().result, 60, "a result")

        reply = go("the plate")
        assert (reply.status, list(reply.result.answer.ids)) == (4, [PLATE])  # STATUS_SUCCEEDED
        place = wait_for(lambda: sent, 5, "the goal pose")[0].pose.position
        thing = reply.result.answer.instances[0].center
        assert np.linalg.norm([thing.x - place.x, thing.y - place.y, thing.z - place.z]) == pytest.approx(0.6, abs=1e-3)
        assert "sent" in stages
        reply = go("the green mug")
        assert (reply.status, reply.result.answer.status) == (6, Answer.NO_MATCH)  # STATUS_ABORTED
        assert len(sent) == 1
    finally:
        server.send_signal(2)
        assert server.wait(15) == 0, (tmp_path / "log").read_text()


def test_what_the_navigation_example_sends_looks_at_the_object() -> None:
    from nav2_style_action_server import place_before

    from fastreasonseg_ros.ros.frames import rotate

    thing = Instance()
    thing.center.x, thing.center.y, thing.center.z = 0.5, -0.2, 2.0
    place = place_before(Answer(instances=[thing]), 0.6).pose
    q = place.orientation
    ahead = rotate((q.x, q.y, q.z, q.w), (1.0, 0.0, 0.0))
    np.testing.assert_allclose(ahead, np.array([0.5, -0.2, 2.0]) / np.linalg.norm([0.5, -0.2, 2.0]), atol=1e-6)
    assert json.dumps(place.position.z) < "2"
