"""What the values of a twin must be: called once for every Instance, Relation and DigitalTwin, when it is made.

Unknown values are None and always valid. Everything here raises TwinError, which names the field as in twin/types.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, NoReturn

from ..errors import TwinError

if TYPE_CHECKING:
    from .types import DigitalTwin, Instance, Relation

# POSES mean something only where a thing has an upright one: a ball has none.
POSES = ("upright", "lying", "upside_down", "on_edge", "leaning")
TONES = ("light", "dark")  # of a colour
LONGEST_TEXT = 4096  # characters of a label, or of what is read; nothing is called by more
PREDICATES = ("on", "inside")  # of stored relations; all others follow from geometry


def check_instance(instance: Instance) -> None:
    """Raises TwinError for an id below 1, numbers that are not finite, negative sizes, distances or paths, scores
    and shares outside 0..1, an unknown pose or tone, texts of over LONGEST_TEXT, and boxes, heights or
    times whose end lies before their beginning.
    """
    # Called for every object of every frame: plain comparisons, which NaN fails, and no loop over names.
    i, infinite = instance, math.inf
    if i.id < 1:
        _refuse(i, "id", f"must be 1 or more, got {i.id}")
    if max(len(i.label), len(i.text), *map(len, i.alternative_labels)) > LONGEST_TEXT:
        _refuse_text(i)
    for field, share in (("score", i.score), ("nearness", i.nearness)):
        if share is not None and not 0 <= share <= 1:
            _refuse(i, field, f"must be from 0 to 1, got {share}")
    for field, metres in (
        ("depth_mean_m", i.depth_mean_m),
        ("depth_std_m", i.depth_std_m),
        ("path_length_m", i.path_length_m),
    ):
        if metres is not None and not 0 <= metres < infinite:
            _refuse(i, field, f"must be a finite number of metres, not negative, got {metres}")
    for field, seconds in (("first_seen_s", i.first_seen_s), ("last_seen_s", i.last_seen_s)):
        if seconds is not None and not -infinite < seconds < infinite:
            _refuse(i, field, f"must be a finite number of seconds, got {seconds}")
    for field, vector in (("center_m", i.center_m), ("velocity", i.velocity)):
        if vector is not None and not -infinite < sum(vector) < infinite:
            _refuse(i, field, f"must be finite numbers, got {_shown(vector)}")
    if i.size_m is not None and not (min(i.size_m) >= 0 and sum(i.size_m) < infinite):
        _refuse(i, "size_m", f"sides must be finite and not negative, got {_shown(i.size_m)}")
    if (box := i.box_xyxy) is not None and not (box[0] <= box[2] and box[1] <= box[3] and abs(sum(box)) < infinite):
        _refuse(i, "box_xyxy", f"must be finite x0, y0, x1, y1 with x0 <= x1 and y0 <= y1, got {_shown(box)}")
    if (heights := i.elevation_m) is not None and not -infinite < heights[0] <= heights[1] < infinite:
        _refuse(i, "elevation_m", f"must be finite heights of the lowest and highest point, got {_shown(heights)}")
    if i.first_seen_s is not None and i.last_seen_s is not None and i.first_seen_s > i.last_seen_s:
        _refuse(i, "last_seen_s", f"{i.last_seen_s} lies before first_seen_s, {i.first_seen_s}")
    if i.pose is not None and i.pose not in POSES:
        _refuse(i, "pose", f"must be one of {', '.join(POSES)}, got {i.pose!r}")
    scores = i.alternative_scores
    if scores and (len(scores) != len(i.alternative_labels) or not all(0 <= s <= 1 for s in scores)):
        _refuse(i, "alternative_scores", f"must be from 0 to 1, one for each alternative label, got {_shown(scores)}")
    for color in i.colors:
        if not 0 <= color.share <= 1 or color.tone not in ("", *TONES):
            _refuse(i, "colors", f"must have a share from 0 to 1 and a tone of {', '.join(TONES)} or none, got {color}")
    for place in i.past:
        if not -infinite < place.stamp_s + sum(place.center_m) < infinite:
            _refuse(i, "past", f"must be finite stamps and places, got {place}")


def _refuse(instance: Instance, field: str, problem: str) -> NoReturn:
    raise TwinError(f"instance {instance.id} ({instance.label})", field, problem)


def _refuse_text(instance: Instance) -> NoReturn:
    """The longest one, in short."""
    texts = {"label": instance.label, "text": instance.text}
    texts |= {"alternative_labels": max(instance.alternative_labels, key=len, default="")}
    field = max(texts, key=lambda name: len(texts[name]))
    problem = f"has {len(texts[field])} characters, {LONGEST_TEXT} at most: {texts[field][:40]!r} ..."
    raise TwinError(f"instance {instance.id}", field, problem)


def check_relation(relation: Relation) -> None:
    """Raises TwinError for a predicate other than PREDICATES, a thing related to itself, a score outside 0..1."""

    def refuse(field: str, problem: str) -> NoReturn:
        raise TwinError(f"relation of {relation.subject} and {relation.object}", field, problem)

    if relation.predicate not in PREDICATES:
        refuse("predicate", f"must be one of {', '.join(PREDICATES)}, got {relation.predicate!r}")
    if relation.subject == relation.object:
        refuse("object", f"instance {relation.object} is related to itself")
    if not 0 <= relation.score <= 1:
        refuse("score", f"must be from 0 to 1, got {relation.score}")


def check_twin(twin: DigitalTwin) -> None:
    """Raises TwinError for an id that is used twice, a relation to an id that is not there, and the box of a visible
    instance that lies outside the picture altogether. A box may reach over the picture's edge.
    """
    ids: set[int] = set()
    width, height = twin.image_size
    for n, instance in enumerate(twin.instances):
        if instance.id in ids:
            raise TwinError(f"instances[{n}]", "id", f"{instance.id} is used twice; ids must be unique")
        ids.add(instance.id)
        box = instance.box_xyxy
        if box is None or not instance.visible or not (width and height):
            continue
        if box[2] < 0 or box[3] < 0 or box[0] > width or box[1] > height:
            problem = f"{_shown(box)} of instance {instance.id} lies outside the picture of {width} x {height} pixels"
            raise TwinError(f"instances[{n}]", "box_xyxy", problem)
    for n, relation in enumerate(twin.relations):
        for field in ("subject", "object"):
            id = getattr(relation, field)
            if id not in ids:
                raise TwinError(f"relations[{n}]", field, f"no instance has id {id}")


def _shown(values: Iterable[float]) -> str:
    return f"[{', '.join(f'{float(v):g}' for v in values)}]"
