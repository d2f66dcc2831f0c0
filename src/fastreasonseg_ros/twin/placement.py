"""Where a thing would stand if a command were carried out, for a planner."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .resting import earlier_place
from .types import Command, DigitalTwin, Instance, Vector

GAP_M = 0.03  # between a thing and what it is put beside
_SIDES = {"left_of": (-1, 0), "right_of": (1, 0), "in_front_of": (0, -1), "behind": (0, 1)}  # along right, forward


def place_of(command: Command, twin: DigitalTwin) -> Vector | None:
    """The centre of the first thing of a command after it was put in its place: metres, in the twin's frame.

    on: upright on the destination's upper side. inside: the destination's centre. left_of, right_of, in_front_of,
    behind: beside it, GAP_M away, at its foot. under: at its foot. near: beside it on the first side where nothing
    stands; of several destinations, in the middle between them. For `before`, where it rested before. None for `camera`
    and `table`, and where the place or size of a destination is not known.
    """
    by_id = {i.id: i for i in twin.instances}
    known = [by_id[k] for k in command.destination_ids if k in by_id and by_id[k].center_m is not None]
    known = [i for i in known if i.size_m is not None]
    moved = next((by_id[k] for k in command.ids if k in by_id), None)
    if command.reference == "before":
        place = earlier_place(moved) if moved else None
        return place and place.center_m
    if not known:
        return None
    up, right, forward = _axes(twin)
    height_m, width_m, depth_m = _extents(moved) if moved else (0.0, 0.0, 0.0)
    if len(known) > 1 and command.relation == "near":
        middle = np.mean([i.center_m for i in known if i.center_m is not None], axis=0)
        foot = min(_extents(i)[0] for i in known) / 2
        return _vector(middle + up * (height_m / 2 - foot))
    at = known[0]
    center, (at_height_m, at_width_m, at_depth_m) = np.array(at.center_m), _extents(at)
    if command.relation == "inside":
        return _vector(center)
    if command.relation == "on":
        return _vector(center + up * (at_height_m + height_m) / 2)
    foot = center + up * (height_m - at_height_m) / 2
    if command.relation == "under":
        return _vector(foot)
    aside = right * ((at_width_m + width_m) / 2 + GAP_M)
    along = forward * ((at_depth_m + depth_m) / 2 + GAP_M)
    if command.relation in _SIDES:
        across, away = _SIDES[command.relation]
        return _vector(foot + across * aside + away * along)
    spots = [foot + across * aside + away * along for across, away in _SIDES.values()]
    below = {r.object for r in twin.relations if r.subject == at.id}
    others = [i for i in twin.instances if i.visible and i is not at and i is not moved and i.id not in below]
    return _vector(next((s for s in spots if not _is_taken(s, others, max(width_m, depth_m) / 2)), spots[0]))


def _axes(twin: DigitalTwin) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit vectors up, right and forward along the supporting plane; without one, along the image axes."""
    up = np.array(twin.plane.normal if twin.plane is not None else (0.0, -1.0, 0.0))
    forward = np.array((0.0, 0.0, 1.0)) - up * up[2]
    if (length := float(np.linalg.norm(forward))) <= 0.2:  # the camera looks down: the picture's upper edge is far
        forward = np.array((0.0, -1.0, 0.0)) - up * -up[1]
        length = float(np.linalg.norm(forward))
    forward /= length
    return up, np.cross(forward, up), forward


def _extents(instance: Instance) -> tuple[float, float, float]:
    """Height above the plane, width and depth, metres; 0 where unknown."""
    width_m, height_m, depth_m = instance.size_m or (0.0, 0.0, 0.0)
    if instance.elevation_m is not None:
        height_m = instance.elevation_m[1] - instance.elevation_m[0]
    return height_m, width_m, depth_m


def _is_taken(spot: np.ndarray, others: Sequence[Instance], margin_m: float) -> bool:
    """Whether another instance, widened by the margin, covers the spot as seen from above."""
    for other in others:
        if other.center_m is not None and other.size_m is not None:
            away = np.abs(spot - np.array(other.center_m)) - np.array(other.size_m) / 2
            if away[0] < margin_m and away[2] < margin_m:
                return True
    return False


def _vector(point: np.ndarray) -> Vector:
    x, y, z = (float(v) for v in point)
    return x, y, z
