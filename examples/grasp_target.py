"""From a question to a grasp: where the gripper goes, from which side, and how far it opens.

    python examples/grasp_target.py "the mug nearest to the plate" --max-opening 0.10

Publishes, latched: grasp and pregrasp (PoseStamped) and gripper_width (Float32, metres), with the stamp and the frame
of the picture that the answer speaks of. The gripper's axes: z along the approach, y across the fingers, which close
over the shorter side of the object's own box (topic boxes), where a supporting plane is known. Its size is that of its
visible side: approach slowly, or look from a second place before you rely on the far side.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass

import numpy as np
from geometry_msgs.msg import PoseStamped
from rclpy.utilities import remove_ros_args
from scipy.spatial.transform import Rotation
from std_msgs.msg import Float32
from visualization_msgs.msg import Marker, MarkerArray

from fastreasonseg_ros.errors import ReasonSegError
from fastreasonseg_ros.msg import Answer, Instance, SceneGraph
from fastreasonseg_ros.plan.executor import NOT_TO_THE_LETTER
from fastreasonseg_ros.ros.client import ReasonSegClient, required
from fastreasonseg_ros.ros.qos import latched, reliable

CLEARANCE_M = 0.02  # added to the object's width: one centimetre a finger
BOX_WAIT_S = 2.0
RETREAT_M = 0.10  # the pre-grasp is so far back along the approach


class GraspError(ReasonSegError):
    """The answer is right and cannot be grasped; says why."""


@dataclass(frozen=True)
class Grasp:
    """In the frame of the answer, metres. approach and across are unit vectors at right angles to each other."""

    position_m: np.ndarray
    approach: np.ndarray
    across: np.ndarray
    width_m: float

    def pose(self, answer: Answer, back_m: float = 0.0) -> PoseStamped:
        """The gripper's pose, `back_m` before the object."""
        axes = np.column_stack([np.cross(self.across, self.approach), self.across, self.approach])
        pose = PoseStamped(header=answer.header)
        place = self.position_m - back_m * self.approach
        pose.pose.position.x, pose.pose.position.y, pose.pose.position.z = map(float, place)
        turn = map(float, Rotation.from_matrix(axes).as_quat())
        q = pose.pose.orientation
        q.x, q.y, q.z, q.w = turn
        return pose


def plan_grasp(thing: Instance, up: np.ndarray | None, max_opening_m: float, box: Marker | None = None) -> Grasp:
    """A grasp across the narrowest direction: from above where the supporting plane is known, else along the view.

    up: unit normal of the plane, in the frame of the answer. box: the thing's, of the topic boxes, along its own axes;
    None: its size along the camera's axes. Raises GraspError.
    """
    center = np.array([thing.center.x, thing.center.y, thing.center.z])
    size = np.array([thing.size.x, thing.size.y, thing.size.z])
    axes = np.eye(3)  # columns
    if box is not None:
        p, q, s = box.pose.position, box.pose.orientation, box.scale
        center, size = np.array([p.x, p.y, p.z]), np.array([s.x, s.y, s.z])
        axes = Rotation.from_quat((q.x, q.y, q.z, q.w)).as_matrix()
    if not (np.isfinite(center).all() and np.isfinite(size).all()):
        raise GraspError(f"{thing.label} {thing.id} has no position: is there a depth image, registered to colour?")
    approach = -up if up is not None else center / np.linalg.norm(center)
    widths = []
    for axis in axes.T:
        across = axis - (axis @ approach) * approach
        if (length := np.linalg.norm(across)) > 0.3:  # an axis along the approach says nothing
            across /= length
            widths.append((float(np.abs(across @ axes) @ size), across))  # of the box, seen along `across`
    width, across = min(widths, key=lambda pair: pair[0])
    if width + CLEARANCE_M > max_opening_m:
        raise GraspError(
            f"{thing.label} {thing.id} is {width:.3f} m across at its narrowest; with clearance that is more than the "
            f"gripper's {max_opening_m:.3f} m"
        )
    return Grasp(center, approach, across, width + CLEARANCE_M)


def up_of(twin: SceneGraph | None) -> np.ndarray | None:
    """Unit normal of the supporting plane; None where the twin knows none."""
    if twin is None:
        return None
    normal = np.array([twin.plane_normal.x, twin.plane_normal.y, twin.plane_normal.z])
    length = float(np.linalg.norm(normal))
    return normal / length if length > 0.5 else None


def grasp_target(robot: ReasonSegClient, question: str, max_opening_m: float, timeout_s: float = 60.0) -> Grasp:
    """Asks, plans, publishes. Raises AnswerError (no such object, too), GraspError or UnreachableError."""
    twins: list[SceneGraph] = []
    boxes: dict[int, Marker] = {}
    listening = [
        robot.on_twin(lambda twin: twins.__setitem__(slice(None), [twin])),
        robot.node.create_subscription(
            MarkerArray,
            "boxes",
            lambda m: boxes.update({b.id: b for b in m.markers if b.action == Marker.ADD}),
            reliable(),
        ),
    ]
    try:
        answer = required(robot.ask(question, timeout_s))
        if any(step.note in NOT_TO_THE_LETTER for step in answer.steps):  # a hand that is not sure does not close
            raise GraspError(answer.message)
        first = next((i for i in answer.instances if i.visible), answer.instances[0])  # not one that is hidden now
        end = time.monotonic() + BOX_WAIT_S
        while first.visible and first.id not in boxes and time.monotonic() < end:  # one comes with every picture
            time.sleep(0.02)
    finally:
        for subscription in listening:
            robot.node.destroy_subscription(subscription)
    grasp = plan_grasp(first, up_of(twins[0] if twins else None), max_opening_m, boxes.get(first.id))
    for kind, topic, message in (
        (PoseStamped, "pregrasp", grasp.pose(answer, RETREAT_M)),
        (PoseStamped, "grasp", grasp.pose(answer)),
        (Float32, "gripper_width", Float32(data=grasp.width_m)),
    ):
        robot.node.create_publisher(kind, topic, latched()).publish(message)
    return grasp


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("question")
    parser.add_argument("--namespace", default="reasonseg", help="of the nodes; '' for none (%(default)s)")
    parser.add_argument("--max-opening", type=float, default=0.085, help="of the gripper, in metres")
    parser.add_argument("--hold", action="store_true", help="stay, so that who comes late gets the poses too")
    args = parser.parse_args(remove_ros_args(["", *argv])[1:])
    with ReasonSegClient(args.namespace) as robot:
        try:
            grasp = grasp_target(robot, args.question, args.max_opening)
        except ReasonSegError as error:
            print(f"no grasp: {error}", file=sys.stderr)
            return 1
        print(f"position {grasp.position_m.round(3)}, approach {grasp.approach.round(3)}, width {grasp.width_m:.3f} m")
        if args.hold:
            input("press Enter to end ")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
