"""A command to MoveIt: grasp, place, and everything else on the table as collision objects.

    python examples/moveit_pick.py "put the red mug into the box"

Publishes for move_group: collision_object (moveit_msgs/CollisionObject), one box for each thing that the twin sees,
with the id `thing_ID`, and `support`, the surface under them. Prints the gripper's poses for grasp and place: hand them
to MoveItPy in place of `print`, as `arm.set_goal_state(pose_stamped_msg=pick, pose_link="tool0")`. What is taken is
among the objects: attach `thing_ID` when the gripper has closed. MoveIt transforms from the camera's frame by tf.
The gripper's axes: z along the approach, y across the fingers, which close over the shorter side.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from geometry_msgs.msg import Pose, PoseStamped
from pick_and_place import PickAndPlace, pick_and_place
from rclpy.utilities import remove_ros_args
from scipy.spatial.transform import Rotation
from std_msgs.msg import Header
from visualization_msgs.msg import Marker, MarkerArray

from fastreasonseg_ros.errors import ConfigError, ReasonSegError
from fastreasonseg_ros.msg import SceneGraph
from fastreasonseg_ros.ros.client import ReasonSegClient
from fastreasonseg_ros.ros.qos import reliable

try:
    from moveit_msgs.msg import CollisionObject
    from shape_msgs.msg import SolidPrimitive
except ImportError:  # no MoveIt here
    CollisionObject: Any = None
    SolidPrimitive: Any = None

WAIT_S = 10.0
SUPPORT_M = (2.0, 2.0, 0.02)  # of the box that stands for the supporting surface; its upper side is the surface
DOWN = Rotation.from_quat((0.0, 1.0, 0.0, 0.0))  # from a thing's axes, z up, to a gripper's above it, z down


class PickError(ReasonSegError):
    """What is needed did not come; says what."""


@dataclass(frozen=True)
class CollisionBox:
    """size_m: along the pose's own axes."""

    id: str
    pose: Pose
    size_m: tuple[float, float, float]


@dataclass(frozen=True)
class Pick:
    """Poses of the gripper, its opening (the thing's shorter side), and all boxes, also that of what is taken."""

    found: PickAndPlace
    grasp: PoseStamped
    place: PoseStamped
    width_m: float
    header: Header  # of the boxes
    boxes: list[CollisionBox]


def plan_pick(robot: ReasonSegClient, text: str, margin_m: float = 0.0, timeout_s: float = 60.0) -> Pick:
    """Asks, and takes the poses and boxes that come. Raises AnswerError, CommandError, PickError, UnreachableError."""
    markers: list[MarkerArray] = []
    twins: list[SceneGraph] = []
    listening = [
        robot.node.create_subscription(
            MarkerArray, "boxes", lambda m: markers.__setitem__(slice(None), [m]), reliable()
        ),
        robot.on_twin(lambda twin: twins.__setitem__(slice(None), [twin])),
    ]
    try:
        _wait(lambda: bool(markers and twins), "boxes and twin", "do twin_node and the camera run?")
        found = pick_and_place(robot, text, timeout_s, is_turned)
        taken = found.answer.ids[0]
        _wait(lambda: any(m.id == taken and m.action == Marker.ADD for m in markers[0].markers), f"the box of {taken}",
              "it has left the view")  # fmt: skip
        box = next(m for m in markers[0].markers if m.id == taken and m.action == Marker.ADD)
        header, boxes = box.header, collision_boxes(markers[0], margin_m)
        if (support := support_box(twins[0], boxes)) is not None:
            boxes.append(support)
    finally:
        for subscription in listening:
            robot.node.destroy_subscription(subscription)
    return Pick(found, gripper_pose(found.pick), gripper_pose(found.place), box.scale.y, header, boxes)


def is_turned(pose: PoseStamped) -> bool:
    """Whether it has the thing's own axes: an orientation that is that of the frame says that they are not known."""
    return abs(pose.pose.orientation.w) < 1 - 1e-9


def gripper_pose(thing: PoseStamped) -> PoseStamped:
    """From above: z against the thing's z, y along its shorter side."""
    q = thing.pose.orientation
    pose = PoseStamped(header=thing.header, pose=Pose(position=thing.pose.position))
    turned = Rotation.from_quat((q.x, q.y, q.z, q.w)) * DOWN
    o = pose.pose.orientation
    o.x, o.y, o.z, o.w = (float(v) for v in turned.as_quat())
    return pose


