"""The digital twin as JSON, version 1: metres, seconds, pixels; unknown values are absent (null is read as absent).

    {"version": 1, "stamp": 12.3, "begun": 0.0,                              of the first frame, optional
     "frame_id": "camera_color_optical_frame", "image_size": [640, 480],
     "plane": [0.0, -1.0, 0.0, -0.4],                                        n . p = offset, optional
     "instances": [{"id": 3, "label": "mug", "score": 0.83, "color": "red", "shape": "cylinder",
                    "alternative_labels": ["cup"],                                         other words for it, optional
                    "alternative_scores": [0.2],                                           their probabilities, optional
                    "box": [310, 205, 362, 270], "depth": {"mean": 0.82, "std": 0.01}, "center": [0.03, 0.02, 0.82],
                    "size": [0.08, 0.10, 0.08], "elevation": [0.0, 0.1],     above the plane, optional
                    "colors": [{"color": "red", "share": 0.8, "tone": "dark"}],   largest share first, optional
                    "pose": "upright",                                       where known, optional
                    "past": [{"stamp": 0.0, "center": [0.3, 0.02, 0.82], "on": 1, "pose": "upright"}],
                                                                             where it rested, oldest first, optional
                    "velocity": [0, 0, 0], "path_length": 0.0, "first_seen": 0.0, "last_seen": 12.3, "visible": true}],
     "relations": [{"subject": 3, "predicate": "on", "object": 1, "score": 0.9}]}

Masks stay beside the JSON, as one id image. Keys that this version does not know are left alone when reading.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ..errors import DatasetError, TwinError
from .resting import RestingPlace
from .types import ColorShare, DigitalTwin, Instance, Plane, Relation

VERSION = 1


def twin_to_json(twin: DigitalTwin) -> str:
    """One line of JSON."""
    return json.dumps(twin_to_dict(twin), ensure_ascii=False, allow_nan=False)


def twin_from_json(text: str, source: str = "twin") -> DigitalTwin:
    """The twin in a JSON text. Raises DatasetError naming `source` and the field."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise DatasetError(f"{source}: is not JSON: {error.msg} at character {error.pos}") from error
    return twin_from_dict(data, source)


def twin_to_dict(twin: DigitalTwin) -> dict[str, Any]:
    """Plain values for json.dumps; what is unknown is left out, and so is the id image."""
    data: dict[str, Any] = {
        "version": VERSION,
        "stamp": float(twin.stamp_s),
        "frame_id": twin.frame_id,
        "image_size": [int(v) for v in twin.image_size],
    }
    if twin.begun_s is not None:
        data["begun"] = float(twin.begun_s)
    if twin.sequence:
        data["sequence"] = int(twin.sequence)
    if twin.plane is not None:
        data["plane"] = [*(float(v) for v in twin.plane.normal), float(twin.plane.offset_m)]
    data["instances"] = [_instance_to_dict(i) for i in twin.instances]
    data["relations"] = [
        {"subject": int(r.subject), "predicate": r.predicate, "object": int(r.object), "score": float(r.score)}
        for r in twin.relations
    ]
    return data


def _instance_to_dict(instance: Instance) -> dict[str, Any]:
    def floats(values: Any) -> list[float] | None:
        return None if values is None else [float(v) for v in values]

    def number(value: Any) -> float | None:
        return None if value is None else float(value)

    depth = {
        "mean": number(instance.depth_mean_m),
        "std": number(instance.depth_std_m),
        "relative": number(instance.nearness),
    }
    data = {
        "id": int(instance.id),
        "label": instance.label,
        "alternative_labels": list(instance.alternative_labels) or None,
        "alternative_scores": floats(instance.alternative_scores or None),
        "score": float(instance.score),
        "color": instance.color,
        "shape": instance.shape,
        "colors": [_color_to_dict(c) for c in instance.colors] or None,
        "pose": instance.pose,
        "text": instance.text or None,
        "past": [_resting_to_dict(p) for p in instance.past] or None,
        "box": floats(instance.box_xyxy),
        "depth": {k: v for k, v in depth.items() if v is not None} or None,
        "center": floats(instance.center_m),
        "size": floats(instance.size_m),
        "elevation": floats(instance.elevation_m),
        "velocity": floats(instance.velocity),
        "path_length": number(instance.path_length_m),
        "first_seen": number(instance.first_seen_s),
        "last_seen": number(instance.last_seen_s),
        "visible": bool(instance.visible),
    }
    return {k: v for k, v in data.items() if v is not None}


