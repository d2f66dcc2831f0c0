"""Where things are, for the executor: one view of a twin in plain floats, in 3-D where known, else in the picture.

With a supporting plane, "up" is its normal and "forward" is the viewing direction along it; without, up is -y and
forward is z. Without depth, places are in pixels and the picture's lower edge is the nearest; with depth that is
relative, forward follows it, still in pixels: it orders things and measures none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from ..errors import MissingDataError
from ..twin.types import DigitalTwin, Instance, Vector

NEAR_M = 0.15
SIDE_M = 0.01
HEIGHT_M = 0.02
BETWEEN_CORRIDOR = 0.45
SIGHT_GAP = 0.5  # of the reference's width

_NONE: set[int] = set()


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
        self._arrays: dict[tuple[int, ...], tuple[np.ndarray, np.ndarray]] = {}
        self._supports: dict[int, set[int]] = {}
        self._carried: dict[int, set[int]] = {}
        self._all_supports: dict[int, set[int]] = {}
        self._all_carried: dict[int, set[int]] = {}
        self._relations = {(r.subject, r.predicate, r.object) for r in twin.relations}
        for subject, _, object in self._relations:
            self._supports.setdefault(subject, set()).add(object)
            self._carried.setdefault(object, set()).add(subject)
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

    def gaps(self, ids: Sequence[int], refs: Sequence[int]) -> Float[np.ndarray, "ids refs"]:
        """`gap` of every member and reference."""
        points, extents = self._boxes(ids)
        ref_points, ref_extents = self._boxes(refs)
        with np.errstate(all="ignore"):
            apart = np.abs(points[:, None] - ref_points) - (extents[:, None] + ref_extents) / 2
            np.maximum(apart, 0.0, out=apart)
            return np.sqrt((apart * apart).sum(axis=-1))

    def _boxes(self, ids: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Points and extents, right, up and forward; kept, for plans ask of the same set again and again."""
        found = self._arrays.get(key := tuple(ids))
        if found is None:
            places = [self.place(k) for k in key]
            rows = np.array([(*p.point, *p.extent) for p in places]).reshape(-1, 6)
            found = self._arrays[key] = rows[:, :3], rows[:, 3:]
        return found

    def distances(self, ids: Sequence[int], refs: Sequence[int]) -> Float[np.ndarray, "ids refs"]:
        """`distance` of every member and reference; infinite from a thing to itself."""
        axes = 3 if self.metric else 2
        points, ref_points = self._boxes(ids)[0][:, :axes], self._boxes(refs)[0][:, :axes]
        with np.errstate(all="ignore"):
            away = points[:, None] - ref_points
            found = np.sqrt((away * away).sum(axis=-1))
        found[np.array(ids)[:, None] == np.array(refs)] = math.inf
        return found

    def bottom(self, id: int) -> float:
        """Height of the lowest point above the support, or where it is not known along the up axis."""
        p, i = self.place(id), self.by_id[id]
        return i.elevation_m[0] if self.metric and i.elevation_m else p.up - p.extent[1] / 2

    def between(self, ids: Sequence[int], pairs: Sequence[tuple[int, int]]) -> Bool[np.ndarray, "ids"]:
        """Which lie between the two of any pair that they are not of.

        They project inside the segment and lie within a corridor of 0.45 times its length.
        """
        if not ids or not pairs:
            return np.zeros(len(ids), bool)
        axes = 3 if self.metric else 2
        points = np.array([self.place(k).point[:axes] for k in ids])
        begin, end = (np.array([self.place(pair[side]).point[:axes] for pair in pairs]) for side in (0, 1))
        with np.errstate(all="ignore"):
            segment, away = end - begin, points[:, None] - begin
            length2 = (segment * segment).sum(axis=-1)
            t = (away * segment).sum(axis=-1) / length2
            off = away - t[..., None] * segment
            near = (off * off).sum(axis=-1) < BETWEEN_CORRIDOR**2 * length2
        others = (np.array(ids)[:, None, None] != np.array(pairs)).all(axis=-1)
        return ((t > 0.05) & (t < 0.95) & near & others).any(axis=1)

    def hiding(self, ids: Sequence[int], ref: int) -> Bool[np.ndarray, "ids"]:
        """Which are nearer, across the line of sight through the reference, and at a height at which it is."""
        points, extents = self._boxes(ids)
        q = self.place(ref)
        right, forward = self._sight(q)
        with np.errstate(all="ignore"):
            away, reach = points - q.point, (extents + q.extent) / 2
            across = np.abs(away[:, 0] * forward - away[:, 2] * right)
            nearer = away[:, 2] < -self.slack[0]
            return nearer & (across <= reach[:, 0]) & (np.abs(away[:, 1]) < reach[:, 1])

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
        return self._supports.get(id, _NONE)

    def carried(self, id: int) -> set[int]:
        """Ids that rest on or in the instance, directly."""
        return self._carried.get(id, _NONE)

    def all_supports(self, id: int) -> set[int]:
        """Ids that the instance rests on or in, directly or through others."""
        return self._closure(self._all_supports, self._supports, id)

    def all_carried(self, id: int) -> set[int]:
        """Ids that rest on or in the instance, directly or through others."""
        return self._closure(self._all_carried, self._carried, id)

    @staticmethod
    def _closure(known: dict[int, set[int]], links: dict[int, set[int]], id: int) -> set[int]:
        found = known.get(id)
        if found is None:
            found, todo = set(), list(links.get(id, ()))
            while todo:
                k = todo.pop()
                if k not in found:
                    found.add(k)
                    todo.extend(links.get(k, ()))
            known[id] = found
        return found

    def related(self, subject: int, predicate: str, object: int) -> bool:
        """Whether the stored relation holds."""
        return (subject, predicate, object) in self._relations

    def motion(self, velocity: Vector) -> tuple[float, float, float]:
        """A velocity along right, up and forward, metres a second."""
        u, f, v = self._up, self._forward, velocity
        up = v[0] * u[0] + v[1] * u[1] + v[2] * u[2]
        return v[0], up, v[0] * f[0] + v[1] * f[1] + v[2] * f[2]
