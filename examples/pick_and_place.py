"""A command to a robot's planner: where to take a thing, and where to put it.

    python examples/pick_and_place.py "put the red mug into the box"

Selects its own question, so that nobody else's poses are taken for it, asks the nodes, waits for the topics `target`
(the centre of what is to be taken) and `place` (where its centre is to stand) of mask_node, and prints both: hand them
to your planner in place of `print`. Metres, in the camera's frame; z is up from the support and x along the longer side
of what is taken, where that is known. moveit_pick.py goes on from here.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from geometry_msgs.msg import PoseStamped
from rclpy.utilities import remove_ros_args

from fastreasonseg_ros.errors import ReasonSegError
from fastreasonseg_ros.msg import Answer
from fastreasonseg_ros.ros.client import ReasonSegClient, UnreachableError, required
from fastreasonseg_ros.ros.qos import reliable

WAIT_S = 10.0  # for the two poses, after the answer


class CommandError(ReasonSegError):
    """The answer is right and names nothing to be put anywhere; says why."""


@dataclass(frozen=True)
class PickAndPlace:
    """Both poses have the stamp and frame of one twin."""

    answer: Answer
    pick: PoseStamped
    place: PoseStamped


def pick_and_place(
    robot: ReasonSegClient,
    text: str,
    timeout_s: float = 60.0,
    usable: Callable[[PoseStamped], bool] = lambda pose: True,
) -> PickAndPlace:
    """Asks and waits for both poses. usable: whether a pose of `target` is one to take.

    `target` and `place` are of the question that is selected: that is this one meanwhile, and then the last one again.
    Raises AnswerError (no such object, too), CommandError or UnreachableError.
    """
    poses: dict[str, dict[tuple[int, int], PoseStamped]] = {"target": {}, "place": {}}

    def keep(topic: str, pose: PoseStamped) -> None:
        poses[topic][pose.header.stamp.sec, pose.header.stamp.nanosec] = pose

    subscriptions = [
        robot.node.create_subscription(PoseStamped, topic, lambda m, t=topic: keep(t, m), reliable()) for topic in poses
    ]
    own = f"pick-{uuid4().hex[:8]}"
    try:
        robot.select(own)
        for kept in poses.values():
            kept.clear()  # of another question
        answer = required(robot.ask(text, timeout_s, own))
        if not answer.destination_ids and answer.reference != "before":
            where = answer.reference or "nowhere"
            raise CommandError(f"{text!r} puts things to {where}, and not to an object that was found")
        asked = answer.header.stamp.sec, answer.header.stamp.nanosec
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            stamps = sorted({*poses["target"]} & {*poses["place"]})
            if both := [s for s in stamps if s >= asked and usable(poses["target"][s])]:
                return PickAndPlace(answer, poses["target"][both[0]], poses["place"][both[0]])
            time.sleep(0.02)
    finally:
        for subscription in subscriptions:
            robot.node.destroy_subscription(subscription)
        with contextlib.suppress(UnreachableError):  # the node is gone, which is told already
            robot.select()
    raise CommandError(f"no target and place within {WAIT_S:.0f} s: does mask_node run, and is there a depth image?")


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command")
    parser.add_argument("--namespace", default="reasonseg", help="of the nodes; '' for none (%(default)s)")
    args = parser.parse_args(remove_ros_args(["", *argv])[1:])
    with ReasonSegClient(args.namespace) as robot:
        try:
            found = pick_and_place(robot, args.command)
        except ReasonSegError as error:
            print(f"nothing to do: {error}", file=sys.stderr)
            return 1
    for verb, pose in (("pick", found.pick), ("place", found.place)):
        p = pose.pose.position
        print(f"{verb} at ({p.x:.3f}, {p.y:.3f}, {p.z:.3f}) m in {pose.header.frame_id}")
    print(found.answer.message)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