def _color_to_dict(color: ColorShare) -> dict[str, Any]:
    return {"color": color.term, "share": float(color.share)} | ({"tone": color.tone} if color.tone else {})


def _resting_to_dict(place: RestingPlace) -> dict[str, Any]:
    data = {"stamp": float(place.stamp_s), "center": [float(v) for v in place.center_m], "on": place.on}
    return {k: v for k, v in (data | {"pose": place.pose}).items() if v is not None}


def twin_from_dict(data: Any, source: str = "twin") -> DigitalTwin:
    """The twin in parsed JSON; ids is None. version, frame_id, plane and relations may be absent.

    Raises DatasetError naming `source` and the field, for example "scenes.jsonl:3: twin.instances[2].box: ...", for
    values of a wrong type and for those that cannot be (validation.py).
    """
    twin = _Fields(data, source, "")
    version = twin.whole("version")
    if version not in (None, VERSION):
        raise twin.error("version", f"is {version}, this software reads version {VERSION}; update it")
    plane = twin.numbers("plane", 4)
    size = twin.numbers("image_size", 2) or DigitalTwin().image_size
    if not all(v >= 1 and v == int(v) for v in size):
        raise twin.error("image_size", f"must be [width, height] in whole pixels, got {list(size)}")
    instances = tuple(_instance(_Fields(i, source, f"instances[{n}]")) for n, i in enumerate(twin.items("instances")))
    relations = tuple(
        _relation(_Fields(r, source, f"relations[{n}]")) for n, r in enumerate(twin.items("relations", optional=True))
    )
    with _named_as_in(source):
        return DigitalTwin(
            instances=instances,
            relations=relations,
            stamp_s=twin.number("stamp", 0.0),
            frame_id=twin.text("frame_id") or DigitalTwin().frame_id,
            image_size=(int(size[0]), int(size[1])),
            plane=None if plane is None else Plane((plane[0], plane[1], plane[2]), plane[3]),
            sequence=twin.whole("sequence") or 0,
            begun_s=twin.number("begun"),
        )


def _instance(fields: _Fields) -> Instance:
    depth = fields.data.get("depth")
    depth = _Fields({} if depth is None else depth, fields.source, f"{fields.path}.depth")
    visible = fields.data.get("visible")
    if visible is not None and not isinstance(visible, bool):
        raise fields.error("visible", f"must be true or false, got {visible!r}")
    with _named_as_in(fields.source, fields.path):
        return Instance(
            id=fields.whole("id", required=True),
            label=fields.text("label", required=True),
            alternative_labels=fields.words("alternative_labels") or fields.words("also"),  # "also" until 0.1
            alternative_scores=fields.numbers("alternative_scores", len(fields.words("alternative_labels"))) or (),
            score=fields.number("score", 1.0),
            color=fields.text("color"),
            shape=fields.text("shape"),
            box_xyxy=fields.numbers("box", 4),
            depth_mean_m=depth.number("mean"),
            depth_std_m=depth.number("std"),
            center_m=fields.numbers("center", 3),
            size_m=fields.numbers("size", 3),
            elevation_m=fields.numbers("elevation", 2),
            nearness=depth.number("relative"),
            velocity=fields.numbers("velocity", 3),
            path_length_m=fields.number("path_length"),
            first_seen_s=fields.number("first_seen"),
            last_seen_s=fields.number("last_seen"),
            colors=tuple(_color(f) for f in fields.each("colors")),
            pose=fields.text("pose"),
            past=tuple(_resting(f) for f in fields.each("past")),
            text=fields.text("text") or "",
            visible=visible is not False,
        )


