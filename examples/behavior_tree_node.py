"""A behaviour that asks: RUNNING while the model thinks, SUCCESS with the answer on the blackboard, FAILURE otherwise.

    python examples/behavior_tree_node.py "the mug" "the plate"      (needs py_trees: ros-DISTRO-py-trees, or PyPI)

Ticked by a timer in a single-threaded executor; a tick never waits for the nodes. An interrupted tree cancels the
question, which stops the model.
"""

from __future__ import annotations

import sys
import time

import py_trees
import rclpy
from py_trees.common import Access, Status
from rclpy.executors import ExternalShutdownException
from rclpy.utilities import remove_ros_args

from fastreasonseg_ros.errors import ReasonSegError
from fastreasonseg_ros.msg import Answer
from fastreasonseg_ros.ros.client import Goal, ReasonSegClient


class Ask(py_trees.behaviour.Behaviour):
    """Puts the answer at `key` on the blackboard. FAILURE: nothing fits, no answer in timeout_s, or no node."""

    def __init__(self, robot: ReasonSegClient, question: str, key: str, timeout_s: float = 60.0) -> None:
        super().__init__(f"ask: {question}")
        self._robot, self._question, self._key, self._timeout_s = robot, question, key, timeout_s
        self._goal: Goal | None = None
        self._end = 0.0
        self.blackboard = self.attach_blackboard_client(self.name)
        self.blackboard.register_key(key, Access.WRITE)

    def initialise(self) -> None:
        self._goal, self._end = None, time.monotonic() + self._timeout_s

    def update(self) -> Status:
        if time.monotonic() > self._end:
            self.feedback_message = f"no answer within {self._timeout_s:.0f} s"
            self._cancel()
            return Status.FAILURE
        if self._goal is None:
            if not self._robot.ready():
                self.feedback_message = "waiting for reasoning_node"
                return Status.RUNNING
            self._goal = self._robot.start(self._question)
        if not self._goal.done():
            self.feedback_message = f"{self._goal.stage}: {self._goal.text[-60:]}"
            return Status.RUNNING
        try:
            answer = self._goal.answer()
        except ReasonSegError as error:
            self.feedback_message = str(error)
            return Status.FAILURE
        self.blackboard.set(self._key, answer)
        self.feedback_message = answer.message
        return Status.SUCCESS if answer.status == Answer.OK else Status.FAILURE

    def terminate(self, new_status: Status) -> None:
        if new_status is Status.INVALID:  # interrupted by the tree
            self._cancel()

    def _cancel(self) -> None:
        if self._goal is not None and not self._goal.done():
            self._goal.cancel()


def make_tree(robot: ReasonSegClient, questions: list[str]) -> py_trees.behaviour.Behaviour:
    """All the questions, one after the other; the answers are at answer_0, answer_1 ..."""
    asks: list[py_trees.behaviour.Behaviour] = [Ask(robot, q, f"answer_{i}") for i, q in enumerate(questions)]
    return py_trees.composites.Sequence("find all", memory=True, children=asks)


def main(argv: list[str]) -> int:
    rclpy.init(args=argv)
    node = rclpy.create_node("behavior_tree")
    robot = ReasonSegClient(node=node)
    tree = make_tree(robot, remove_ros_args(["", *argv])[1:] or ["the mug"])

    def tick() -> None:
        tree.tick_once()
        node.get_logger().info(py_trees.display.ascii_tree(tree, show_status=True), throttle_duration_sec=1.0)

    node.create_timer(0.1, tick)
    try:
        while rclpy.ok() and tree.status not in (Status.SUCCESS, Status.FAILURE):
            rclpy.spin_once(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        tree.stop(Status.INVALID)
    print(py_trees.display.ascii_tree(tree, show_status=True))
    robot.close()
    node.destroy_node()
    rclpy.try_shutdown()
    return 0 if tree.status is Status.SUCCESS else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
