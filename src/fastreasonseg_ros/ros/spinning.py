"""Spins nodes in one process, each with an executor of its own.

rclpy's executor builds its wait set in Python, from every service, timer and subscription that it has, two or three
times for each message, and holds the interpreter's lock meanwhile. With all nodes in one executor that is 1 ms of
processor time each time (60 entities; 2.8 GHz Xeon), taken from perception. With one executor a node, a message wakes
its own node only. Of a node with several threads, what comes with every picture has an executor and a thread to itself
(`Stream`): a MultiThreadedExecutor goes round with the lock until a thread of its pool has taken a message up, which
for three messages a picture was a quarter of all the time. rclpy's EventsExecutor would need less still, but in rclpy
9.1 a publisher in another thread can hang in it for good.
"""

from __future__ import annotations

import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from threading import Event, Thread
from typing import Any

import rclpy
from rclpy.exceptions import InvalidHandle
from rclpy.executors import Executor, MultiThreadedExecutor, SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from ..errors import ReasonSegError
from .node import ManagedNode

# Python hands its lock on after so long. A picture passes some twenty hand-overs on its way to a mask, each behind
# perception's Python code of the next picture: with the default, 5 ms, they alone would take 100 ms.
SWITCH_S = 0.001


def run(makers: Sequence[Callable[[], ManagedNode]], argv: Sequence[str] | None = None) -> int:
    """Spins the nodes until the process is interrupted. Returns the exit status."""
    # rclpy's own handlers end the context at once, under the feet of threads that still publish.
    rclpy.init(args=argv, signal_handler_options=SignalHandlerOptions.NO)
    ending = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ending.set())
    sys.setswitchinterval(SWITCH_S)
    spinning: list[Spinning] = []
    try:
        for make in makers:
            spinning.append(Spinning(make(), ending))
        for one in spinning:
            one.node.bring_up()
        while not ending.is_set():
            time.sleep(0.2)  # not `wait`: a signal that comes within it would wait for its lock
    except ReasonSegError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    finally:
        ending.set()
        for one in reversed(spinning):
            one.close()
        rclpy.try_shutdown()
    return 0


class Stream:
    """What of a node comes with every picture, as an executor sees a node; the node's own executor leaves it out."""

    timers = clients = services = guards = ()
    executor: Executor | None = None

    def __init__(self, node: ManagedNode) -> None:
        self._node = node
        node.stream_apart = True

    @property
    def subscriptions(self) -> Iterator[Any]:
        """See rclpy's Node."""
        return (one for one in super(ManagedNode, self._node).subscriptions if one.callback_group is self._node.stream)

    @property
    def waitables(self) -> Iterator[Any]:
        """See rclpy's Node."""
        return (one for one in super(ManagedNode, self._node).waitables if one.callback_group is self._node.stream)


class Spinning:
    """A node, and the threads that spin it from construction until `ending`."""

    def __init__(self, node: ManagedNode, ending: Event) -> None:
        self.node, self._ending = node, ending
        parts: list[tuple[Executor, Any, float]]
        if node.threads > 1:
            parts = [(MultiThreadedExecutor(num_threads=node.threads), node, 0.5)]
            # Nobody wakes this one when a subscription is made: it looks for new ones often, which costs it little.
            parts.append((SingleThreadedExecutor(), Stream(node), 0.1))
        else:
            parts = [(SingleThreadedExecutor(), node, 0.5)]
        self._executors, self._threads = [executor for executor, *_ in parts], []
        for executor, part, timeout_s in parts:
            executor.add_node(part)
            name = node.get_name() if part is node else "stream"
            self._threads.append(Thread(target=self._spin, args=(executor, timeout_s), name=name, daemon=True))
            self._threads[-1].start()

    def close(self) -> None:
        """After `ending` is set."""
        for executor in self._executors:
            executor.wake()
        for thread in self._threads:
            thread.join(2.0)
        self.node.destroy_node()  # ends its threads first
        for executor in self._executors:
            executor.shutdown(timeout_sec=2.0)

    def _spin(self, executor: Executor, timeout_s: float) -> None:
        while not self._ending.is_set():
            try:
                executor.spin_once(timeout_sec=timeout_s)
            except InvalidHandle:  # a subscription that was waited for was destroyed: the node was deactivated
                continue
            except Exception as error:  # of a callback: one message must not end the node
                if self._ending.is_set():
                    return
                self.node.meter.error("callback", f"{type(error).__name__}: {error}")
                self.node.get_logger().error(traceback.format_exc(), throttle_duration_sec=5.0)
