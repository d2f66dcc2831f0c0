"""Creates messages of this package and of viewers for rosbags, without ROS; fields that are not given are 0.

Types are read from the .msg files that the nodes' interfaces are built from.
"""

from __future__ import annotations

import os
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from ...errors import ConfigError
from ...twin.resting import RestingPlace
from ...twin.types import Answer, DigitalTwin, Instance

PACKAGE = "fastreasonseg_ros"
INTERFACES = (
    "Answer", "ColorShare", "Command", "Instance", "Relation", "RestingPlace", "SceneGraph", "StageLatency",
    "TraceStep",
)  # fmt: skip
CUBE, LABEL, DELETE_ALL, ADD = 1, 9, 3, 0  # visualization_msgs/Marker
NAN = float("nan")


@lru_cache(maxsize=1)
def types() -> Typestore:
    """Types of ROS 2 and of this package. Raises ConfigError if the .msg files are not found."""
    store = get_typestore(Stores.ROS2_HUMBLE)
    places = [Path(__file__).parents[4] / "msg"]
    places += [Path(p) / "share" / PACKAGE / "msg" for p in os.environ.get("AMENT_PREFIX_PATH", "").split(":") if p]
    folder = next((p for p in places if (p / "Answer.msg").is_file()), None)
    if folder is None:
        raise ConfigError("the message files of this package are not installed; source the workspace it was built in")
    for name in INTERFACES:
        store.register(get_types_from_msg((folder / f"{name}.msg").read_text(), f"{PACKAGE}/msg/{name}"))
    return store


def make(kind: str, **fields: Any) -> Any:
    """A message of a type such as std_msgs/msg/Header. Default values are shared: do not modify them.

    Raises TypeError for an unknown field.
    """
    create, zeros = _zeros(kind)
    if unknown := fields.keys() - zeros.keys():
        raise TypeError(f"{kind} has no field {', '.join(unknown)}")
    return create(**(zeros | {name: value for name, value in fields.items() if value is not None}))


@cache
def _zeros(kind: str) -> tuple[Any, dict[str, Any]]:
    """The class of a type, and the default values of its fields."""
    return types().types[kind], {name: _zero(node) for name, node in types().get_msgdef(kind).fields}


def _zero(node: Any) -> Any:
    kind, detail = node
    if kind == Nodetype.BASE:
        name = detail[0]
        return "" if name == "string" else False if name == "bool" else 0.0 if name.startswith("float") else 0
    if kind == Nodetype.NAME:
        return make(detail)
    inner, size = detail
    count = size if kind == Nodetype.ARRAY else 0
    if inner[0] == Nodetype.BASE and inner[1][0] != "string":
        return np.zeros(count, inner[1][0])
    return [_zero(inner) for _ in range(count)]


def time(nanoseconds: int) -> Any:
    return make("builtin_interfaces/msg/Time", sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)


def header(nanoseconds: int, frame_id: str) -> Any:
    return make("std_msgs/msg/Header", stamp=time(nanoseconds), frame_id=frame_id)


def image(array: np.ndarray, encoding: str, head: Any) -> Any:
    array = np.ascontiguousarray(array)
    return make(
        "sensor_msgs/msg/Image", header=head, height=array.shape[0], width=array.shape[1], encoding=encoding,
        step=array.strides[0], data=array.view(np.uint8).ravel(),
    )  # fmt: skip


def packed(data: UInt8[np.ndarray, "..."], kind: str, head: Any) -> Any:
    return make("sensor_msgs/msg/CompressedImage", header=head, format=kind, data=np.asarray(data, np.uint8).ravel())


def scene_graph(twin: DigitalTwin, nanoseconds: int) -> Any:
    """SceneGraph.msg. nanoseconds: stamp; times of the twin are seconds on the camera's clock."""
    head = header(nanoseconds, twin.frame_id)
    relations = [
        make(f"{PACKAGE}/msg/Relation", subject=r.subject, predicate=r.predicate, object=r.object, score=r.score)
        for r in twin.relations
    ]
    plane = (0.0, 0.0, 0.0) if twin.plane is None else twin.plane.normal
    return make(
        f"{PACKAGE}/msg/SceneGraph", header=head, sequence=twin.sequence, image_width=twin.image_size[0],
        image_height=twin.image_size[1], instances=[instance(i) for i in twin.instances], relations=relations,
        plane_normal=_vector(plane), plane_offset=0.0 if twin.plane is None else float(twin.plane.offset_m),
        instance_ids=None if twin.ids is None else image(twin.ids, "mono16", head),
    )  # fmt: skip


