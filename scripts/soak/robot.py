"""Nodes as processes, a client beside them, and what is read from outside: answers, ages, memory, diagnostics."""

from __future__ import annotations

import itertools
import os
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import psutil
from diagnostic_msgs.msg import DiagnosticArray
from sensor_msgs.msg import Image

from fastreasonseg_ros.live.node_processes import NodeProcesses
from fastreasonseg_ros.msg import Answer
from fastreasonseg_ros.ros.client import ReasonSegClient
from fastreasonseg_ros.ros.qos import reliable

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "demo/table"  # recorded RGB-D, 640x480: read faster than a simulator renders
CAMERA: dict[str, Any] = {"source": "bag", "path": str(TABLE), "rate_hz": 15.0}
ALL = ("camera_node", "twin_node", "reasoning_node", "mask_node")
_numbers = itertools.count()


def alone() -> Path:
    """A folder; and from now on a domain and a ROS_HOME that nothing else uses. Call it before rclpy starts."""
    folder = Path(tempfile.mkdtemp(prefix="soak_"))
    os.environ["ROS_DOMAIN_ID"] = os.environ.get("ROS_DOMAIN_ID") or str(os.getpid() % 90 + 10)
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    os.environ["ROS_HOME"] = str(folder / "ros")
    return folder


class Robot:
    """Nodes in a namespace, a client, and a recorder of `answer` and `mask`. Leaving the block ends them.

    with Robot(folder) as robot:
        robot.start()                 # each node in its own process, with the recorded table as camera
        robot.client.ask("the mug")
    """

    def __init__(self, folder: Path, namespace: str = "", prefix: Sequence[str] = ()) -> None:
        self.namespace = namespace or f"/soak{os.getpid()}_{next(_numbers)}"
        self.nodes = NodeProcesses(self.namespace, folder / self.namespace.strip("/"), prefix)
        self.client = ReasonSegClient(self.namespace)
        self.answers: deque[tuple[float, Answer]] = deque(maxlen=5000)
        self.masks: deque[tuple[float, float]] = deque(maxlen=100_000)  # arrival, age of the picture: seconds
        self.health: dict[str, dict[str, str]] = {}
        node = self.client.node
        self.client.on_answer(self._answer_came)
        node.create_subscription(Image, "mask", self._mask_came, reliable())
        node.create_subscription(DiagnosticArray, "/diagnostics", self._diagnosed, reliable())

    def start(self, *names: str, camera: dict[str, Any] | None = None, wait: bool = True, **more: Any) -> None:
        """more: parameters of a node, by its name."""
        for name in names or ALL:
            own = {**CAMERA, **(camera or {})} if name == "camera_node" else {}
            self.nodes.start(name, **own, **more.get(name, {}))
        if wait:
            self.wait(lambda: self.client.ask("the red mug", 60.0).status == Answer.OK, 600.0, "the first answer")

    def wait(self, ready: Callable[[], Any], timeout_s: float, what: str) -> float:
        """Seconds until `ready()`. Raises NodeDiedError where a process ends first, TimeoutError."""
        start = time.monotonic()
        while not ready():
            self.nodes.check()
            if time.monotonic() - start > timeout_s:
                raise TimeoutError(f"{what} did not come within {timeout_s:.0f} s")
            time.sleep(0.02)
        return time.monotonic() - start

    def standing(self, query_id: str, since: float) -> list[Answer]:
        """Good answers to a standing question that came after `since`."""
        good = (Answer.OK, Answer.NO_MATCH)
        return [a for t, a in list(self.answers) if t > since and a.query_id == query_id and a.status in good]

    def values(self, part: str) -> dict[str, str]:
        """Newest values of a part on /diagnostics, for example `twin_node: perception`."""
        return self.health.get(f"{self.namespace}/{part}".lstrip("/"), {})

    def rss_mb(self) -> dict[str, float]:
        """Resident memory of each process, 10^6 bytes."""
        return {n: psutil.Process(self.nodes.pid(n)).memory_info().rss / 1e6 for n in self.nodes.names}

    def _answer_came(self, msg: Answer) -> None:
        self.answers.append((time.monotonic(), msg))

    def _mask_came(self, msg: Image) -> None:
        now, stamp = self.client.node.get_clock().now().nanoseconds, msg.header.stamp
        self.masks.append((time.monotonic(), (now - stamp.sec * 10**9 - stamp.nanosec) * 1e-9))

    def _diagnosed(self, msg: DiagnosticArray) -> None:
        for status in msg.status:
            level = str(status.level[0] if isinstance(status.level, bytes) else status.level)
            self.health[status.name] = {v.key: v.value for v in status.values} | {"_level": level}

    def __enter__(self) -> Robot:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        self.nodes.stop()


class Crowd:
    """Threads that ask again and again until the block is left, so that nodes have work: `asked`, `failed`."""

    def __init__(self, robot: Robot, texts: Sequence[str], clients: int = 2, pause_s: float = 0.1) -> None:
        self.asked, self.failed = 0, 0
        self._robot, self._texts, self._pause_s = robot, texts, pause_s
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(n,), daemon=True) for n in range(clients)]

    def _ask(self, number: int) -> None:
        for text in itertools.islice(itertools.cycle(self._texts), number, None):
            if self._ending.wait(self._pause_s):
                return
            try:
                self._robot.client.ask(text, 3.0)
                self.asked += 1
            except TimeoutError:
                self.failed += 1

    def __enter__(self) -> Crowd:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(10)


def percentiles(values: Sequence[float], digits: int = 1) -> dict[str, float]:
    """p50, p95 and max; empty without values."""
    if not len(values):
        return {}
    p50, p95 = np.percentile(values, [50, 95])
    return {"p50": round(float(p50), digits), "p95": round(float(p95), digits), "max": round(max(values), digits)}
