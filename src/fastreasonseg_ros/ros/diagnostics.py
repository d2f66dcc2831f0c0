"""The standard message on /diagnostics, with the field conventions of diagnostic_updater (which the wheels lack).

name: "node: part"; hardware_id: what the part runs on; values: names and numbers as text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from .qos import OVERRIDES, reliable

OK, WARN, ERROR, STALE = (
    DiagnosticStatus.OK,
    DiagnosticStatus.WARN,
    DiagnosticStatus.ERROR,
    DiagnosticStatus.STALE,
)


@dataclass(frozen=True)
class Health:
    """How one part of a node is. level: one of the constants above."""

    level: bytes = OK
    message: str = "ok"
    values: Mapping[str, str] = field(default_factory=dict)
    hardware_id: str = "none"


class Diagnostics:
    """Publishes `parts()`, a name and a Health each, in every period; by the steady clock, so also while simulated
    time stands still.
    """

    def __init__(self, node: Node, period_s: float, parts: Callable[[], Sequence[tuple[str, Health]]]) -> None:
        self._node, self._parts = node, parts
        self._publisher = node.create_publisher(
            DiagnosticArray, "/diagnostics", reliable(), qos_overriding_options=OVERRIDES
        )
        self._timer = node.create_timer(
            period_s,
            self.publish,
            callback_group=MutuallyExclusiveCallbackGroup(),
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    def publish(self) -> None:
        array = DiagnosticArray()
        array.header.stamp = self._node.get_clock().now().to_msg()
        name = self._node.get_fully_qualified_name().lstrip("/")
        array.status = [_status(f"{name}: {part}", health) for part, health in self._parts()]
        self._publisher.publish(array)

    def close(self) -> None:
        self._timer.cancel()


def _status(name: str, health: Health) -> DiagnosticStatus:
    return DiagnosticStatus(
        level=health.level,
        name=name,
        message=health.message,
        hardware_id=health.hardware_id,
        values=[KeyValue(key=k, value=v) for k, v in health.values.items()],
    )
