"""An answer as rviz and people see it: boxes and names in the room, a pose, a few lines of text."""

from __future__ import annotations

from collections.abc import Sequence

from geometry_msgs.msg import PoseStamped
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from fastreasonseg_ros.msg import Answer

from ..errors import Status
from ..evaluation.overlay import PALETTE
from ..twin.types import Instance


def markers(instances: Sequence[Instance], header: Header) -> MarkerArray:
    """A box and a text for each instance with a known place; what was shown before is taken away."""
    array = MarkerArray(markers=[Marker(header=header, action=Marker.DELETEALL)])
    for n, instance in enumerate(i for i in instances if i.center_m is not None):
        r, g, b = (c / 255 for c in PALETTE[n % len(PALETTE)])
        box = Marker(header=header, ns="box", id=instance.id, type=Marker.CUBE, action=Marker.ADD)
        box.pose = pose_of(instance, header).pose
        box.scale.x, box.scale.y, box.scale.z = (max(0.005, float(v)) for v in instance.size_m or (0.05, 0.05, 0.05))
        box.color = ColorRGBA(r=r, g=g, b=b, a=0.45)
        text = Marker(header=header, ns="text", id=instance.id, type=Marker.TEXT_VIEW_FACING, action=Marker.ADD)
        text.pose = pose_of(instance, header).pose
        text.pose.position.y -= box.scale.y / 2 + 0.03  # y points down in the optical frame
        text.scale.z = 0.03
        text.color = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0)
        text.text = f"{instance.id} {instance.label}"
        array.markers += [box, text]
    return array


def pose_of(instance: Instance, header: Header) -> PoseStamped:
    """The instance's centre, oriented as the header's frame. Only for one whose center_m is known."""
    assert instance.center_m is not None
    pose = PoseStamped(header=header)
    pose.pose.position.x, pose.pose.position.y, pose.pose.position.z = (float(v) for v in instance.center_m)
    pose.pose.orientation.w = 1.0
    return pose


def as_text(answer: Answer) -> str:
    """Question, outcome, reasoning and executed steps: the whole answer without its pictures."""
    names = {i.id: f"{i.id} {' '.join(w for w in (i.color, i.label) if w)}" for i in answer.instances}
    lines = [
        f"Q: {answer.text}",
        f"{Status(answer.status).name}: {', '.join(names.get(i, str(i)) for i in answer.ids) or answer.message}",
    ]
    if answer.reason:
        lines.append(f"because: {answer.reason}")
    for step in answer.steps:
        found = ", ".join(names.get(i, str(i)) for i in step.ids) or "nothing"
        lines.append(f"  {step.name} = {step.expression}: {found}{f' ({step.note})' if step.note else ''}")
    return "\n".join(lines)
