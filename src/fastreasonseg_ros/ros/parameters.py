"""The parameters of the nodes: a frozen dataclass a node, each field with description, range or choices, and a rule
when it may change.

`ros2 param describe` shows all of it; a value that is refused is refused with a reason, and nothing changes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar

import rclpy
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.exceptions import ParameterException
from rclpy.node import Node

from ..config import from_mapping
from ..errors import ConfigError

T = TypeVar("T", bound="NodeSettings")
# live: at once. configure: read when the node is configured, so it may change only before. start: read only.
Change = Literal["live", "configure", "start"]
_WHEN = {
    "live": "takes effect at once",
    "configure": "takes effect in configure: may change while the node is unconfigured",
    "start": "read when the node starts",
}


def setting(
    default: Any,
    description: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: Sequence[str] = (),
    change: Change = "configure",
) -> Any:
    """A field of a node's settings. low, high: inclusive; choices: of a text."""
    metadata = {"description": description, "range": (low, high), "choices": tuple(choices), "change": change}
    if isinstance(default, list):
        return dataclasses.field(default_factory=lambda: list(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True)
class NodeSettings:
    """Parameters that every node has."""

    autostart: bool = setting(
        True, "configure and activate itself; false where a lifecycle manager does it", change="start"
    )
    retry_s: float = setting(
        3.0, "pause before what could not be opened or loaded is tried again", low=0.1, high=600.0, change="live"
    )
    diagnostics_period_s: float = setting(
        1.0, "pause between messages on /diagnostics", low=0.1, high=60.0, change="start"
    )

    def __post_init__(self) -> None:
        """Raises ConfigError: choices are checked here, so that every way to a value meets the same rule."""
        for field in dataclasses.fields(self):
            choices, value = field.metadata["choices"], getattr(self, field.name)
            if choices and value not in choices:
                raise ConfigError(f"{field.name} must be one of {', '.join(choices)}, got {value!r}")


class Parameters:
    """Declares a node's settings and keeps them: `current` is replaced when parameters change.

    unconfigured: whether parameters that are read in configure may change now. changed: called with the new settings.
    """

    def __init__(
        self, node: Node, cls: type[T], unconfigured: Callable[[], bool], changed: Callable[[T], None]
    ) -> None:
        self._cls, self._unconfigured, self._changed = cls, unconfigured, changed
        self._source = f"parameters of {node.get_fully_qualified_name()}"
        self._fields = {f.name: f for f in dataclasses.fields(cls)}
        self.current: T = from_mapping(cls, {n: _declared(node, f) for n, f in self._fields.items()}, self._source)
        node.add_on_set_parameters_callback(self._set)

    def _set(self, parameters: Sequence[rclpy.Parameter]) -> SetParametersResult:
        changes = {p.name: p.value for p in parameters if p.name in self._fields}
        try:
            new = self._checked(changes)
        except ConfigError as error:
            return SetParametersResult(successful=False, reason=str(error))
        if new != self.current:
            self.current = new
            self._changed(new)
        return SetParametersResult(successful=True)

    def _checked(self, changes: Mapping[str, Any]) -> T:
        for name, value in changes.items():
            field = self._fields[name]
            if field.metadata["change"] == "configure" and not self._unconfigured():
                if value == getattr(self.current, name):
                    continue
                raise ConfigError(f"{name} takes effect in configure: deactivate and clean up the node, then set it")
        values = {n: getattr(self.current, n) for n in self._fields}
        return from_mapping(self._cls, values | dict(changes), self._source)


def _declared(node: Node, field: dataclasses.Field) -> Any:
    """The value of one parameter, declared. Raises ConfigError for a wrong type or one out of range."""
    default = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
    kind = rclpy.Parameter.Type.STRING_ARRAY if isinstance(default, list) else default
    try:
        value = node.declare_parameter(field.name, kind, _descriptor(field, default)).value
    except ParameterException as error:
        raise ConfigError(f"{node.get_fully_qualified_name()}: {error}; {field.name}: {_meaning(field)}") from error
    # An empty list has no type in YAML, and arrives as nothing.
    return default if value is None else list(value) if isinstance(default, list) else value


def _descriptor(field: dataclasses.Field, default: Any) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(
        description=field.metadata["description"],
        additional_constraints=_constraints(field),
        read_only=field.metadata["change"] == "start",
    )
    low, high = field.metadata["range"]
    if low is not None and isinstance(default, float):
        descriptor.floating_point_range = [FloatingPointRange(from_value=float(low), to_value=float(high))]
    elif low is not None:
        descriptor.integer_range = [IntegerRange(from_value=int(low), to_value=int(high), step=1)]
    return descriptor


def _constraints(field: dataclasses.Field) -> str:
    choices = field.metadata["choices"]
    known = f"one of {', '.join(choices)}; " if choices else ""
    return known + _WHEN[field.metadata["change"]]


def _meaning(field: dataclasses.Field) -> str:
    low, high = field.metadata["range"]
    return f"{field.metadata['description']}" + (f" ({low:g} to {high:g})" if low is not None else "")