def instance(i: Instance) -> Any:
    x0, y0, x1, y1 = (round(v) for v in i.box_xyxy or (0, 0, 0, 0))
    box = make(
        "sensor_msgs/msg/RegionOfInterest", x_offset=max(0, x0), y_offset=max(0, y0), width=x1 - x0, height=y1 - y0
    )
    low, high = i.elevation_m or (NAN, NAN)
    return make(
        f"{PACKAGE}/msg/Instance", id=i.id, label=i.label, score=float(i.score),
        alternative_labels=list(i.alternative_labels),
        colors=[make(f"{PACKAGE}/msg/ColorShare", term=c.term, share=float(c.share), tone=c.tone) for c in i.colors],
        pose=i.pose or "", past=[_resting_place(p) for p in i.past],
        color=i.color or "", shape=i.shape or "", box=box, depth_mean=_known(i.depth_mean_m),
        depth_std=_known(i.depth_std_m), nearness=_known(i.nearness),
        center=_point(i.center_m or (NAN,) * 3), size=_vector(i.size_m or (NAN,) * 3), elevation_bottom=float(low),
        elevation_top=float(high), velocity=_vector(i.velocity or (NAN,) * 3), path_length=_known(i.path_length_m),
        first_seen=time(round((i.first_seen_s or 0) * 1e9)), last_seen=time(round((i.last_seen_s or 0) * 1e9)),
        visible=i.visible,
    )  # fmt: skip


def _resting_place(p: RestingPlace) -> Any:
    return make(
        f"{PACKAGE}/msg/RestingPlace", stamp=time(round(p.stamp_s * 1e9)), center=_point(p.center_m),
        support=p.on or 0, pose=p.pose or "",
    )  # fmt: skip


def answer(a: Answer, twin: DigitalTwin | None, nanoseconds: int, query_id: str, standing: bool) -> Any:
    """Answer.msg; the masks of its ids are in the id image of the twin."""
    head = header(nanoseconds, twin.frame_id if twin else "")
    by_id = {i.id: i for i in twin.instances} if twin else {}
    steps = [
        make(
            f"{PACKAGE}/msg/TraceStep",
            name=s.name,
            expression=s.expression,
            ids=np.array(s.ids, np.uint32),
            note=s.note,
        )
        for s in a.trace
    ]
    latency = [make(f"{PACKAGE}/msg/StageLatency", stage=k, milliseconds=float(v)) for k, v in a.latency_ms.items()]
    commands = [
        make(
            f"{PACKAGE}/msg/Command",
            ids=np.array(c.ids, np.uint32),
            relation=c.relation,
            destination_ids=np.array(c.destination_ids, np.uint32),
            reference=c.reference,
        )
        for c in a.commands
    ]
    return make(
        f"{PACKAGE}/msg/Answer", header=head, query_id=query_id, text=a.query.text, status=int(a.status),
        message=a.message, ids=np.array(a.ids, np.uint32), instances=[instance(by_id[i]) for i in a.ids if i in by_id],
        relation=a.relation, destination_ids=np.array(a.destination_ids, np.uint32), reference=a.reference,
        destinations=[instance(by_id[i]) for i in a.destination_ids if i in by_id], commands=commands,
        reason=a.reason, plan=a.plan, steps=steps, standing=standing, twin_sequence=a.sequence, model=a.model,
        latency=latency,
    )  # fmt: skip


def markers(twin: DigitalTwin, chosen: set[int], nanoseconds: int) -> Any:
    """MarkerArray with a box and a label for every visible object with known 3-D position; chosen ids are opaque."""
    head = header(nanoseconds, twin.frame_id)
    kind = "visualization_msgs/msg/Marker"
    turn = make("geometry_msgs/msg/Quaternion", w=1.0)
    found = [make(kind, header=head, action=DELETE_ALL)]
    for i in (i for i in twin.instances if i.visible and i.center_m and i.size_m):
        color = make("std_msgs/msg/ColorRGBA", r=0.0, g=0.8, b=0.55, a=0.7 if i.id in chosen else 0.15)
        pose = make("geometry_msgs/msg/Pose", position=_point(i.center_m), orientation=turn)
        common = {"header": head, "id": i.id, "action": ADD}
        found.append(make(kind, ns="box", type=CUBE, pose=pose, scale=_vector(i.size_m), color=color, **common))
        x, y, z = i.center_m
        above = make("geometry_msgs/msg/Pose", position=_point((x, y - i.size_m[1] / 2 - 0.03, z)), orientation=turn)
        white = make("std_msgs/msg/ColorRGBA", r=1.0, g=1.0, b=1.0, a=1.0)
        text = f"{i.id} {i.label}"
        found.append(
            make(kind, ns="name", type=LABEL, pose=above, scale=_vector((0, 0, 0.03)), color=white, text=text, **common)
        )
    return make("visualization_msgs/msg/MarkerArray", markers=found)


def _known(value: float | None) -> float:
    return NAN if value is None else float(value)


def _point(v: Any) -> Any:
    return make("geometry_msgs/msg/Point", x=float(v[0]), y=float(v[1]), z=float(v[2]))


def _vector(v: Any) -> Any:
    return make("geometry_msgs/msg/Vector3", x=float(v[0]), y=float(v[1]), z=float(v[2]))