def _color(fields: _Fields) -> ColorShare:
    term, tone = fields.text("color", required=True), fields.text("tone") or ""
    return ColorShare(term, fields.number("share", 0.0), tone)


def _resting(fields: _Fields) -> RestingPlace:
    center = fields.numbers("center", 3)
    if center is None:
        raise fields.error("center", "expected 3 finite numbers, got nothing")
    return RestingPlace(fields.number("stamp", 0.0), center, fields.whole("on"), fields.text("pose"))


def _relation(fields: _Fields) -> Relation:
    with _named_as_in(fields.source, fields.path):
        return Relation(
            subject=fields.whole("subject", required=True),
            predicate=fields.text("predicate", required=True),
            object=fields.whole("object", required=True),
            score=fields.number("score", 1.0),
        )


# Fields of twin/types.py that have another name in JSON.
_KEYS = {
    "box_xyxy": "box", "depth_mean_m": "depth.mean", "depth_std_m": "depth.std", "nearness": "depth.relative",
    "center_m": "center", "size_m": "size", "elevation_m": "elevation", "path_length_m": "path_length",
    "first_seen_s": "first_seen", "last_seen_s": "last_seen",
}  # fmt: skip


@contextmanager
def _named_as_in(source: str, path: str = "") -> Iterator[None]:
    """Turns a TwinError into a DatasetError that names the place in the JSON text."""
    try:
        yield
    except TwinError as error:
        key = _KEYS.get(error.field, error.field)
        raise DatasetError(f"{source}: {path or error.where}.{key}: {error.problem}") from error


class _Fields:
    """Typed access to a JSON object whose errors say where the value stands; null and absent are the same."""

    def __init__(self, data: Any, source: str, path: str) -> None:
        self.source, self.path = source, path
        if not isinstance(data, Mapping):
            raise DatasetError(f"{source}: {path or 'twin'}: expected a JSON object, got {_shown(data)}")
        self.data = data

    def error(self, key: str, problem: str) -> DatasetError:
        return DatasetError(f"{self.source}: {f'{self.path}.' if self.path else ''}{key}: {problem}")

    def number(self, key: str, default: Any = None) -> Any:
        value = self.data.get(key)
        if value is None:
            return default
        if not _finite(value):
            raise self.error(key, f"expected a finite number, got {_shown(value)}")
        return float(value)

    def numbers(self, key: str, count: int) -> Any:
        value = self.data.get(key)
        if value is None:
            return None
        if not isinstance(value, list | tuple) or len(value) != count or not all(map(_finite, value)):
            raise self.error(key, f"expected {count} finite numbers, got {_shown(value)}")
        return tuple(float(v) for v in value)

    def whole(self, key: str, required: bool = False) -> Any:
        value = self.data.get(key)
        if value is None and not required:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.error(key, f"expected a whole number, got {_shown(value)}")
        return value

    def text(self, key: str, required: bool = False) -> Any:
        value = self.data.get(key)
        if value is None and not required:
            return None
        if not isinstance(value, str) or (required and not value):
            raise self.error(key, f"expected text, got {_shown(value)}")
        return value

    def words(self, key: str) -> tuple[str, ...]:
        value = self.data.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(word, str) and word for word in value):
            raise self.error(key, f"expected a list of words, got {_shown(value)}")
        return tuple(value)

    def each(self, key: str) -> list[_Fields]:
        """The objects of an optional list."""
        path = f"{self.path}.{key}" if self.path else key
        return [_Fields(v, self.source, f"{path}[{n}]") for n, v in enumerate(self.items(key, optional=True))]

    def items(self, key: str, optional: bool = False) -> Any:
        value = self.data.get(key)
        if value is None and optional:
            return []
        if not isinstance(value, list):
            raise self.error(key, f"expected a list, got {_shown(value)}")
        return value


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
