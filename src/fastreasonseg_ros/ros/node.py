"""What the four nodes share: parameters declared from a dataclass, quality of service, start and end."""

from __future__ import annotations

import dataclasses
import signal
import sys
from collections.abc import Callable, Sequence
from threading import Event
from typing import Any, TypeVar

import rclpy
from rcl_interfaces.msg import ParameterDescriptor
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions

from ..config import from_mapping
from ..errors import ReasonSegError

T = TypeVar("T")

# A late subscriber gets the last twin at once.
LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
RELIABLE = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
THREADS = 8


def setting(default: Any, description: str) -> Any:
    """A field of a node's settings; the description is what `ros2 param describe` shows."""
    metadata = {"description": description}
    if isinstance(default, list):
        return dataclasses.field(default_factory=lambda: list(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def declare(node: Node, cls: type[T]) -> T:
    """Declares a parameter for each field of `cls` and returns their values. Raises ConfigError for a wrong one."""
    values = {}
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        made = field.default_factory is not dataclasses.MISSING
        default = field.default_factory() if made else field.default  # type: ignore[misc]
        kind = rclpy.Parameter.Type.STRING_ARRAY if isinstance(default, list) else default
        descriptor = ParameterDescriptor(description=field.metadata["description"], read_only=True)
        value = node.declare_parameter(field.name, kind, descriptor).value
        # An empty list has no type in YAML, and arrives as nothing.
        values[field.name] = default if value is None else list(value) if isinstance(default, list) else value
    settings = from_mapping(cls, values, f"parameters of {node.get_fully_qualified_name()}")
    node.get_logger().info(f"settings: {settings}")
    return settings


def run(makers: Sequence[Callable[[], Node]], argv: Sequence[str] | None = None) -> int:
    """Spins the nodes in one process until it is interrupted. Returns the exit status."""
    # rclpy's own handlers end the context at once, under the feet of threads that still publish.
    rclpy.init(args=argv, signal_handler_options=SignalHandlerOptions.NO)
    ending = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ending.set())
    executor = MultiThreadedExecutor(num_threads=THREADS)
    nodes: list[Node] = []
    try:
        for make in makers:
            nodes.append(make())
            executor.add_node(nodes[-1])
        while not ending.is_set():
            executor.spin_once(timeout_sec=0.2)
    except ReasonSegError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    finally:
        for node in reversed(nodes):
            node.destroy_node()  # ends its threads first
        executor.shutdown(timeout_sec=2.0)
        rclpy.try_shutdown()
    return 0
