"""Threads of a node: one executor thread for its callbacks, and workers for what takes longer than a callback may.

Every node has a SingleThreadedExecutor of its own. rclpy builds the wait set of an executor in Python, from all of its
entities, for each message: with one executor a node, a message costs only its own node. No callback waits: long work
goes to a `NewestWorker` (frames) or to an `EventLoopThread` (questions), and `async def` callbacks await the result.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from threading import Condition, Event, Lock, Thread, current_thread
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import rclpy
from rclpy.exceptions import InvalidHandle
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

from ..errors import ReasonSegError

if TYPE_CHECKING:
    from .lifecycle import ManagedNode

T = TypeVar("T")
R = TypeVar("R")

# Python's switch interval in seconds. A frame is handed between threads several times on its way to a mask, each time
# behind the Python code of perception: with the default of 5 ms these waits alone add tens of milliseconds.
SWITCH_S = 0.001


def run(makers: Sequence[Callable[[], ManagedNode]], argv: Sequence[str] | None = None) -> int:
    """Spins the nodes until the process is interrupted. Returns the exit status: 2 for a wrong parameter."""
    # rclpy's own signal handlers shut the context down at once, while other threads may still publish.
    rclpy.init(args=argv, signal_handler_options=SignalHandlerOptions.NO)
    ending = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ending.set())
    sys.setswitchinterval(SWITCH_S)
    spinning: list[NodeThread] = []
    try:
        for make in makers:
            spinning.append(NodeThread(make(), ending))
        for one in spinning:
            one.node.bring_up()
        while not ending.is_set():
            time.sleep(0.2)  # not ending.wait(): the signal handler would need its lock
    except ReasonSegError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    finally:
        ending.set()
        for one in reversed(spinning):
            one.close()
        rclpy.try_shutdown()
    return 0


class NodeThread:
    """A node with its executor, spun in a thread from construction until `ending` is set."""

    def __init__(self, node: ManagedNode, ending: Event) -> None:
        self.node, self._ending = node, ending
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(node)
        self._thread = Thread(target=self._spin, name=node.get_name(), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Destroys the node; `ending` must be set."""
        self._executor.wake()
        self._thread.join(2.0)
        self.node.destroy_node()
        self._executor.shutdown(timeout_sec=2.0)

    def _spin(self) -> None:
        while not self._ending.is_set():
            try:
                self._executor.spin_once(timeout_sec=0.5)
            except InvalidHandle:  # a subscription in the wait set was destroyed: the node was deactivated
                continue
            except Exception as error:  # raised by a callback: one message must not end the node
                if self._ending.is_set():
                    return
                self.node.meter.error("callback", f"{type(error).__name__}: {error}")
                self.node.get_logger().error(traceback.format_exc(), throttle_duration_sec=5.0)


class NewestWorker(Generic[T]):
    """Calls `work(item)` in its own thread, always with the newest item offered; `dropped` counts the replaced ones.

    `call` runs something else in that thread between two items, so that what `work` uses needs no lock. `work` handles
    its own errors; one that escapes is given to `failed(error)`, and the thread goes on.
    """

    def __init__(self, work: Callable[[T], None], failed: Callable[[Exception], None], name: str = "worker") -> None:
        self._work, self._failed = work, failed
        self._condition = Condition()
        self._item: list[T] = []
        self._calls: deque[tuple[Callable[[], Any], concurrent.futures.Future[Any]]] = deque()
        self._closed = False
        self.dropped = 0
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def offer(self, item: T) -> None:
        """Replaces an item that was not started yet. Never blocks."""
        with self._condition:
            self.dropped += len(self._item)
            self._item = [item]
            self._condition.notify()

    def call(self, function: Callable[[], R]) -> concurrent.futures.Future[R]:
        """Calls the function in the worker's thread, before the next item. Never blocks; cancelled if closed before."""
        future: concurrent.futures.Future[R] = concurrent.futures.Future()
        with self._condition:
            if self._closed:
                future.cancel()
            else:
                self._calls.append((function, future))
                self._condition.notify()
        return future

    def clear(self) -> None:
        """Drops the item that was not started yet."""
        with self._condition:
            self._item = []

    def close(self, timeout_s: float = 5.0) -> None:
        """Waits for what is in work, at most timeout_s."""
        with self._condition:
            self._closed = True
            for _, future in self._calls:
                future.cancel()
            self._condition.notify()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._closed or self._item or self._calls)
                if self._closed:
                    return
                call = self._calls.popleft() if self._calls else None
                item = self._item.pop() if call is None else None
            if call is not None:
                complete(call[1], call[0])
                continue
            try:
                self._work(item)  # type: ignore[arg-type]
            except Exception as error:  # the node stays up whatever one frame does
                self._failed(error)
            del item  # a picture must not be held while the thread waits


class EventLoopThread:
    """An asyncio event loop in a thread of its own: everything that runs in it excludes everything else in it."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def post(self, function: Callable[..., object], *arguments: Any) -> None:
        """Calls the function in the loop, later; nothing happens if the loop was closed."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *arguments)

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Runs the coroutine in the loop; the future may be waited for in any other thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Calls the function in the loop and waits for its result. Raises what it raises."""
        if current_thread() is self._thread:
            return function(*arguments)

        async def called() -> T:
            return function(*arguments)

        return self.submit(called()).result()

    def close(self, timeout_s: float = 3.0) -> None:
        """Cancels what runs in the loop and ends its thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout_s)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        pending = asyncio.all_tasks(self._loop)
        for task in pending:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()


class NewestPost(Generic[T]):
    """Hands items to a function in an event loop; an item that the loop has not taken yet is replaced and counted."""

    def __init__(self, loop: EventLoopThread, function: Callable[[T], None]) -> None:
        self._loop, self._function, self._lock = loop, function, Lock()
        self._item: list[T] = []
        self.dropped = 0

    def offer(self, item: T) -> None:
        with self._lock:
            waiting, self._item = bool(self._item), [item]
            self.dropped += waiting
        if not waiting:
            self._loop.post(self._take)

    def _take(self) -> None:
        with self._lock:
            item = self._item.pop()
        self._function(item)


async def result_of(future: concurrent.futures.Future[T], node: Node) -> T:
    """For `async def` callbacks of the node: awaits a future that another thread completes, without a thread.

    rclpy resumes its coroutines when the executor wakes, and a future set by another thread does not wake it.
    Raises what the future holds.
    """
    ready, executor = Future(), node.executor

    def wake(_: object) -> None:
        ready.set_result(None)
        if executor is not None:
            executor.wake()

    future.add_done_callback(wake)
    await ready
    return future.result()


def in_thread(function: Callable[..., T], *arguments: Any, name: str = "call") -> concurrent.futures.Future[T]:
    """Calls the function in a new daemon thread, for what is rare and slow, such as loading models."""
    future: concurrent.futures.Future[T] = concurrent.futures.Future()
    Thread(target=complete, args=(future, function, *arguments), name=name, daemon=True).start()
    return future


def complete(future: concurrent.futures.Future[T], function: Callable[..., T], *arguments: Any) -> None:
    """Gives the future what the function returns or raises."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(function(*arguments))
    except Exception as error:
        future.set_exception(error)
