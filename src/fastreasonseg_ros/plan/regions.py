"""Operators about regions: parts of the view, of the table and of what things rest on; rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from .keys import extents, key_value
from .language import Step
from .run import Ids, Run
from .space import View

EDGE = 0.15  # of the surface's width and depth
_LEFT_OR_NEAR, _RIGHT_OR_FAR = 1 / 3, 2 / 3
_ROW_GAP = 0.5  # of the members' usual extent along the key
_AXES = {"x": 0, "y": 1, "z": 2, "depth": 2}

Span = tuple[float, float, float, float]  # least right, least forward, greatest right, greatest forward


def _corner(u: float, v: float) -> bool:
    return not (_LEFT_OR_NEAR <= u <= _RIGHT_OR_FAR or _LEFT_OR_NEAR <= v <= _RIGHT_OR_FAR)


# Tests of a place on a surface: u from 0 at its left to 1 at its right side, v from 0 at its near to 1 at its far side.
_TESTS: Mapping[str, Callable[[float, float], bool]] = {
    "left": lambda u, v: u < 0.5,
    "right": lambda u, v: u > 0.5,
    "front": lambda u, v: v < 0.5,
    "back": lambda u, v: v > 0.5,
    "middle": lambda u, v: _LEFT_OR_NEAR <= u <= _RIGHT_OR_FAR and _LEFT_OR_NEAR <= v <= _RIGHT_OR_FAR,
    "edge": lambda u, v: min(u, 1 - u, v, 1 - v) < EDGE,
    "corner": _corner,
    "front_left": lambda u, v: _corner(u, v) and u < 0.5 and v < 0.5,
    "front_right": lambda u, v: _corner(u, v) and u > 0.5 and v < 0.5,
    "back_left": lambda u, v: _corner(u, v) and u < 0.5 and v > 0.5,
    "back_right": lambda u, v: _corner(u, v) and u > 0.5 and v > 0.5,
}


def part(run: Run, step: Step) -> Ids:
    """Members whose centre is in that region of a reference that they rest on or in, at any depth.

    table: of the area that things in view take up on the ground; camera: of the picture, lower is nearer.
    """
    x, ref, region = step.args
    view, test = run.view, _TESTS[region]
    if ref == "camera":
        return tuple(k for k in run.values[x] if _fits(test, *_in_picture(view, k)))
    members = run.placed(run.values[x])
    if ref == "table":
        span = _united(_span(view, k) for k in run.values["all"] if view.is_placed(k))
        return tuple(k for k in members if span and _fits(test, _point(view, k), span))
    spans = {r: _span(view, r) for r in run.values[ref] if view.is_placed(r)}
    return tuple(
        k
        for k in members
        if any(r in spans and r != k and _fits(test, _point(view, k), spans[r]) for r in view.all_supports(k))
    )


def _in_picture(view: View, id: int) -> tuple[tuple[float, float] | None, Span]:
    """The middle of its box, v upwards, and the picture."""
    width, height = view.twin.image_size
    box = view.by_id[id].box_xyxy
    middle = None if box is None else ((box[0] + box[2]) / 2, height - (box[1] + box[3]) / 2)
    return middle, (0.0, 0.0, float(width), float(height))


def _point(view: View, id: int) -> tuple[float, float]:
    p = view.place(id)
    return p.right, p.forward


def _span(view: View, id: int) -> Span:
    """Seen from above; without depth from the front, where things lie on a surface in the picture."""
    p = view.place(id)
    wide, deep = p.extent[0] / 2, (p.extent[2] if view.metric else p.extent[1]) / 2
    return p.right - wide, p.forward - deep, p.right + wide, p.forward + deep


def _united(spans: Iterable[Span]) -> Span | None:
    columns = list(zip(*spans, strict=True))
    return (min(columns[0]), min(columns[1]), max(columns[2]), max(columns[3])) if columns else None


def _fits(test: Callable[[float, float], bool], point: tuple[float, float] | None, span: Span) -> bool:
    """Whether the test holds; never where the point or the extent of the span is not known."""
    left, near, right, far = span
    if point is None or not (right > left and far > near):
        return False
    return test((point[0] - left) / (right - left), (point[1] - near) / (far - near))


def row(run: Run, step: Step) -> Ids:
    """The members of the k-th row by rising value of a key (falling with a minus), in order along it.

    A row ends where the next value is farther away than half of the members' median extent along that axis; values of
    other keys than x, y, z and depth are one row where they are equal.
    """
    x, count, key = step.args
    sign, key = (-1.0 if key.startswith("-") else 1.0), key.removeprefix("-")
    members = run.values[x]
    valued = sorted((sign * v, k) for k in members if (v := key_value(run.view, k, key)) is not None)
    if len(valued) < len(members):
        run.note = f"{len(members) - len(valued)} without {key} left out"
    gap = _row_gap(run, [k for _, k in valued], key)
    rows: list[list[int]] = []
    last = None
    for value, k in valued:
        if last is None or value - last > gap:
            rows.append([])
        rows[-1].append(k)
        last = value
    return tuple(rows[int(count) - 1]) if len(rows) >= int(count) else ()


def _row_gap(run: Run, ids: list[int], key: str) -> float:
    axis = _AXES.get(key)
    if axis is None or not ids:
        return 0.0
    sides = sorted(e[axis] for k in ids if (e := extents(run.view, run.view.by_id[k])) is not None)
    usual = sides[len(sides) // 2] if sides else 0.0
    return max(_ROW_GAP * usual, run.view.slack[1])
