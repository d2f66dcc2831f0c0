"""The topic boxes: every thing of the twin with a box along its own axes, as markers for rviz and planners."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from geometry_msgs.msg import Pose, PoseStamped, Quaternion
from jaxtyping import Float
from rclpy.clock import Clock, ClockType
from rclpy.timer import Timer
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from ...twin.oriented_box import OrientedBox
from ...visualization.overlay import PALETTE
from ..lifecycle import ManagedNode
from ..qos import reliable
from .on_demand import OnDemand

NAMESPACE = "twin"  # of the markers
FIRST_BOXES_S = 0.5  # so long, at most, poses wait for them after somebody subscribed


def pose_of_box(box: OrientedBox) -> Pose:
    """Its centre and the orientation of its axes, in the camera's frame."""
    pose = Pose(orientation=quaternion(box.axes))
    pose.position.x, pose.position.y, pose.position.z = box.center_m
    return pose


def quaternion(axes: Float[np.ndarray, "3 3"]) -> Quaternion:
    """Of a rotation matrix."""
    from scipy.spatial.transform import Rotation  # here: nodes whose boxes nobody wants start sooner

    x, y, z, w = (float(v) for v in Rotation.from_matrix(axes).as_quat(canonical=True))
    return Quaternion(x=x, y=y, z=z, w=w)


class BoxMarkers:
    """Marker id: the thing's. What was shown before and is gone is deleted."""

    def __init__(self) -> None:
        self._shown: set[int] = set()

    def update(self, boxes: Mapping[int, OrientedBox], header: Header) -> MarkerArray:
        """One cube for each box, `scale` along its own axes, metres."""
        gone = [
            Marker(header=header, ns=NAMESPACE, id=id, action=Marker.DELETE) for id in sorted(self._shown - {*boxes})
        ]
        self._shown = {*boxes}
        return MarkerArray(markers=gone + [_cube(id, box, header) for id, box in boxes.items()])


def _cube(id: int, box: OrientedBox, header: Header) -> Marker:
    cube = Marker(header=header, ns=NAMESPACE, id=id, type=Marker.CUBE, action=Marker.ADD, pose=pose_of_box(box))
    cube.scale.x, cube.scale.y, cube.scale.z = box.size_m
    r, g, b = (c / 255 for c in PALETTE[id % len(PALETTE)])
    cube.color = ColorRGBA(r=r, g=g, b=b, a=0.35)
    return cube


class OwnAxes:
    """How things are turned, from the topic boxes of twin_node, which is subscribed to only while poses are.

    A pose takes the newest orientation of its id: boxes and answers are topics of their own, and a thing that stands
    is turned as it was a moment ago. For callbacks of the node's default group.
    """

    def __init__(self, node: ManagedNode[Any]) -> None:
        self._node = node
        self._turns: dict[int, Quaternion] = {}
        self._held: list[Callable[[], None]] = []
        self._first: Timer | None = None  # runs while the first boxes are waited for
        self.demand = OnDemand(node, self._subscribe)

    def turn(self, pose: PoseStamped, id: int) -> PoseStamped:
        """The pose, oriented as the thing is, where that is known."""
        if (known := self._turns.get(id)) is not None:
            pose.pose.orientation = known
        return pose

    def when_known(self, publish: Callable[[], None]) -> None:
        """Calls it now; just after somebody subscribed, once the first boxes are here, or after FIRST_BOXES_S."""
        if self._first is None:
            publish()
        else:
            self._held.append(publish)

    def _subscribe(self) -> Callable[[], None]:
        subscription = self._node.create_subscription(MarkerArray, "boxes", self._came, reliable())
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._first = self._node.create_timer(FIRST_BOXES_S, self._wait_no_more, clock=steady)

        def end() -> None:
            self._node.destroy_subscription(subscription)
            self._held.clear()
            self._wait_no_more()
            self._turns.clear()

        return end

    def _came(self, msg: MarkerArray) -> None:
        shown = [m for m in msg.markers if m.ns == NAMESPACE and m.action == Marker.ADD]
        self._turns = {m.id: m.pose.orientation for m in shown}
        self._wait_no_more()

    def _wait_no_more(self) -> None:
        if self._first is not None:
            self._node.destroy_timer(self._first)
            self._first = None
        held, self._held = self._held, []
        for publish in held:
            publish()
