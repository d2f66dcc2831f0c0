"""An answer for rviz and for people: boxes and labels in the frame of the twin, a pose, and a few lines of text."""

from __future__ import annotations

from collections.abc import Sequence

from geometry_msgs.msg import PoseStamped
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from fastreasonseg_ros.msg import Answer

from ...errors import status_name
from ...twin.types import Instance, Vector
from ...visualization.overlay import DESTINATION, PALETTE, TAKEN


class AnswerMarkers:
    """Markers of several questions at a time, each in namespaces of its own: QUERY_ID/box and QUERY_ID/text.

    What a question showed before and shows no more is deleted; other questions' markers stay.
    """

    def __init__(self) -> None:
        self._shown: dict[str, set[int]] = {}

    def update(
        self, query_id: str, instances: Sequence[Instance], header: Header, destinations: Sequence[Instance] = ()
    ) -> MarkerArray:
        """A box and a text for each instance with a known place; without instances the question's markers go.

        destinations: of a command, shown in the colour DESTINATION, and what is to be taken in TAKEN.
        """
        array, taken = MarkerArray(), {i.id for i in instances}
        shown = [*instances, *(i for i in destinations if i.id not in taken)]
        placed = [i for i in shown if i.center_m is not None]
        for id in sorted(self._shown.pop(query_id, set()) - {i.id for i in placed}):
            for kind in ("box", "text"):
                array.markers.append(Marker(header=header, ns=f"{query_id}/{kind}", id=id, action=Marker.DELETE))
        for n, instance in enumerate(placed):
            color = PALETTE[n % len(PALETTE)]
            if destinations:
                color = TAKEN if instance.id in taken else DESTINATION
            array.markers += _markers(query_id, instance, color, header)
        if placed:
            self._shown[query_id] = {i.id for i in placed}
        return array

    def clear(self) -> MarkerArray:
        """Deletes everything that was shown."""
        self._shown.clear()
        return MarkerArray(markers=[Marker(action=Marker.DELETEALL)])


def _markers(query_id: str, instance: Instance, color: tuple[int, int, int], header: Header) -> list[Marker]:
    r, g, b = (c / 255 for c in color)
    box = Marker(header=header, ns=f"{query_id}/box", id=instance.id, type=Marker.CUBE, action=Marker.ADD)
    box.pose = pose_of(instance, header).pose
    box.scale.x, box.scale.y, box.scale.z = (max(0.005, float(v)) for v in instance.size_m or (0.05, 0.05, 0.05))
    box.color = ColorRGBA(r=r, g=g, b=b, a=0.45)
    text = Marker(header=header, ns=f"{query_id}/text", id=instance.id, type=Marker.TEXT_VIEW_FACING, action=Marker.ADD)
    text.pose = pose_of(instance, header).pose
    text.pose.position.y -= box.scale.y / 2 + 0.03  # y points down in the optical frame
    text.scale.z = 0.03
    text.color = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0)
    text.text = f"{instance.id} {instance.label}"
    return [box, text]


def pose_of(instance: Instance, header: Header) -> PoseStamped:
    """The instance's centre, oriented as the header's frame. Only for one whose center_m is known."""
    assert instance.center_m is not None
    return pose_at(instance.center_m, header)


def pose_at(point_m: Vector, header: Header) -> PoseStamped:
    """A point in the header's frame, oriented as that frame."""
    pose = PoseStamped(header=header)
    pose.pose.position.x, pose.pose.position.y, pose.pose.position.z = (float(v) for v in point_m)
    pose.pose.orientation.w = 1.0
    return pose


def as_text(answer: Answer) -> str:
    """Question, outcome, reasoning and executed steps: an answer without its pictures."""
    known = (*answer.instances, *answer.destinations)
    names = {i.id: f"{i.id} {' '.join(w for w in (i.color, i.label) if w)}" for i in known}

    def named(ids: Sequence[int]) -> str:
        return ", ".join(names.get(i, str(i)) for i in ids)

    sure = f" ({answer.confidence:.0%} sure)" if answer.confidence > 0 else ""  # else not known
    lines = [f"Q: {answer.text}", f"{status_name(answer.status)}{sure}: {named(answer.ids) or answer.message}"]
    for command in answer.commands if answer.status == Answer.OK else ():
        where = " ".join(filter(None, [command.relation, named(command.destination_ids) or command.reference]))
        lines.append(f"take {named(command.ids)}" + (f", put {where}" if where else ""))
    if answer.reason:
        lines.append(f"because: {answer.reason}")
    for step in answer.steps:
        found = ", ".join(names.get(i, str(i)) for i in step.ids) or "nothing"
        lines.append(f"  {step.name} = {step.expression}: {found}{f' ({step.note})' if step.note else ''}")
    return "\n".join(lines)
