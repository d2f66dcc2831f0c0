"""What replies hold, as structured content: messages to models. Metres, seconds, in the camera's frame.

All strings that come from messages pass through `sensor_text.shown` here, on their way into a model.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import BaseModel, Field

from fastreasonseg_ros.msg import Answer, SceneGraph, TraceStep

from ..errors import status_name
from ..ros.conversions import commands_from_msg, twin_from_msg
from ..ros.images import time_to_s
from ..ros.instances import instance_from_msg
from ..ros.transforms import Transform
from ..twin.placement import place_of
from ..twin.types import DigitalTwin, Instance
from .robot import Followed
from .sensor_text import LABEL, NOTICE, PRINTED, shown

MOST_THINGS = 100
MOST_STEPS = 32

Point = Annotated[list[float], Field(min_length=3, max_length=3)]


class Reply(BaseModel):
    """What all replies have."""

    robot: str
    notice: str = NOTICE


class Thing(BaseModel):
    """One object of the twin."""

    id: int = Field(description="stays the same while the thing is tracked")
    label: str
    other_labels: list[str] = Field(description="what it might also be called, likeliest first")
    color: str
    shape: str
    pose: str = Field(description="upright, lying, upside_down, on_edge, leaning, or empty: not known")
    printed_text: str = Field(description="what was read on it")
    in_view: bool = Field(description="false: it left the view or is covered; its place is the last known one")
    center_m: Point | None
    size_m: Point | None = Field(description="extent along the camera's x, y, z")
    velocity_m_s: Point | None


class Relation(BaseModel):
    """subject stands on, or is inside, object; both are ids."""

    subject: int
    predicate: str
    object: int


class Scene(Reply):
    """The twin."""

    frame: str = Field(description="coordinate frame of all points")
    stamp_s: float = Field(description="of the picture, by the robot's clock")
    image_size: list[int] = Field(description="width and height, pixels")
    things: list[Thing]
    omitted: int = Field(description="things that were left out of a long list")
    relations: list[Relation]


class AnswerReply(Reply):
    """The answer to one question."""

    answer_id: str = Field(description="for where and picture")
    status: str = Field(description="OK, NO_MATCH (nothing fits: an answer), or what went wrong")
    message: str
    confidence: float | None = Field(description="chance that the answer is right, 0 to 1; null where it is not known")
    ids: list[int]
    things: list[Thing] = Field(description="the same objects, in the same order")
    relation: str = Field(description="of a command: how the ids are to stand to the destination; else empty")
    destination_ids: list[int]
    destination: str = Field(description="camera, table or before, where the destination is no object")
    reasoning: str
    steps: list[str] = Field(description="the plan as it was executed")
    frame: str
    stamp_s: float


class FollowedAnswer(BaseModel):
    """One answer to a standing question."""

    t_s: float = Field(description="seconds after the first answer")
    status: str
    ids: list[int]
    centers_m: list[Point | None]


class FollowReply(Reply):
    """How the answer to a standing question went on."""

    answer_id: str
    message: str = Field(description="of the last answer")
    answers: list[FollowedAnswer]
    things: list[Thing] = Field(description="those of the last answer")
    frame: str


class Places(Reply):
    """Where things are now."""

    frame: str
    stamp_s: float
    things: list[Thing]
    missing: list[int] = Field(description="ids that the twin does not have any more")
    place_m: Point | None = Field(
        description="of a command: where the centre of the first thing would stand; else null"
    )


def scene_of(robot: str, twin: SceneGraph) -> Scene:
    """Raises TwinError for a message with values that cannot be."""
    core = twin_from_msg(twin, with_ids=False)
    found = sorted(core.instances, key=lambda i: (not i.visible, i.id))
    things = [thing_of(i) for i in found[:MOST_THINGS]]
    kept = {t.id for t in things}
    return Scene(
        robot=robot,
        frame=shown(core.frame_id, LABEL),
        stamp_s=core.stamp_s,
        image_size=list(core.image_size),
        things=things,
        omitted=len(found) - len(things),
        relations=[
            Relation(subject=r.subject, predicate=r.predicate, object=r.object)
            for r in core.relations
            if r.subject in kept and r.object in kept
        ],
    )


def answer_of(robot: str, answer: Answer) -> AnswerReply:
    """Raises TwinError for objects with values that cannot be."""
    return AnswerReply(
        robot=robot,
        answer_id=shown(answer.query_id, 128),
        status=status_name(answer.status),
        message=shown(answer.message),
        confidence=round(float(answer.confidence), 3) if 0 < answer.confidence <= 1 else None,
        ids=list(answer.ids)[:MOST_THINGS],
        things=_things(answer),
        relation=shown(answer.relation, LABEL),
        destination_ids=list(answer.destination_ids)[:MOST_THINGS],
        destination=shown(answer.reference, LABEL),
        reasoning=shown(answer.reason),
        steps=[_step(step) for step in list(answer.steps)[:MOST_STEPS]],
        frame=shown(answer.header.frame_id, LABEL),
        stamp_s=time_to_s(answer.header.stamp),
    )


def follow_of(robot: str, followed: Sequence[Followed]) -> FollowReply:
    """followed: at least one answer. Raises TwinError for objects with values that cannot be."""
    last = followed[-1].answer

    def row(t_s: float, answer: Answer) -> FollowedAnswer:
        centers = {t.id: t.center_m for t in _things(answer)}
        ids = list(answer.ids)[:MOST_THINGS]
        return FollowedAnswer(
            t_s=round(t_s, 2), status=status_name(answer.status), ids=ids, centers_m=[centers.get(k) for k in ids]
        )

    return FollowReply(
        robot=robot,
        answer_id=shown(last.query_id, 128),
        message=shown(last.message),
        answers=[row(f.t_s, f.answer) for f in followed],
        things=_things(last),
        frame=shown(last.header.frame_id, LABEL),
    )


def places_of(robot: str, twin: DigitalTwin, ids: Sequence[int], answer: Answer | None) -> Places:
    """The things of these ids as the twin has them. answer: of a command, whose place is added."""
    by_id = {i.id: i for i in twin.instances}
    commands = commands_from_msg(answer) if answer is not None and answer.status == Answer.OK else ()
    place = place_of(commands[0], twin) if commands and commands[0].is_complete else None
    return Places(
        robot=robot,
        frame=shown(twin.frame_id, LABEL),
        stamp_s=twin.stamp_s,
        things=[thing_of(by_id[k]) for k in ids if k in by_id][:MOST_THINGS],
        missing=[k for k in ids if k not in by_id],
        place_m=_point(place),
    )


def thing_of(i: Instance) -> Thing:
    return Thing(
        id=i.id,
        label=shown(i.label, LABEL),
        other_labels=[shown(word, LABEL) for word in i.alternative_labels[:3]],
        color=shown(i.color or "", LABEL),
        shape=shown(i.shape or "", LABEL),
        pose=i.pose or "",
        printed_text=shown(i.text, PRINTED),
        in_view=i.visible,
        center_m=_point(i.center_m),
        size_m=_point(i.size_m),
        velocity_m_s=_point(i.velocity),
    )


def moved(places: Places, frame: str, transform: Transform) -> Places:
    """The same places in another frame. Sizes stay extents along the camera's axes."""

    def point(value: Point | None) -> Point | None:
        return None if value is None else _point(transform.point((value[0], value[1], value[2])))

    def thing(i: Thing) -> Thing:
        velocity = None if i.velocity_m_s is None else transform.rotation.apply(i.velocity_m_s)
        return i.model_copy(update={"center_m": point(i.center_m), "velocity_m_s": _point(velocity)})

    things = [thing(i) for i in places.things]
    return places.model_copy(update={"frame": shown(frame, LABEL), "things": things, "place_m": point(places.place_m)})


def _things(answer: Answer) -> list[Thing]:
    return [thing_of(instance_from_msg(i)) for i in list(answer.instances)[:MOST_THINGS]]


def _step(step: TraceStep) -> str:
    found = ", ".join(map(str, step.ids[:MOST_THINGS])) or "nothing"
    note = f" ({shown(step.note, PRINTED)})" if step.note else ""
    return f"{shown(step.name, LABEL)} = {shown(step.expression, PRINTED)}: {found}{note}"


def _point(value: Iterable[float] | None) -> Point | None:
    """Rounded to millimetres."""
    return None if value is None else [round(float(v), 3) for v in value]
