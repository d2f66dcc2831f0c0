"""Values by which instances are ordered and compared: the keys of operators.KEYS, and how a thing stands."""

from __future__ import annotations

import math

from ..twin.resting import ELSEWHERE_M, poses_of
from ..twin.types import Instance
from .operators import KEYS
from .space import View


def key_value(view: View, id: int, key: str) -> float | None:
    """Value of a key of operators.KEYS in its unit, or None where the twin does not know it."""
    i = view.by_id[id]
    if key in ("x", "y", "z", "depth"):
        if not view.is_placed(id):
            return None
        if key == "depth":
            return view.camera_distance(id)
        p = view.place(id)
        return {"x": p.right, "y": p.up, "z": p.forward}[key]
    if key == "speed":
        return None if i.velocity is None else math.hypot(*i.velocity)
    if key in ("first_seen", "last_seen", "age", "absence"):
        seen_s = i.first_seen_s if key in ("first_seen", "age") else i.last_seen_s
        return seen_s if seen_s is None or key.endswith("seen") else view.twin.stamp_s - seen_s
    if key in ("path", "score"):
        return i.path_length_m if key == "path" else i.score
    if key == "load":
        return float(len(view.all_carried(id) - {id}))
    if key == "rest":
        return _rest_s(view, i)
    if key == "pile_height":
        return _pile_height(view, id)
    return _size_value(view, i, key)


def is_measured(view: View, key: str) -> bool:
    """Whether values of the key are in its unit; places and sizes in the picture are not."""
    unit = KEYS[key].unit
    return view.metric or unit in ("", "s") or (view.sized and key in ("width", "height", "length", "thickness"))


def key_slack(view: View, key: str) -> float:
    """Least difference of two values of a key that counts: of places as in `View.slack`, of all else none."""
    side, height, _ = view.slack
    return {"x": side, "y": height, "z": side, "depth": side}.get(key, 0.0)


def extents(view: View, i: Instance) -> tuple[float, float, float] | None:
    """Width, height (upwards) and depth in metres; in a twin without metres width and height in pixels, depth 0.

    None where this one's are not known.
    """
    if i.size_m is not None:
        height = i.elevation_m[1] - i.elevation_m[0] if i.elevation_m else i.size_m[1]
        return i.size_m[0], height, i.size_m[2]
    if view.sized or i.box_xyxy is None:
        return None
    x0, y0, x1, y1 = i.box_xyxy
    return x1 - x0, y1 - y0, 0.0


def poses(view: View, i: Instance) -> tuple[str, ...]:
    """How it stands, of types.POSES; as `resting.poses`, in a twin without metres from its box in the picture."""
    if i.pose is not None:
        return (i.pose,)
    sides = extents(view, i)
    return () if sides is None else poses_of(*sides, i.shape)


def _size_value(view: View, i: Instance, key: str) -> float | None:
    sides = extents(view, i)
    if sides is None:
        return None
    width, height, depth = sides
    if key == "width":
        return width
    if key == "height":
        return height
    if key == "length":
        return max(sides)
    if key == "volume":
        return width * height * depth if view.sized else width * height
    known = sides if view.sized else (width, height)
    if key == "thickness":
        return min(known)
    if key == "aspect":
        *_, second, longest = sorted(known)
        return longest / second if second > 0 else None
    return width * depth if view.sized else None  # footprint


def _rest_s(view: View, i: Instance) -> float | None:
    """Seconds since it came to rest; None while it moves, and where no resting place is known."""
    if not i.past or i.center_m is None or (i.velocity is not None and any(i.velocity)):
        return None
    last = i.past[-1]
    return None if math.dist(last.center_m, i.center_m) > ELSEWHERE_M else view.twin.stamp_s - last.stamp_s


def _pile_height(view: View, id: int) -> float | None:
    """From its own bottom to the highest top of it and of what it carries."""
    members = [k for k in (id, *view.all_carried(id)) if view.is_placed(k)]
    if id not in members:
        return None
    tops = [view.place(k).up + view.place(k).extent[1] / 2 for k in members]
    own = view.place(id)
    return max(tops) - (own.up - own.extent[1] / 2)
