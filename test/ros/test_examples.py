"""The examples run as they are, against real nodes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
from geometry_msgs.msg import PoseStamped
from planner import (
    MUG,
    PLATE,
    ROBOT,
    SPACE,
    SilentServer,
    cancelled,
    planner_nodes,  # noqa: F401
    planner_robot,  # noqa: F401
    spinning,
)
from processes import PATIENCE_S, wait_for
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor
from scipy.spatial.transform import Rotation
from std_msgs.msg import Float32
from visualization_msgs.msg import Marker

from fastreasonseg_ros.action import ReasonSegment
from fastreasonseg_ros.msg import Answer, Instance
from fastreasonseg_ros.ros.client import ReasonSegClient
from fastreasonseg_ros.ros.qos import latched

EXAMPLES = Path(__file__).parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))


def run_example(name: str, *arguments: str, timeout_s: float = 2 * PATIENCE_S) -> subprocess.CompletedProcess[str]:
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
    wait_for(lambda: len(poses) == 2 and widths, what="both poses and the width")
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


def test_a_grasp_is_across_the_shorter_side_of_the_things_own_box() -> None:
    from grasp_target import plan_grasp

    turned = Rotation.from_euler("xy", (90, 40), degrees=True)  # z up in the camera's frame, then about the plumb
    box = Marker(id=4)
    q = box.pose.orientation
    q.x, q.y, q.z, q.w = map(float, turned.as_quat())
    box.pose.position.x, box.pose.position.y, box.pose.position.z = 0.0, 0.1, 1.0
    box.scale.x, box.scale.y, box.scale.z = 0.2, 0.05, 0.1
    thing = Instance(id=4, label="box")
    thing.center.x, thing.center.y, thing.center.z = 0.0, 0.1, 1.0
    thing.size.x = thing.size.y = thing.size.z = 0.19  # along the camera's axes it is too wide
    grasp = plan_grasp(thing, turned.as_matrix()[:, 2], 0.1, box)
    assert abs(grasp.across @ turned.as_matrix()[:, 1]) == pytest.approx(1)
    assert grasp.width_m == pytest.approx(0.07)


def test_the_pick_and_place_example_finds_both_ends(robot: ReasonSegClient) -> None:
    from pick_and_place import CommandError, pick_and_place

    found = pick_and_place(robot, "put the mug on the plate")
    assert (list(found.answer.ids), found.answer.relation, list(found.answer.destination_ids)) == ([MUG], "on", [PLATE])
    assert found.pick.header == found.place.header
    plate = found.answer.destinations[0]
    assert found.place.pose.position.x == pytest.approx(plate.center.x, abs=0.02)
    assert found.place.pose.position.z < plate.center.z  # seen from above: what is on the plate is nearer to it
    with pytest.raises(CommandError, match="puts things to camera"):
        pick_and_place(robot, "bring me the mug")
    done = run_example("pick_and_place.py", "put the mug on the plate", "--namespace", SPACE)
    assert done.returncode == 0, done.stderr
    assert "pick at (" in done.stdout
    assert "place at (" in done.stdout


def test_the_pick_and_place_example_takes_its_own_poses_though_another_question_was_selected(robot) -> None:
    from pick_and_place import pick_and_place

    other = robot.ask("the book", query_id="other")
    robot.select("other")
    found = pick_and_place(robot, "put the mug on the plate")
    mug, book = found.answer.instances[0], other.instances[0]
    at = found.pick.pose.position
    assert abs(at.x - mug.center.x) + abs(at.y - mug.center.y) < abs(at.x - book.center.x) + abs(at.y - book.center.y)


def test_the_behaviour_is_running_then_succeeds(robot: ReasonSegClient) -> None:
    py_trees = pytest.importorskip("py_trees")
    from behavior_tree_node import make_tree

    with spinning(SingleThreadedExecutor) as node, ReasonSegClient(node=node) as own:
        tree = make_tree(own, ["the red one", "the plate"])
        tree.tick_once()
        assert tree.status is py_trees.common.Status.RUNNING
        wait_for(lambda: tree.tick_once() or tree.status is not py_trees.common.Status.RUNNING, what="an end")
        assert tree.status is py_trees.common.Status.SUCCESS, py_trees.display.ascii_tree(tree, show_status=True)
        assert list(py_trees.blackboard.Blackboard.get("answer_1").ids) == [PLATE]
        lost = make_tree(own, ["the green mug"])
        lost.tick_once()
        wait_for(lambda: lost.tick_once() or lost.status is not py_trees.common.Status.RUNNING, what="an end")
        assert lost.status is py_trees.common.Status.FAILURE
    done = run_example("behavior_tree_node.py", "the plate", "--ros-args", "-r", f"__ns:={ROBOT}")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "1 object: 2" in done.stdout


def test_an_interrupted_behaviour_cancels_its_question(robot: ReasonSegClient) -> None:
    py_trees = pytest.importorskip("py_trees")
    from behavior_tree_node import Ask

    def give_up(text: str) -> Answer:
        ask = Ask(robot, text, "answer", PATIENCE_S)
        ask.tick_once()
        goal = ask._goal
        assert goal is not None
        wait_for(lambda: ask.tick_once() or "thinking" in ask.feedback_message or goal.done(), what="the model")
        ask.stop(py_trees.common.Status.INVALID)
        wait_for(goal.done, what="the end of the goal")
        return goal.answer()

    wait_for(robot.ready, what="the action")
    cancelled(give_up)


def test_no_tick_waits_for_a_node_that_says_nothing() -> None:
    py_trees = pytest.importorskip("py_trees")
    from behavior_tree_node import make_tree

    silent = SilentServer(f"{SPACE}/silent_tree")
    with ReasonSegClient(f"{SPACE}/silent_tree") as own:
        wait_for(own.ready, what="the server")
        tree = make_tree(own, ["the plate"])
        for _ in range(20):
            tree.tick_once()
            assert tree.status is py_trees.common.Status.RUNNING
    silent.close()


def test_the_navigation_example_drives_to_a_place_before_the_object(robot: ReasonSegClient, tmp_path: Path) -> None:
    sent: list[PoseStamped] = []
    robot.node.create_subscription(PoseStamped, f"{ROBOT}/goal_pose", sent.append, 1)
    command = [sys.executable, str(EXAMPLES / "nav2_style_action_server.py"), "--ros-args", "-r", f"__ns:={ROBOT}"]
    with open(tmp_path / "log", "w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        go_to = ActionClient(robot.node, ReasonSegment, f"{ROBOT}/go_to")
        assert go_to.wait_for_server(PATIENCE_S), (tmp_path / "log").read_text()
        stages: list[str] = []
        # rclpy's action client lets go of feedback that comes after the result: heard on the topic, none is lost.
        kind, topic = ReasonSegment.Impl.FeedbackMessage, f"{ROBOT}/go_to/_action/feedback"
        robot.node.create_subscription(kind, topic, lambda m: stages.append(m.feedback.stage), 10)
        wait_for(lambda: robot.node.count_publishers(topic), what="the feedback topic")

        def go(text: str):
            goal = ReasonSegment.Goal(text=text)
            asked = go_to.send_goal_async(goal)
            handle = wait_for(asked.result, what="acceptance")
            return wait_for(handle.get_result_async().result, what="a result")

        reply = go("the plate")
        assert (reply.status, list(reply.result.answer.ids)) == (4, [PLATE])  # STATUS_SUCCEEDED
        place = wait_for(lambda: sent, what="the goal pose")[0].pose.position
        thing = reply.result.answer.instances[0].center
        assert np.linalg.norm([thing.x - place.x, thing.y - place.y, thing.z - place.z]) == pytest.approx(0.6, abs=1e-3)
        wait_for(lambda: "sent" in stages, what="the last feedback")
        reply = go("the green mug")
        assert (reply.status, reply.result.answer.status) == (6, Answer.NO_MATCH)  # STATUS_ABORTED
        assert len(sent) == 1
    finally:
        server.send_signal(2)
        assert server.wait(PATIENCE_S) == 0, (tmp_path / "log").read_text()


def test_what_the_navigation_example_sends_looks_at_the_object() -> None:
    from nav2_style_action_server import place_before

    thing = Instance()
    thing.center.x, thing.center.y, thing.center.z = 0.5, -0.2, 2.0
    place = place_before(Answer(instances=[thing]), 0.6).pose
    q = place.orientation
    ahead = Rotation.from_quat((q.x, q.y, q.z, q.w)).apply((1.0, 0.0, 0.0))
    np.testing.assert_allclose(ahead, np.array([0.5, -0.2, 2.0]) / np.linalg.norm([0.5, -0.2, 2.0]), atol=1e-6)
    assert json.dumps(place.position.z) < "2"
