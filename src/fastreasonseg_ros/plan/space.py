"""Where things are, for the executor: one view of a twin in plain floats, in 3-D where known, else in the picture.

With a supporting plane, "up" is its normal and "forward" is the viewing direction along it; without, up is -y and
forward is z. Without depth, places are in pixels and the picture's lower edge is the nearest; with depth that is
relative, forward follows it, still in pixels: it orders things and measures none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import MissingDataError
from ..twin.types import DigitalTwin, Instance

NEAR_M = 0.15
SIDE_M = 0.01
HEIGHT_M = 0.02
BETWEEN_CORRIDOR = 0.45
SIGHT_GAP = 0.5  # of the reference's width


@dataclass(frozen=True)
class Place:
    """right, up, forward in `unit`s ('m' or 'px'); extent along the same axes."""

    right: float
    up: float
    forward: float
    extent: tuple[float, float, float]

    @property
    def point(self) -> tuple[float, float, float]:
        return self.right, self.up, self.forward


class View:
    """Places of one twin's instances, computed when first asked for."""

    def __init__(self, twin: DigitalTwin) -> None:
        self.twin = twin
        self.by_id = {i.id: i for i in twin.instances}
        self.metric = any(i.center_m is not None for i in twin.instances)
        known = [i.nearness is not None for i in twin.instances if i.visible]
        self.relative = not self.metric and any(known) and all(known)
        self.sized = self.metric or any(i.size_m is not None for i in twin.instances)
        self._looks_down = False
        self._places: dict[int, Place] = {}
        self._supports: dict[int, set[int]] = {}
        for relation in twin.relations:
            if relation.predicate in ("on", "inside"):
                self._supports.setdefault(relation.subject, set()).add(relation.object)
        if twin.plane is not None:
            up = twin.plane.normal
            forward = (-up[0] * up[2], -up[1] * up[2], 1.0 - up[2] * up[2])  # z with its part along up taken away
            norm = math.sqrt(sum(c * c for c in forward))
            self._looks_down = norm <= 0.2  # then the picture's upper edge is far
            self._up, self._forward = up, (0.0, -1.0, 0.0) if self._looks_down else tuple(c / norm for c in forward)
        else:
            self._up, self._forward = (0.0, -1.0, 0.0), (0.0, 0.0, 1.0)

    def is_placed(self, id: int) -> bool:
        """Whether `place` knows it: among things in metres, one without a depth pixel is nowhere."""
        i = self.by_id[id]
        return (i.center_m if self.metric else i.box_xyxy) is not None

    def place(self, id: int) -> Place:
        """Where the instance is. Raises MissingDataError when neither a centre nor a box is known."""
        place = self._places.get(id)
        if place is None:
            place = self._places[id] = self._compute(self.by_id[id])
        return place

    def _compute(self, i: Instance) -> Place:
        if i.center_m is not None and self.metric:
            c = i.center_m
            width, height, depth = i.size_m or (0.0, 0.0, 0.0)
            up = c[0] * self._up[0] + c[1] * self._up[1] + c[2] * self._up[2]
            if i.elevation_m is not None:
                height = i.elevation_m[1] - i.elevation_m[0]
            forward = c[0] * self._forward[0] + c[1] * self._forward[1] + c[2] * self._forward[2]
            return Place(c[0], up, forward, (width, height, depth))
        if i.box_xyxy is None or self.metric:
            raise MissingDataError(f"instance {i.id} ({i.label}) has no known place")
        x0, y0, x1, y1 = i.box_xyxy
        forward = (
            (1.0 - i.nearness) * math.hypot(*self.twin.image_size) if self.relative and i.nearness is not None else -y1
        )
        return Place((x0 + x1) / 2, -(y0 + y1) / 2, forward, (x1 - x0, y1 - y0, 0.0))

    @property
    def without_metres(self) -> str:
        """Why places are in pixels; empty where they are in metres."""
        if self.metric:
            return ""
        return "depth is relative, without metres" if self.relative else "no depth is known"

    @property
    def slack(self) -> tuple[float, float, float]:
        """Least difference that counts for side, height, and nearness."""
        if self.metric:
            return SIDE_M, HEIGHT_M, NEAR_M
        diagonal = math.hypot(*self.twin.image_size)
        return 0.005 * diagonal, 0.01 * diagonal, 0.06 * diagonal

    def key_slack(self, key: str) -> float:
        """Least difference of two values of a key that counts: of places as in `slack`, of all else none."""
        side, height, _ = self.slack
        return {"x": side, "y": height, "z": side, "depth": side}.get(key, 0.0)

    def distance(self, a: int, b: int) -> float:
        """Centre to centre; in the picture only right and up count."""
        p, q = self.place(a), self.place(b)
        return math.dist(p.point, q.point) if self.metric else math.dist(p.point[:2], q.point[:2])

    def camera_distance(self, id: int) -> float:
        """Metres from the camera; without them `Place.forward`, which only orders."""
        i = self.by_id[id]
        return math.hypot(*i.center_m) if self.metric and i.center_m is not None else self.place(id).forward

    def gap(self, a: int, b: int) -> float:
        """Least distance between the two axis-aligned boxes."""
        p, q = self.place(a), self.place(b)
        return math.hypot(
            *(
                max(0.0, abs(u - v) - (d + e) / 2)
                for u, v, d, e in zip(p.point, q.point, p.extent, q.extent, strict=True)
            )
        )

    def between(self, id: int, a: int, b: int) -> bool:
        """Projects inside the segment a-b and lies within a corridor of 0.45 times its length."""
        axes = slice(0, 3) if self.metric else slice(0, 2)
        p, u, v = (self.place(k).point[axes] for k in (id, a, b))
        segment = [e - s for s, e in zip(u, v, strict=True)]
        length2 = sum(c * c for c in segment)
        if length2 == 0:
            return False
        t = sum((x - s) * c for x, s, c in zip(p, u, segment, strict=True)) / length2
        off = math.dist(p, [s + t * c for s, c in zip(u, segment, strict=True)])
        return 0.05 < t < 0.95 and off < BETWEEN_CORRIDOR * math.sqrt(length2)

    def in_line_of_sight(self, id: int, ref: int) -> bool:
        """Whether the gap between the two across the line of sight through the reference is small.

        The line goes from the camera through the reference's centre, along the ground; in the picture it is a column.
        Each of the two reaches half its width to either side; the gap may be up to half the reference's width.
        """
        p, q = self.place(id), self.place(ref)
        right, forward = self._sight(q)
        across = abs((p.right - q.right) * forward - (p.forward - q.forward) * right)
        return across <= (p.extent[0] + q.extent[0]) / 2 + SIGHT_GAP * q.extent[0]

    def _sight(self, ref: Place) -> tuple[float, float]:
        """Unit vector (right, forward) from the camera to the reference, along the ground."""
        if not self.metric or self._looks_down:
            return 0.0, 1.0
        norm = math.hypot(ref.right, ref.forward)
        return (ref.right / norm, ref.forward / norm) if norm > 0 else (0.0, 1.0)

    def supports(self, id: int) -> set[int]:
        """Ids that the instance rests on or in, directly."""
        return self._supports.get(id, set())

    def all_supports(self, id: int) -> set[int]:
        """The same through any number of others."""
        found: set[int] = set()
        todo = list(self.supports(id))
        while todo:
            k = todo.pop()
            if k not in found:
                found.add(k)
                todo.extend(self.supports(k))
        return found

    def related(self, subject: int, predicate: str, object: int) -> bool:
        """Whether the stored relation holds."""
        return any(
            r.subject == subject and r.object == object and r.predicate == predicate for r in self.twin.relations
        )

    def key(self, id: int, key: str) -> float | None:
        """Value of a key of operators.KEYS, or None where the twin does not know it."""
        i = self.by_id[id]
        if key in ("x", "y", "z", "depth") and not self.is_placed(id):
            return None
        if key in ("x", "y", "z"):
            p = self.place(id)
            return {"x": p.right, "y": p.up, "z": p.forward}[key]
        if key == "depth":
            return self.camera_distance(id)
        if key == "speed":
            return None if i.velocity is None else math.hypot(*i.velocity)
        simple = {"path": i.path_length_m, "first_seen": i.first_seen_s, "last_seen": i.last_seen_s, "score": i.score}
        if key in simple:
            return simple[key]
        if (extents := self.extents(i)) is None:
            return None
        w, h, d = extents
        return {"width": w, "height": h, "length": max(w, h, d), "volume": w * h * d if self.sized else w * h}[key]

    def extents(self, i: Instance) -> tuple[float, float, float] | None:
        """Width, height (upwards) and depth in metres; in a twin without metres width and height in pixels, depth 0.

        None where this one's are not known.
        """
        if i.size_m is not None:
            height = i.elevation_m[1] - i.elevation_m[0] if i.elevation_m else i.size_m[1]
            return i.size_m[0], height, i.size_m[2]
        if self.sized or i.box_xyxy is None:
            return None
        x0, y0, x1, y1 = i.box_xyxy
        return x1 - x0, y1 - y0, 0.0

    def is_upright(self, i: Instance) -> bool | None:
        """Taller than it is wide and deep; None when it has no longest side to speak of."""
        if (extents := self.extents(i)) is None:
            return None
        w, h, d = extents
        across = max(w, d)
        if h > 1.15 * across:
            return True
        return False if h < 0.87 * across else None