def collision_boxes(markers: MarkerArray, margin_m: float = 0.0) -> list[CollisionBox]:
    """Of the topic boxes; each side is moved out by the margin."""
    return [
        CollisionBox(
            f"thing_{m.id}", m.pose, (m.scale.x + 2 * margin_m, m.scale.y + 2 * margin_m, m.scale.z + 2 * margin_m)
        )
        for m in markers.markers
        if m.action == Marker.ADD
    ]


def support_box(twin: SceneGraph, things: Sequence[CollisionBox]) -> CollisionBox | None:
    """A slab under the things, its upper side in the supporting plane; None where no plane or no thing is known."""
    up = np.array([twin.plane_normal.x, twin.plane_normal.y, twin.plane_normal.z])
    if not things or not 0.5 < np.linalg.norm(up) < 2:
        return None
    centers = np.array([[t.pose.position.x, t.pose.position.y, t.pose.position.z] for t in things])
    middle = centers.mean(axis=0)
    middle += up * (twin.plane_offset - up @ middle - SUPPORT_M[2] / 2)
    pose = Pose(orientation=things[0].pose.orientation)  # z up, as things have it
    pose.position.x, pose.position.y, pose.position.z = (float(v) for v in middle)
    return CollisionBox("support", pose, SUPPORT_M)


def to_moveit(box: CollisionBox, header: Header) -> Any:
    """The CollisionObject that adds the box, or replaces the one of its id. Raises ConfigError without MoveIt."""
    if CollisionObject is None:
        raise ConfigError(
            "moveit_msgs cannot be imported: install ros-DISTRO-moveit-msgs (it is not among the wheels on PyPI)"
        )
    shape = SolidPrimitive(type=SolidPrimitive.BOX, dimensions=list(box.size_m))
    return CollisionObject(
        header=header, id=box.id, pose=box.pose, primitives=[shape], primitive_poses=[_here()],
        operation=CollisionObject.ADD,
    )  # fmt: skip


def send(robot: ReasonSegClient, pick: Pick) -> None:
    """To move_group's topic collision_object, and waits for it to be there. Raises PickError, ConfigError."""
    objects = [to_moveit(box, pick.header) for box in pick.boxes]
    publisher = robot.node.create_publisher(CollisionObject, "collision_object", reliable(len(objects)))
    _wait(lambda: publisher.get_subscription_count() > 0, "a subscriber of collision_object", "does move_group run?")
    for one in objects:
        publisher.publish(one)


def _here() -> Pose:
    pose = Pose()
    pose.orientation.w = 1.0
    return pose


def _wait(ready: Any, what: str, then: str) -> None:
    end = time.monotonic() + WAIT_S
    while not ready():
        if time.monotonic() > end:
            raise PickError(f"no {what} within {WAIT_S:.0f} s: {then}")
        time.sleep(0.02)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command")
    parser.add_argument("--namespace", default="reasonseg", help="of the nodes; '' for none (%(default)s)")
    parser.add_argument("--margin", type=float, default=0.01, help="around each thing, in metres")
    parser.add_argument("--dry-run", action="store_true", help="print only: needs no MoveIt")
    args = parser.parse_args(remove_ros_args(["", *argv])[1:])
    with ReasonSegClient(args.namespace) as robot:
        try:
            pick = plan_pick(robot, args.command, args.margin)
            if not args.dry_run:
                send(robot, pick)
        except ReasonSegError as error:
            print(f"no pick: {error}", file=sys.stderr)
            return 1
    for verb, pose in (("grasp", pick.grasp), ("place", pick.place)):
        p, o = pose.pose.position, pose.pose.orientation
        turn = f"({o.x:.3f}, {o.y:.3f}, {o.z:.3f}, {o.w:.3f})"
        print(f"{verb} at ({p.x:.3f}, {p.y:.3f}, {p.z:.3f}) m, orientation {turn}, in {pose.header.frame_id}")
    print(f"gripper opening {pick.width_m:.3f} m; collision objects {', '.join(box.id for box in pick.boxes)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
