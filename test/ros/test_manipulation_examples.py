"""The examples for MoveIt, Nav2 and BehaviorTree.CPP: what can be run without them is run."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
from geometry_msgs.msg import PoseStamped
from planner import MUG, PLATE, SPACE, planner_nodes, planner_robot  # noqa: F401
from processes import PATIENCE_S, wait_for
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import PointCloud2

from fastreasonseg_ros.action import ReasonSegment
from fastreasonseg_ros.errors import ConfigError
from fastreasonseg_ros.msg import Answer, Instance, SceneGraph
from fastreasonseg_ros.ros import transforms
from fastreasonseg_ros.ros.client import ReasonSegClient
from fastreasonseg_ros.ros.qos import reliable
from fastreasonseg_ros.ros.transforms import Transform

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
sys.path.insert(0, str(EXAMPLES))
import moveit_pick
import nav2_waypoints

# Of a camera at (1, 2, 0.5) in the map that looks along the map's y: its x is the map's x, its z the map's y.
CAMERA = Transform((1.0, 2.0, 0.5), Rotation.from_matrix([[1, 0, 0], [0, 0, 1], [0, -1, 0]]))


def run_example(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE_S)


def thing(x: float, y: float, z: float, width_m: float = 0.2) -> Instance:
    one = Instance(id=3, label="chair", visible=True)
    one.center.x, one.center.y, one.center.z = x, y, z
    one.size.x = one.size.y = one.size.z = width_m
    return one


def axes(pose: PoseStamped) -> np.ndarray:
    """Columns: x, y, z."""
    q = pose.pose.orientation
    return Rotation.from_quat((q.x, q.y, q.z, q.w)).as_matrix()


def test_the_moveit_example_plans_a_grasp_from_above_and_boxes_to_keep_clear_of(robot: ReasonSegClient) -> None:
    pick = moveit_pick.plan_pick(robot, "put the mug on the plate", margin_m=0.01)
    assert (list(pick.found.answer.ids), list(pick.found.answer.destination_ids)) == ([MUG], [PLATE])
    boxes = {box.id: box for box in pick.boxes}
    assert set(boxes) == {"thing_1", "thing_2", "thing_3", "support"}
    # The camera looks straight down: up is its -z, and the gripper comes along its z.
    for pose in (pick.grasp, pick.place):
        assert axes(pose)[:, 2] == pytest.approx((0, 0, 1), abs=0.05)
        assert np.linalg.det(axes(pose)) == pytest.approx(1)
    assert pick.found.place.pose.position.z < pick.found.answer.destinations[0].center.z
    assert pick.grasp.pose.position.z == pytest.approx(pick.found.pick.pose.position.z)
    assert pick.width_m == pytest.approx(36 * 0.9 / 300, abs=0.02)  # the shorter side of its 36 x 40 pixels
    book, support = boxes["thing_3"], boxes["support"]
    assert sorted(book.size_m[:2]) == pytest.approx([60 * 0.9 / 300 + 0.02, 80 * 0.9 / 300 + 0.02], abs=0.02)
    upper = support.pose.position.z - support.size_m[2] / 2
    assert upper == pytest.approx(1.0, abs=0.01)  # the table, 1 m away
    assert book.pose.position.z + book.size_m[2] / 2 == pytest.approx(1.01, abs=0.02)  # it stands there, and the margin


def test_the_moveit_example_runs_without_moveit_when_it_only_prints(robot: ReasonSegClient) -> None:
    done = run_example("moveit_pick.py", "put the mug on the plate", "--namespace", SPACE, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert re.search(r"grasp at \(.*\nplace at \(.*\ngripper opening 0\.\d+ m; collision objects thing_1", done.stdout)
    if moveit_pick.CollisionObject is None:
        done = run_example("moveit_pick.py", "put the mug on the plate", "--namespace", SPACE)
        assert done.returncode == 1
        assert "install ros-DISTRO-moveit-msgs" in done.stderr


def test_collision_objects_reach_a_planning_scene(robot: ReasonSegClient) -> None:
    moveit = pytest.importorskip("moveit_msgs.msg", reason="moveit_msgs cannot be imported (not among the wheels)")
    got: list = []
    robot.node.create_subscription(moveit.CollisionObject, "collision_object", got.append, reliable(64))
    pick = moveit_pick.plan_pick(robot, "put the mug on the plate")
    moveit_pick.send(robot, pick)
    wait_for(lambda: len(got) == len(pick.boxes), what="all collision objects")
    one = next(o for o in got if o.id == "thing_2")
    box = next(b for b in pick.boxes if b.id == "thing_2")
    assert (one.header, one.pose, one.operation) == (pick.header, box.pose, moveit.CollisionObject.ADD)
    assert (one.primitives[0].type, tuple(one.primitives[0].dimensions)) == (1, box.size_m)
    assert one.primitive_poses[0].orientation.w == 1.0


def test_the_nodes_together_give_the_cloud_of_an_answer(robot: ReasonSegClient) -> None:
    clouds: list[PointCloud2] = []
    robot.node.create_subscription(PointCloud2, "cloud", clouds.append, reliable())
    robot.ask("the book")
    cloud = wait_for(lambda: next((c for c in clouds if c.width > 4000), None), what="a cloud of the book")
    points = np.frombuffer(bytes(cloud.data), np.float32).reshape(-1, 4)
    assert cloud.width == 60 * 80  # its pixels
    assert points[:, 2] == pytest.approx(0.9, abs=0.02)
    assert {"red": (points[:, 3].view(np.uint32) >> 16).max(), "blue": (points[:, 3].view(np.uint32) & 255).min()} == {
        "red": 30,
        "blue": 200,
    }


def test_a_gripper_closes_over_the_shorter_side_from_above() -> None:
    turn = Rotation.from_euler("xz", (90, 30), degrees=True)  # up is the camera's -y
    pose = PoseStamped()
    o = pose.pose.orientation
    o.x, o.y, o.z, o.w = map(float, turn.as_quat())
    gripper, box = axes(moveit_pick.gripper_pose(pose)), turn.as_matrix()
    assert gripper[:, 2] == pytest.approx(-box[:, 2])
    assert gripper[:, 1] == pytest.approx(box[:, 1])
    assert moveit_pick.is_turned(pose)
    assert not moveit_pick.is_turned(PoseStamped())
    assert moveit_pick.support_box(SceneGraph(), []) is None


def test_a_waypoint_is_before_the_thing_and_looks_at_it() -> None:
    place = nav2_waypoints.waypoint(thing(0.0, 0.3, 3.0), CAMERA, 0.8)  # 3 m ahead
    p, q = place.pose.position, place.pose.orientation
    assert (place.header.frame_id, p.z) == ("map", 0)
    assert (p.x, p.y) == pytest.approx((1.0, 2.0 + 3.0 - 0.1 - 0.8))
    assert 2 * math.atan2(q.z, q.w) == pytest.approx(math.pi / 2)  # along the map's y
    aside = nav2_waypoints.waypoint(thing(2.0, 0.0, 2.0, 0.0), CAMERA, 0.5).pose
    left = np.array([3.0, 4.0]) - (aside.position.x, aside.position.y)
    assert np.linalg.norm(left) == pytest.approx(0.5)
    assert math.atan2(left[1], left[0]) == pytest.approx(2 * math.atan2(aside.orientation.z, aside.orientation.w))


def test_a_robot_that_is_near_enough_stays_and_turns() -> None:
    pose = nav2_waypoints.waypoint(thing(0.5, 0.0, 0.0), CAMERA, 0.8).pose
    assert (pose.position.x, pose.position.y) == pytest.approx((1.0, 2.0))
    assert pose.orientation.w == pytest.approx(1.0)  # along the map's x


def test_a_waypoint_needs_a_place_that_is_not_straight_above() -> None:
    with pytest.raises(nav2_waypoints.WaypointError, match="chair 3 has no position"):
        nav2_waypoints.waypoint(thing(math.nan, math.nan, math.nan), CAMERA, 0.8)
    with pytest.raises(nav2_waypoints.WaypointError, match="straight above or below"):
        nav2_waypoints.waypoint(thing(0.0, 1.0, 0.0), CAMERA, 0.8)


def test_waypoints_are_of_what_was_found_and_what_is_missing_is_named(robot: ReasonSegClient) -> None:
    class Tf:
        """tf2_ros is not among the wheels: one transform, at any time."""

        def transform(self, header, frame_id, timeout_s) -> Transform:
            assert (header.frame_id, frame_id) == ("camera_color_optical_frame", "odom")
            return CAMERA

    places = nav2_waypoints.waypoints(robot, ["the mug", "the plate"], Tf(), "odom", 0.2)
    assert [p.header.frame_id for p in places] == ["odom", "odom"]
    if nav2_waypoints.FollowWaypoints is None:
        with pytest.raises(ConfigError, match="install ros-DISTRO-nav2-msgs"):
            nav2_waypoints.follow(robot, places)
    if transforms.tf2_ros is None:
        done = run_example("nav2_waypoints.py", "the mug", "--namespace", SPACE)
        assert done.returncode == 1
        assert "install ros-DISTRO-tf2-ros-py" in done.stderr


def test_the_tree_uses_the_ports_of_the_action_that_the_header_and_the_docs_name() -> None:
    root = ET.parse(EXAMPLES / "behavior_tree/fetch.xml").getroot()
    assert root.get("BTCPP_format") == "4"
    trees = {tree.get("ID"): tree for tree in root.iter("BehaviorTree")}
    reason = next(trees[root.get("main_tree_to_execute")].iter("Reason"))
    model = next(a for a in root.iter("Action") if a.get("ID") == "Reason")
    ports = {p.get("name"): p for p in model}
    assert set(reason.keys()) == set(ports)
    written = re.findall(
        r"BT::(Input|Output)Port<.*?>+\(\"(\w+)\"", (EXAMPLES / "behavior_tree/reason_action.hpp").read_text()
    )
    assert {(kind.lower() + "_port", name) for kind, name in written} | {("input_port", "action_name")} == {
        (p.tag, name) for name, p in ports.items()
    }
    docs = (ROOT / "docs/planners.md").read_text()
    assert [name for name in ports if f"| `{name}` |" not in docs] == []
    known = set(re.findall(r'ID="(\w+)"', ET.tostring(next(root.iter("TreeNodesModel"))).decode()))
    control = {"BehaviorTree", "Fallback", "Sequence", "Timeout", "ForceFailure"}
    assert {node.tag for node in trees["Fetch"].iter()} <= known | control


def test_the_header_uses_fields_that_goal_result_and_feedback_have() -> None:
    text = re.sub(r"#include .*", "", (EXAMPLES / "behavior_tree/reason_action.hpp").read_text())
    for name, kind in (
        ("goal", ReasonSegment.Goal),
        ("feedback", ReasonSegment.Feedback),
        ("answer", Answer),
        ("thing", Instance),
    ):
        used = set(re.findall(rf"\b{name}\.(\w+)", text))
        assert used
        assert used <= set(kind.get_fields_and_field_types()), name
    assert "NOT COMPILED" in text
