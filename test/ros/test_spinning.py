"""Which thread serves what of a node: what comes with every picture has an executor of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
import rclpy
from processes import NAMESPACE, PATIENCE_S, wait_for
from rclpy.executors import SingleThreadedExecutor
from std_msgs.msg import String

from fastreasonseg_ros.ros.executors import Spinning
from fastreasonseg_ros.ros.lifecycle import ManagedNode
from fastreasonseg_ros.ros.parameters import NodeSettings
from fastreasonseg_ros.ros.qos import reliable


class Hearer(ManagedNode[NodeSettings]):
    """Hears `pictures` in its stream and `words` beside them, and notes the threads; both may be held up."""

    threads = 2

    def __init__(self) -> None:
        super().__init__("hearer", NodeSettings)
        self.heard: list[tuple[str, str]] = []
        self.go_on = {"pictures": threading.Event(), "words": threading.Event()}

    def start(self) -> None:
        self.listen(String, "pictures", lambda _: self._came("pictures"), reliable(), self.stream)
        self.listen(String, "words", lambda _: self._came("words"), reliable())

    def _came(self, topic: str) -> None:
        self.heard.append((topic, threading.current_thread().name))
        assert self.go_on[topic].wait(PATIENCE_S)

    def topics(self) -> list[str]:
        return [topic for topic, _ in self.heard]


@pytest.fixture
def talker() -> Iterator[rclpy.node.Node]:
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("talker", namespace=f"{NAMESPACE}/spin", context=context)
    yield node
    node.destroy_node()
    rclpy.try_shutdown(context=context)


@pytest.fixture
def hearer() -> Iterator[Hearer]:
    rclpy.init(args=["--ros-args", "-r", f"__ns:={NAMESPACE}/spin"])
    node = Hearer()
    yield node
    for held in node.go_on.values():
        held.set()
    rclpy.try_shutdown()


def say(talker, hearer: Hearer, topic: str) -> None:
    publisher = talker.create_publisher(String, topic, reliable())
    wait_for(lambda: publisher.get_subscription_count() > 0, PATIENCE_S)
    publisher.publish(String(data="here"))
    wait_for(lambda: topic in hearer.topics(), PATIENCE_S)


@pytest.mark.parametrize(("first", "second"), [("pictures", "words"), ("words", "pictures")])
def test_pictures_and_all_else_do_not_wait_for_each_other(talker, hearer, first, second):
    ending = threading.Event()
    spinning = Spinning(hearer, ending)
    try:
        hearer.bring_up()
        wait_for(lambda: hearer.phase == "active", PATIENCE_S)
        say(talker, hearer, first)  # and is held up there
        say(talker, hearer, second)
        assert dict(hearer.heard)["pictures"] == "stream"
        assert dict(hearer.heard)["words"] != "stream"
    finally:
        for held in hearer.go_on.values():
            held.set()
        ending.set()
        spinning.close()


def test_another_executor_serves_the_whole_node(talker, hearer):
    executor = SingleThreadedExecutor()
    executor.add_node(hearer)
    for held in hearer.go_on.values():
        held.set()
    thread = threading.Thread(target=executor.spin, daemon=True)
    thread.start()
    hearer.bring_up()
    wait_for(lambda: hearer.phase == "active", PATIENCE_S)
    say(talker, hearer, "pictures")
    say(talker, hearer, "words")
    executor.shutdown()
    thread.join(PATIENCE_S)
    hearer.destroy_node()
