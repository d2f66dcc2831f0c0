"""An action server `go_to`: drive to the thing that is described.

    python examples/nav2_style_action_server.py
    ros2 action send_goal --feedback /go_to fastreasonseg_ros/action/ReasonSegment "{text: the red box}"

It asks, takes a place `standoff_m` before the object, and sends it on: to Nav2's action navigate_to_pose where
nav2_msgs can be imported, else as a PoseStamped on the topic goal_pose, which Nav2's bt_navigator listens to as well
(then nobody tells when the robot is there, and the goal ends when it was sent). The place is in the frame of the
parameter `frame`, by tf2; empty: in the camera's frame, for a navigator that transforms it.

The type is ReasonSegment, so that a planner that can ask can also send; feedback adds the stages `sent` and `driving`.
"""

from __future__ import annotations

import contextlib
import math
import sys
import threading
from typing import Any

import rclpy
from action_msgs.msg import GoalStatus
from geometry_msgs.msg import PoseStamped
from rclpy.action import ActionClient, ActionServer, CancelResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor
from rclpy.node import Node

from fastreasonseg_ros.action import ReasonSegment
from fastreasonseg_ros.errors import ReasonSegError
from fastreasonseg_ros.msg import Answer
from fastreasonseg_ros.ros.client import ReasonSegClient
from fastreasonseg_ros.ros.transforms import Transforms

try:
    from nav2_msgs.action import NavigateToPose
except ImportError:  # no Nav2 here
    NavigateToPose: Any = None


class GoTo(Node):
    """Serves go_to; asks through a client of its own, so that any executor with two threads or more will do."""

    def __init__(self) -> None:
        super().__init__("go_to")
        self._standoff_m = self.declare_parameter("standoff_m", 0.6).value
        self._frame = self.declare_parameter("frame", "").value
        self._timeout_s = self.declare_parameter("timeout_s", 60.0).value
        self._frames = Transforms(self) if self._frame else None
        self._robot = ReasonSegClient(node=self)
        group = ReentrantCallbackGroup()
        self._goal_pose = self.create_publisher(PoseStamped, "goal_pose", 1)
        self._navigate = None
        if NavigateToPose is not None:
            self._navigate = ActionClient(self, NavigateToPose, "navigate_to_pose", callback_group=group)
        self._server = ActionServer(
            self,
            ReasonSegment,
            "go_to",
            self._go,
            callback_group=group,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
        )

    def destroy_node(self) -> None:
        self._server.destroy()
        self._robot.close()
        super().destroy_node()

    def _go(self, goal: Any) -> ReasonSegment.Result:
        def tell(stage: str, text: str) -> None:
            goal.publish_feedback(ReasonSegment.Feedback(stage=stage, text=text))

        try:
            answer = self._ask(goal, tell)
            if answer.status == Answer.CANCELLED:
                goal.canceled()
            elif answer.status != Answer.OK:
                goal.abort()
            else:
                self._drive(goal, place_before(answer, self._standoff_m), tell)
        except ReasonSegError as error:
            answer = Answer(text=goal.request.text, status=int(error.status), message=str(error))
            goal.abort()
        return ReasonSegment.Result(answer=answer)

    def _ask(self, goal: Any, tell: Any) -> Answer:
        """The answer; a cancelled go_to cancels the question."""
        cancel, over = threading.Event(), threading.Event()

        def look() -> None:
            while not over.wait(0.05):
                if goal.is_cancel_requested:
                    cancel.set()

        watcher = threading.Thread(target=look, daemon=True)
        watcher.start()
        try:
            return self._robot.reason(goal.request.text, tell, cancel, self._timeout_s)
        finally:
            over.set()
            watcher.join()

    def _drive(self, goal: Any, place: PoseStamped, tell: Any) -> None:
        """Sends the place on, and ends the goal."""
        if self._frames is not None:
            place = self._frames.in_frame(place, self._frame, 1.0)
        p = place.pose.position
        where = f"{p.x:.2f}, {p.y:.2f}, {p.z:.2f} in {place.header.frame_id}"
        if self._navigate is None:
            self._goal_pose.publish(place)
            tell("sent", where)
            goal.succeed()
            return
        tell("driving", where)
        self._follow_nav2(goal, place)

    def _follow_nav2(self, goal: Any, place: PoseStamped) -> None:
        """Until Nav2 is done; a cancelled go_to cancels the drive."""
        assert self._navigate is not None
        if not self._navigate.wait_for_server(5.0):
            raise ReasonSegError("the action navigate_to_pose is not there: is Nav2 up?")
        done, handles, ends = threading.Event(), [], []

        def ended(future: Any) -> None:
            ends.append(future.result().status)
            done.set()

        def accepted(future: Any) -> None:
            handles.append(future.result())
            if handles[0].accepted:
                handles[0].get_result_async().add_done_callback(ended)
            else:
                done.set()

        self._navigate.send_goal_async(NavigateToPose.Goal(pose=place)).add_done_callback(accepted)
        while not done.wait(0.1):
            if goal.is_cancel_requested and handles:
                handles[0].cancel_goal_async()
        if ends == [GoalStatus.STATUS_SUCCEEDED]:
            goal.succeed()
        elif goal.is_cancel_requested:
            goal.canceled()
        else:
            goal.abort()


def place_before(answer: Answer, standoff_m: float) -> PoseStamped:
    """A place on the line from the camera to the first object, standoff_m before it, x pointing to the object.

    Camera optical frame (x right, y down, z forward); the height is the object's, a ground robot's planner drops it.
    Raises ReasonSegError where the object has no position.
    """
    c = answer.instances[0].center
    distance = math.sqrt(c.x**2 + c.y**2 + c.z**2)
    if not distance > 0:  # also NaN
        raise ReasonSegError("the object has no position: is there a depth image, registered to colour?")
    share = max(0.0, distance - standoff_m) / distance
    place = PoseStamped(header=answer.header)
    place.pose.position.x, place.pose.position.y, place.pose.position.z = share * c.x, share * c.y, share * c.z
    # The shortest turn that takes x to the direction of the object: axis x cross d, then half the angle.
    d = (c.x / distance, c.y / distance, c.z / distance)
    w = 1 + d[0]
    turn = (0.0, -d[2], d[1], w) if w > 1e-9 else (0.0, 0.0, 1.0, 0.0)
    length = math.sqrt(sum(v * v for v in turn))
    q = place.pose.orientation
    q.x, q.y, q.z, q.w = (v / length for v in turn)
    return place


def main(argv: list[str]) -> int:
    rclpy.init(args=argv)
    node = GoTo()
    executor = MultiThreadedExecutor(4)
    executor.add_node(node)
    with contextlib.suppress(KeyboardInterrupt, ExternalShutdownException):
        executor.spin()
    node.destroy_node()
    rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
