"""Replies as text that an agent reads: what was measured and read stands between the marks of `sensor_text.as_data`."""

from __future__ import annotations

from collections.abc import Sequence

from .content import AnswerReply, FollowReply, Places, Point, Scene, Thing
from .sensor_text import as_data, in_quotes

SILENT_S = 3.0  # of a question that is followed: longer than a slow perception takes
MOVES_M_S = 0.02  # slower ones are said to rest: errors of velocity are of this size
AXES = "Metres; in the camera's frame x is right, y down, z forward."


def scene_text(scene: Scene) -> str:
    in_view = sum(t.in_view for t in scene.things)
    lines = [
        f"frame: {in_quotes(scene.frame)}, picture: {scene.image_size[0]} x {scene.image_size[1]} pixels",
        *map(thing_line, scene.things),
        *(f"{r.subject} {r.predicate} {r.object}" for r in scene.relations),
    ]
    left_out = f" {scene.omitted} more are left out: ask a question about them." if scene.omitted else ""
    return f"{in_view} things in view, {len(scene.things) - in_view} remembered.{left_out} {AXES}\n{as_data(lines)}"


def answer_text(answer: AnswerReply) -> str:
    lines = [f"answer_id: {in_quotes(answer.answer_id)}", f"message: {in_quotes(answer.message)}"]
    lines += map(thing_line, answer.things)
    if answer.relation or answer.destination_ids or answer.destination:
        where = ", ".join(f"id {k}" for k in answer.destination_ids) or in_quotes(answer.destination)
        lines.append(f"a command: put it {in_quotes(answer.relation)} {where}")
    if answer.reasoning:
        lines.append(f"reasoning: {in_quotes(answer.reasoning)}")
    lines += (f"step: {in_quotes(step)}" for step in answer.steps)
    sure = "" if answer.confidence is None else f", {answer.confidence:.0%} sure"
    return f"{answer.status}{sure}: ids {_ids(answer.ids)}. {AXES}\n{as_data(lines)}"


def follow_text(reply: FollowReply, silent_s: float = 0.0) -> str:
    """silent_s: how long no answer came at the end."""
    last = reply.answers[-1]
    lines = [f"answer_id: {in_quotes(reply.answer_id)}", f"message: {in_quotes(reply.message)}"]
    for answer in reply.answers:
        places = ", ".join(
            f"id {k}" + (f" at {_metres(center)}" if center else "")
            for k, center in zip(answer.ids, answer.centers_m, strict=True)
        )
        lines.append(f"after {answer.t_s:.1f} s: {answer.status}, {places or 'nothing'}")
    lines += map(thing_line, reply.things)
    alone = ""
    if len(reply.answers) == 1:
        alone = " No further answer came in that time: if you expected some, call look, which says whether twins come."
    elif silent_s > SILENT_S:
        alone = f" Then no answer came for {silent_s:.0f} s: call look, which says whether twins still come."
    return (
        f"{last.status}: {len(reply.answers)} answers in {last.t_s:.1f} s, the last one ids {_ids(last.ids)}. "
        f"The standing question is ended.{alone} {AXES}\n{as_data(lines)}"
    )


def places_text(places: Places) -> str:
    lines = [f"frame: {in_quotes(places.frame)}", *map(thing_line, places.things)]
    if places.place_m is not None:
        lines.append(f"the command's place: {_metres(places.place_m)}")
    missing = f" Not in the twin any more: ids {_ids(places.missing)}." if places.missing else ""
    return f"{len(places.things)} things.{missing} {AXES}\n{as_data(lines)}"


def thing_line(i: Thing) -> str:
    parts = [f"id {i.id}: {in_quotes(i.label)}"]
    if i.other_labels:
        parts.append(f"or {', '.join(map(in_quotes, i.other_labels))}")
    parts += [in_quotes(word) for word in (i.color, i.shape, i.pose) if word]
    if i.center_m is not None:
        parts.append(f"center {_metres(i.center_m)}")
    if i.size_m is not None:
        parts.append(f"size {_metres(i.size_m)}")
    if i.velocity_m_s is not None and sum(v * v for v in i.velocity_m_s) > MOVES_M_S**2:
        parts.append(f"moves by {_metres(i.velocity_m_s)} a second")
    if i.printed_text:
        parts.append(f"printed on it: {in_quotes(i.printed_text)}")
    if not i.in_view:
        parts.append("out of view, the place is the last known one")
    return ", ".join(parts)


def _metres(point: Point) -> str:
    return f"({', '.join(f'{v:.3f}' for v in point)})"


def _ids(ids: Sequence[int]) -> str:
    return ", ".join(map(str, ids)) or "none"
