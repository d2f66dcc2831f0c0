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
from ..io.camera_sources import SOURCES
from ..perception import PERCEIVERS
from ..reasoning import LANGUAGE_MODELS
from .qos import PICTURE_QOS

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

    unconfigured: whether parameters that are read in configure may change now. changed: told the new settings.
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


RAW = ("raw", "compressed")
DEPTH_UNIT = "metres of one step of 16-bit depth: 0.001 (REP-118); 0.0001 for a RealSense D405"


@dataclasses.dataclass(frozen=True)
class CameraSettings(NodeSettings):
    source: str = setting("simulation", "where pictures come from", choices=(*SOURCES, "topic"))
    path: str = setting("", "what to open: device number, file or folder; for a simulation its seed")
    rate_hz: float = setting(0.0, "pictures a second; 0: the pace of the source", low=0.0, high=1000.0, change="live")
    loop: bool = setting(
        True, "start again when the source ends; otherwise its last picture is repeated once a second", change="live"
    )
    frame_id: str = setting("camera_color_optical_frame", "frame of the pictures (REP-103 optical)", change="live")
    color_transport: str = setting("raw", "of the source topic in/color", choices=RAW)
    depth_transport: str = setting("raw", "of the source topic in/depth", choices=(*RAW, "compressedDepth"))
    depth_unit_m: float = setting(0.001, DEPTH_UNIT, low=1e-6, high=1.0)
    picture_qos: str = setting("auto", "of the source topics; auto: reliable where offered", choices=PICTURE_QOS)


@dataclasses.dataclass(frozen=True)
class TwinSettings(NodeSettings):
    perceiver: str = setting("tabletop", "how pictures become instances", choices=PERCEIVERS)
    perceiver_config: str = setting("", "YAML file with the perceiver's settings; empty: its defaults")
    perceiver_overrides: list[str] = setting([], "single settings of the perceiver, as a.b=c")
    color_transport: str = setting("raw", "of color/image_raw, as image_transport names it", choices=RAW)
    depth_transport: str = setting("raw", "of depth/image_raw", choices=(*RAW, "compressedDepth"))
    picture_qos: str = setting(
        "auto", "of the picture subscriptions; auto: reliable where offered", choices=PICTURE_QOS
    )
    world_frame: str = setting(
        "", "frame that stands still, as odom: velocities are over that ground, by tf; needs tf2_ros; empty: none"
    )
    tf_timeout_s: float = setting(
        0.05, "how long the camera's pose at the picture's stamp is waited for", low=0.0, high=10.0, change="live"
    )
    sync_slop_s: float = setting(
        0.05, "largest difference of the stamps of colour and depth; 0: equal stamps only", low=0.0, high=10.0
    )
    sync_queue: int = setting(10, "pictures that wait for their partner", low=1, high=1000)
    depth_unit_m: float = setting(
        0.001, DEPTH_UNIT, low=1e-6, high=1.0
    )
    depth_timeout_s: float = setting(
        1.0, "depth or camera_info missing for so long: pictures are taken without", low=0.1, high=60.0, change="live"
    )
    stale_after_s: float = setting(
        3.0, "a twin older than this is reported as stale on /diagnostics", low=0.1, high=3600.0, change="live"
    )


@dataclasses.dataclass(frozen=True)
class ReasoningSettings(NodeSettings):
    language_model: str = setting("openvino", "which backend runs it", choices=LANGUAGE_MODELS)
    language_model_config: str = setting("", "YAML file with the model's settings; empty: its defaults")
    language_model_overrides: list[str] = setting([], "single settings of the model, as a.b=c")
    query_timeout_s: float = setting(30.0, "time for a question that names none", low=0.1, high=3600.0, change="live")
    look_timeout_s: float = setting(
        5.0,
        "time that perception has to look for words which a question brings; 0: none are brought",
        low=0.0,
        high=3600.0,
        change="live",
    )
    stale_after_s: float = setting(
        10.0, "an answer about an older twin has the status STALE", low=0.1, high=3600.0, change="live"
    )


@dataclasses.dataclass(frozen=True)
class MaskSettings(NodeSettings):
    query_id: str = setting(
        "", "question of mask, overlay and target (service select); empty: the one that was asked last", change="live"
    )
    color_transport: str = setting("raw", "of color/image_raw", choices=RAW)
    picture_qos: str = setting("auto", "of the picture subscription; auto: reliable where offered", choices=PICTURE_QOS)
    target_frame: str = setting("", "frame of target_in_frame, for example base_link; needs tf2_ros; empty: none")
    tf_timeout_s: float = setting(
        0.2, "how long a transform at the picture's stamp is waited for", low=0.0, high=10.0, change="live"
    )
