"""Threads of a node: workers take the newest item, coroutines await without a thread, callbacks share one thread."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import Future

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
import rclpy
import rclpy.executors
from processes import NAMESPACE, PATIENCE_S, wait_for
from rclpy.callback_groups import ReentrantCallbackGroup
from std_msgs.msg import String
from std_srvs.srv import Trigger

from fastreasonseg_ros.ros.executors import EventLoopThread, NewestPost, NewestWorker, NodeThread, result_of
from fastreasonseg_ros.ros.lifecycle import ManagedNode
from fastreasonseg_ros.ros.parameters import NodeSettings
from fastreasonseg_ros.ros.qos import reliable, services


def test_a_worker_does_the_first_and_the_newest_and_counts_what_it_dropped() -> None:
    begun, go, done, last = threading.Event(), threading.Event(), [], threading.Event()

    def work(item: int) -> None:
        begun.set()
        go.wait(PATIENCE_S)
        done.append(item)
        if item == 5:
            last.set()

    worker = NewestWorker(work, failed=pytest.fail)
    worker.offer(1)
    assert begun.wait(PATIENCE_S)
    for item in (2, 3, 4, 5):
        worker.offer(item)
    go.set()
    assert last.wait(PATIENCE_S)
    worker.close()
    assert done == [1, 5]
    assert worker.dropped == 3


def test_a_worker_goes_on_after_an_error() -> None:
    failures, done = [], threading.Event()

    def work(item: int) -> None:
        if item == 0:
            raise ValueError("bad frame")
        done.set()

    failed = threading.Event()
    worker = NewestWorker(work, lambda e: (failures.append(e), failed.set()))
    worker.offer(0)
    assert failed.wait(PATIENCE_S)
    worker.offer(1)
    assert done.wait(PATIENCE_S)
    worker.close()
    assert [str(f) for f in failures] == ["bad frame"]


def test_a_call_to_a_worker_runs_between_two_items_in_its_thread_and_its_error_is_the_callers() -> None:
    begun, go, order = threading.Event(), threading.Event(), []

    def work(item: int) -> None:
        begun.set()
        assert go.wait(PATIENCE_S)
        order.append((item, threading.current_thread().name))

    worker = NewestWorker(work, failed=pytest.fail, name="perception")
    worker.offer(1)
    assert begun.wait(PATIENCE_S)
    worker.offer(2)
    called = worker.call(lambda: order.append(("call", threading.current_thread().name)))
    failing = worker.call(lambda: 1 // 0)
    assert not called.done()  # the caller is not held up while an item is in work
    go.set()
    called.result(PATIENCE_S)
    with pytest.raises(ZeroDivisionError):
        failing.result(PATIENCE_S)
    wait_for(lambda: len(order) == 3, what="the second item")
    worker.close()
    assert order == [(1, "perception"), ("call", "perception"), (2, "perception")]
    assert worker.call(lambda: None).cancelled()


def test_a_loop_takes_the_newest_of_what_is_posted_while_it_is_busy() -> None:
    loop, taken, busy, go = EventLoopThread("loop"), [], threading.Event(), threading.Event()
    post = NewestPost(loop, taken.append)
    loop.post(lambda: (busy.set(), go.wait(PATIENCE_S)))
    assert busy.wait(PATIENCE_S)
    for item in (1, 2, 3):
        post.offer(item)
    go.set()
    wait_for(lambda: taken, what="the item")
    loop.call(lambda: None)
    assert (taken, post.dropped) == ([3], 2)
    loop.close()


def test_closing_a_loop_cancels_what_runs_in_it() -> None:
    loop = EventLoopThread("loop")
    waiting = loop.submit(asyncio.sleep(PATIENCE_S))
    loop.call(lambda: None)
    loop.close()
    assert waiting.cancelled() or waiting.exception(PATIENCE_S) is not None


class Waiter(ManagedNode[NodeSettings]):
    """Serves `wait`, which awaits a future of another thread, and `name`, which does not; hears `words`."""

    def __init__(self) -> None:
        super().__init__("waiter", NodeSettings)
        self.pending: list[Future[str]] = []
        self.heard: list[str] = []
        self.threads: set[str] = set()
        self.create_service(
            Trigger, "wait", self._wait, qos_profile=services(), callback_group=ReentrantCallbackGroup()
        )
        self.create_service(Trigger, "name", self._name)

    def start(self) -> None:
        self.subscribe(String, "words", self._came, reliable())

    def _came(self, msg: String) -> None:
        self.threads.add(threading.current_thread().name)
        self.heard.append(msg.data)

    async def _wait(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self.threads.add(threading.current_thread().name)
        future: Future[str] = Future()
        self.pending.append(future)
        response.message = await result_of(future, self)
        self.threads.add(threading.current_thread().name)
        return response

    def _name(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.message = threading.current_thread().name
        return response


@pytest.fixture
def world():
    rclpy.init(args=["--ros-args", "-r", f"__ns:={NAMESPACE}/threads"])
    ending = threading.Event()
    waiter, user = Waiter(), rclpy.create_node("user")
    spinning = NodeThread(waiter, ending)
    other = rclpy.executors.SingleThreadedExecutor()
    other.add_node(user)
    thread = threading.Thread(target=other.spin, daemon=True)
    thread.start()
    waiter.bring_up()
    wait_for(lambda: waiter.phase == "active", what="the active state")
    yield waiter, user
    ending.set()
    spinning.close()
    other.shutdown()
    thread.join(PATIENCE_S)
    user.destroy_node()
    rclpy.try_shutdown()


def test_sixteen_requests_that_wait_hold_no_thread_and_delay_nothing(world) -> None:
    waiter, user = world
    wait = user.create_client(Trigger, "wait", qos_profile=services())
    name = user.create_client(Trigger, "name")
    words = user.create_publisher(String, "words", reliable())
    assert wait.wait_for_service(PATIENCE_S)
    assert name.wait_for_service(PATIENCE_S)
    wait_for(lambda: words.get_subscription_count(), what="the subscription")
    before = threading.active_count()
    asked = [wait.call_async(Trigger.Request()) for _ in range(16)]
    wait_for(lambda: len(waiter.pending) == 16, what="all requests")
    assert threading.active_count() == before
    words.publish(String(data="hello"))
    assert wait_for(name.call_async(Trigger.Request()).result, what="the other service").message == "waiter"
    wait_for(lambda: waiter.heard == ["hello"], what="the topic")
    assert not any(one.done() for one in asked)
    for n, future in enumerate(waiter.pending):
        future.set_result(str(n))  # in this thread: the executor is woken for it
    replies = [wait_for(one.result, what="a reply").message for one in asked]
    assert sorted(replies, key=int) == [str(n) for n in range(16)]
    assert waiter.threads == {"waiter"}


def test_a_future_that_another_thread_completes_wakes_an_executor_that_nothing_else_wakes() -> None:
    rclpy.init(args=["--ros-args", "-r", f"__ns:={NAMESPACE}/wake"])
    node = rclpy.create_node("asleep", start_parameter_services=False)
    executor = rclpy.executors.SingleThreadedExecutor()
    executor.add_node(node)
    future: Future[int] = Future()
    begun, got = threading.Event(), []

    async def wait() -> None:
        begun.set()
        got.append(await result_of(future, node))

    executor.create_task(wait)
    thread = threading.Thread(target=executor.spin, daemon=True)  # no timeout, no timer: it sleeps until it is woken
    thread.start()
    assert begun.wait(PATIENCE_S)
    time.sleep(0.3)
    future.set_result(7)
    wait_for(lambda: got == [7], 20.0, "the coroutine to go on")
    executor.shutdown()
    thread.join(PATIENCE_S)
    node.destroy_node()
    rclpy.try_shutdown()
