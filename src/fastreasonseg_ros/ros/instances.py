"""One instance of the twin, to its message and back. Unknown numbers are NaN in messages and None in the core."""

from __future__ import annotations

import math

from geometry_msgs.msg import Point, Vector3
from sensor_msgs.msg import RegionOfInterest

from fastreasonseg_ros.msg import ColorShare as ColorShareMsg
from fastreasonseg_ros.msg import Instance as InstanceMsg
from fastreasonseg_ros.msg import RestingPlace as RestingPlaceMsg

from ..twin.resting import RestingPlace
from ..twin.types import Box, ColorShare, Instance, Vector
from .images import time_from_s, time_to_s

_NAN = float("nan")
_NOWHERE = (_NAN, _NAN, _NAN)


def instance_to_msg(instance: Instance) -> InstanceMsg:
    bottom, top = instance.elevation_m or (_NAN, _NAN)
    msg = InstanceMsg(
        id=instance.id,
        label=instance.label,
        alternative_labels=list(instance.alternative_labels),
        score=float(instance.score),
        color=instance.color or "",
        colors=[ColorShareMsg(term=c.term, share=float(c.share), tone=c.tone) for c in instance.colors],
        shape=instance.shape or "",
        pose=instance.pose or "",
        text=instance.text,
        depth_mean=number(instance.depth_mean_m),
        depth_std=number(instance.depth_std_m),
        nearness=number(instance.nearness),
        size=vector(instance.size_m),
        elevation_bottom=float(bottom),
        elevation_top=float(top),
        velocity=vector(instance.velocity),
        path_length=number(instance.path_length_m),
        visible=instance.visible,
    )
    x, y, z = instance.center_m or _NOWHERE
    msg.center = Point(x=float(x), y=float(y), z=float(z))
    if instance.box_xyxy is not None:
        x0, y0 = (max(0, math.floor(v)) for v in instance.box_xyxy[:2])
        x1, y1 = (max(0, math.ceil(v)) for v in instance.box_xyxy[2:])
        msg.box = RegionOfInterest(x_offset=x0, y_offset=y0, width=max(0, x1 - x0), height=max(0, y1 - y0))
    msg.past = [_place_to_msg(place) for place in instance.past]
    msg.first_seen = time_from_s(instance.first_seen_s or 0.0)
    msg.last_seen = time_from_s(instance.last_seen_s or 0.0)
    return msg


def instance_from_msg(msg: InstanceMsg) -> Instance:
    """Times of 0 are times of 0: a node always fills them, a simulation starts there."""
    b = msg.box
    box: Box | None = (b.x_offset, b.y_offset, b.x_offset + b.width, b.y_offset + b.height) if b.width else None
    return Instance(
        id=msg.id,
        label=msg.label,
        alternative_labels=tuple(msg.alternative_labels),
        score=msg.score,
        color=msg.color or None,
        colors=tuple(ColorShare(c.term, c.share, c.tone) for c in msg.colors),
        shape=msg.shape or None,
        pose=msg.pose or None,
        text=msg.text,
        box_xyxy=box,
        depth_mean_m=known(msg.depth_mean),
        depth_std_m=known(msg.depth_std),
        nearness=known(msg.nearness),
        center_m=known_vector(msg.center),
        size_m=known_vector(msg.size),
        elevation_m=None if math.isnan(msg.elevation_bottom) else (msg.elevation_bottom, msg.elevation_top),
        velocity=known_vector(msg.velocity),
        path_length_m=known(msg.path_length),
        first_seen_s=time_to_s(msg.first_seen),
        last_seen_s=time_to_s(msg.last_seen),
        visible=msg.visible,
        past=tuple(_place_from_msg(place) for place in msg.past),
    )


def _place_to_msg(place: RestingPlace) -> RestingPlaceMsg:
    x, y, z = place.center_m
    center = Point(x=float(x), y=float(y), z=float(z))
    return RestingPlaceMsg(
        stamp=time_from_s(place.stamp_s), center=center, support=place.on or 0, pose=place.pose or ""
    )


def _place_from_msg(msg: RestingPlaceMsg) -> RestingPlace:
    center = (msg.center.x, msg.center.y, msg.center.z)
    return RestingPlace(time_to_s(msg.stamp), center, msg.support or None, msg.pose or None)


def number(value: float | None) -> float:
    """NaN for what is not known."""
    return _NAN if value is None else float(value)


def known(value: float) -> float | None:
    """None for NaN."""
    return None if math.isnan(value) else value


def vector(value: Vector | None) -> Vector3:
    """Of NaN for what is not known."""
    x, y, z = value or _NOWHERE
    return Vector3(x=float(x), y=float(y), z=float(z))


def known_vector(value: Vector3 | Point) -> Vector | None:
    """None where x is NaN."""
    return None if math.isnan(value.x) else (value.x, value.y, value.z)
