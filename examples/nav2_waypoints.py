"""Drive to things that are described, one after the other: waypoints in the map frame for Nav2.

    python examples/nav2_waypoints.py "the red chair" "the printer" --standoff 0.8

Asks each question, takes the first thing that was found into the frame `map` by tf2 at the answer's stamp, and places a
waypoint in front of it: on the ground, on the line from where the camera is, `standoff` before the thing's edge, turned
to it. The waypoints go to Nav2's action follow_waypoints. Needs tf2_ros and nav2_msgs, of a ROS 2 distribution.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from typing import Any

import numpy as np
from action_msgs.msg import GoalStatus
from geometry_msgs.msg import PoseStamped
from rclpy.action import ActionClient
from rclpy.utilities import remove_ros_args
from std_msgs.msg import Header

from fastreasonseg_ros.errors import ConfigError, ReasonSegError
from fastreasonseg_ros.msg import Answer, Instance
from fastreasonseg_ros.ros.client import ReasonSegClient, required
from fastreasonseg_ros.ros.transforms import Transform, Transforms

try:
    from nav2_msgs.action import FollowWaypoints
except ImportError:  # no Nav2 here
    FollowWaypoints: Any = None

TF_S, SERVER_S = 1.0, 10.0  # how long a transform and Nav2 are waited for


class WaypointError(ReasonSegError):
    """There is no way to say where to drive; says why."""


def waypoint(thing: Instance, camera: Transform, standoff_m: float, frame_id: str = "map") -> PoseStamped:
    """In front of a thing, in a frame whose z is up (REP 105); z = 0 and the stamp 0, for Nav2 takes the newest tf.

    thing: in the camera's frame. camera: takes its points to `frame_id`. standoff_m: from the robot's centre to the
    thing's nearest edge. A robot that is nearer already keeps its distance and turns. Raises WaypointError.
    """
    c, s = thing.center, thing.size
    if not math.isfinite(c.x + c.y + c.z):
        raise WaypointError(f"{thing.label} {thing.id} has no position: is there a depth image, registered to colour?")
    there, here = np.array(camera.point((c.x, c.y, c.z)))[:2], np.array(camera.translation_m)[:2]
    ahead, distance_m = there - here, float(np.linalg.norm(there - here))
    if distance_m < 1e-6:
        raise WaypointError(f"{thing.label} {thing.id} is straight above or below the camera: drive away from it first")
    radius_m = max(s.x, s.z) / 2 if math.isfinite(s.x + s.z) else 0.0
    to_drive_m = max(0.0, distance_m - radius_m - standoff_m)
    place = PoseStamped(header=Header(frame_id=frame_id))
    place.pose.position.x, place.pose.position.y = (float(v) for v in here + ahead / distance_m * to_drive_m)
    yaw = math.atan2(ahead[1], ahead[0])
    place.pose.orientation.z, place.pose.orientation.w = math.sin(yaw / 2), math.cos(yaw / 2)
    return place


def first_of(answer: Answer) -> Instance:
    """The first thing of an answer that is in view, else the first."""
    return next((i for i in answer.instances if i.visible), answer.instances[0])


def waypoints(
    robot: ReasonSegClient, questions: list[str], transforms: Any, frame_id: str, standoff_m: float
) -> list[PoseStamped]:
    """One for each question. transforms: `Transforms`. Raises AnswerError, FrameLookupError, WaypointError."""
    places = []
    for question in questions:
        answer = required(robot.ask(question))
        camera = transforms.transform(answer.header, frame_id, TF_S)
        places.append(waypoint(first_of(answer), camera, standoff_m, frame_id))
    return places


def follow(robot: ReasonSegClient, places: list[PoseStamped]) -> int:
    """Lets Nav2 drive; how many waypoints it missed. Raises ConfigError without Nav2, WaypointError."""
    if FollowWaypoints is None:
        raise ConfigError(
            "nav2_msgs cannot be imported: install ros-DISTRO-nav2-msgs (it is not among the wheels on PyPI)"
        )
    client = ActionClient(robot.node, FollowWaypoints, "follow_waypoints")
    if not client.wait_for_server(SERVER_S):
        raise WaypointError("the action follow_waypoints is not there: is Nav2 up?")
    handle = _result(client.send_goal_async(FollowWaypoints.Goal(poses=places)))
    if not handle.accepted:
        raise WaypointError("Nav2 refused the waypoints: its log says why")
    reply = _result(handle.get_result_async())
    if reply.status != GoalStatus.STATUS_SUCCEEDED:
        raise WaypointError(f"Nav2 ended with the status {reply.status}: its log says why")
    return len(reply.result.missed_waypoints)


def _result(future: Any) -> Any:
    """The client's own thread spins."""
    while not future.done():
        time.sleep(0.05)
    return future.result()


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("questions", nargs="+")
    parser.add_argument("--namespace", default="reasonseg", help="of the nodes; '' for none (%(default)s)")
    parser.add_argument("--frame", default="map")
    parser.add_argument("--standoff", type=float, default=0.8, help="metres")
    args = parser.parse_args(remove_ros_args(["", *argv])[1:])
    with ReasonSegClient(args.namespace) as robot:
        try:
            places = waypoints(robot, args.questions, Transforms(robot.node), args.frame, args.standoff)
            for question, place in zip(args.questions, places, strict=True):
                p = place.pose.position
                print(f"{question}: ({p.x:.2f}, {p.y:.2f}) in {args.frame}")
            missed = follow(robot, places)
        except ReasonSegError as error:
            print(f"no way: {error}", file=sys.stderr)
            return 1
    print(f"{len(places) - missed} of {len(places)} were reached")
    return int(bool(missed))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
