"""Messages as lines and rows of plain text; the page never takes any of it for HTML."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from fastreasonseg_ros.msg import Answer, Instance, SceneGraph

COLUMNS = [
    {"name": "id", "label": "id", "field": "id", "align": "right", "sortable": True},
    {"name": "label", "label": "label", "field": "label", "align": "left", "sortable": True},
    {"name": "color", "label": "colour", "field": "color", "align": "left", "sortable": True},
    {"name": "position", "label": "position x, y, z (m)", "field": "position", "align": "left"},
    {"name": "size", "label": "size x, y, z (cm)", "field": "size", "align": "left"},
    {"name": "score", "label": "score", "field": "score", "align": "right", "sortable": True},
    {"name": "visible", "label": "visible", "field": "visible", "align": "left", "sortable": True},
    {"name": "text", "label": "text on it", "field": "text", "align": "left"},
]


def names_of(answer: Answer, twin: SceneGraph | None = None) -> dict[int, str]:
    """ "3 red mug" by id, of everything that the answer or the twin speaks of."""
    known: Iterable[Instance] = (*(twin.instances if twin else ()), *answer.instances, *answer.destinations)
    return {i.id: f"{i.id} {' '.join(w for w in (i.color, i.label) if w)}" for i in known}


def named(ids: Sequence[int], names: Mapping[int, str]) -> str:
    return ", ".join(names.get(i, str(i)) for i in ids)


def found(answer: Answer) -> str:
    """What an answer found, in one line: things, or why there are none."""
    return named(answer.ids, names_of(answer)) or answer.message or "nothing"


def objects(answer: Answer) -> list[str]:
    """A line for each object that was found, with its place where that is known."""
    lines = []
    for thing in answer.instances:
        words = " ".join(w for w in (str(thing.id), thing.color, thing.label) if w)
        x_y_z = position(thing)
        lines.append(f"{words} at {x_y_z} m" if x_y_z else words)
    return lines


def commands(answer: Answer, names: Mapping[int, str]) -> list[str]:
    """A line for each command: what is to be taken, and where it goes."""
    lines = []
    for command in answer.commands if answer.status == Answer.OK else ():
        goal = named(command.destination_ids, names) or command.reference
        where = " ".join(w for w in (command.relation, goal) if w)
        lines.append(f"take {named(command.ids, names)}" + (f", put {where}" if where else ""))
    return lines


def steps(answer: Answer, names: Mapping[int, str]) -> list[tuple[str, str]]:
    """The executed plan: each step, and what it gave."""
    lines = []
    for step in answer.steps:
        gave = named(step.ids, names) or "nothing"
        lines.append((f"{step.name} = {step.expression}", f"{gave} ({step.note})" if step.note else gave))
    return lines


def rows(twin: SceneGraph, chosen: Iterable[int] = ()) -> list[dict[str, int | str | bool]]:
    """The instances as rows of a table with COLUMNS. chosen: ids that are marked as `found`."""
    marked = set(chosen)
    return [
        {
            "id": i.id,
            "label": i.label,
            "color": i.color,
            "position": position(i),
            "size": size_cm(i),
            "score": f"{i.score:.2f}",
            "visible": "yes" if i.visible else "remembered",
            "text": i.text,
            "found": i.id in marked,
        }
        for i in twin.instances
    ]


def position(instance: Instance) -> str:
    """Centre in metres, in the frame of the twin; empty where it is unknown."""
    values = (instance.center.x, instance.center.y, instance.center.z)
    return ", ".join(f"{v:.2f}" for v in values) if all(map(math.isfinite, values)) else ""


def size_cm(instance: Instance) -> str:
    """Extent in centimetres; empty where it is unknown."""
    values = (instance.size.x, instance.size.y, instance.size.z)
    return " × ".join(f"{100 * v:.0f}" for v in values) if all(map(math.isfinite, values)) else ""


def seconds(age_s: float) -> str:
    """An age for people."""
    return f"{age_s:.0f} s" if age_s < 120 else f"{age_s / 60:.0f} min"
