"""A small managed node, Echo, and beside it one that asks it as a stranger would, for test_lifecycle.py."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from processes import NAMESPACE, PATIENCE_S, wait_for
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.exceptions import InvalidHandle
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_msgs.msg import String

from fastreasonseg_ros.errors import ModelError
from fastreasonseg_ros.ros.diagnostics import OK, Health
from fastreasonseg_ros.ros.lifecycle import ManagedNode
from fastreasonseg_ros.ros.parameters import NodeSettings, setting
from fastreasonseg_ros.ros.qos import reliable

SPACE = f"{NAMESPACE}/life"


@dataclass(frozen=True)
class EchoSettings(NodeSettings):
    model: str = setting("good", "what is loaded", choices=("good", "missing", "broken"))
    load_s: float = setting(0.0, "how long that takes", low=0.0, high=5.0)
    words: int = setting(3, "words that are repeated", low=1, high=9, change="live")


class Echo(ManagedNode[EchoSettings]):
    """Repeats what it hears on `in`, in upper case, on `out`."""

    def __init__(self) -> None:
        super().__init__("echo", EchoSettings)
        self.happened: list[str] = []
        self.may_load = threading.Event()
        self.may_load.set()
        self.out = self.publisher(String, "out", reliable())

    def setup(self) -> None:
        self.happened.append("load")
        assert self.may_load.wait(PATIENCE_S)
        time.sleep(self.settings.load_s)
        if self.settings.model == "missing":
            raise ModelError("model.gguf is missing; get it with `make setup`")
        if self.settings.model == "broken":
            raise ValueError("corrupt")
        self.happened.append("setup")

    def start(self) -> None:
        self.happened.append("start")
        self.subscribe(String, "in", lambda m: self.out.publish(String(data=m.data.upper())), reliable())

    def stop(self) -> None:
        self.happened.append("stop")

    def free(self) -> None:
        self.happened.append("free")

    def failed(self, status, reason) -> None:
        self.happened.append(f"failed {status.name}")

    def health(self) -> list[tuple[str, Health]]:
        return [("echo", Health(OK, "repeating", self.meter.values(), "parrot"))]


class World:
    """The node, and beside it one that asks it as a stranger would."""

    def __init__(self, *parameters: str) -> None:
        arguments = ["--ros-args", "-r", f"__ns:={SPACE}"]
        for parameter in parameters:
            arguments += ["-p", parameter]
        rclpy.init(args=arguments)
        self.executor = MultiThreadedExecutor(num_threads=6)
        self.echo = Echo()
        self.user = Node("user")
        self.executor.add_node(self.echo)
        self.executor.add_node(self.user)
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._spin, daemon=True)
        self.thread.start()

    def _spin(self) -> None:
        while not self.ending.is_set():
            with contextlib.suppress(InvalidHandle):  # as the nodes' own loop does when one is deactivated
                self.executor.spin_once(timeout_sec=0.1)

    def close(self) -> None:
        self.echo.destroy_node()
        self.ending.set()
        self.thread.join(PATIENCE_S)
        self.user.destroy_node()
        rclpy.shutdown()

    def call(self, kind: type, service: str, request, wait: bool = True):
        client = self.user.create_client(kind, f"{SPACE}/echo/{service}")
        assert client.wait_for_service(PATIENCE_S)
        future = client.call_async(request)
        return wait_for(future.result, what=f"a reply of {service}") if wait else future

    def change(self, transition: int) -> bool:
        return self.call(ChangeState, "change_state", ChangeState.Request(transition=Transition(id=transition))).success

    @property
    def state(self) -> str:
        return self.call(GetState, "get_state", GetState.Request()).current_state.label

    def set(self, **values: object) -> str:
        """The reason why it was refused, or nothing."""
        parameters = [Parameter(n, value=v).to_parameter_msg() for n, v in values.items()]
        request = SetParametersAtomically.Request(parameters=parameters)
        result = self.call(SetParametersAtomically, "set_parameters_atomically", request).result
        return "" if result.successful else result.reason

    def statuses(self) -> Callable[[str], DiagnosticStatus | None]:
        """The newest status of a part, by name, from now on."""
        seen: dict[str, DiagnosticStatus] = {}
        self.user.create_subscription(
            DiagnosticArray, "/diagnostics", lambda a: seen.update({s.name: s for s in a.status}), 10
        )
        return lambda part: seen.get(f"{SPACE.lstrip('/')}/echo: {part}")
