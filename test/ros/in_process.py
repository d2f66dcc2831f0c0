"""A node of this package and a user's node in this process, spun in a thread."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

import rclpy
from processes import NAMESPACE, PATIENCE_S
from rclpy.exceptions import InvalidHandle
from rclpy.executors import MultiThreadedExecutor, SingleThreadedExecutor
from rclpy.node import Node


@contextlib.contextmanager
def node_and_user(
    make: Callable[[], Node], space: str, *arguments: str, threads: int = 1
) -> Iterator[tuple[Node, Node]]:
    """The node, active, and the user. arguments: of rclpy.init besides the namespace. threads: of the executor."""
    rclpy.init(args=["--ros-args", "-r", f"__ns:={NAMESPACE}/{space}", *arguments])
    node, user = make(), Node("user")
    executor = SingleThreadedExecutor() if threads == 1 else MultiThreadedExecutor(num_threads=threads)
    executor.add_node(node)
    executor.add_node(user)
    ending = threading.Event()

    def spin() -> None:
        while not ending.is_set():
            with contextlib.suppress(InvalidHandle):  # as the nodes' own loop does when one is deactivated
                executor.spin_once(timeout_sec=0.1)

    thread = threading.Thread(target=spin, daemon=True)
    thread.start()
    try:
        node.bring_up()
        yield node, user
    finally:
        ending.set()
        thread.join(PATIENCE_S)
        node.destroy_node()
        user.destroy_node()
        rclpy.shutdown()
