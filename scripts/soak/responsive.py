"""How soon parameters, lifecycle, queries and cancels are answered while the real model writes."""

from __future__ import annotations

import itertools
import threading
import time
from pathlib import Path
from typing import Any

from lifecycle_msgs.srv import GetState
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import GetParameters, SetParameters

from fastreasonseg_ros.msg import Answer
from fastreasonseg_ros.srv import QueryScene, Unwatch

from .questions import publish_table, table
from .robot import Robot, percentiles

MOST_MS, MOST_CANCEL_MS = 100.0, 200.0
LIVE = Parameter(
    name="query_timeout_s", value=ParameterValue(type=ParameterType.PARAMETER_DOUBLE, double_value=60.0)
)  # fmt: skip
SERVICES: dict[str, tuple[type, str, Any]] = {
    "get a parameter": (GetParameters, "reasoning_node/get_parameters", GetParameters.Request(names=["stale_after_s"])),
    "set a parameter": (SetParameters, "reasoning_node/set_parameters", SetParameters.Request(parameters=[LIVE])),
    "lifecycle state": (GetState, "reasoning_node/get_state", GetState.Request()),
    "query with a kept plan": (QueryScene, "query", QueryScene.Request(text="the mug")),
    "query that is none": (QueryScene, "query", QueryScene.Request(text="?!")),
    "unwatch": (Unwatch, "unwatch", Unwatch.Request(query_id="nobody")),
}


class Thinking:
    """Keeps the model at work with questions that it has not heard, until the block is left; `count` of them."""

    def __init__(self, robot: Robot, run: int) -> None:
        self._robot, self._run, self._ending, self.count = robot, run, threading.Event(), 0
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def _ask(self) -> None:
        for number in itertools.count():
            if self._ending.is_set():
                return
            text = f"the thing that is the farthest from the mug number {self._run}, not the plate, case {number}"
            self._robot.client.ask(text, 60.0)
            self.count += 1

    def __enter__(self) -> Thinking:
        self._thread.start()
        time.sleep(0.2)
        return self

    def __exit__(self, *error: object) -> None:
        self._ending.set()
        self._thread.join(60)


def responsive(folder: Path, calls: int = 60, cancels: int = 20) -> dict[str, Any]:
    """reasoning_node alone, about a table that is published beside it."""
    with Robot(folder) as robot:
        robot.start("reasoning_node", wait=False)
        ending = publish_table(robot.client, table())
        robot.wait(lambda: robot.client.ask("the mug", 60.0).status == Answer.OK, 300.0, "the first answer")
        took = {}
        for run, (name, (kind, service, request)) in enumerate(SERVICES.items()):
            with Thinking(robot, run) as thinking:
                took[name] = percentiles(_times_ms(robot, kind, service, request, calls))
            took[name]["answers that the model wrote"] = thinking.count  # each is longer than the calls
        cancelled = [_cancel_ms(robot, number) for number in range(cancels)]
        ending.set()
        robot.nodes.check()
    cancel_ms = percentiles([ms for ms in cancelled if ms is not None])
    return {
        "answered (ms)": took,
        "cancel until the result (ms)": cancel_ms,
        "checks": {
            f"p95 of every service < {MOST_MS:.0f} ms while the model writes": all(
                row["p95"] < MOST_MS and row["answers that the model wrote"] for row in took.values()
            ),
            f"every cancel takes effect within {MOST_CANCEL_MS:.0f} ms": (
                None not in cancelled and cancel_ms["max"] < MOST_CANCEL_MS
            ),
        },
    }


def _times_ms(robot: Robot, kind: type, service: str, request: Any, calls: int) -> list[float]:
    client = robot.client.node.create_client(kind, service)
    if not client.wait_for_service(10):
        raise TimeoutError(f"{service} is not there")
    took = []
    for _ in range(calls):
        start, done = time.monotonic(), threading.Event()
        client.call_async(request).add_done_callback(lambda _, done=done: done.set())
        if not done.wait(10):
            raise TimeoutError(f"{service} did not answer within 10 s")
        took.append((time.monotonic() - start) * 1e3)
        time.sleep(0.02)
    robot.client.node.destroy_client(client)
    return took


def _cancel_ms(robot: Robot, number: int) -> float | None:
    """From the cancel, when the first text has come, to the result; None: it was done before."""
    text = f"which of the things left of the book is the largest and nearest to the plate, cancel {number}"
    goal = robot.client.start(text)
    while not (goal.stage == "thinking" and goal.text) and not goal.done():
        time.sleep(0.002)
    start = time.monotonic()
    goal.cancel()
    answer = goal.reply.result(10)
    return (time.monotonic() - start) * 1e3 if answer.status == Answer.CANCELLED else None
